// SPDX-License-Identifier: Apache-2.0
//
// Goal: calls are made in strict number order, however many workers take the joins.
// Method: 1,000 joins at once through four workers; nobody enters, so the set `called` keeps every call with its
// time (claim deadline less claim_window), and a call seen once stays to be seen.

import Foundation
import Passes
import StrictJSON
import TestSupport
import Testing

extension Integration {
    @Suite struct OrderTests {
        private let claimMilliseconds = 60_000

        @Test func `a thousand joins through four workers are called in the order of their numbers`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 100, burst: 50, claim_window: 60s}", workers: 4)
            let (tickets, joinMilliseconds) = try joinAtOnce(stack, count: 1000, threads: 10)
            let keys = try stack.keyRing()
            let admitted = try tickets.filter { $0.status == 200 }.map { try keys.number($0.ticket) }
            let waiting = try tickets.filter { $0.status == 202 }
                .map { (number: try keys.number($0.ticket), ticket: $0.ticket) }
                .sorted { $0.number < $1.number }
            let numbers = waiting.map(\.number)

            #expect(tickets.count == 1000)
            #expect(joinMilliseconds < 2000)
            #expect(Set(numbers + admitted).count == 1000, "every join has a number of its own")
            #expect((numbers + admitted).max()! - (numbers + admitted).min()! == 999, "numbers are dense")
            #expect(admitted.count >= 50 && admitted.count < 300)
            #expect(admitted.max()! < numbers.min()!, "who is admitted at once came before all who wait")
            try expectAllWorkersJoined(stack, workers: 4)

            let snapshots = try watchCalls(stack, numbers)
            try expectReadinessHasNoGaps(stack, waiting)
            #expect(Wait.until(seconds: 15) { (try? stack.stateField("waiting")) == 0 })

            // The whole history: the later number is never called earlier.
            let calls = try stack.scores("called").sorted { $0.number < $1.number }
            let isComplete = calls.map(\.number) == numbers
            #expect(isComplete, "everybody who waited was called, nobody twice")
            let times = calls.map { $0.score - claimMilliseconds }
            let isInOrder = zip(times, times.dropFirst()).allSatisfy { $0 <= $1 }
            #expect(isInOrder)
            recordFigures(
                """
                joins 1000 in \(joinMilliseconds) ms, admitted at once \(admitted.count)
                snapshots of the called set \(snapshots), calls \(calls.count) in \(times.last! - times.first!) ms
                """,
                "order"
            )
        }

        private func joinAtOnce(
            _ stack: DemoStack,
            count: Int,
            threads: Int
        ) throws -> (tickets: [(status: Int, ticket: String)], milliseconds: Int) {
            let port = stack.port
            let started = wallMilliseconds()
            let parts = try Threads.run(threads) { _ in
                let client = HTTPClient(port: port)
                return try (0..<(count / threads)).map { _ in
                    let answer = try client.join()
                    return (answer.status, answer.ticket)
                }
            }
            return (parts.flatMap { $0 }, wallMilliseconds() - started)
        }

        /// nginx's access log names the worker that answered each join.
        private func expectAllWorkersJoined(_ stack: DemoStack, workers: Int) throws {
            let found = Wait.until(seconds: 5) {
                let lines = stack.directory.read("access.log").split(separator: "\n")
                    .filter { $0.contains("\"path\":\"/api/v1/queue/join\"") }
                return (0..<workers).allSatisfy { index in
                    lines.contains { $0.contains("worker-\(index).fcgi.sock") }
                }
            }
            #expect(found, "each of the \(workers) workers took joins")
        }

        /// While the queue drains, the called are at every moment exactly the first of those who waited.
        private func watchCalls(_ stack: DemoStack, _ numbers: [Int]) throws -> Int {
            var snapshots = 0
            var calledCount = 0
            while calledCount < numbers.count / 2, snapshots < 1000 {
                let called = try stack.scores("called").map(\.number).sorted()
                let isPrefix = called == Array(numbers.prefix(called.count))
                try #require(isPrefix, "after \(called.count) calls")
                try #require(called.count >= calledCount)
                calledCount = called.count
                snapshots += 1
                sleepMilliseconds(20)
            }
            return snapshots
        }

        /// Asks from the back to the front: once somebody is ready, everybody with a lower number is, too. A worker
        /// that had its tick a little earlier may say so a tick later.
        private func expectReadinessHasNoGaps(
            _ stack: DemoStack,
            _ waiting: [(number: Int, ticket: String)]
        ) throws {
            let client = stack.client()
            var front: Int?
            for visitor in waiting.reversed() {
                let isReady = try client.status(visitor.ticket).json["ready_for_entry"]?.boolValue == true
                guard let front else {
                    if isReady { front = visitor.number }
                    continue
                }
                let isReadySoon =
                    try isReady
                    || Wait.until(seconds: 0.5) {
                        try client.status(visitor.ticket).json["ready_for_entry"]?.boolValue == true
                    }
                try #require(isReadySoon, "number \(visitor.number) waits while \(front) was called")
            }
            #expect(front != nil)
        }
    }
}
