// SPDX-License-Identifier: Apache-2.0
//
// Goal: 300,000 waiting people cost Redis less than 1 MiB and 16 bytes for the key that each brings, every position is
// exact, and polls cost Redis nothing.
// Method: real joins through nginx, with a key as the page sends it, many in flight on each connection. Numbers are
// dense and nobody leaves, so the position of a ticket is its number less the number of the visitor who was admitted
// before all of them.

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

        @Test(.timeLimit(.minutes(5)))
        func `300,000 people wait in a mebibyte and 16 bytes a key, in order, and polls are free for Redis`() throws {
            // Epochs of six hours: a sweep is no poll's, and costs as much as all heartbeats of a measurement.
            let stack = try DemoStack(rooms: "  demo: {rate: 0.001, burst: 1, abandon_after: 24h}")
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
            let ofKeys = try sumOfMemory(stack, "keys")
            let bytes = "\(memory) bytes, of them \(ofKeys) for keys"
            #expect(ofKeys > 8 * people, "\(bytes)")
            #expect(ofKeys <= 16 * people, "\(bytes)")
            #expect(memory - ofKeys < 1 << 20, "\(bytes)")

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
                Redis memory for them: \(bytes); \(try keySizes(stack))
                positions checked: \(sampled.count)
                Redis in \(ScaleTests.seconds) s without polls: \(quiet)
                Redis in \(ScaleTests.seconds) s with few polls: \(few)
                Redis in \(ScaleTests.seconds) s with \(polls / ScaleTests.seconds) polls a second: \(many)
                resident memory, KiB: workers \(stack.workerPids.map { residentKibibytes($0) }), \
                Redis \(residentKibibytes(stack.pid("redis")))
                """
            recordFigures(figures, "scale")
            #expect(polls / ScaleTests.seconds > 2000, "\(figures)")
            // Each worker writes down every minute who polled: in the tick it sends anyway, with at most four
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
        private static let seconds = 60

        private struct Commands: CustomStringConvertible {
            /// Calls by command, also those that scripts run inside Redis.
            var calls: [Substring: Int]

            /// Commands that clients sent: script calls.
            var scripts: Int { calls["evalsha"] ?? 0 }
            var all: Int { calls.values.reduce(0, +) }

            var description: String {
                let list = calls.filter { $0.value > 0 }.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
                return "\(scripts) script calls, \(all) commands with those inside of scripts: "
                    + list.joined(separator: ", ")
            }
        }

        private func commands(_ stack: DemoStack, _ body: () throws -> Void) throws -> Commands {
            func now() throws -> [Substring: Int] {
                let lines = try stack.redis("INFO", "commandstats").split(separator: "\r\n").compactMap { line in
                    let words = line.split(separator: ":")
                    let calls = words.last?.split(separator: ",").first?.split(separator: "=").last
                    let name = words.first?.split(separator: "_", maxSplits: 1).last
                    return name.flatMap { name in calls.flatMap { Int($0) }.map { (name, $0) } }
                }
                // Of this test itself.
                return Dictionary(lines.filter { $0.0 != "info" }, uniquingKeysWith: +)
            }
            let (started, before) = (wallMilliseconds(), try now())
            try body()
            sleepMilliseconds(max(0, ScaleTests.seconds * 1000 - (wallMilliseconds() - started)))
            return Commands(calls: try now().merging(before.mapValues { -$0 }, uniquingKeysWith: +))
        }

        private func info(_ stack: DemoStack, _ section: String, _ field: String) throws -> Int {
            let line = try stack.redis("INFO", section).split(whereSeparator: \.isNewline)
                .first { $0.hasPrefix("\(field):") }
            return line.flatMap { Int($0.dropFirst(field.count + 1)) } ?? -1
        }

        /// A join as the page sends it, with a key of its own.
        private static func join(_ person: Int) -> [UInt8] {
            let key = [("Idempotency-Key", "key-of-a-person-\(person)")]
            return PipelinedClient.request("POST", "/api/v1/queue/join", key, body: #"{"event_id":"demo"}"#)
        }

        /// Everybody joins; every hundredth ticket is kept.
        private func joinAll(_ port: Int) throws -> [String] {
            let (people, threads, batch) = (people, threads, batch)
            let share = people / threads
            let parts = try Threads.run(threads) { thread in
                let client = try PipelinedClient(port: port)
                var tickets: [String] = []
                for round in 0..<(share / batch) {
                    let requests = (0..<batch).map { ScaleTests.join(thread * share + round * batch + $0) }
                    try client.exchange(requests) { index, status, body in
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

        /// MEMORY USAGE of all the room's keys of a kind.
        private func sumOfMemory(_ stack: DemoStack, _ kind: String) throws -> Int {
            let sum = """
                local sum = 0
                for _, key in ipairs(redis.call('KEYS', ARGV[1])) do sum = sum + redis.call('MEMORY', 'USAGE', key) end
                return sum
                """
            return try #require(Int(try stack.redis("EVAL", sum, "0", "*:\(kind)*")))
        }

        private func keySizes(_ stack: DemoStack) throws -> String {
            let keys = try stack.redis("KEYS", "*").split(separator: "\n").map(String.init)
            let kinds = Dictionary(grouping: keys) {
                $0.split(separator: ":").dropFirst(2).first.map(String.init) ?? ""
            }
            return try kinds.map { "\($0.key) \($0.value.count) keys \(try sumOfMemory(stack, $0.key)) bytes" }.sorted()
                .joined(separator: ", ")
        }

        private func residentKibibytes(_ pid: Int32) -> Int {
            let text = (try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)) ?? ""
            let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
            return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0
        }
    }
}
