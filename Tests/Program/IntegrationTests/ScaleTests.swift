// SPDX-License-Identifier: Apache-2.0
//
// Goal: 300,000 waiting people cost Redis less than 1 MiB, every position is exact, and polls cost Redis nothing.
// Method: real joins through nginx, many in flight on each connection. Numbers are dense and nobody leaves, so the
// position of a ticket is its number less the number of the one who was admitted before all of them.

import Foundation
import Passes
import StrictJSON
import TestSupport
import Testing

extension Integration {
    @Suite struct ScaleTests {
        private let people = 300_000
        private let threads = 24
        private let batch = 50

        @Test(.timeLimit(.minutes(2)))
        func `300,000 people wait in less than a mebibyte, in exact order, and polls are free for Redis`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 0.001, burst: 1, abandon_after: 5m}")
            let client = stack.client()
            let first = try client.join()
            #expect(first.status == 200)
            // Both workers have loaded their scripts and made the room's keys.
            try client.untilMirrored(first.ticket)
            let memoryBefore = try info(stack, "memory", "used_memory")

            let started = wallMilliseconds()
            let sampled = try joinAll(stack.port)
            let joinMilliseconds = wallMilliseconds() - started
            #expect(try stack.stateField("waiting") == people)
            try client.untilMirrored(try #require(sampled.last))
            let memory = try info(stack, "memory", "used_memory") - memoryBefore
            #expect(memory < 1 << 20, "\(memory) bytes")

            let ahead = try stack.keyRing().number(first.ticket)
            let wrong = try pollAll(stack, sampled, ahead: ahead)
            #expect(wrong == 0, "of \(sampled.count) positions")

            let (port, tickets) = (stack.port, sampled)
            let quiet = try commands(stack) {}
            let few = try commands(stack) { _ = try ScaleTests.poll(port, tickets, pauseMilliseconds: 400) }
            var polls = 0
            let many = try commands(stack) { polls = try ScaleTests.poll(port, tickets, pauseMilliseconds: 2) }
            let figures = """
                \(people) joins in \(joinMilliseconds) ms (\(people * 1000 / joinMilliseconds) a second)
                Redis memory for them: \(memory) bytes; \(try keySizes(stack))
                positions checked: \(sampled.count)
                Redis in \(ScaleTests.seconds) s without polls: \(quiet)
                Redis in \(ScaleTests.seconds) s with few polls: \(few)
                Redis in \(ScaleTests.seconds) s with \(polls / ScaleTests.seconds) polls a second: \(many)
                resident memory, KiB: workers \(stack.workerPids.map { residentKibibytes($0) }), \
                Redis \(residentKibibytes(stack.pid("redis")))
                """
            recordFigures(figures, "scale")
            #expect(polls / ScaleTests.seconds > 2000, "\(figures)")
            // Each worker writes down every 30 seconds who polled: in the tick it sends anyway, with at most four
            // commands a chunk inside of the script, for one poll or for all.
            let flushes = 2 * 2
            let chunks = people / 65_408 + 2
            #expect(Double(many.scripts) < 1.1 * Double(quiet.scripts) + 1, "\(figures)")
            #expect(Double(many.all) < 1.1 * Double(few.all) + 1, "\(figures)")
            #expect(many.all - quiet.all <= flushes * chunks * 4, "\(figures)")
            for pid in stack.workerPids { #expect(residentKibibytes(pid) < 100_000, "\(figures)") }
        }

        /// How long each of the three measurements takes.
        /// The interval in which a worker writes down who polled.
        private static let seconds = 30

        private struct Commands: CustomStringConvertible {
            /// Commands that clients sent: script calls.
            var scripts: Int
            /// With those that scripts run inside Redis.
            var all: Int

            var description: String { "\(scripts) script calls, \(all) commands with those inside of scripts" }
        }

        private func commands(_ stack: DemoStack, _ body: () throws -> Void) throws -> Commands {
            func now() throws -> Commands {
                let line = try stack.redis("INFO", "commandstats").split(separator: "\r\n")
                    .first { $0.hasPrefix("cmdstat_evalsha:") }
                let calls = line?.split(separator: ",")[0].split(separator: "=").last.flatMap { Int($0) }
                return Commands(scripts: calls ?? 0, all: try info(stack, "stats", "total_commands_processed"))
            }
            let (started, before) = (wallMilliseconds(), try now())
            try body()
            sleepMilliseconds(max(0, ScaleTests.seconds * 1000 - (wallMilliseconds() - started)))
            let after = try now()
            return Commands(scripts: after.scripts - before.scripts, all: after.all - before.all)
        }

        private func info(_ stack: DemoStack, _ section: String, _ field: String) throws -> Int {
            let line = try stack.redis("INFO", section).split(whereSeparator: \.isNewline)
                .first { $0.hasPrefix("\(field):") }
            return line.flatMap { Int($0.dropFirst(field.count + 1)) } ?? -1
        }

        /// Everybody joins; every hundredth ticket is kept.
        private func joinAll(_ port: Int) throws -> [String] {
            let (people, threads, batch) = (people, threads, batch)
            let request = PipelinedClient.request("POST", "/api/v1/queue/join", body: #"{"event_id":"demo"}"#)
            let parts = try Threads.run(threads) { _ in
                let client = try PipelinedClient(port: port)
                var tickets: [String] = []
                for round in 0..<(people / threads / batch) {
                    try client.exchange(Array(repeating: request, count: batch)) { index, status, body in
                        guard status == 202 else { throw TestFailure("a join was answered with \(status)") }
                        guard index == round % batch, round % 2 == 0 else { return }
                        tickets.append(try JSONValue(parsing: Array(body))["waiting_token"]?.stringValue ?? "")
                    }
                }
                return tickets
            }
            return parts.flatMap { $0 }
        }

        /// How many of the tickets are shown a position that is not exact, by either worker.
        private func pollAll(_ stack: DemoStack, _ tickets: [String], ahead: Int) throws -> Int {
            let keys = try stack.keyRing()
            let client = try PipelinedClient(port: stack.port)
            let requests = tickets.map { PipelinedClient.request("GET", "/api/v1/queue/status?token=\($0)") }
            var wrong = 0
            for from in stride(from: 0, to: requests.count, by: batch) {
                let range = from..<min(from + batch, requests.count)
                try client.exchange(Array(requests[range])) { index, _, body in
                    let position = try JSONValue(parsing: Array(body))["position"]?.integerValue ?? -1
                    if Int(position) != (try keys.number(tickets[from + index])) - ahead { wrong += 1 }
                }
            }
            return wrong
        }

        /// Polls from all over the queue, twenty at a time on each of four connections; how many there were.
        private static func poll(_ port: Int, _ tickets: [String], pauseMilliseconds: Int) throws -> Int {
            let counts = try Threads.run(4) { thread in
                let client = try PipelinedClient(port: port)
                let requests = tickets.indices.filter { $0 % 4 == thread }.map {
                    PipelinedClient.request("GET", "/api/v1/queue/status?token=\(tickets[$0])")
                }
                let deadline = wallMilliseconds() + seconds * 1000
                var polls = 0
                while wallMilliseconds() < deadline {
                    let spread = (0..<20).map { requests[(polls / 20 + $0 * requests.count / 20) % requests.count] }
                    try client.exchange(spread) { _, status, _ in
                        guard status == 200 else { throw TestFailure("a poll was answered with \(status)") }
                    }
                    polls += 20
                    sleepMilliseconds(pauseMilliseconds)
                }
                return polls
            }
            return counts.reduce(0, +)
        }

        private func keySizes(_ stack: DemoStack) throws -> String {
            let keys = try stack.redis("KEYS", "*").split(separator: "\n").map(String.init)
            let sizes = try keys.map { ($0, Int(try stack.redis("MEMORY", "USAGE", $0)) ?? 0) }
            let kinds = Dictionary(grouping: sizes) {
                $0.0.split(separator: ":").dropFirst(2).first.map(String.init) ?? ""
            }
            return kinds.map { "\($0.key) \($0.value.count) keys \($0.value.map(\.1).reduce(0, +)) bytes" }.sorted()
                .joined(separator: ", ")
        }

        private func residentKibibytes(_ pid: Int32) -> Int {
            let text = (try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)) ?? ""
            let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
            return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0
        }
    }
}
