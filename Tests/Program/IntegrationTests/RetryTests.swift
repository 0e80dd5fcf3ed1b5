// SPDX-License-Identifier: Apache-2.0
//
// Goal: a request repeated after a lost answer changes nothing more, also when both arrive at once.
// Method: what a repeat answers is compared byte for byte, and Redis' own counters say how much was consumed.

import Foundation
import StrictJSON
import TestSupport
import Testing

extension Integration {
    @Suite struct RetryTests {
        @Test func `a repeated join gives the same ticket and takes one number`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 0.001, burst: 1}")
            let client = stack.client()
            #expect(try client.join().status == 200)
            let key = "first-visitor-key-0001"
            let first = try client.join(key: key)
            #expect(first.status == 202)
            for _ in 0..<10 {
                let again = try client.join(key: key)
                #expect(again.status == 202)
                #expect(again.ticket == first.ticket)
                #expect(again.position == first.position)
                #expect(again.cookie("vestibule-ticket-demo") == first.ticket)
            }
            #expect(try stack.stateField("joined") == 2)

            let port = stack.port
            let tickets = try Threads.run(24) { _ in
                let client = HTTPClient(port: port)
                return try (0..<5).map { _ in try client.join(key: "many-at-once-key-0002").ticket }
            }
            #expect(Set(tickets.joined()).count == 1, "120 joins with one key, 24 at a time")
            #expect(tickets[0][0] != first.ticket, "another key is another ticket")
            #expect(try stack.stateField("joined") == 3)
            #expect(try stack.stateField("waiting") == 2)
        }

        @Test func `a join whose answer was lost is found again by its key`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 0.001, burst: 1}")
            let client = stack.client()
            #expect(try client.join().status == 200)
            var tickets: [String] = []
            for round in 0..<20 {
                let key = "lost-answer-key-\(1000 + round)"
                try client.sendAndHangUp(
                    "POST",
                    "/api/v1/queue/join",
                    headers: [("Content-Type", "application/json"), ("Idempotency-Key", key)],
                    body: #"{"event_id":"demo"}"#
                )
                let answer = try client.join(key: key)
                #expect(answer.status == 202)
                tickets.append(answer.ticket)
            }
            let hasOnePlaceEach = try Wait.until(seconds: 2) {
                try tickets.map { try client.status($0).position } == Array(1...20)
            }
            #expect(hasOnePlaceEach)
            #expect(try stack.stateField("joined") == 21)
        }

        @Test func `a join that was admitted at once gives the same pass again`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 1, burst: 10}")
            let port = stack.port
            let key = "admitted-at-once-key"
            let answers = try Threads.run(16) { _ in try HTTPClient(port: port).join(key: key) }
            #expect(answers.allSatisfy { $0.status == 200 && $0.word == "admitted" })
            #expect(Set(answers.map(\.pass)).count == 1)
            #expect(Set(answers.map(\.ticket)).count == 1)
            #expect(answers[0].pass.split(separator: ".").count == 3)
            #expect(try stack.stateField("entered") == 1)
            #expect(try stack.stateField("joined") == 1)
        }

        @Test func `a repeated enter gives the same pass and consumes one place`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 4, burst: 1}")
            let client = stack.client()
            #expect(try client.join().status == 200)
            let ticket = try client.join().ticket
            let isCalled = try Wait.until(seconds: 3) {
                try client.status(ticket).json["ready_for_entry"]?.boolValue == true
            }
            #expect(isCalled)
            // The bucket of calls holds a second of the rate, the bucket of entries one: its token may come later.
            let hasToken = try Wait.until(seconds: 3) { try stack.stateField("entry_micro") >= 1_000_000 }
            #expect(hasToken)
            let before = try stack.stateField("entered")

            let port = stack.port
            let atOnce = try Threads.run(24) { _ in try HTTPClient(port: port).enter(ticket) }
            let later = try (0..<10).map { _ in try client.enter(ticket) }
            let answers = atOnce + later
            #expect(answers.allSatisfy { $0.status == 200 }, "\(answers.map { $0.errorCode ?? "good" })")
            #expect(Set(answers.map(\.pass)).count == 1)
            #expect(answers.allSatisfy { $0.json["reservation_token"]?.stringValue == $0.pass })
            #expect(answers.allSatisfy { $0.cookie("vestibule-pass-demo") == $0.pass })
            #expect(try stack.stateField("entered") == before + 1)
            #expect(try stack.flow().values.reduce(0, +) == before + 1)
            #expect(try stack.redis("ZCARD", "vq:{demo}:active") == "\(before + 1)")
            #expect(try client.status(ticket).word == "admitted")
        }

        @Test func `an Idempotency-Key has 16 to 128 visible characters`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 100, burst: 100}")
            let client = stack.client()
            let longest = String(repeating: "k", count: 128)
            let keys = [
                ("fifteen-chars-x", 400), ("sixteen-chars-xx", 200), (longest, 200), (longest + "k", 400),
                ("with a space in it", 400), ("with-ü-in-the-key", 400), ("with\ttab-in-the-key", 400),
            ]
            for (key, status) in keys {
                let answer = try client.join(key: key)
                #expect(answer.status == status, "\(key)")
                #expect(answer.errorCode == (status == 400 ? "MALFORMED" : nil))
            }
            #expect(try stack.stateField("joined") == 2)
        }
    }
}
