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
            let before = try nginxWorkers(stack)
            kill(stack.process.pid, SIGHUP)
            let kids = try stack.keyRing().kids.joined(separator: " ")
            _ = try stack.workerLogs(onceTheyHold: "\"keys\":\"\(kids)\"")
            // A reload of nginx is done when all of its workers are new ones.
            let isReloaded = try Wait.until(seconds: 5) {
                let now = try nginxWorkers(stack)
                return now.count == before.count && now.isDisjoint(with: before)
            }
            guard isReloaded else {
                throw TestFailure("nginx did not reload: \(stack.directory.read("nginx-error.log"))")
            }
        }

        private func nginxWorkers(_ stack: DemoStack) throws -> Set<Substring> {
            let words = ["-P", "\(stack.pid("nginx"))", "-f", "nginx: worker process"]
            let text = try TestProcess.output("pgrep", words).text
            return Set(text.split(separator: "\n"))
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
