// SPDX-License-Identifier: Apache-2.0
//
// A visitor whom the site's server refuses anyway, by address or password, takes no place first.

import NginxFiles
import TestSupport
import Testing

@Suite(.serialized) struct AccessTests {
    typealias Verifier = NginxConfiguration.Verifier

    /// Kinds of requests that the gate would let in.
    private static let asks: [(path: String, curl: [String])] = [
        ("/plain?admit", []), ("/form?admit", ["-d", "small"]),
        ("/up", ["-H", "Cookie: ask=go", "-d", String(repeating: "b", count: 20_000)]),
        ("/asked", ["-H", "Cookie: ask=go", "-H", "Expect: 100-continue", "-d", "small"]),
    ]

    private func check(_ site: Site, _ headers: [String], status: Int?, _ name: String) throws {
        for (path, curl) in Self.asks {
            let before = try site.backendLines().count
            let response = try site.request(path, headers: headers, curl: curl)
            let final = response.headers.first == "HTTP/1.1 100 Continue" ? response.body : response.headers.first ?? ""
            #expect(final.hasPrefix("HTTP/1.1 \(status ?? 200) "), "\(name) \(path): \(response)")
            #expect(try site.backendLines().count == before + (status == nil ? 1 : 0), "\(name) \(path)")
            if status != nil { #expect(response.values(of: "Set-Cookie").isEmpty, "\(name) \(path)") }
            if status == 401 {
                #expect(response.values(of: "WWW-Authenticate") == [#"Basic realm="site""#], "\(name) \(path)")
            }
        }
    }

    @Test(arguments: Verifier.allCases)
    func whomTheServerRefusesTakesNoPlace(verifier: Verifier) throws {
        let folder = try TemporaryDirectory()
        try folder.write("htpasswd", "ann:{PLAIN}secret\n")
        let (deny, ask) = ("deny 192.0.2.0/24;", "auth_basic site; auth_basic_user_file \(folder.file("htpasswd"));")
        let (away, near) = ("X-Real-Address: 192.0.2.7", "X-Real-Address: 198.51.100.7")
        let (good, bad) = ("Authorization: Basic YW5uOnNlY3JldA==", "Authorization: Basic YW5uOnNlY3JlVA==")
        let denying = try Site.guarded(verifier, with: deny)
        try check(denying, [away], status: 403, "denied")
        try check(denying, [near], status: nil, "not denied")
        let asking = try Site.guarded(verifier, with: ask)
        try check(asking, [], status: 401, "no password")
        try check(asking, [bad], status: 401, "a wrong password")
        try check(asking, [good], status: nil, "a password")
        let both = try Site.guarded(verifier, with: deny + ask)
        try check(both, [away, good], status: 403, "denied with a password")
        let either = try Site.guarded(verifier, with: "satisfy any; allow 198.51.100.0/24; deny all; \(ask)")
        try check(either, [near], status: nil, "allowed")
        try check(either, [away, good], status: nil, "a password is enough")
        try check(either, [away], status: 401, "neither")
        for site in [denying, asking, either] {
            let join = try site.request("/api/v1/queue/join", headers: [away], curl: ["-d", "{}"])
            #expect(join.status == 200, "the page of a visitor who has entered goes on")
        }
        let open = try Site.guarded(verifier, with: deny) { $0.obeysServerAccess = false }
        #expect(try open.request("/plain", headers: [away]).gateRoom == "demo", "gate_access: none")
    }
}
