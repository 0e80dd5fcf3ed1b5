// SPDX-License-Identifier: Apache-2.0
//
// Goal: `vestibule nginx check` names each way around the waiting room with its file and line, and is silent where
// there is none.
// Method: sites as text, with the rendered files as stubs. Each planted opening is marked by `HERE` in its line.

import Foundation
import NginxSite
import TestSupport
import Testing

@Suite struct SiteCheckTests {
    private static let includes = [
        ("/v/vestibule-http.conf", "upstream vestibule_workers { server unix:/x; }"),
        (
            "/v/vestibule-server.conf",
            "location ^~ /api/v1/queue/ { fastcgi_pass vestibule_workers; error_page 405 = @x; }"
        ),
        ("/v/vestibule-guard.conf", "set $a b; if ($a) { rewrite ^ /_vestibule/gate/ last; }"),
        ("/v/vestibule-protect.conf", "set $b c; if ($b) { rewrite ^ /_vestibule/gate/ last; }"),
    ]

    /// A server block in a site that includes what is needed at http level.
    private func findings(_ server: String, http: String = "", _ change: (inout SiteCheck) -> Void = { _ in }) throws
        -> [SiteFinding]
    {
        var check = SiteCheck()
        change(&check)
        let main = "events {}\nhttp {\ninclude /v/vestibule-http.conf;\n\(http)\n\(server)\n}"
        return check.findings(try dump(main, Self.includes))
    }

    private static let guarded = "include /v/vestibule-server.conf; include /v/vestibule-guard.conf;"
    private static let open = "include /v/vestibule-server.conf;"
    private static let protected = "set $vestibule_room demo; include /v/vestibule-protect.conf;"

    /// A name behind ###, then a server.
    static let openings: [(name: String, server: String)] = {
        let text = #"""
            ### a location without a check
            server { OPEN
            location / { PROTECTED proxy_pass http://b; }
            location /shop/ { proxy_pass http://b; } # HERE
            }
            ### a regular expression
            server { OPEN
            location / { PROTECTED try_files $uri /index.php; }
            location ~ \.php$ { fastcgi_pass p; } # HERE
            }
            ### a nested location
            server { OPEN
            location / { PROTECTED proxy_pass http://b;
            location /img/ { proxy_pass http://b; } # HERE
            } }
            ### limit_except
            server { OPEN
            location / { PROTECTED
            limit_except GET { allow all; } # HERE
            proxy_pass http://b; } }
            ### rewrite break before the check
            server { OPEN
            location / {
            rewrite ^/old /new break; # HERE
            PROTECTED proxy_pass http://b; } }
            ### if with break before the check
            server { OPEN
            location / {
            if ($http_x) { break; } # HERE
            PROTECTED proxy_pass http://b; } }
            ### break before the check
            server { OPEN
            location / {
            break; # HERE
            PROTECTED proxy_pass http://b; } }
            ### return of content
            server { OPEN
            location / { PROTECTED proxy_pass http://b; }
            location = /secret { return 200 here; } # HERE
            }
            ### no location for the rest
            server { # HERE
            OPEN
            location /a { PROTECTED proxy_pass http://b; } }
            ### static files
            server { OPEN
            location / { PROTECTED proxy_pass http://b; }
            location /static/ { root /srv; } # HERE
            }
            ### an alias
            server { OPEN
            location / { PROTECTED proxy_pass http://b; }
            location /m { alias /srv/m/; } # HERE
            }
            ### a break before the guard
            server {
            break; # HERE
            GUARDED location / { proxy_pass http://b; } }
            ### a rewrite before the guard
            server {
            rewrite ^/x$ /y last; # HERE
            GUARDED location / { proxy_pass http://b; } }
            ### an if before the guard
            server {
            if ($arg_x) { rewrite ^ /y break; } # HERE
            GUARDED location / { proxy_pass http://b; } }
            ### a location on the queue's address
            server { GUARDED
            location = /api/v1/queue/status { proxy_pass http://b; } # HERE
            }
            ### another server of the same host
            server { server_name a.example; GUARDED location / { proxy_pass http://b; } }
            server { server_name A.example; listen 8080; location / { proxy_pass http://b; } } # HERE
            ### uwsgi in an if
            server { OPEN
            location / { PROTECTED proxy_pass http://b; }
            location /u { # HERE
            if ($http_x) { uwsgi_pass u; } return 404; } }
            ### a Lua answer
            server { OPEN
            location / { PROTECTED proxy_pass http://b; }
            location /l { content_by_lua_block { ngx.say('}') } } # HERE
            }
            """#
        return text.components(separatedBy: "### ").dropFirst().map { part in
            let lines = part.split(separator: "\n", omittingEmptySubsequences: false)
            return (
                String(lines[0]), filled(lines.dropFirst().joined(separator: "\n").trimmingCharacters(in: .newlines))
            )
        }
    }()

    private static func filled(_ text: String) -> String {
        text.replacingOccurrences(of: "GUARDED", with: guarded).replacingOccurrences(of: "OPEN", with: open)
            .replacingOccurrences(of: "PROTECTED", with: protected)
    }

    @Test(arguments: openings.map(\.name))
    func openingIsFound(_ name: String) throws {
        let server = try #require(Self.openings.first { $0.name == name }).server
        let found = try findings(server).filter { $0.kind == .open }
        // The server begins in the fifth line of the main file.
        let lines = server.split(separator: "\n", omittingEmptySubsequences: false)
        let line = try #require(lines.firstIndex { $0.contains("HERE") }) + 5
        #expect(found.map(\.line) == [line], "\(found)")
        #expect(found.allSatisfy { $0.file == "/etc/nginx/nginx.conf" })
        #expect(found.allSatisfy { $0.description.hasPrefix("/etc/nginx/nginx.conf:\(line): open: ") })
    }

    @Test func `a site without a waiting room, and a guard that protects nothing, are open`() throws {
        #expect(try findings("server { location / { proxy_pass http://b; } }").map(\.kind) == [.open])
        let idle = try findings("server { \(Self.guarded) location / { proxy_pass http://b; } }") {
            $0.isGuardInUse = false
        }
        #expect(idle.map(\.kind) == [.open])
        let main = "http { server { include /v/vestibule-server.conf; include /v/vestibule-guard.conf; } }"
        let found = SiteCheck().findings(try dump(main, Self.includes))
        #expect(found.map(\.text) == ["http does not include vestibule-http.conf"])
    }

    static let clean = [
        "server { GUARDED location / { try_files $uri /index.php; } location ~ \\.php$ { fastcgi_pass p; } }",
        "server { GUARDED location /a { rewrite ^ /b break; location /a/b { root /; } limit_except GET {} } }",
        "server { OPEN location / { PROTECTED try_files $uri @app; } location @app { proxy_pass http://b; } }",
        "server { OPEN location / { PROTECTED proxy_pass http://b; } location /old { return 301 /new; } }",
        "server { OPEN location / { PROTECTED root /srv; } location /x { internal; } location /y { deny all; } }",
        "server { server_name a; GUARDED } server { server_name a; listen 80; return 301 https://a$request_uri; }",
        "server { OPEN location / { PROTECTED root /s; } location ^~ /.well-known/acme-challenge/ { root /acme; } }",
        "server { OPEN location / { PROTECTED proxy_pass http://b; } location = /robots.txt { root /srv; } }",
        "server { server_name a; GUARDED } server { server_name b; location / { proxy_pass http://other; } }",
    ]

    @Test(arguments: clean)
    func cleanSiteIsSilent(_ text: String) throws {
        let server = text.replacingOccurrences(of: "GUARDED", with: Self.guarded)
            .replacingOccurrences(of: "OPEN", with: Self.open).replacingOccurrences(
                of: "PROTECTED",
                with: Self.protected
            )
        #expect(try findings(server).isEmpty)
    }

    @Test func `only what a room protects is asked for`() throws {
        let server = """
            server { \(Self.open) location / { proxy_pass http://b; } \
            location /shop/ { \(Self.protected) proxy_pass http://b; } \
            location /blog/ { proxy_pass http://b; } }
            """
        let found = try findings(server) { $0.protectedPaths = ["/shop/"] }
        #expect(found.filter { $0.text.contains("/blog/") }.isEmpty)
        #expect(found.filter { $0.text.contains("/shop/") }.isEmpty)
    }

    static let warnings: [(server: String, http: String, word: String)] = [
        ("server { GUARDED add_header Content-Security-Policy x; }", "", "`add_header`"),
        ("server { GUARDED }", "expires 1h;", "`expires`"),
        ("server { GUARDED auth_basic x; }", "", "`auth_basic`"),
        ("server { GUARDED fastcgi_cache z; }", "", "`fastcgi_cache`"),
        ("server { GUARDED listen 80 proxy_protocol; }", "", "set_real_ip_from"),
        ("server { GUARDED }", "js_engine qjs;", "QuickJS"),
        ("server { OPEN proxy_set_header Host a; location / { PROTECTED proxy_pass http://b; } }", "", "host"),
        (
            "server { OPEN location / { include /v/vestibule-protect.conf; proxy_pass http://b; } }", "",
            "$vestibule_room"
        ),
    ]

    @Test(arguments: warnings.map(\.word))
    func warningIsGiven(_ word: String) throws {
        let (text, http, _) = try #require(Self.warnings.first { $0.word == word })
        let server = text.replacingOccurrences(of: "GUARDED", with: Self.guarded)
            .replacingOccurrences(of: "OPEN", with: Self.open).replacingOccurrences(
                of: "PROTECTED",
                with: Self.protected
            )
        let found = try findings(server, http: http)
        #expect(found.map(\.kind) == [.warning], "\(found)")
        #expect(found.allSatisfy { $0.text.contains(word) }, "\(found)")
    }
}
