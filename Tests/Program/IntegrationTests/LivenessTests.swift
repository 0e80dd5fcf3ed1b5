// SPDX-License-Identifier: Apache-2.0
//
// Goal: visitors who decline, sleep or press reload cannot stop a room, and a room in bypass empties.
// Method: tickets that poll and never enter in front of others who do, through the real nginx and two workers.

import StrictJSON
import TestSupport
import Testing

extension Integration {
    @Suite struct LivenessTests {
        @Test func `eleven who poll and never enter do not keep out the twenty behind them`() throws {
            let stack = try DemoStack(
                rooms: "  demo: {rate: 20, burst: 20, max_active: 5, claim_window: 1s, abandon_after: 20s}"
            )
            let client = stack.client()
            let joined = try (0..<36).map { _ in try client.join() }
            #expect(joined.prefix(5).allSatisfy { $0.status == 200 })
            let decliners = joined[5..<16].map(\.ticket)
            var honest = joined[16...].map(\.ticket)
            // The first five make room and stay away.
            for first in joined.prefix(5) { #expect(try client.leave(first.ticket).status == 200) }
            let allEntered = try Wait.until(seconds: 30) {
                for ticket in decliners { _ = try client.status(ticket) }
                honest = try honest.filter { ticket in
                    guard try client.status(ticket).word == "ready", try client.enter(ticket).status == 200 else {
                        return true
                    }
                    _ = try client.leave(ticket)
                    return false
                }
                return honest.isEmpty
            }
            #expect(allEntered, "\(honest.count) of 20 are still out")
        }

        @Test func `the look of a visitor who missed a call is the call, and two missed calls are told`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 2, burst: 1, claim_window: 1s, abandon_after: 20s}")
            let client = stack.client()
            _ = try client.join()
            let ticket = try client.join().ticket
            func missCall() throws {
                let before = try stack.stateField("lapsed")
                #expect(try Wait.until(seconds: 8) { try stack.stateField("lapsed") > before })
            }
            try missCall()
            #expect(try client.status(ticket).word == "ready", "a token has been saved meanwhile")
            try missCall()
            #expect(try stack.room("set", "demo", "rate=0.001", "mode=paused").status == 0)
            let others = try (0..<4).map { _ in try client.join().ticket }
            try client.untilMirrored(others[3])
            // At most two tokens are saved: the last two of the others go on waiting, and the late one behind them.
            #expect(try stack.room("set", "demo", "mode=open").status == 0)
            // The same answer throughout: the other worker may know of the change a tick later.
            var answer = try client.status(ticket)
            let isBehind = try Wait.until(seconds: 3) {
                answer = try client.status(ticket)
                return answer.word == "waiting" && answer.position >= 3 && answer.json["late"]?.boolValue == true
            }
            #expect(isBehind)
            #expect(answer.json["eta_sec"] == .null)
            #expect(answer.json["message"]?.stringValue?.contains("missed your turn") == true)
            #expect(try client.status(others[3]).json["late"] == nil)
        }

        @Test func `a room in bypass tells those who wait that it is their turn, and empties`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 0.001, burst: 1, max_active: 1}")
            let client = stack.client()
            #expect(try client.join().status == 200)
            let tickets = try (0..<60).map { _ in try client.join().ticket }
            try client.untilMirrored(tickets[59])
            #expect(try stack.room("set", "demo", "mode=bypass").status == 0)
            let areReady = try Wait.until(seconds: 5) {
                try tickets.allSatisfy { try client.status($0).word == "ready" }
            }
            #expect(areReady)
            #expect(try stack.stateField("waiting") == 0)
            #expect(try tickets.allSatisfy { try client.enter($0).status == 200 })
        }

        @Test func `polls, reloads and early enters of a visitor who waits cost Redis nothing`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 0.001, burst: 1}")
            let client = stack.client()
            #expect(try client.join().status == 200)
            let tickets = try (0..<20).map { _ in try client.join().ticket }
            try client.untilMirrored(tickets[19])
            let requests: [(String, (String) throws -> Int)] = [
                ("poll", { try client.status($0).status }),
                (
                    "reload",
                    { ticket in
                        let cookie = ("Cookie", "vestibule-ticket-demo=\(ticket)")
                        return try client.get("/shop", ("Accept", "text/html"), cookie).status
                    }
                ),
                ("enter", { try client.enter($0).status }),
            ]
            for ((name, request), expected) in zip(requests, [200, 503, 403]) {
                let before = try visits(stack)
                for _ in 0..<2 {
                    for ticket in tickets { #expect(try request(ticket) == expected, "\(name)") }
                }
                #expect(try visits(stack) == before, "\(name) went to Redis")
            }
        }

        /// How often a script has looked up where a visitor stands. A tick never does.
        private func visits(_ stack: DemoStack) throws -> Int {
            let line = try stack.redis("INFO", "commandstats").split(whereSeparator: \.isNewline)
                .first { $0.hasPrefix("cmdstat_zscore:") }
            return line?.split(separator: ",")[0].split(separator: "=").last.flatMap { Int($0) } ?? 0
        }
    }
}
