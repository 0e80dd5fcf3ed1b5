// SPDX-License-Identifier: Apache-2.0
//
// Goal: entries stay within burst + rate * t also across a loss of every memory: Redis comes back empty, and every
// worker was killed. Method: newcomers are let through a protected page as fast as it goes, before and after the loss;
// the time of an entry is the one Redis gave it, which is in the visitor's ticket.

import Foundation
import Passes
import TestSupport
import Testing

extension Integration {
    @Suite struct TotalLossTests {
        private let burst = 40
        private let rate = 10

        /// Asks for the page without a cookie again and again; a visitor who finds no room takes no number. Returns the
        /// times of the entries.
        private func hammer(_ stack: DemoStack, seconds: Double) throws -> [Int] {
            let (client, keys) = (stack.client(), try stack.keyRing())
            let end = Date().addingTimeInterval(seconds)
            var times: [Int] = []
            while Date() < end {
                let answer = try client.get("/shop", ("Accept", "text/html"))
                guard let ticket = answer.cookie("vestibule-ticket-demo") else { continue }
                times.append(Int(try keys.open(ticket).issuedMilliseconds))
            }
            return times
        }

        /// Redis is killed and comes back empty, and so do the workers; the marks of their last run go, too, if asked.
        private func loseEverything(_ stack: DemoStack, marks: Bool) throws -> TestProcess {
            let (redis, workers) = (stack.pid("redis"), stack.workerPids)
            for pid in workers + [redis] { kill(pid, SIGKILL) }
            guard Wait.until(seconds: 3, { kill(redis, 0) != 0 }) else { throw TestFailure("Redis did not end") }
            if marks { unlink(stack.directory.file("room-demo.ran")) }
            unlink(stack.redisSocket)
            let successor = try TestProcess(
                "redis-server",
                ["--port", "0", "--unixsocket", stack.redisSocket, "--save", "", "--dir", stack.directory.path],
                log: stack.directory.file("redis-2.log")
            )
            let isUp = Wait.until(seconds: 5) { (try? stack.redis("PING")) == "PONG" }
            let areNew = Wait.until(seconds: 5) {
                Set(stack.workerPids).isDisjoint(with: workers) && (try? stack.client().get("/readyz").status) == 200
            }
            guard isUp, areNew else { throw TestFailure("Redis or the workers did not start again") }
            return successor
        }

        /// Without the marks it shows what the other run would have to find, and where the promise ends.
        @Test(arguments: [true, false])
        func `two bursts around a total loss stay within the bound of one, if the marks are kept`(
            keepsMarks: Bool
        ) throws {
            let stack = try DemoStack(rooms: "  demo: {rate: \(rate), burst: \(burst)}")
            let before = try hammer(stack, seconds: 1.5)
            #expect(before.count >= burst, "a new room begins with its burst: \(before.count)")
            let redis = try loseEverything(stack, marks: !keepsMarks)
            defer { redis.stop() }
            #expect(try stack.stateField("remembered") == 0, "nobody remembered the room")
            let after = try hammer(stack, seconds: 6)
            let bound = Entries(burst: burst, ratePerSecond: rate, times: before + after)
            let away = (after.first ?? 0) - (before.last ?? 0)
            recordFigures(
                """
                entries \(before.count) before, \(after.count) after a loss of every memory; none for \(away) ms
                over the bound in the fullest window: \(bound.excess())
                with a full bucket after it there would be up to \(burst - rate * away / 1000)
                """,
                keepsMarks ? "total-loss" : "total-loss-without-marks"
            )
            if keepsMarks {
                #expect(bound.excess() <= 0, "\(bound.excess()) more than burst + rate * t")
            } else {
                #expect(bound.excess() > 10, "a host that has never run the room begins with its burst")
            }
            // And the room goes on at its rate: 3 s of it count as uncertain.
            #expect(after.count >= rate * 2, "\(after.count)")
        }

        @Test func `a room that an operator paused stays paused when every memory of it is lost`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 10, burst: 5}")
            #expect(try stack.room("pause", "demo").status == 0)
            try stack.directory.read("room-demo.ran", onceItHolds: "mode=1")
            let redis = try loseEverything(stack, marks: false)
            defer { redis.stop() }
            #expect(try stack.stateField("remembered") == 0, "nobody remembered the room")
            #expect(try stack.room("show", "demo").text.contains("mode: paused  (set by an operator)"))
            #expect(try stack.client().join().status == 202)
            #expect(try stack.room("resume", "demo").text.contains("mode: open"))
        }

        @Test func `a demo that is started again in the same directory is a new event`() throws {
            let directory = try TemporaryDirectory()
            for _ in 0..<2 {
                let stack = try DemoStack(rooms: "  demo: {rate: 1, burst: 20}", in: directory)
                #expect(try hammer(stack, seconds: 0.5).count >= 20)
                stack.stop()
            }
        }
    }
}
