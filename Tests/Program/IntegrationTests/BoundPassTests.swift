// SPDX-License-Identifier: Apache-2.0
//
// Goal: a copied pass opens nothing for another client, and its owner loses nothing by changing networks.
// Method: real clients from two networks of the loopback, 127.0.0.0/24 and 127.1.1.0/24, with two browsers.

import Passes
import TestSupport
import Testing

extension Integration {
    @Suite struct BoundPassTests {
        private func stack(_ traits: String, _ options: [String]) throws -> DemoStack {
            try DemoStack(rooms: "  demo: {rate: 0.001, burst: 1, bind_pass: \(traits)}", options: options)
        }

        private func isLetIn(_ client: HTTPClient, _ pass: String, _ agent: String) throws -> Bool {
            let answer = try client.get(
                "/shop",
                ("Cookie", "vestibule-pass-demo=\(pass)"),
                ("User-Agent", agent),
                ("Accept", "text/html")
            )
            let isBackend = answer.text.contains("This is the backend")
            if !isBackend, !answer.text.contains("/api/v1/queue/") { throw TestFailure("\(answer.text)") }
            return isBackend
        }

        private func enter(_ client: HTTPClient, _ ticket: String, _ agent: String) throws -> String {
            try client.postJSON(
                "/api/v1/queue/enter",
                #"{"waiting_token":"\#(ticket)"}"#,
                ("User-Agent", agent)
            ).pass
        }

        @Test(arguments: ["njs", "lua", "auth-request"], ["fastcgi", "scgi"])
        func `a copied pass waits, and who holds the ticket gets in again`(verifier: String, gateway: String) throws {
            let stack = try stack("network+agent", ["--verifier", verifier, "--gateway", gateway])
            let home = stack.client()
            let away = HTTPClient(port: stack.port, from: "127.1.1.1")
            let joined = try home.postJSON("/api/v1/queue/join", #"{"event_id":"demo"}"#, ("User-Agent", "One/1"))
            #expect(joined.status == 200)
            let (ticket, pass) = (joined.ticket, joined.pass)
            #expect(try isLetIn(home, pass, "One/1"))
            #expect(try isLetIn(HTTPClient(port: stack.port, from: "127.0.0.77"), pass, "One/1"), "a neighbour")
            // Copied alone.
            #expect(try !isLetIn(home, pass, "Two/2"))
            #expect(try !isLetIn(away, pass, "One/1"))
            // The owner is elsewhere now: by the gate, with both cookies.
            let cookies = "vestibule-pass-demo=\(pass); vestibule-ticket-demo=\(ticket)"
            let moved = try away.get("/moved", ("Cookie", cookies), ("User-Agent", "One/1"), ("Accept", "text/html"))
            #expect(moved.text.contains("This is the backend"))
            let second = try #require(moved.cookie("vestibule-pass-demo"))
            #expect(try isLetIn(away, second, "One/1"))
            #expect(try !isLetIn(home, second, "One/1"))
            // And by entering again.
            #expect(try enter(away, ticket, "One/1") == second, "the same client, the same pass")
            #expect(try enter(home, ticket, "One/1") == pass)
            let third = try enter(home, ticket, "Two/2")
            #expect(try isLetIn(home, third, "Two/2"))
            try expectSameAdmission([pass, second, third], stack)
            #expect(try stack.stateField("entered") == 1)
            let refused = try away.get(
                "/json",
                ("Cookie", "vestibule-pass-demo=\(pass)"),
                ("Accept", "application/json")
            )
            #expect(refused.status == 503 && refused.errorCode == "PASS_OTHER_CLIENT")
        }

        private func expectSameAdmission(_ tokens: [String], _ stack: DemoStack) throws {
            let keys = try stack.keyRing()
            let passes = try tokens.map { token in
                let verdict = keys.verifyPass(
                    Array(token.utf8),
                    room: "demo",
                    nowSeconds: Int64(wallMilliseconds() / 1000)
                )
                guard case .otherClient(let pass) = verdict else { throw TestFailure("not a bound pass: \(verdict)") }
                return pass
            }
            #expect(Set(passes.map(\.jti)).count == 1)
            #expect(Set(passes.map(\.number)).count == 1)
            #expect(Set(passes.map(\.issuedAtSeconds)).count == 1 && Set(passes.map(\.expiresAtSeconds)).count == 1)
            #expect(Set(passes.compactMap { $0.binding?.claim }).count == tokens.count)
        }

        @Test func `a pass bound to one thing does not ask for the other, and the token command says to what`() throws {
            for (traits, away, agent) in [("network", "127.0.0.9", "Two/2"), ("agent", "127.1.1.1", "One/1")] {
                let stack = try stack(traits, [])
                let body = #"{"event_id":"demo"}"#
                let pass = try stack.client().postJSON("/api/v1/queue/join", body, ("User-Agent", "One/1")).pass
                #expect(try isLetIn(HTTPClient(port: stack.port, from: away), pass, agent))
                let keys = stack.directory.file("keys.json")
                let shown = try TestProcess.output(
                    try Product.vestibule(),
                    ["token", "inspect", "--keys", keys, pass]
                )
                #expect(
                    shown.status == 0 && shown.text.contains("bound to: the \(traits) it was given to"),
                    "\(shown.text)"
                )
            }
        }
    }
}
