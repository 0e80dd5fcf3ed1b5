// SPDX-License-Identifier: Apache-2.0
//
// Openings planted in ordinary sites: each is found at its line, and nothing else is.

import NginxCheck
import NginxFiles
import Testing

@Suite struct OpeningTests {
    struct Planted: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var verifier = NginxConfiguration.Verifier.njs
        /// What stands in a server, after `server_name shop.example;`.
        let text: String
        /// Servers beside it.
        var beside = ""
        /// Of the room that the guard protects, and its `internal`.
        var paths = ["/"]
        var shut: [String] = []
        var apiPrefix = NginxConfiguration.standardAPIPrefix

        init(
            _ name: String,
            _ text: String,
            verifier: NginxConfiguration.Verifier = .njs,
            beside: String = "",
            paths: [String] = ["/"],
            shut: [String] = [],
            apiPrefix: String = NginxConfiguration.standardAPIPrefix
        ) {
            (testDescription, self.text, self.verifier, self.beside) = (name, text, verifier, beside)
            (self.paths, self.shut, self.apiPrefix) = (paths, shut, apiPrefix)
        }

        func site(obeysServerAccess: Bool = true) throws -> PlantedSite {
            let text = "HTTP;\nserver {\nlisten 80;\nserver_name shop.example;\n\(text)\n}\n\(beside)"
            return try PlantedSite(
                verifier: verifier,
                paths: paths,
                shut: shut,
                apiPrefix: apiPrefix,
                obeysServerAccess: obeysServerAccess,
                text
            )
        }
    }

    private static let site = "SERVER;\nlocation / {\nPROTECT;\nproxy_pass http://backend;\n"

    static let openings: [Planted] = [
        Planted("a regex location", "\(site)}\nlocation ~ \\.php$ { #!\nfastcgi_pass unix:/run/php.sock;\n}"),
        Planted("a nested location", "\(site)location /inner/ { #!\nproxy_pass http://backend;\n}\n}"),
        Planted("a static location", "\(site)}\nlocation /files/ { #!\nalias /srv/files/;\n}"),
        Planted("an answer of nginx", "\(site)}\nlocation = /secret { #!\nreturn 200 secret;\n}"),
        Planted(
            "a named location",
            "\(site)}\nlocation /app/ { #!\ntry_files $uri @app;\n}\nlocation @app { #!\nproxy_pass http://backend;\n}"
        ),
        Planted(
            "a break before the include",
            "SERVER;\nlocation / {\nbreak; #!\nPROTECT;\nproxy_pass http://backend;\n}"
        ),
        Planted(
            "a rewrite with break before the include",
            "SERVER;\nlocation / {\nrewrite ^/old(.*)$ /new$1 break; #!\nPROTECT;\nproxy_pass http://backend;\n}"
        ),
        Planted(
            "a break in an if before the include",
            "SERVER;\nlocation / {\nif ($http_x_debug) {\nbreak; #!\n}\nPROTECT;\nproxy_pass http://backend;\n}"
        ),
        Planted("limit_except", "\(site)limit_except GET { #!\nallow all;\n}\n}"),
        Planted(
            "return with auth_request",
            "\(site)}\nlocation /hello {\nPROTECT;\nreturn 200 hello; #!\n}",
            verifier: .authRequest
        ),
        Planted(
            "an internal location that an unchecked one leads to",
            "\(site)}\nlocation /a/ { #!\nrewrite ^/a/(.*)$ /store/$1;\n}\n"
                + "location /store/ { #!\ninternal;\nalias /srv/store/;\n}"
        ),
        Planted("the root of the server", "root /srv/www; #!\nSERVER;\nlocation /shop/ {\nPROTECT;\n}"),
        Planted(
            "a location that takes the API's path",
            "SERVER;\nGUARD;\nlocation /api/v1/queue/status { #!\nproxy_pass http://a;\n}"
        ),
        Planted(
            "a break before the guard",
            "SERVER;\nif ($request_method = POST) {\nbreak; #!\n}\nGUARD;\nlocation / { }"
        ),
        Planted("a rewrite with last before the guard", "SERVER;\nrewrite ^/a /b last; #!\nGUARD;\nlocation / { }"),
        Planted(
            "a malformed request with the guard",
            "SERVER;\nGUARD;\nerror_page 400 404 = @app; #!\nlocation @app {\nproxy_pass http://backend;\n}"
        ),
        Planted(
            "TRACE with the guard",
            "SERVER;\nGUARD;\nerror_page 405 = @app; #!\nlocation @app {\nproxy_pass http://backend;\n}"
        ),
        Planted(
            "an internal location that no room names",
            "SERVER;\nGUARD;\nlocation /files/ { #!\ninternal;\nalias /srv/files/;\n}\nlocation / { }"
        ),
        Planted(
            "another server of the same name",
            "SERVER;\nGUARD;\nlocation / { }",
            beside: "server { #!\nlisten 81;\nserver_name SHOP.example;\nlocation / {\nproxy_pass http://backend;\n}\n}"
        ),
        Planted(
            "a rewrite in the server from an open path to a protected one",
            "SERVER;\nGUARD;\nrewrite ^/old/(.*)$ /shop/$1 last; #!\nlocation / { }",
            paths: ["/shop/"]
        ),
        Planted(
            "a rewrite in a location from an open path to a protected one",
            "SERVER;\nGUARD;\nlocation /old/ {\nif ($arg_a) {\nrewrite (.*) /shop$1; #!\n}\n}",
            paths: ["/shop/"]
        ),
        Planted(
            "an internal location that the room does not name",
            "SERVER;\nGUARD;\nlocation / {\nlocation /files/ { #!\ninternal;\nalias /srv/files/;\n}\n}"
        ),
        Planted(
            "an internal location with an expression",
            "SERVER;\nGUARD;\nlocation ~ ^/files/.*[.]zip$ { #!\ninternal;\nalias /srv/files/;\n}\nlocation / { }"
        ),
        Planted(
            "a location that takes the path of an API elsewhere",
            "SERVER;\nGUARD;\nlocation /line/status { #!\nproxy_pass http://a;\n}",
            apiPrefix: "/line"
        ),
        Planted(
            "a location whose if skips nothing but which has no check",
            "\(site)}\nlocation /b { #!\nif ($a) {\nreturn 403;\n}\n}"
        ),
    ]

    @Test(arguments: openings)
    func `each opening is found at its line`(_ planted: Planted) throws {
        let site = try planted.site()
        #expect(!site.openLines.isEmpty)
        #expect(site.found(.open) == site.openLines, "\(site.findings)")
    }

    @Test func `a configuration without our files is open as a whole`() throws {
        let site = try PlantedSite("server {\nlocation / {\nproxy_pass http://b;\n}\n}")
        #expect(site.findings.map(\.severity) == [.open])
        #expect(site.findings[0].description.hasPrefix("/etc/nginx/nginx.conf:2: open: "))
    }

    @Test func `a guard that protects nothing is open`() throws {
        let site = try PlantedSite(paths: [], "HTTP;\nserver {\nSERVER;\nGUARD; #!\nlocation / { }\n}")
        #expect(site.found(.open) == site.openLines, "\(site.findings)")
    }

    @Test func `the paths to try are those of a room, for the server's name`() throws {
        let text =
            "HTTP; server { server_name shop.example; listen 8080; SERVER; GUARD; location / { }"
            + "location /shop/ { location /shop/in/ { } } location /about/ { } }"
        for hosts in [[], ["shop.example"], ["a.example", "shop.example"]] {
            let site = try PlantedSite(hosts: hosts, paths: ["/shop"], text)
            let found = ProtectedPath.all(in: site.configuration)
            #expect(found.map(\.path) == ["/shop/", "/shop/in/"], "\(hosts)")
            #expect(found.allSatisfy { $0.port == 8080 && $0.name == "shop.example" })
        }
        let other = try PlantedSite(hosts: ["else.example"], paths: ["/shop"], text)
        #expect(ProtectedPath.all(in: other.configuration).isEmpty)
    }

    static let clean: [Planted] = [
        Planted(
            "PHP behind the guard",
            """
            SERVER; GUARD; root /srv/www; index index.php;
            location / { try_files $uri $uri/ /index.php?$args; }
            location ~ \\.php$ { fastcgi_pass unix:/run/php.sock; add_header X-A b; expires 1h; }
            location ~* \\.(css|js)$ { expires max; }
            if ($host = www.shop.example) { return 301 https://shop.example$request_uri; }
            """
        ),
        Planted("nested locations", "\(site)location /inner/ {\nPROTECT;\nproxy_pass http://backend;\n}\n}"),
        Planted(
            "a static site with try_files",
            """
            SERVER; root /srv/www;
            location / { PROTECT; try_files $uri $uri/ =404; }
            location ^~ /.well-known/acme-challenge/ { root /srv/acme; }
            location = /robots.txt { }
            location ~ /\\. { deny all; }
            location /public/ { set $vestibule_room ""; }
            location /moved/ { return 301 /elsewhere/; }
            """
        ),
        Planted(
            "a named backend behind checked locations",
            "\(site)}\nlocation /app/ {\nPROTECT;\ntry_files $uri @app;\n}\n"
                + "location @app {\nproxy_pass http://backend;\n}"
        ),
        Planted(
            "several servers",
            "\(site)}",
            beside: """
                server { listen 80; server_name other.example; location / { root /srv/other; } }
                server { listen 81; server_name shop.example; return 301 https://shop.example$request_uri; }
                server { listen 82; server_name b.example; SERVER; GUARD; location / { proxy_pass http://b; } }
                """
        ),
        Planted(
            "rewrites and internal locations that are cared for",
            """
            SERVER; GUARD;
            rewrite ^/shop/old/(.*)$ /shop/$1 last;
            rewrite ^/leave/(.*)$ https://else.example/$1;
            rewrite ^/moved/(.*)$ /shop/$1 permanent;
            rewrite ^/a/(.*)$ /b/$1 last;
            location = /shop/502.html { internal; }
            location ~ ^/shop/5[0-9]x[.]html$ { internal; }
            location ~ ^/free/[0-9]+$ { internal; }
            location /shop/files/ { internal; alias /srv/files/; }
            location /free/ { internal; }
            location / { error_page 502 /shop/502.html; error_page 500 /shop/50x.html; }
            """,
            paths: ["/shop/"],
            shut: ["/shop/files/"]
        ),
        Planted("limit_except that denies", "\(site)limit_except GET POST { deny all; }\n}"),
        Planted("auth_request", site + "}", verifier: .authRequest),
        Planted("Lua", site + "}", verifier: .lua),
    ]

    @Test(arguments: clean)
    func `a clean site has no findings`(_ planted: Planted) throws {
        let site = try planted.site()
        #expect(site.findings == [])
    }

    static let warned: [Planted] = [
        Planted(
            "lost headers",
            "proxy_set_header Host $host;\nproxy_set_header X-Real-IP $remote_addr;\nSERVER;\nlocation / {\n"
                + "PROTECT; #?\nproxy_set_header Host $host;\nproxy_pass http://backend;\n}"
        ),
        Planted("QuickJS", "SERVER;\nGUARD;\njs_engine qjs; #?\nlocation / { }"),
        Planted("QuickJS in a location", "SERVER;\nGUARD;\nlocation / {\nlocation /a {\njs_engine qjs; #?\n}\n}"),
        Planted(
            "a FastCGI backend that reads our headers from the client",
            "SERVER;\nlocation / {\nPROTECT;\nfastcgi_pass unix:/run/php.sock; #?\nfastcgi_param A b;\n}\n"
                + "location /b/ {\nPROTECT;\nfastcgi_param HTTP_X_VESTIBULE_ROOM $vestibule_room;\n"
                + "fastcgi_pass unix:/run/php.sock;\n}\nlocation /c/ {\nPROTECT;\ngrpc_pass a:1; #?\n}"
        ),
        Planted(
            "a proxy in front and no real_ip",
            "SERVER;\nGUARD;\nlocation / {\nproxy_set_header X-Forwarded-Proto $http_x_forwarded_proto; #?\n}"
        ),
        Planted(
            "the backend without the check",
            "SERVER;\nlocation / {\nPROTECT;\nproxy_pass http://shared;\n}",
            beside: "server { #?\nserver_name else.example;\nlocation / {\nproxy_pass http://shared/x;\n}\n}"
        ),
    ]

    @Test(arguments: warned)
    func `what is wrong without being open is a warning at its line`(_ planted: Planted) throws {
        let site = try planted.site()
        #expect(site.found(.warning) == site.warnedLines, "\(site.findings)")
        #expect(site.found(.open) == [])
    }
}
