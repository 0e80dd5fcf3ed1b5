// SPDX-License-Identifier: Apache-2.0
//
// Goal: people who go away, with or without saying so, do not hold up those behind them.
// Method: exact times come from Redis: a ticket carries its issue time, a call its deadline.

import Passes
import StrictJSON
import TestSupport
import Testing

extension Integration {
    @Suite struct LeaverTests {
        private let abandonMilliseconds = 4000
        private let tickMilliseconds = 200
        private let claimMilliseconds = 60_000
        /// What the timers of a busy machine may be late.
        private let latenessMilliseconds = 150

        /// At 10 calls a second the 120 silent ones alone would take 12 s; the sweep must remove them after 4 s.
        @Test func `the first behind 120 silent visitors is called within abandon_after plus one tick`() throws {
            let stack = try DemoStack(
                rooms: "  demo: {rate: 10, burst: 1, abandon_after: 4s, return_grace: 20s, claim_window: 60s}"
            )
            let keys = try stack.keyRing()
            let client = stack.client()
            #expect(try client.join().status == 200, "the only token")
            let tickets = try (0..<150).map { _ in try client.join() }
            #expect(tickets.allSatisfy { $0.status == 202 })
            let silent = try tickets.prefix(120).map { try keys.open($0.ticket) }
            let polling = tickets.dropFirst(120).map(\.ticket)
            let first = try keys.number(polling[0])

            let isCalled = try Wait.until(seconds: 6) {
                let words = try polling.map { try client.status($0).word }
                sleepMilliseconds(100)
                return words[0] == "ready"
            }
            #expect(isCalled)

            let lastSilence = Int(silent.map(\.issuedMilliseconds).max() ?? 0)
            let calls = try stack.scores("called")
            let call = try #require(calls.first { $0.number == first }).score - claimMilliseconds
            let waited = call - lastSilence
            let silentCalls = calls.filter { $0.number < first }.count
            recordFigures(
                """
                called \(waited) ms after the last silent one was last heard; \
                \(silentCalls) of 120 silent ones were called before they were swept
                """,
                "leavers"
            )
            #expect(waited <= abandonMilliseconds + tickMilliseconds + latenessMilliseconds)
            #expect(waited >= abandonMilliseconds * 3 / 4 - tickMilliseconds, "nobody is swept early")
            #expect(silentCalls < 50)
            let callsBefore = calls.filter { $0.score < call + claimMilliseconds }.map(\.number)
            #expect(callsBefore.allSatisfy { $0 < first }, "nobody behind was called before")
            #expect(try stack.stateField("abandoned") == 120 - silentCalls)
        }

        @Test func `when one leaves everyone behind moves up by exactly one at the next tick`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 0.001, burst: 1}", workers: 2)
            let client = stack.client()
            #expect(try client.join().status == 200)
            let tickets = try (0..<40).map { _ in try client.join().ticket }
            try settle(client, tickets, expected: Array(1...40))

            #expect(try client.leave(tickets[14]).status == 200)
            let left = wallMilliseconds()
            let remaining = Array(tickets[..<14] + tickets[15...])
            let before = Array(1...14) + Array(16...40)
            // Two rounds in a row must agree, so that both workers have been asked.
            var agreeing = 0
            while agreeing < 2, wallMilliseconds() - left < 3000 {
                let seen = try remaining.map { try client.status($0).position }
                for (index, position) in seen.enumerated() {
                    let mayBe = index < 14 ? before[index]...before[index] : (before[index] - 1)...before[index]
                    try #require(mayBe.contains(position), "place \(before[index]) became \(position)")
                }
                agreeing = seen == Array(1...39) ? agreeing + 1 : 0
            }
            let took = wallMilliseconds() - left
            recordFigures("everyone behind moved up, seen at all workers, after \(took) ms", "leave-moves-up")
            // One tick until every worker knows, and the two rounds of 39 polls.
            #expect(took <= 2 * tickMilliseconds + latenessMilliseconds)
            try settle(client, remaining, expected: Array(1...39))
        }

        @Test func `leaving by DELETE or POST may be repeated and is for good`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 0.001, burst: 1}")
            let client = stack.client()
            let inside = try client.join()
            #expect(inside.status == 200)
            let (first, second, third) = (try client.join().ticket, try client.join().ticket, try client.join().ticket)

            for _ in 0..<3 {
                let answer = try client.leave(first)
                #expect(answer.status == 200)
                #expect(answer.word == "left")
            }
            for body in [#"{"waiting_token":"\#(second)"}"#, #"{"waiting_token":"\#(second)"}"#] {
                let answer = try client.postJSON("/api/v1/queue/leave", body)
                #expect(answer.status == 200)
                #expect(answer.word == "left")
                #expect(answer.cookie("vestibule-ticket-demo")?.isEmpty == true, "the browser forgets the ticket")
            }
            // As navigator.sendBeacon sends it: no body, the ticket in the cookie.
            let beacon = try client.send(
                "POST",
                "/api/v1/queue/leave",
                headers: [("Cookie", "vestibule-ticket-demo=\(third)"), ("Content-Type", "text/plain;charset=UTF-8")],
                body: ""
            )
            #expect(beacon.word == "left")
            #expect(try stack.stateField("left") == 3, "repeats count once")
            #expect(try stack.stateField("waiting") == 0)

            for ticket in [first, second, third] {
                #expect(try client.status(ticket).word == "left")
                let enter = try client.enter(ticket)
                #expect(enter.status == 410)
                #expect(enter.errorCode == "LEFT")
            }
            // A visitor who is inside may leave, too; the place inside is free at once.
            #expect(try client.leave(inside.ticket).word == "left")
            #expect(try stack.redis("ZCARD", "vq:{demo}:active") == "0")
        }

        /// All positions are as expected within a few ticks.
        private func settle(_ client: HTTPClient, _ tickets: [String], expected: [Int]) throws {
            var seen: [Int] = []
            let settled = try Wait.until(seconds: 3) {
                seen = try tickets.map { try client.status($0).position }
                return seen == expected
            }
            #expect(settled, "\(seen)")
        }
    }
}
