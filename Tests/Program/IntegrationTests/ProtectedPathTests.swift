// SPDX-License-Identifier: Apache-2.0
//
// Goal: a request without a good pass for this room never reaches the backend.
// Method: 500 requests, each to a path of its own; the backend's log is searched for their paths afterwards. Bad passes
// are made from good ones, and where it matters they are signed with the real key.

import Foundation
import Passes
import StrictJSON
import TestSupport
import Testing

extension Integration {
    @Suite struct ProtectedPathTests {
        @Test(arguments: ["njs", "lua", "auth-request"])
        func `no bad pass reaches the backend`(verifier: String) throws {
            // A room with no place left: a request that is sent to the gate gets the waiting page.
            let stack = try DemoStack(
                rooms: "  demo: {rate: 0.001, burst: 1}",
                options: ["--verifier", verifier]
            )
            let client = stack.client()
            let joined = try client.join()
            #expect(joined.status == 200)
            #expect(try client.join().status == 202)
            let forger = try Forger(keys: try stack.keyRing(), room: "demo", good: joined.pass)
            let passes = try forger.badPasses()
            #expect(passes.count >= 40)

            var sent = 0
            var wrong: [String] = []
            while sent < 500 {
                let bad = passes[sent % passes.count]
                let wantsJSON = (sent / passes.count) % 2 == 0
                let answer = try client.get(
                    "/forged-\(sent)?page=\(sent)",
                    ("Cookie", "vestibule-pass-demo=\(bad.pass)"),
                    ("Accept", wantsJSON ? "application/json" : "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
                )
                if let complaint = judge(answer, bad, wantsJSON: wantsJSON) { wrong.append(complaint) }
                sent += 1
            }
            #expect(wrong.isEmpty, "\(Set(wrong).sorted().joined(separator: "\n"))")

            let marker = try client.get("/marker", ("Cookie", "vestibule-pass-demo=\(joined.pass)"))
            #expect(marker.text.contains("This is the backend"))
            let lines = try stack.backendLines()
            #expect(lines.contains { $0.contains("/marker") })
            let leaked = lines.filter { $0.contains("/forged-") }
            #expect(leaked.isEmpty, "\(leaked)")
            #expect(lines.count == 1)
        }

        private func judge(_ answer: HTTPAnswer, _ bad: Forger.BadPass, wantsJSON: Bool) -> String? {
            if wantsJSON {
                let isProblem = answer.errorCode?.hasPrefix("PASS_") == true && answer.json["error"]?["trace_id"] != nil
                return answer.status == 503 && isProblem
                    ? nil : "\(bad.name): JSON \(answer.status) \(answer.text.prefix(120))"
            }
            let isPage =
                answer.header("Content-Type")?.hasPrefix("text/html") == true
                && answer.text.contains("/api/v1/queue/") && answer.header("Cache-Control") == "no-store"
            return answer.status == 503 && isPage
                ? nil : "\(bad.name): page \(answer.status) \(answer.text.prefix(120))"
        }

        @Test func `a good pass goes through over HTTP and HTTPS, and only over the scheme it was set for`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 0.001, burst: 1}")
            let client = stack.client()
            let pass = try client.join().pass
            let plain = "vestibule-pass-demo=\(pass)"
            let secure = "__Host-vestibule-pass-demo=\(pass)"
            #expect(try client.get("/a", ("Cookie", plain)).text.contains("This is the backend"))
            #expect(try client.get("/b", ("Cookie", "x=1; \(plain); y=2")).text.contains("This is the backend"))
            #expect(!(try client.get("/c", ("Cookie", secure)).text.contains("This is the backend")))
            #expect(try tls(stack, "/d", cookie: secure).contains("This is the backend"))
            #expect(!(try tls(stack, "/e", cookie: plain).contains("This is the backend")))
            #expect(try !client.get("/f?vestibule-pass-demo=\(pass)").text.contains("This is the backend"))
            #expect(try !client.get("/g", ("Authorization", "Bearer \(pass)")).text.contains("This is the backend"))
        }

        private func tls(_ stack: DemoStack, _ path: String, cookie: String) throws -> String {
            try TestProcess.output(
                "curl",
                ["-sk", "-H", "Cookie: \(cookie)", "https://localhost:\(stack.tlsPort)\(path)"]
            ).text
        }

        @Test func `headers of the waiting room that a client sends are not passed on`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 0.001, burst: 1}")
            let client = stack.client()
            let joined = try client.join()
            let number = try stack.keyRing().number(joined.ticket)
            let answer = try client.get(
                "/stripped",
                ("Cookie", "vestibule-pass-demo=\(joined.pass)"),
                ("X-Vestibule-Ticket", "999999"),
                ("X-Vestibule-Pass", "forged"),
                ("X-Vestibule-Room", "other"),
                ("x-vestibule-ticket", "888888")
            )
            #expect(answer.status == 200)
            #expect(answer.text.contains("ticket \(number)."))
            let lines = try stack.backendLines().filter { $0.contains("/stripped") }
            #expect(lines.count == 1)
            #expect(lines.first?.contains("ticket=\(number) ") == true, "\(lines)")
            #expect(try !client.get("/none", ("X-Vestibule-Pass", joined.pass)).text.contains("This is the backend"))
        }

        /// Neither tickets nor passes are in any file the stack writes, keys.json and the Redis dump apart.
        @Test func `no log holds a ticket or a pass`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 1, burst: 2}")
            let client = stack.client()
            let inside = try client.join()
            #expect(try client.join().status == 200)
            let ticket = try client.join().ticket
            _ = try client.status(ticket)
            _ = try client.get("/logged?token=\(ticket)", ("Cookie", "vestibule-pass-demo=\(inside.pass)"))
            _ = try client.send("GET", "/api/v1/queue/status?token=\(ticket)&x=\(inside.pass)")
            _ = try client.send("GET", "/api/v1/queue/nowhere?token=\(ticket)")
            _ = try client.leave(ticket)
            try stack.directory.read("access.log", onceItHolds: "/api/v1/queue/leave")
            // Servers that have ended have written everything.
            stack.stop()
            for name in try FileManager.default.contentsOfDirectory(atPath: stack.directory.path)
            where name.hasSuffix(".log") && name != "backend.log" {
                let text = stack.directory.read(name)
                #expect(!text.contains(ticket), "\(name)")
                #expect(!text.contains(inside.pass), "\(name)")
                #expect(!text.contains(String(ticket.suffix(20))), "\(name)")
            }
        }
    }
}
