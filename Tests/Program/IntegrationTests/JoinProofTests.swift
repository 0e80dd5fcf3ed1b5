// SPDX-License-Identifier: Apache-2.0
//
// Goal: behind real nginx and over real Redis a rush is asked for work, one solution is one place at every worker, and
// a client that does not work costs Redis nothing.

import Foundation
import StrictJSON
import TestSupport
import Testing

extension Integration {
    @Suite struct JoinProofTests {
        private static let room = "  demo: {rate: 0.001, burst: 50, proof_of_work: {bits: 10, bits_max: 12}}"

        /// Joins until every worker asks for work; the tickets and passes that were given meanwhile.
        private func rush(_ client: HTTPClient) throws -> Int {
            var given = 0
            var inARow = 0
            for _ in 0..<500 where inARow < 60 {
                let answer = try client.join()
                guard answer.status < 300 || answer.errorCode == "PROOF_REQUIRED" else {
                    throw TestFailure("a join was answered with \(answer.status) \(answer.text)")
                }
                inARow = answer.status < 300 ? 0 : inARow + 1
                given += answer.status < 300 ? 1 : 0
            }
            guard inARow == 60 else { throw TestFailure("no work is asked for after \(given) joins") }
            return given
        }

        private func challenge(_ client: HTTPClient, key: String? = nil) throws -> ShownChallenge {
            try #require(ShownChallenge(try client.join(key: key).json))
        }

        @Test func `a rush is asked for work, and a solution is good for one place at every worker`() throws {
            let stack = try DemoStack(rooms: Self.room, workers: 2)
            let client = stack.client()
            let given = try rush(client)
            #expect(given < 60, "each of two workers lets some fifteen in before it sees a rush")
            #expect(try stack.stateField("joined") == given)

            // Without a proof, and with bad ones: Redis runs what it runs anyway, a tick and no more.
            let before = try scripts(stack)
            let began = Date()
            let bad = try challenge(client)
            let body = try bad.body(nonce: try bad.nonce(solving: false))
            for _ in 0..<300 {
                #expect(try client.postJSON("/api/v1/queue/join", body).errorCode == "PROOF_INVALID")
                #expect(try client.join().errorCode == "PROOF_REQUIRED")
            }
            let ticks = Int(Date().timeIntervalSince(began) / 0.2 * 2) + 10
            let calls = try scripts(stack) - before
            #expect(calls <= ticks, "\(calls) script calls in the time of \(ticks) ticks")

            // One solution, sent over and over to both workers.
            let solved = try challenge(client).body()
            var tickets: Set<String> = []
            for _ in 0..<1000 {
                let answer = try client.postJSON("/api/v1/queue/join", solved)
                guard answer.status < 300 else { throw TestFailure("\(answer.status) \(answer.text)") }
                tickets.insert(answer.ticket)
            }
            #expect(tickets.count == 1)
            #expect(try stack.stateField("joined") == given + 1)

            // With a key: lost answers and other keys.
            let key = "an-idempotency-key"
            let bound = try challenge(client, key: key).body()
            let header = [("Idempotency-Key", key)]
            try client.sendAndHangUp(
                "POST",
                "/api/v1/queue/join",
                headers: [("Content-Type", "application/json")] + header,
                body: bound
            )
            let again = try (0..<20).map { _ in try client.postJSON("/api/v1/queue/join", bound, header).ticket }
            #expect(Set(again).count == 1 && !again[0].isEmpty && !tickets.contains(again[0]))
            let other = try client.postJSON("/api/v1/queue/join", bound, [("Idempotency-Key", key + "-2")])
            #expect(other.status == 403 && other.errorCode == "PROOF_INVALID")
            #expect(try stack.stateField("joined") == given + 2)

            let metrics = try client.get("/metrics").text
            #expect(metrics.contains(/vestibule_proofs_total\{outcome="refused"\} 301/))
            #expect(metrics.contains(/vestibule_proofs_total\{outcome="taken"\} 102\d/))
            #expect(metrics.contains(/vestibule_room_proof_bits\{room="demo"\} 1[0-2]/))
        }

        @Test func `the client that README shows joins with a proof`() throws {
            let stack = try DemoStack(rooms: Self.room, workers: 1)
            _ = try rush(stack.client())
            let program = "\(Repository.root)/deploy/join_with_proof.py"
            let words = [program, "http://127.0.0.1:\(stack.port)", "demo"]
            let runs = try ["first-key-of-mine", "first-key-of-mine", "other-key-of-mine"].map { key in
                try TestProcess.output("python3", words + [key])
            }
            let tickets = try runs.map { run in
                let answer = try JSONValue(parsing: Array(run.text.utf8.prefix { $0 != 10 }))
                return try #require(answer["waiting_token"]?.stringValue, "\(run.text)")
            }
            #expect(tickets[0] == tickets[1] && tickets[1] != tickets[2])
            let unknown = try TestProcess.output("python3", [program, words[1], "nowhere", "first-key-of-mine"])
            #expect(unknown.status == 1 && unknown.text.contains("404 ROOM_UNKNOWN"))
        }

        @Test func `while work is asked for, first contacts see the page and get no number, and who is inside goes on`()
            throws
        {
            let stack = try DemoStack(rooms: Self.room, workers: 1)
            let client = stack.client()
            let inside = try client.join()
            try #require(inside.status == 200)
            let given = try rush(client)
            for query in ["", "?vestibule-noscript=join"] {
                let page = try client.get("/shop\(query)", ("Accept", "text/html"))
                #expect(page.status == 503 && page.text.contains("this room needs JavaScript right now"))
                #expect(page.values("Set-Cookie").isEmpty)
            }
            #expect(try stack.stateField("joined") == given + 1)
            let pass = try client.get("/shop", ("Cookie", "vestibule-pass-demo=\(inside.pass)"))
            #expect(pass.text.contains("This is the backend"))
            let ticket = try client.get("/shop", ("Cookie", "vestibule-ticket-demo=\(inside.ticket)"))
            #expect(ticket.text.contains("This is the backend"), "a ticket of somebody inside gives the pass again")
        }

        /// Script calls Redis has run so far.
        private func scripts(_ stack: DemoStack) throws -> Int {
            let found = try stack.redis("INFO", "commandstats").firstMatch(of: /cmdstat_evalsha:calls=(\d+)/)
            return try #require(found.flatMap { Int($0.1) })
        }
    }
}
