// SPDX-License-Identifier: Apache-2.0
//
// Directives of http and server that our locations inherit are warned of at their line, unless our locations set the
// same directive themselves.

import NginxCheck
import Testing

@Suite struct InheritanceTests {
    /// A folder with the least of our files, whose one location may set things.
    private func findings(server: String, ours: String) throws -> [String] {
        let files = [
            (
                "/n/nginx.conf",
                "http {\n\(server.hasPrefix("http:") ? String(server.dropFirst(5)) : "")\nserver {\n"
                    + "\(server.hasPrefix("http:") ? "" : server)\ninclude v/vestibule-server.conf;\n"
                    + "include v/vestibule-guard.conf;\n}\n}"
            ),
            ("/n/v/vestibule-server.conf", "location ^~ /api/v1/queue/ { fastcgi_pass w; \(ours) }"),
            ("/n/v/vestibule-guard.conf", "rewrite ^ /_vestibule/gate last;"),
        ]
        let dump = files.map { "# configuration file \($0.0):\n\($0.1)\n" }.joined()
        return NginxCheck.findings(in: try NginxReader.read(dump: dump)).map {
            "\($0.file):\($0.line) \($0.severity)"
        }
    }

    @Test(arguments: [
        "add_header Content-Security-Policy none", "expires 1h", "fastcgi_cache zone", "fastcgi_ignore_headers Vary",
        "fastcgi_intercept_errors on", "sub_filter a b", "error_page 503 /50x.html", "auth_basic x", "deny all",
        "satisfy any", "limit_req zone=a", "auth_request /login", "userid on", "post_action /x",
    ])
    func `it is warned of at both levels, and not where it is set or off`(_ directive: String) throws {
        #expect(try findings(server: "\(directive);", ours: "") == ["/n/nginx.conf:4 warning"])
        #expect(try findings(server: "http:\(directive);", ours: "") == ["/n/nginx.conf:2 warning"])
        #expect(try findings(server: "\(directive);", ours: "\(directive);") == [])
        let name = directive.prefix { $0 != " " }
        #expect(try findings(server: "\(name) off;", ours: "") == [])
    }

    @Test func `what concerns another protocol than ours is no matter`() throws {
        #expect(try findings(server: "scgi_cache zone; proxy_cache zone; gzip on;", ours: "") == [])
    }
}
