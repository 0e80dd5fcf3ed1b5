// SPDX-License-Identifier: Apache-2.0
//
// Goal: what an operator says to `vestibule room` holds at every worker a tick or two later.
// Method: the real command against a running room; each change is timed from the end of the command.

import StrictJSON
import TestSupport
import Testing

extension Integration {
    @Suite struct ModeTests {
        /// Two ticks, and a little for a busy machine.
        private let soonSeconds = 0.6

        @Test func `a paused room keeps every place and calls nobody`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 20, burst: 4}")
            let client = stack.client()
            #expect(try stack.room("pause", "demo").status == 0)
            let joined = try (0..<10).map { _ in try client.join() }
            #expect(joined.allSatisfy { $0.status == 202 && $0.word == "waiting" }, "nobody is admitted at once")
            let tickets = joined.map(\.ticket)
            let isPaused = try Wait.until(seconds: soonSeconds) {
                try (0..<10).allSatisfy { try client.status(tickets[$0]).position == $0 + 1 }
            }
            #expect(isPaused)
            // Each worker learns of the pause with its next tick.
            var inARow = 0
            let everywhere = try Wait.until(seconds: soonSeconds) {
                inARow = try client.status(tickets[3]).word == "paused" ? inARow + 1 : 0
                return inARow == 8
            }
            #expect(everywhere)
            for _ in 0..<5 {
                let answer = try client.status(tickets[3])
                #expect(answer.status == 200)
                #expect(answer.word == "paused")
                #expect(answer.position == 4)
                #expect(answer.json["eta_sec"] == .null)
                #expect(answer.json["eta_low_sec"] == .null)
                #expect(answer.json["eta_high_sec"] == .null)
                #expect(answer.json["ready_for_entry"]?.boolValue == false)
                sleepMilliseconds(100)
            }
            #expect(try stack.stateField("called") == 0)
            #expect(try client.enter(tickets[0]).status == 403)

            #expect(try stack.room("resume", "demo").status == 0)
            let isCalled = try Wait.until(seconds: soonSeconds) { try client.status(tickets[0]).word == "ready" }
            #expect(isCalled)
            #expect(try client.enter(tickets[0]).status == 200)
        }

        @Test func `a closed room takes no joins and keeps those who wait`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 0.001, burst: 1}")
            let client = stack.client()
            #expect(try client.join().status == 200)
            let ticket = try client.join(key: "joined-before-closing").ticket
            #expect(try stack.room("close", "demo").status == 0)
            let refused = try client.join()
            #expect(refused.status == 403)
            #expect(refused.errorCode == "ROOM_CLOSED")
            #expect(try client.status(ticket).position == 1)
            #expect(try client.join(key: "joined-before-closing").ticket == ticket, "a retry is not a join")
            #expect(try stack.room("resume", "demo").status == 0)
            #expect(try client.join().status == 202)
        }

        @Test func `a room in bypass lets everybody through, also those who waited`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 0.001, burst: 1}")
            let client = stack.client()
            #expect(try client.join().status == 200)
            let ticket = try client.join().ticket
            #expect(try client.get("/shop", ("Accept", "text/html")).text.contains("This is the backend") == false)
            #expect(try stack.room("set", "demo", "mode=bypass").status == 0)
            let isOpen = try Wait.until(seconds: soonSeconds) {
                try (0..<4).allSatisfy { _ in
                    try client.get("/shop", ("Accept", "text/html")).text.contains("This is the backend")
                }
            }
            #expect(isOpen)
            #expect(try client.enter(ticket).status == 200)
            #expect(try (0..<20).allSatisfy { _ in try client.join().status == 200 })
        }

        @Test func `limits that are set at run time hold at the next tick, and default goes back to the file`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 0.001, burst: 1}")
            let client = stack.client()
            #expect(try client.join().status == 200)
            let tickets = try (0..<5).map { _ in try client.join().ticket }
            let changed = try stack.room("set", "demo", "rate=100", "burst=50")
            #expect(changed.status == 0)
            #expect(changed.text.contains("burst: 50"))
            let areCalled = try Wait.until(seconds: soonSeconds) {
                try tickets.allSatisfy { try client.status($0).word == "ready" }
            }
            #expect(areCalled)
            let back = try stack.room("set", "demo", "rate=default", "burst=default")
            #expect(back.text.contains("burst: 1\n"))
            for wrong in ["rate=-1", "burst=0", "mode=ajar", "speed=9", "rate"] {
                let answer = try stack.room("set", "demo", wrong)
                #expect(answer.status != 0, "\(wrong)")
                #expect(answer.text.contains("LIMIT_"), "\(wrong): \(answer.text)")
            }
            #expect(try stack.room("show", "nowhere").text.contains("ROOM_UNKNOWN"))
        }

        @Test func `no more than max_active are called or inside at a time`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 100, burst: 50, max_active: 5, pass_ttl: 10m}")
            let client = stack.client()
            let joined = try (0..<30).map { _ in try client.join() }
            #expect(joined.prefix(5).allSatisfy { $0.status == 200 })
            #expect(joined.dropFirst(5).allSatisfy { $0.status == 202 })
            try client.untilMirrored(joined[29].ticket)
            #expect(try stack.stateField("called") == 0, "the room is full and there are tokens")
            for leaver in 0..<3 { #expect(try client.leave(joined[leaver].ticket).status == 200) }
            let areCalled = try Wait.until(seconds: soonSeconds) {
                try (5..<8).allSatisfy { try client.status(joined[$0].ticket).word == "ready" }
            }
            #expect(areCalled)
            try client.untilMirrored(joined[29].ticket)
            #expect(try stack.stateField("called") == 3)
            #expect(try client.status(joined[8].ticket).word == "waiting")
            #expect(try (5..<8).allSatisfy { try client.enter(joined[$0].ticket).status == 200 })
            #expect(try stack.stateField("active") == 5)
        }

        @Test func `a reset ends every ticket and keeps passes, and no number is used again`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 0.001, burst: 1}")
            let client = stack.client()
            let keys = try stack.keyRing()
            let inside = try client.join()
            let tickets = try (0..<5).map { _ in try client.join().ticket }
            #expect(try stack.room("reset", "demo").status != 0, "not without --yes")
            #expect(try client.status(tickets[0]).status == 200)
            #expect(try stack.room("reset", "demo", "--yes").status == 0)
            let isFenced = try Wait.until(seconds: soonSeconds) {
                // Ten in a row, so that both workers have been asked.
                try (0..<10).allSatisfy { try client.status(tickets[$0 % 5]).status == 409 }
            }
            #expect(isFenced)
            for ticket in tickets {
                #expect(try client.status(ticket).errorCode == "OTHER_GENERATION")
                #expect(try client.enter(ticket).status == 409)
                #expect(try client.leave(ticket).status == 409)
            }
            let shop = try client.get("/shop", ("Cookie", "vestibule-pass-demo=\(inside.pass)"))
            #expect(shop.text.contains("This is the backend"))
            let fresh = try client.join()
            #expect(fresh.status == 202)
            #expect(fresh.position == 1)
            let old = try tickets.map { try keys.number($0) }
            #expect(try keys.number(fresh.ticket) > (old.max() ?? .max))
        }
    }
}
