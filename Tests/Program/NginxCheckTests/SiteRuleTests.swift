// SPDX-License-Identifier: Apache-2.0
//
// Where the queue and rules of the site do not fit each other: access rules that are asked in another order, and
// redirects of a backend that show the upstream's name.

import NginxCheck
import NginxFiles
import Testing

@Suite struct SiteRuleTests {
    typealias Planted = OpeningTests.Planted

    private static let password = "auth_basic site;\nauth_basic_user_file /etc/nginx/htpasswd;\n"
    private static let guarded = "SERVER;\nGUARD;\n"

    static let looser: [Planted] = [
        Planted("no password here", "\(password)\(guarded)location /open/ {\nauth_basic off; #?\n}"),
        Planted("more addresses", "deny 10.0.0.0/8;\n\(guarded)location / {\nlocation ~ x {\nallow all; #?\n}\n}"),
        Planted("either", "\(password)\(guarded)location / {\nsatisfy any; #?\nallow 10.0.0.0/8;\ndeny all;\n}"),
        Planted("a list of its own", "deny all;\n\(guarded)location / {\ndeny 10.0.0.0/8; #?\n}"),
        Planted(
            "a sign-in beside addresses",
            "satisfy any; #?\ndeny all;\nauth_request /login;\n\(guarded)location / { }"
        ),
    ]

    static let clean: [Planted] = [
        Planted("the server alone", "deny 10.0.0.0/8;\n\(password)\(guarded)location / { }"),
        Planted("stricter here", "deny 10.0.0.0/8;\n\(guarded)location / {\n\(password)}"),
        Planted("nothing above", "\(guarded)location / {\nsatisfy any;\nallow 10.0.0.0/8;\ndeny all;\n\(password)}"),
        Planted(
            "not protected",
            "\(password)\(guarded)location /open/ {\nauth_basic off;\n}\n"
                + "location ^~ /.well-known/acme-challenge/ {\nallow all;\n}",
            paths: ["/shop/"]
        ),
    ]

    @Test(arguments: looser)
    func `a location that lets in more than its server is named`(_ planted: Planted) throws {
        let site = try planted.site()
        #expect(site.found(.warning) == site.warnedLines && !site.warnedLines.isEmpty, "\(site.findings)")
        #expect(site.found(.open) == [])
        let places = SitePlace.find(site.configuration, hosts: [])
        #expect(places.map(\.letsInMore) == [true], "install writes gate_access: none")
        let open = try planted.site(obeysServerAccess: false)
        #expect(open.found(.warning) == [], "\(open.findings)")
    }

    @Test(arguments: clean)
    func `rules that fit the gate are no matter`(_ planted: Planted) throws {
        let site = try planted.site()
        #expect(site.found(.warning) == [] && site.found(.open) == [], "\(site.findings)")
        #expect(SitePlace.find(site.configuration, hosts: []).map(\.letsInMore) == [false])
    }

    @Test func `a rule of a location is noted, since it is asked after the queue`() throws {
        let text =
            "\(Self.guarded)location /admin/ {\nauth_basic site; #?\nauth_basic_user_file /x;\n}\n"
            + "location /office/ {\nallow 10.0.0.0/8;\ndeny all; #?\n}\nlocation / { }"
        let site = try Planted("rules", text).site()
        #expect(site.findings.allSatisfy { $0.severity == .note })
        #expect(site.found(.note) == site.warnedLines, "\(site.findings)")
    }

    static let redirects: [Planted] = [
        Planted("a variable", "\(guarded)location / {\nproxy_pass http://backend$request_uri; #?\n}"),
        Planted(
            "other headers",
            "proxy_set_header Host $host;\n\(guarded)location / {\nproxy_set_header X-A b;\n"
                + "proxy_pass http://backend$request_uri; #?\n}"
        ),
        Planted(
            "the upstream's name",
            "\(guarded)location / {\nif ($arg_a) {\nproxy_pass http://$a; #?\n}\n"
                + "proxy_set_header Host $proxy_host;\nproxy_pass http://backend;\n}"
        ),
        Planted("by the location", "SERVER;\nlocation / {\nPROTECT;\nproxy_pass http://backend$request_uri; #?\n}"),
    ]

    @Test(arguments: redirects)
    func `a redirect that would show the upstream's name is named`(_ planted: Planted) throws {
        let site = try planted.site()
        #expect(site.found(.warning) == site.warnedLines && !site.warnedLines.isEmpty, "\(site.findings)")
    }

    @Test(arguments: [
        "location / { proxy_pass http://backend; }", "location / { proxy_pass http://backend/; }",
        "proxy_set_header Host $host; location / { proxy_pass http://backend$request_uri; }",
        "location / { proxy_set_header host $http_host; proxy_pass http://backend$request_uri; }",
        "proxy_redirect http://backend/ /; location / { proxy_pass http://backend$request_uri; }",
        "location / { proxy_redirect off; proxy_pass http://$a; }",
    ])
    func `what shows nothing is no matter`(_ text: String) throws {
        let site = try Planted("fine", Self.guarded + text).site()
        #expect(site.found(.warning) == [], "\(site.findings)")
    }
}
