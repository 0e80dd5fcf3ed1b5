// SPDX-License-Identifier: Apache-2.0
//
// Goal: 100,000 people wait, Redis loses everything, and everybody stands where they stood: from the workers' mirrors
// within two seconds, and from the tickets alone when every worker has died as well.
// Method: all tickets are kept and all places are asked for. Redis is killed and started again empty.

import Foundation
import Passes
import StrictJSON
import TestSupport
import Testing

extension Integration {
    @Suite struct MassRecoveryTests {
        private static let people = 100_000
        private static let threads = 20
        private static let batch = 50

        @Test(.timeLimit(.minutes(3)))
        func `100,000 places are back within two seconds of an empty Redis, and no number is issued twice`() throws {
            let crowd = try WaitingCrowd()
            try crowd.killRedis()
            let redis = try crowd.startRedis()
            defer { redis.stop() }
            let started = wallMilliseconds()
            // A sample while time runs; the whole bitmap comes back in one script call, and into a mirror in one tick.
            let isBack = try Wait.until(seconds: 2) {
                guard try crowd.stack.stateField("waiting") == Self.people else { return false }
                return try crowd.answersAreCurrent(count: 8)
            }
            let tookMilliseconds = wallMilliseconds() - started
            #expect(isBack, "not within two seconds")
            let places = try crowd.places()
            #expect(places == crowd.placesBefore, "every one of \(places.count) has the old place")
            try expectFreshNumbers(crowd)
            recordFigures("\(Self.people) places restored after \(tookMilliseconds) ms", "mass-recovery")
        }

        @Test(.timeLimit(.minutes(3)))
        func `100,000 tickets alone bring the queue back when Redis and every worker have died`() throws {
            let crowd = try WaitingCrowd()
            try crowd.killRedis()
            let victims = crowd.stack.workerPids
            for pid in victims { kill(pid, SIGKILL) }
            let redis = try crowd.startRedis()
            defer { redis.stop() }
            let started = wallMilliseconds()
            let answers = try Wait.until(seconds: 5) {
                try crowd.stack.client().status(crowd.tickets[0]).word == "waiting"
            }
            #expect(answers)
            let firstMilliseconds = wallMilliseconds() - started
            _ = try crowd.places()
            let backMilliseconds = wallMilliseconds() - started
            try crowd.untilCurrent()
            let places = try crowd.places()
            // The host knows that it ran the room just now: there is no second burst, and nobody is called.
            #expect(places == Array(1...Self.people), "the old order, and nobody twice")
            #expect(Set(crowd.stack.workerPids).isDisjoint(with: victims))
            try expectFreshNumbers(crowd)
            recordFigures(
                "first place back \(firstMilliseconds) ms after Redis, all \(Self.people) after \(backMilliseconds) ms",
                "ticket-recovery"
            )
        }

        private func expectFreshNumbers(_ crowd: WaitingCrowd) throws {
            let keys = try crowd.stack.keyRing()
            let client = crowd.stack.client()
            var numbers = Set(crowd.numbers)
            for _ in 0..<500 {
                let answer = try client.join()
                #expect(answer.status == 202)
                let number = try keys.number(answer.ticket)
                #expect(numbers.insert(number).inserted, "issued twice: \(number)")
            }
        }

        /// 100,000 people who wait, and all their tickets in the order of their numbers.
        private final class WaitingCrowd {
            let stack: DemoStack
            let tickets: [String]
            let numbers: [Int]
            private(set) var placesBefore: [Int] = []

            init() throws {
                stack = try DemoStack(rooms: "  demo: {rate: 0.001, burst: 1, abandon_after: 2m}")
                let client = stack.client()
                guard try client.join().status == 200 else { throw TestFailure("nobody should have waited") }
                let (port, keys) = (stack.port, try stack.keyRing())
                let share = people / threads
                let request = PipelinedClient.request("POST", "/api/v1/queue/join", body: #"{"event_id":"demo"}"#)
                let parts = try Threads.run(threads) { _ -> [(number: Int, ticket: String)] in
                    let client = try PipelinedClient(port: port)
                    var found: [(number: Int, ticket: String)] = []
                    for _ in 0..<(share / batch) {
                        try client.exchange(Array(repeating: request, count: batch)) { _, status, body in
                            guard status == 202 else { throw TestFailure("a join was answered with \(status)") }
                            let token = try JSONValue(parsing: Array(body))["waiting_token"]?.stringValue ?? ""
                            found.append((try keys.number(token), token))
                        }
                    }
                    return found
                }
                let all = parts.flatMap { $0 }.sorted { $0.number < $1.number }
                tickets = all.map(\.ticket)
                numbers = all.map(\.number)
                try client.untilMirrored(tickets[0])
                placesBefore = try places()
                guard placesBefore == Array(1...people) else { throw TestFailure("places were not 1 to \(people)") }
            }

            func killRedis() throws {
                let pid = stack.pid("redis")
                kill(pid, SIGKILL)
                guard Wait.until(seconds: 2, { kill(pid, 0) != 0 }) else { throw TestFailure("Redis did not end") }
            }

            func startRedis() throws -> TestProcess {
                let redis = try TestProcess(
                    "redis-server",
                    ["--port", "0", "--unixsocket", stack.redisSocket, "--save", "", "--dir", stack.directory.path],
                    log: stack.directory.file("redis-2.log")
                )
                let answers = Wait.until(seconds: 5) { (try? stack.redis("PING")) == "PONG" }
                guard answers else { throw TestFailure("Redis did not start again") }
                return redis
            }

            /// Whether answers in a row are right and not degraded: nginx spreads them over both workers.
            func answersAreCurrent(count: Int) throws -> Bool {
                let client = stack.client()
                return try (0..<count).allSatisfy { index in
                    let person = index * (people / count)
                    let answer = try client.status(tickets[person])
                    return answer.position == placesBefore[person] && answer.json["degraded"]?.boolValue == false
                }
            }

            /// Until both workers have had a tick since now.
            func untilCurrent() throws { try stack.client().untilMirrored(tickets[people - 1]) }

            /// The place of everybody, in the order of their numbers; 0 for one who was called.
            func places() throws -> [Int] {
                let (port, tickets) = (stack.port, tickets)
                let share = people / threads
                return try Threads.run(threads) { thread -> [Int] in
                    let client = try PipelinedClient(port: port)
                    var found: [Int] = []
                    for round in 0..<(share / batch) {
                        let first = thread * share + round * batch
                        let requests = tickets[first..<(first + batch)].map {
                            PipelinedClient.request("GET", "/api/v1/queue/status?token=\($0)")
                        }
                        try client.exchange(requests) { _, status, body in
                            guard status == 200 else {
                                throw TestFailure("\(status): \(String(decoding: body, as: UTF8.self))")
                            }
                            let answer = try JSONValue(parsing: Array(body))
                            found.append(Int(answer["position"]?.integerValue ?? -1))
                        }
                    }
                    return found
                }.flatMap { $0 }
            }
        }
    }
}
