// SPDX-License-Identifier: Apache-2.0
//
// Sites that other gates have broken, each from a public report: with a pass, or let in by the gate, they answer as the
// same lines do without Vestibule, and without a pass nothing reaches the backend.

import NginxFiles
import Testing

@Suite(.serialized) struct PublicReportTests {
    typealias Verifier = NginxConfiguration.Verifier

    struct Report: Sendable {
        /// Repository and number on GitHub.
        let name: String
        /// What stands in the server.
        let lines: String
        let path: String
        var curl: [String] = []
        var isTLS = false
        /// What the site answers; nil where it does not matter.
        var status = 200

        init(_ name: String, _ path: String, _ status: Int, curl: [String] = [], isTLS: Bool = false, _ lines: String) {
            (self.name, self.path, self.status) = (name, path, status)
            (self.curl, self.isTLS, self.lines) = (curl, isTLS, lines)
        }
    }

    private static let asks = """
        location = /may {
            internal; proxy_pass_request_body off; proxy_set_header Content-Length ""; proxy_pass http://backend;
        }
        location = /no { internal; error_page 599 /; return 401; }
        location @login { return 302 /login?back=$request_uri; }
        """

    static let reports = [
        Report(
            "bitly/oauth2_proxy 442: a body and the site's own auth_request",
            "/a",
            200,
            curl: ["-d", "the body"],
            "location /a { auth_request /may; proxy_pass http://backend; }"
        ),
        Report(
            "kubernetes/ingress-nginx 3227: the same over HTTP/2",
            "/a",
            200,
            curl: ["--http2", "-d", "the body"],
            isTLS: true,
            "location /a { auth_request /may; proxy_pass http://backend; }"
        ),
        Report(
            "vouch/vouch-proxy 300: the backend's 401 becomes a sign-in",
            "/denied",
            302,
            "proxy_intercept_errors on; error_page 401 = @login;"
        ),
        Report(
            "authelia/authelia 2316: a 403 of the backend leads to a sign-in",
            "/forbidden",
            302,
            "proxy_intercept_errors on; error_page 403 =302 https://login.test/?rd=$request_uri;"
        ),
        Report(
            "galaxyproject/galaxy-helm 558: nginx adds the slash",
            "/galaxy",
            301,
            "location /galaxy/ { proxy_pass http://backend; }"
        ),
        Report(
            "frappe/frappe_docker 1852: nginx adds the slash without its port",
            "/galaxy",
            301,
            "port_in_redirect off; location /galaxy/ { proxy_pass http://backend; }"
        ),
        Report(
            "makeplane/plane 8826: nginx adds the slash, and no host",
            "/galaxy",
            301,
            "absolute_redirect off; location /galaxy/ { proxy_pass http://backend; }"
        ),
        Report(
            "nginx/nginx 862: a rewrite in the site's own auth_request",
            "/a",
            200,
            "location /a { auth_request /sub; proxy_pass http://backend; }"
                + "location = /sub { internal; rewrite ^ /may last; }"
        ),
        Report(
            "WordOps/WordOps 385: two slashes that are not merged",
            "//xmlrpc.php",
            403,
            "merge_slashes off; location = //xmlrpc.php { deny all; }"
        ),
        Report(
            "nginx/nginx 991: try_files beside proxy_pass",
            "/app/x?y=%20",
            200,
            "location /app/ { try_files $uri @app; proxy_pass http://backend; }"
                + "location @app { proxy_set_header X-Way app; proxy_pass http://backend; }"
        ),
        Report(
            "devpi/devpi-lockdown 4: an error page whose sign-in has one, too",
            "/x",
            302,
            "recursive_error_pages on; location = /x { error_page 404 = @later; return 404; }"
                + "location @later { error_page 401 = @login; auth_request /no; proxy_pass http://backend; }"
        ),
        Report(
            "perusio/nginx-auth-request-module 7: a sign-in for the whole server",
            "/x",
            302,
            "auth_request /no; error_page 401 = @login;"
        ),
        Report(
            "hjone72/PlexAuth 5: a password or a sign-in",
            "/x",
            200,
            "location = /x { satisfy any; auth_basic a; auth_basic_user_file /dev/null; auth_request /may;"
                + " error_page 401 = @login; proxy_pass http://backend; }"
        ),
    ]

    private static func servers(_ directory: String, _ ports: [Int], _ lines: String) -> String {
        func server(_ name: String, _ ours: String) -> String {
            """
            server {
                listen 127.0.0.1:\(ports[0]); listen 127.0.0.1:\(ports[1]) ssl http2; server_name \(name);
                ssl_certificate \(directory)/cert.pem; ssl_certificate_key \(directory)/key.pem;
                \(ours) \(lines) \(asks)
                location / { proxy_pass http://backend; }
            }
            """
        }
        let includes = "include \(directory)/vestibule-server.conf; include \(directory)/vestibule-guard.conf;"
        return """
            \(Site.shared(directory, ports, "host=$http_host way=$http_x_way"))
            server {
                listen 127.0.0.1:\(ports[3]); access_log off;
                location = /denied { return 401 no; }
                location = /forbidden { return 403 no; }
                location = /moved { return 302 http://backend/landed; }
                location / { return 200 'backend $request_method $request_uri'; }
            }
            \(server("guarded.test", includes))
            \(server("bare.test", ""))
            """
    }

    private static func site(_ verifier: Verifier, _ lines: String) throws -> Site {
        var everything = RoomProtection()
        everything.internalPaths = ["/may", "/no", "/sub"]
        return try Site(
            verifier: verifier,
            configure: { $0.protectedRooms = [ProtectedRoom(id: Site.room, protection: everything)] },
            servers: { servers($0, $1, lines) }
        )
    }

    /// An answer without what differs from one time to the next, and without what the gate adds when it lets in.
    private func answer(_ site: Site, _ report: Report, _ host: String, _ query: String, _ cookie: [String]) throws
        -> [String]
    {
        let path = report.path + (query.isEmpty ? "" : (report.path.contains("?") ? "&" : "?") + query)
        let headers = ["Host: \(host)"] + cookie
        let response = try site.request(path, https: report.isTLS, headers: headers, curl: report.curl)
        let kept = response.headers.filter { line in
            !["date:", "set-cookie:", "cache-control:"].contains { line.lowercased().hasPrefix($0) }
        }
        return (kept + [response.body]).map { $0.replacing("bare.test", with: "guarded.test") }
    }

    @Test(arguments: Verifier.allCases)
    func whatOtherGatesHaveBrokenIsAsItWas(verifier: Verifier) throws {
        for report in Self.reports {
            let site = try Self.site(verifier, report.lines)
            let plain = try answer(site, report, "bare.test", "", [])
            #expect(
                plain[0].contains(" \(report.status) ") || plain[0].hasSuffix(" \(report.status)"),
                "\(report): \(plain)"
            )
            let arrived = try site.backendLines().count
            let shut = try answer(site, report, "guarded.test", "", [])
            #expect(shut.last?.contains(#""VESTIBULE_ROOM": "demo""#) == true, "\(report.name): \(shut)")
            #expect(try site.backendLines().count == arrived, "\(report.name)")
            let pass = site.goodPass().replacing(
                "vestibule-pass",
                with: report.isTLS ? "__Host-vestibule-pass" : "vestibule-pass"
            )
            #expect(try answer(site, report, "guarded.test", "", [pass]) == plain, "\(report.name), with a pass")
            #expect(try site.backendLines().count == 2 * arrived, "\(report.name)")
            let admitted = try answer(site, report, "bare.test", "admit", [])
            #expect(try answer(site, report, "guarded.test", "admit", []) == admitted, "\(report.name), let in")
        }
    }

    /// README, "Traps": the last of these is what `nginx check` warns of.
    @Test(arguments: Verifier.allCases)
    func aBackendsRedirectKeepsTheNameThatTheSiteGivesIt(verifier: Verifier) throws {
        let rows = [
            ("proxy_pass http://backend;", "/landed"),
            ("proxy_redirect http://backend/ /own/; proxy_pass http://backend;", "/own/landed"),
            ("proxy_pass http://backend$request_uri; proxy_redirect http://$proxy_host/ /;", "/landed"),
            ("proxy_pass http://backend$request_uri;", "http://backend/landed"),
        ]
        for (line, location) in rows {
            let site = try Self.site(verifier, "absolute_redirect off; location /moved { \(line) }")
            for (query, cookie) in [("", [site.goodPass()]), ("?admit", [])] {
                let response = try site.request("/moved\(query)", headers: ["Host: guarded.test"] + cookie)
                #expect(response.values(of: "Location") == [location], "\(line): \(response)")
            }
        }
    }

    /// nginx refuses sizes that do not fit each other, and takes them from different levels.
    @Test(arguments: NginxConfiguration.Gateway.allCases)
    func nginxTakesOurFilesWhateverBuffersTheSiteSets(gateway: NginxConfiguration.Gateway) throws {
        for kind in ["fastcgi", "scgi"] {
            for sizes in [
                "_buffer_size 1k; #_buffers 4 1k; #_busy_buffers_size 2k;",
                "_buffers 2 4k; #_buffer_size 4k; #_busy_buffers_size 4k;",
                "_buffer_size 128k; #_buffers 4 128k; #_busy_buffers_size 256k; #_temp_file_write_size 256k;",
                "_max_temp_file_size 0;", "_buffer_size 256k; #_buffers 8 256k;",
                "_max_temp_file_size 1m; #_temp_file_write_size 512k;",
            ] {
                let lines = (kind + sizes).replacing("#", with: kind)
                let site = try Site(
                    verifier: .authRequest,
                    gateway: gateway,
                    configure: { $0.protectedRooms = Site.guarded },
                    servers: { "\(lines)\n\(Self.servers($0, $1, ""))" }
                )
                let result = try site.configurationTest()
                #expect(result.status == 0 && !result.text.contains("[emerg]"), "\(lines): \(result.text)")
                let call = try site.request("/api/v1/queue/status?token=t", headers: ["Host: guarded.test"])
                #expect(call.status == 200, "\(lines)")
            }
        }
    }
}
