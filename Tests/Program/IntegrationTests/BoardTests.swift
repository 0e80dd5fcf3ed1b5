// SPDX-License-Identifier: Apache-2.0
//
// Goal: what a client works out from the board is what status tells it, and the board costs the workers nearly nothing.
// Method: a real queue of 30,000 from which a third has left, by chance and in one block; then the queue rests, so that
// board and status speak of the same moment.

import Foundation
import StrictJSON
import TestSupport
import Testing

extension Integration {
    @Suite struct BoardTests {
        private let people = 30_000
        private let threads = 10
        private let batch = 50

        private struct Waiter: Sendable {
            let number: Int
            let ticket: String
        }

        @Test(.timeLimit(.minutes(2)))
        func `a position worked out from the board is the one that status tells, to half a percent`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 0.001, burst: 1, abandon_after: 5m}")
            let client = stack.client()
            #expect(try client.join().status == 200)
            let all = try joinAll(stack.port).sorted { $0.number < $1.number }
            #expect(all.map(\.number) == Array(all[0].number..<(all[0].number + people)), "join tells each its number")
            var random = SeededRandom(seed: 8)
            var (gone, left): ([Waiter], [Waiter]) = ([], [])
            for (i, waiter) in all.enumerated() {
                let leaves = (9000..<13_000).contains(i) || Int.random(in: 0..<4, using: &random) == 0
                if leaves { gone.append(waiter) } else { left.append(waiter) }
            }
            try leave(stack.port, gone)
            try client.untilMirrored(left[0].ticket)
            let settled = wallMilliseconds()
            var answer = try board(client)
            let isFresh = try Wait.until(seconds: 5) {
                answer = try board(client)
                return (answer.json["as_of_ms"]?.integerValue ?? 0) >= settled
            }
            try #require(isFresh, "the board is not older than a few seconds")
            let read = try BoardReader(answer.json)
            #expect(answer.json["waiting"]?.integerValue == Int64(left.count))
            #expect(answer.body.count < 5000 && read.samples.count <= 256)

            let poller = try PipelinedClient(port: stack.port)
            var (worst, checked, ageMilliseconds) = (0.0, 0, 0)
            for from in stride(from: 0, to: left.count, by: 7 * batch) {
                let asked = stride(from: from, to: min(left.count, from + 7 * batch), by: 7).map { left[$0] }
                let requests = asked.map { PipelinedClient.request("GET", "/api/v1/queue/status?token=\($0.ticket)") }
                try poller.exchange(requests) { index, _, body in
                    let status = try JSONValue(parsing: Array(body))
                    guard let position = status["position"]?.integerValue, let asOf = status["as_of_ms"]?.integerValue,
                        let own = status["number"]?.integerValue, let computed = read.position(of: Int(own))
                    else { throw TestFailure("not a status, or not on the board: \(status)") }
                    let isSame =
                        Int(own) == asked[index].number
                        && status["generation"]?.integerValue == Int64(read.generation)
                    guard isSame else { throw TestFailure("somebody else's status: \(status)") }
                    let limit = max(5, 0.005 * Double(position))
                    worst = max(worst, Double(abs(computed - Int(position))) / limit)
                    ageMilliseconds = max(ageMilliseconds, abs(Int(asOf) - read.asOfMilliseconds))
                    checked += 1
                }
            }
            let figures = """
                \(left.count) of \(people) wait; \(checked) positions compared, \(ageMilliseconds) ms apart at most
                board: \(answer.body.count) bytes, \(read.samples.count) samples, \
                states \(read.errorPlaces) places or \(read.errorPercent) %
                worst error: \(worst) of 5 places or 0.5 %
                """
            recordFigures(figures, "board")
            #expect(checked > left.count / 8 && worst < 1, "\(figures)")
        }

        @Test func `thousands read the board and a worker makes one a second, and after a quiet time it is new`() throws
        {
            let stack = try DemoStack(rooms: "  demo: {rate: 0.001, burst: 1, abandon_after: 5m}")
            let client = stack.client()
            _ = try client.join()
            let ticket = try client.join().ticket
            try client.untilMirrored(ticket)
            _ = try board(client)
            let before = try boardsMade(client)
            let (port, started) = (stack.port, wallMilliseconds())
            let request = PipelinedClient.request("GET", "/api/v1/queue/board?event_id=demo")
            let oldest = try Threads.run(4) { _ in
                let reader = try PipelinedClient(port: port)
                var oldest = 0
                while wallMilliseconds() < started + 3000 {
                    try reader.exchange(Array(repeating: request, count: 20)) { _, status, body in
                        guard status == 200 else { throw TestFailure("the board was answered with \(status)") }
                        let asOf = try JSONValue(parsing: Array(body))["as_of_ms"]?.integerValue ?? 0
                        oldest = max(oldest, wallMilliseconds() - Int(asOf))
                    }
                }
                return oldest
            }
            let seconds = (wallMilliseconds() - started) / 1000 + 1
            let made = try boardsMade(client) - before
            recordFigures("boards made in \(seconds) s: \(made); oldest read: \(oldest.max() ?? 0) ms", "board-cache")
            #expect(made >= 1 && made <= seconds + 2, "\(made) in \(seconds) s")
            // Good for a second (nginx counts whole ones), a second more while it is renewed, and a tick.
            #expect((oldest.max() ?? .max) < 4000, "\(oldest)")

            sleepMilliseconds(3500)
            let asked = wallMilliseconds()
            let asOf = try board(client).json["as_of_ms"]?.integerValue ?? 0
            #expect(Int(asOf) > asked - 1500, "not the board from before the quiet time: \(asked - Int(asOf)) ms old")
        }

        private func board(_ client: HTTPClient) throws -> HTTPAnswer {
            try client.get("/api/v1/queue/board?event_id=demo")
        }

        private func boardsMade(_ client: HTTPClient) throws -> Int {
            let line = try client.get("/metrics").text.split(separator: "\n")
                .first { $0.hasPrefix("vestibule_boards_total ") }
            return line?.split(separator: " ").last.flatMap { Int($0) } ?? -1
        }

        private func joinAll(_ port: Int) throws -> [Waiter] {
            let (people, threads, batch) = (people, threads, batch)
            let request = PipelinedClient.request("POST", "/api/v1/queue/join", body: #"{"event_id":"demo"}"#)
            return try Threads.run(threads) { _ in
                let client = try PipelinedClient(port: port)
                var waiters: [Waiter] = []
                for _ in 0..<(people / threads / batch) {
                    try client.exchange(Array(repeating: request, count: batch)) { _, status, body in
                        let json = try JSONValue(parsing: Array(body))
                        guard status == 202, let ticket = json["waiting_token"]?.stringValue,
                            let number = json["number"]?.integerValue, json["generation"]?.integerValue == 1
                        else { throw TestFailure("join: \(status) \(json)") }
                        waiters.append(Waiter(number: Int(number), ticket: ticket))
                    }
                }
                return waiters
            }.flatMap { $0 }
        }

        private func leave(_ port: Int, _ waiters: [Waiter]) throws {
            let (threads, batch) = (threads, batch)
            _ = try Threads.run(threads) { thread in
                let client = try PipelinedClient(port: port)
                let own = stride(from: thread, to: waiters.count, by: threads).map {
                    PipelinedClient.request("DELETE", "/api/v1/queue/leave?token=\(waiters[$0].ticket)")
                }
                for from in stride(from: 0, to: own.count, by: batch) {
                    try client.exchange(Array(own[from..<min(own.count, from + batch)])) { _, status, _ in
                        guard status == 200 else { throw TestFailure("a leave was answered with \(status)") }
                    }
                }
            }
        }
    }
}
