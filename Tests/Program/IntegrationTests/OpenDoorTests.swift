// SPDX-License-Identifier: Apache-2.0
//
// Goal: a room with when_redis_is_away: open lets people through while Redis is dead, until its deadline, and a room
// without it does not; through the real nginx, with passes that nginx takes.

import Foundation
import StrictJSON
import TestSupport
import Testing

extension Integration {
    @Suite struct OpenDoorTests {
        @Test func `an open room passes everybody until its deadline after Redis was killed, a closed one nobody`()
            throws
        {
            let stack = try DemoStack(
                rooms: """
                      demo: {rate: 0.001, burst: 1, when_redis_is_away: open, open_for: 6s}
                      strict: {rate: 0.001, burst: 1}
                    """
            )
            let client = stack.client()
            #expect(try client.join().status == 200)
            let ticket = try client.join().ticket
            try client.untilMirrored(ticket)
            #expect(!(try client.get("/shop", ("Accept", "text/html")).text.contains("This is the backend")))

            let killed = wallMilliseconds()
            kill(stack.pid("redis"), SIGKILL)
            let isOpen = try Wait.until(seconds: 4) {
                try (0..<6).allSatisfy { _ in try client.join().status == 200 }
            }
            #expect(isOpen)
            let page = try client.get("/shop", ("Accept", "text/html"))
            #expect(page.text.contains("This is the backend"))
            let joined = try client.join()
            #expect(joined.word == "admitted" && joined.ticket.isEmpty)
            let entered = try client.enter(ticket)
            #expect(entered.status == 200)
            for pass in [joined.pass, entered.pass] {
                let shop = try client.get("/shop", ("Cookie", "vestibule-pass-demo=\(pass)"))
                #expect(shop.text.contains("This is the backend"), "nginx takes the pass")
            }
            #expect(try client.join("strict").status == 503)

            let isClosed = try Wait.until(seconds: 10) {
                try (0..<6).allSatisfy { _ in try client.join().status == 503 }
            }
            #expect(isClosed)
            #expect((5500...9000).contains(wallMilliseconds() - killed), "\(wallMilliseconds() - killed) ms")
            #expect(!(try client.get("/shop", ("Accept", "text/html")).text.contains("This is the backend")))
            let shop = try client.get("/shop", ("Cookie", "vestibule-pass-demo=\(joined.pass)"))
            #expect(shop.text.contains("This is the backend"), "a pass lives to its end")
            #expect(try client.status(ticket).position == 1)

            // A worker logs its door at its next tick; the joins above may have asked only one of the two.
            for log in try stack.workerLogs(onceTheyHold: "closed to newcomers") {
                #expect(log.components(separatedBy: "open to everybody for 6 s").count == 2, "\(log)")
                #expect(log.components(separatedBy: "closed to newcomers").count == 2)
                #expect(log.components(separatedBy: "redis away: ").count == 2)
                #expect(!log.contains("room strict"))
            }
        }
    }
}
