// SPDX-License-Identifier: Apache-2.0
//
// Goal: what nginx asks itself for (parts of a page, copies, questions) takes no number, and nothing of it reaches a
// protected path without a pass.
// Method: a second nginx over the demo's workers, whose open pages lead into a room that is full.

import Foundation
import TestSupport
import Testing

extension Integration {
    @Suite struct SubrequestTests {
        private static let modules = [
            "njs": ["ngx_http_js_module"], "lua": ["ndk_http_module", "ngx_http_lua_module"], "auth-request": [],
        ]

        /// Open pages, each with another way into /shop/, and a page of the shop with parts of its own.
        private func nginx(_ stack: DemoStack, _ verifier: String) throws -> TestNginx {
            let (ours, backend) = (stack.directory.file("nginx"), stack.directory.file("backend.sock"))
            let parts = (0..<5).map { "<!--# include virtual=\"/shop/part\($0)\" -->" }.joined()
            let pass = "proxy_pass http://unix:\(backend);"
            let page = "default_type text/html; ssi on; return 200 '\(parts)';"
            return try TestNginx(in: stack.directory, named: "second", modules: Self.modules[verifier] ?? []) { ports in
                """
                include \(ours)/vestibule-http.conf; access_log off;
                server {
                    listen 127.0.0.1:\(ports[0]);
                    include \(ours)/vestibule-server.conf; include \(ours)/vestibule-guard.conf;
                    location /parts/ { \(page) }
                    location /mirrored/ { mirror /shop/copy; \(pass) }
                    location /framed/ { default_type text/html; add_after_body /shop/foot; return 200 page; }
                    location /asks/ { auth_request /shop/may; \(pass) }
                    location /shop/ { \(pass) }
                    location /shop/whole/ { \(page) }
                }
                """
            }
        }

        @Test(arguments: ["njs", "lua", "auth-request"])
        func `a subrequest takes no number, and arrives with a pass alone`(verifier: String) throws {
            let stack = try DemoStack(
                rooms: "  demo: {rate: 100, burst: 100, protect: {paths: [/shop/]}}",
                options: ["--verifier", verifier]
            )
            let site = try nginx(stack, verifier)
            let client = HTTPClient(port: site.port)
            let navigation = [
                ("Accept", "text/html"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document"),
                ("Sec-Fetch-Site", "none"),
            ]
            func arrivals() throws -> Int { try stack.backendLines().filter { $0.contains("/shop/") }.count }
            func open(_ path: String, _ cookies: String...) throws -> HTTPAnswer {
                try client.send("GET", path, headers: navigation + cookies.map { ("Cookie", $0) })
            }
            let inside = try stack.client().join()
            #expect(inside.status == 200)
            // A page of the room itself: its visitor takes one number, and is asked nothing for its parts.
            let whole = try open("/shop/whole/")
            #expect(whole.text.components(separatedBy: "This is the backend").count == 6, "\(whole.text)")
            #expect(try stack.stateField("joined") == 2 && arrivals() == 5)
            let ways = ["/parts/", "/mirrored/x", "/framed/", "/asks/x"]
            // There is room: what is no visit goes on without a number (deploy/API.md).
            for way in ways { #expect(try open(way).status == 200, "\(way)") }
            // On this connection nginx takes no further request before a copy has been answered.
            #expect(try open("/framed/").status == 200)
            #expect(try stack.stateField("joined") == 2, "nobody has joined")

            try stack.room("pause", "demo")
            #expect(Wait.until(seconds: 5) { (try? stack.client().join().status) == 202 }, "the room lets nobody in")
            let (joined, arrived) = (try stack.stateField("joined"), try arrivals())
            for way in ways + ["/framed/"] {
                #expect(try !open(way).text.contains("This is the backend") || way == "/mirrored/x", "\(way)")
            }
            #expect(try arrivals() == arrived)
            #expect(try stack.stateField("joined") == joined)
            let holder = try open("/parts/", "vestibule-pass-demo=\(inside.pass)")
            // nginx/README.md, "Traps": auth_request may refuse parts of a page that is nobody's.
            if verifier != "auth-request" {
                #expect(holder.text.components(separatedBy: "This is the backend").count == 6, "\(holder.text)")
            }
            #expect(try stack.stateField("joined") == joined)
        }
    }
}
