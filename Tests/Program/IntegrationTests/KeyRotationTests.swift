// SPDX-License-Identifier: Apache-2.0
//
// Goal: keys are changed in the middle of a sale without a refused ticket or pass, and a retired key opens nothing.
// Method: `vestibule keys` on the demo's key file, and SIGHUP after each step, as an operator does it.

import Foundation
import Passes
import StrictJSON
import TestSupport
import Testing

extension Integration {
    @Suite struct KeyRotationTests {
        @Test(arguments: ["njs", "lua", "auth-request"])
        func `a rotation refuses nobody, and a retired key opens nothing`(verifier: String) throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 0.001, burst: 2}", options: ["--verifier", verifier])
            let client = stack.client()
            let old = try client.join()
            #expect(old.status == 200)
            try step(stack, "add")
            try step(stack, "rotate")
            let fresh = try client.join()
            #expect(fresh.ticket.hasPrefix("v1.k2."))
            #expect(fresh.status == 200)
            let waiting = try client.join().ticket
            #expect(try isLetIn(client, old.pass))
            #expect(try isLetIn(client, fresh.pass))
            #expect(try client.status(old.ticket).word == "admitted")
            #expect(try client.status(waiting).word == "waiting")

            try step(stack, "retire", "--kid", "k1")
            #expect(try !isLetIn(client, old.pass))
            #expect(try client.status(old.ticket).errorCode == "TICKET_FORGED")
            #expect(try isLetIn(client, fresh.pass))
            #expect(try client.status(waiting).position == 1)
            #expect(try stack.keyRing().kids == ["k2"])
        }

        private func step(_ stack: DemoStack, _ words: String...) throws {
            let answer = try TestProcess.output(
                try Product.vestibule(),
                ["keys"] + words + ["--keys", stack.directory.file("keys.json")]
            )
            guard answer.status == 0 else { throw TestFailure(answer.text) }
            try stack.reloadNginx {
                kill(stack.process.pid, SIGHUP)
                let kids = try stack.keyRing().kids.joined(separator: " ")
                _ = try stack.workerLogs(onceTheyHold: "\"keys\":\"\(kids)\"")
            }
        }

        private func isLetIn(_ client: HTTPClient, _ pass: String) throws -> Bool {
            let answer = try client.get(
                "/shop",
                ("Cookie", "vestibule-pass-demo=\(pass)"),
                ("Accept", "application/json")
            )
            return answer.text.contains("This is the backend")
        }
    }
}
