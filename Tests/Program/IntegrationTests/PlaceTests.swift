// SPDX-License-Identifier: Apache-2.0
//
// Goal: a place is kept as long as its holder gives a heartbeat within return_grace, and no longer.
// Method: every lifetime is a few seconds, so that a test outlives all of them. Nobody is called unless the test lets
// a token in: the room's rate is one in a thousand seconds.

import Foundation
import StrictJSON
import TestSupport
import Testing

extension Integration {
    @Suite struct PlaceTests {
        private static let shortLives = """
              demo: {rate: 0.001, burst: 1, abandon_after: 2s, return_grace: 4s, claim_window: 2s, pass_ttl: 2s}
            """

        /// Polls at once and again until `seconds` have passed; the positions that were seen.
        private func poll(_ client: HTTPClient, _ ticket: String, seconds: Double) throws -> Set<Int> {
            var seen: Set<Int> = []
            let deadline = wallMilliseconds() + Int(seconds * 1000)
            repeat {
                seen.insert(try client.status(ticket).position)
                sleepMilliseconds(200)
            } while wallMilliseconds() < deadline
            return seen
        }

        @Test func `a place is kept while polls come, given back within the grace, and lost after it`() throws {
            let stack = try DemoStack(rooms: PlaceTests.shortLives)
            let client = stack.client()
            let port = stack.port
            let inside = try client.join()
            #expect(inside.status == 200)
            let names = ["steady", "away", "gone", "last"]
            let tickets = try names.map { _ in try client.join().ticket }
            let (steady, away, gone, last) = (tickets[0], tickets[1], tickets[2], tickets[3])

            // 3.2 s: longer than abandon_after. Those who keep silent are swept; those who poll are not.
            #expect(try poll(client, steady, seconds: 0.4) == [1])
            let lastSeen = try Threads.run(2) { index in
                let other = HTTPClient(port: port)
                return try poll(other, index == 0 ? steady : last, seconds: 2.8)
            }
            #expect(lastSeen[0] == [1])
            #expect(lastSeen[1].isSubset(of: [4, 3, 2]))
            #expect(try client.status(last).position == 2, "two were swept from before the last")
            #expect(try stack.stateField("abandoned") == 2)

            // Back within the grace: the old place, before those who came later.
            let back = try client.status(away)
            #expect(back.word == "waiting")
            let isBefore = try Wait.until(seconds: 1) {
                try client.status(away).position == 2 && client.status(last).position == 3
            }
            #expect(isBefore)

            // More than all lifetimes together (2 + 4 + 2 + 2 s) have passed for the steady one at the end.
            let later = try Threads.run(3) { index in
                let other = HTTPClient(port: port)
                return try poll(other, [steady, away, last][index], seconds: 7.5)
            }
            #expect(later == [[1], [2], [3]])

            let expired = try client.status(gone)
            #expect(expired.status == 200)
            #expect(expired.word == "expired")
            #expect(expired.json["ready_for_entry"]?.boolValue == false)
            let enter = try client.enter(gone)
            #expect(enter.status == 410)
            #expect(enter.errorCode == "EXPIRED")
            #expect(try client.status(inside.ticket).word == "expired", "a pass that ended is no place either")
            #expect(try client.enter(inside.ticket).status == 410)
            #expect(try stack.stateField("waiting") == 3)
        }

        @Test func `a call that lapses gives its token back and its visitor returns to the front`() throws {
            let stack = try DemoStack(rooms: PlaceTests.shortLives)
            let client = stack.client()
            // The room begins with one token and gets no other for a thousand seconds.
            #expect(try stack.room("pause", "demo").status == 0)
            let tickets = try (0..<3).map { _ in try client.join().ticket }
            #expect(try stack.room("resume", "demo").status == 0)
            #expect(try Wait.until(seconds: 2) { try client.status(tickets[0]).word == "ready" })
            #expect(try stack.stateField("called") == 1)

            // Nobody claims. The token can only come from the call that lapsed.
            let isNextCalled = try Wait.until(seconds: 4) {
                for ticket in tickets.dropFirst() { _ = try client.status(ticket) }
                sleepMilliseconds(100)
                return try client.status(tickets[1]).word == "ready"
            }
            #expect(isNextCalled)
            #expect(try stack.stateField("lapsed") == 1)
            let back = try client.status(tickets[0])
            #expect(back.word == "waiting")
            let isInFront = try Wait.until(seconds: 1) {
                try client.status(tickets[0]).position == 1 && client.status(tickets[2]).position == 2
            }
            #expect(isInFront)
            #expect(try client.enter(tickets[1]).status == 200)
            #expect(try stack.room("set", "demo", "rate=100").status == 0)
            #expect(try Wait.until(seconds: 2) { try client.status(tickets[0]).word == "ready" })
            #expect(try client.enter(tickets[0]).status == 200)
        }

        @Test func `a ticket that was given up never returns, whatever its holder tries`() throws {
            let stack = try DemoStack(rooms: PlaceTests.shortLives)
            let client = stack.client()
            #expect(try client.join().status == 200)
            let key = "key-of-who-leaves-1"
            let ticket = try client.join(key: key).ticket
            let behind = try client.join().ticket
            #expect(try client.leave(ticket).status == 200)
            for _ in 0..<12 {
                #expect(try client.status(ticket).word == "left")
                #expect(try client.enter(ticket).errorCode == "LEFT")
                _ = try client.status(behind)
                sleepMilliseconds(250)
            }
            // The same key is the same ticket: it has left.
            let again = try client.join(key: key)
            #expect(again.ticket == ticket)
            #expect(again.word == "left")
            #expect(try client.status(behind).position == 1)
            #expect(try stack.stateField("returned") == 0)
        }

        @Test func `a pass is refused when its time is over`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 10, burst: 10, pass_ttl: 1s}")
            let client = stack.client()
            let joined = try client.join()
            #expect(joined.status == 200)
            let cookie = ("Cookie", "vestibule-pass-demo=\(joined.pass)")
            let json = ("Accept", "application/json")
            let first = try client.get("/shop", cookie, json)
            #expect(first.status == 200 && first.text.contains("backend"))
            // One second, and the five that clocks may differ by.
            var answer = first
            let isRefused = try Wait.until(seconds: 9) {
                answer = try client.get("/shop", cookie, json)
                return answer.status != 200
            }
            #expect(isRefused)
            #expect(answer.status == 503)
            #expect(answer.errorCode == "PASS_EXPIRED")
            #expect(try client.status(joined.ticket).word == "expired")
        }
    }
}
