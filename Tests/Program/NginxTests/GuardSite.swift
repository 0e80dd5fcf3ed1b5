// SPDX-License-Identifier: Apache-2.0
//
// A site as people have them, behind two includes at server level. Nothing in its locations knows of a waiting room,
// and each of them does something that would cancel a check in the location.

import NginxFiles

extension Site {
    /// Room demo protects all hosts, other what is below /other/, and shop the host shop.test.
    static let guarded: [ProtectedRoom] = {
        var (demo, other, shop) = (RoomProtection(), RoomProtection(), RoomProtection())
        demo.exceptions = [RoomProtection.Exception(path: "/excepted/")]
        demo.internalPaths = ["/hidden/", "/asks", "/copy"]
        other.paths = ["/other/"]
        shop.hosts = ["shop.test", "*.shop.test"]
        shop.paths = ["/", "/only-shop"]
        return [("demo", demo), ("other", other), ("shop", shop)].map { ProtectedRoom(id: $0, protection: $1) }
    }()

    /// A guarded site. Rooms may be others than ``guarded``.
    static func guarded(
        _ verifier: NginxConfiguration.Verifier,
        rooms: [ProtectedRoom] = Site.guarded,
        workerCount: Int = 1,
        with extra: String = "",
        configure: (inout NginxConfiguration) -> Void = { _ in }
    ) throws -> Site {
        try Site(
            verifier: verifier,
            workerCount: workerCount,
            configure: {
                $0.protectedRooms = rooms
                configure(&$0)
            },
            servers: { guardedServers($0, ports: $1, extra) }
        )
    }

    /// Addresses of the guarded site that lead to its backend, each by another way.
    static let ways = [
        "/", "/plain?q=1", "/index.php", "/deep/er/x.php?a", "/nest/x", "/nest/inner/x", "/nest/inner/x.gif",
        "/break/x", "/if-break/x", "/if-break/x?go=1", "/limited/x", "/try/x", "/try-named/x", "/try-uri/x", "/error/x",
        "/authed/x", "/mirrored/x", "/case/Fold.PHP", "/rewritten/x", "/directory/",
    ]

    /// What the backend's log says of a request.
    private static let seen = "host=$http_host length=$content_length room=$http_x_vestibule_room own=$http_x_own"

    private static func guardedServers(_ directory: String, ports: [Int], _ extra: String) -> String {
        """
        \(shared(directory, ports, seen))
        limit_req_zone $server_name zone=site:1m rate=1r/m;
        server {
            listen 127.0.0.1:\(ports[3]); access_log off;
            location = /pages/both { default_type text/html;
                return 200 '<!--# include virtual="/a?admit" --><!--# include virtual="/other/b?x" -->'; }
            location = /pages/htob { default_type text/html;
                return 200 '<!--# include virtual="/other/b?x" --><!--# include virtual="/a?admit" -->'; }
            location / { return 200 'backend $request_method $request_uri'; }
        }
        server {
            listen 127.0.0.1:\(ports[0]);
            listen 127.0.0.1:\(ports[1]) ssl http2;
            ssl_certificate \(directory)/cert.pem; ssl_certificate_key \(directory)/key.pem;
            include \(directory)/vestibule-server.conf;
            include \(directory)/vestibule-guard.conf;
            set $seen "$uri";
            rewrite ^/rewritten/(.*)$ /renamed/$1 last;
            proxy_set_header X-Own $seen;
            proxy_set_header Host $host;
            location / { proxy_pass http://backend; }
            location ~ [.]php$ { proxy_pass http://backend; }
            location ~* ^/case/.*[.]php$ { proxy_pass http://backend; }
            location /nest/ {
                location /nest/inner/ { location ~ [.]gif$ { proxy_pass http://backend; } proxy_pass http://backend; }
                proxy_pass http://backend;
            }
            location /break/ { rewrite ^/break/(.*)$ /broken/$1 break; proxy_pass http://backend; }
            location /if-break/ { if ($arg_go = "") { break; } proxy_pass http://backend; }
            location /limited/ { limit_except GET { deny all; } proxy_pass http://backend; }
            location /try/ { try_files /none /tried$uri; }
            location /try-named/ { try_files /none @named; }
            location @named { proxy_pass http://backend; }
            location /try-uri/ { try_files /none /index.php?$args; }
            location /error/ { error_page 404 = @named; return 404; }
            location /authed/ { auth_request /asks; proxy_pass http://backend; }
            location = /asks { internal; proxy_pass http://backend; }
            location /mirrored/ { mirror /copy; proxy_pass http://backend; }
            location = /copy { internal; proxy_pass http://backend; }
            location /directory/ { alias \(directory)/; index none.html /index.php; }
            location /hidden/ { internal; proxy_pass http://backend; }
            location /excepted/ { try_files /none /index.php; }
            location /pages/ { ssi on; proxy_pass http://127.0.0.1:\(ports[3]); }
            \(extra)
        }
        """
    }
}
