// SPDX-License-Identifier: Apache-2.0
//
// Goal: pages of other sites change nothing of a visitor's place, a listed app works, and hosts of one domain share a
// wait, through nginx and each verifier.

import Foundation
import TestSupport
import Testing

extension Integration {
    @Suite struct CrossSiteTests {
        private static let app = ("Origin", "https://app.example")
        private static let room =
            "  demo: {rate: 0.001, burst: 1, page_status: 429, cors: [\"https://app.example\"]}"

        @Test func `another site's page takes, enters and leaves nothing, and the listed app does`() throws {
            let stack = try DemoStack(rooms: Self.room)
            let client = stack.client()
            let inside = try client.join()
            #expect(inside.status == 200)
            let ticket = try client.join().ticket
            let body = #"{"event_id":"demo"}"#
            let before = try stack.stateField("joined")
            for foreign in [
                [("Sec-Fetch-Site", "cross-site")], [("Origin", "https://evil.test")], [("Origin", "null")],
                [("Origin", "https://evil.test"), ("Sec-Fetch-Site", "cross-site")],
            ] {
                let cookie = ("Cookie", "vestibule-ticket-demo=\(ticket)")
                for answer in [
                    try client.postJSON("/api/v1/queue/join", body, foreign),
                    try client.send("POST", "/api/v1/queue/enter", headers: [cookie] + foreign),
                    try client.send("POST", "/api/v1/queue/leave", headers: [cookie] + foreign),
                    try client.send("DELETE", "/api/v1/queue/leave?token=\(ticket)", headers: foreign),
                ] { #expect(answer.status == 403 && answer.errorCode == "CROSS_SITE", "\(foreign) \(answer.text)") }
            }
            #expect(try stack.stateField("joined") == before && client.status(ticket).word == "waiting")

            let fetch = [Self.app, ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "cors")]
            let asks = [
                ("Access-Control-Request-Method", "POST"),
                ("Access-Control-Request-Headers", "authorization,x-trace-id"),
            ]
            let preflight = try client.send("OPTIONS", "/api/v1/queue/join", headers: fetch + asks)
            #expect(preflight.status == 204 && preflight.header("Access-Control-Allow-Origin") == Self.app.1)
            #expect(preflight.header("Access-Control-Allow-Methods") == "POST")
            #expect(preflight.header("Access-Control-Allow-Headers")?.contains("Idempotency-Key") == true)
            let joined = try client.postJSON("/api/v1/queue/join", body, fetch)
            #expect(joined.status == 202 && joined.header("Access-Control-Allow-Origin") == Self.app.1)
            #expect(joined.header("Vary") == "Origin")
            let status = try client.send("GET", "/api/v1/queue/status?token=\(joined.ticket)", headers: fetch)
            #expect(status.word == "waiting" && status.header("Access-Control-Allow-Origin") == Self.app.1)
            let refused = try client.send("GET", "/products", headers: fetch + [("Accept", "*/*")])
            #expect(refused.status == 503 && refused.header("Access-Control-Allow-Origin") == Self.app.1)
            // The board comes from nginx's cache, for everybody alike.
            for origin in ["https://app.example", "https://evil.test"] {
                let board = try client.send("GET", "/api/v1/queue/board?event_id=demo", headers: [("Origin", origin)])
                #expect(board.status == 200 && board.header("Access-Control-Allow-Origin") == "*")
            }
            let evil = try client.send(
                "GET",
                "/api/v1/queue/status?token=\(ticket)",
                headers: [("Origin", "https://evil.test")]
            )
            #expect(evil.header("Access-Control-Allow-Origin") == nil)
            let page = try client.get("/shop", ("Accept", "text/html"))
            #expect(page.status == 429 && page.text.contains("/api/v1/queue/") && page.header("Retry-After") != nil)
        }

        @Test(arguments: ["njs", "lua", "auth-request"])
        func `the hosts of a domain share a wait, and other sites' frames get the cookies they may`(
            verifier: String
        ) throws {
            let stack = try DemoStack(
                rooms: "  demo: {rate: 0.001, burst: 1, same_site: none, cookie_domain: example.com}",
                options: ["--verifier", verifier]
            )
            func page(_ host: String, _ cookies: String = "a=b") throws -> String {
                try TestProcess.output(
                    "curl",
                    [
                        "-sik", "-H", "Accept: text/html", "-H", "Cookie: \(cookies)", "--connect-to",
                        "\(host):443:127.0.0.1:\(stack.tlsPort)", "https://\(host)/first",
                    ]
                ).text
            }
            let first = try page("www.example.com")
            #expect(first.contains("This is the backend"))
            let lines = first.split(separator: "\r\n").filter { $0.lowercased().hasPrefix("set-cookie:") }
            #expect(lines.count == 2)
            let end = "; HttpOnly; Secure; SameSite=None; Partitioned"
            #expect(lines.allSatisfy { $0.contains("; Domain=example.com; ") && $0.hasSuffix(end) }, "\(lines)")
            let pass = try #require(lines.first { $0.contains("__Secure-vestibule-pass-demo=") })
            let pair = String(pass.dropFirst("set-cookie: ".count).prefix { $0 != ";" })
            // Another host of the domain, with a cookie that a third one has planted before ours.
            #expect(
                try page("example.com", "__Secure-vestibule-pass-demo=planted; \(pair)").contains("This is the backend")
            )
            #expect(try !page("example.com").contains("This is the backend"))
            #expect(try stack.stateField("joined") == 1)
        }
    }
}
