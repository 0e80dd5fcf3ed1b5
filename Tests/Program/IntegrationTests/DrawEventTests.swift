// SPDX-License-Identifier: Apache-2.0
//
// An event with a draw on the running product: people come before the doors open, the places are drawn at the opening,
// the record is public, and two programs compute it again. Then it is over, and everybody reads that.

import Foundation
import StrictJSON
import TestSupport
import Testing

extension Integration {
    struct DrawEventTests {
        private static let people = 40

        /// A moment that far from now, in whole seconds.
        private func moment(afterSeconds seconds: Int) -> String {
            let format = ISO8601DateFormatter()
            return format.string(from: Date(timeIntervalSince1970: Double(wallMilliseconds() / 1000 + seconds)))
        }

        private func record(_ client: HTTPClient) throws -> HTTPAnswer {
            try client.get("/api/v1/queue/draw?event_id=demo")
        }

        @Test("Places are drawn at the opening, as the public record says", .timeLimit(.minutes(2)))
        func event() throws {
            let opens = moment(afterSeconds: 8)
            // One is called at the opening, and nobody while the others are asked for their places.
            let stack = try DemoStack(rooms: "  demo: {rate: 0.01, burst: 1, opens_at: '\(opens)', draw: seed}")
            let client = stack.client()
            let isPrepared = try Wait.until(seconds: 5) {
                try record(client).json["commitment"]?.stringValue?.count == 64
            }
            try #require(isPrepared)
            #expect(try record(client).json["seed"] == nil)

            let joins = try (0..<Self.people).map { _ in try client.join() }
            #expect(joins.allSatisfy { $0.status == 202 && $0.position == -1 && $0.word == "waiting" })
            #expect(joins.allSatisfy { $0.json["opens_at_ms"]?.integerValue != nil })
            let numbers = joins.compactMap { $0.json["number"]?.integerValue }
            // The page of a visitor comes, and the backend does not.
            let page = try client.get("/", ("Accept", "text/html"), ("Sec-Fetch-Mode", "navigate"))
            #expect(page.status == 503)

            let isDrawn = try Wait.until(seconds: 20) { try record(client).json["state"]?.stringValue == "drawn" }
            try #require(isDrawn)
            let late = try client.join()
            try client.untilMirrored(late.ticket)
            let drawn = try record(client)
            let directory = stack.directory
            try directory.write("draw.json", String(decoding: drawn.body, as: UTF8.self))
            let file = directory.file("draw.json")
            #expect(drawn.json["registered"]?.integerValue == Int64(Self.people))

            var order: [(place: Int, ticket: String, number: Int64)] = []
            for (join, number) in zip(joins, numbers) {
                let words = ["fairness", "verify", file, "--number", "\(number)"]
                let found = try TestProcess.output(try Product.vestibule(), words)
                #expect(found.status == 0, "\(found.text)")
                let place = found.text.split(whereSeparator: \.isWhitespace).last.flatMap { Int($0) }
                order.append((try #require(place), join.ticket, number))
            }
            #expect(order.map(\.place).sorted() == Array(1...Self.people))
            let script = "\(Repository.root)/Tests/Rules/FairnessTests/draw.py"
            let python = try TestProcess.output("python3", ["-B", script, file, "\(order[0].number)"]).text
            #expect(python.split(separator: "\n").last.map(String.init) == "\(order[0].place)")

            // The line is in the drawn order, and the late one behind it.
            order.sort { $0.place < $1.place }
            let answers = try order.map { try client.status($0.ticket) }
            #expect(answers[0].word == "ready", "\(answers[0].text)")
            let waiting = answers.filter { $0.word == "waiting" }.map(\.position)
            #expect(waiting == waiting.sorted() && Set(waiting).count == waiting.count && waiting.count > 20)
            #expect(try client.status(late.ticket).position > (waiting.last ?? 0))
            #expect(try client.enter(order[0].ticket).status == 200)

            try alter(drawn, directory)
            try end(stack, client, order[Self.people - 1].ticket)
        }

        private func alter(_ drawn: HTTPAnswer, _ directory: TemporaryDirectory) throws {
            // One byte of the record is another.
            let seed = try #require(drawn.json["seed"]?.stringValue)
            let altered = String(decoding: drawn.body, as: UTF8.self).replacing(
                seed,
                with: "0" + seed.dropFirst(2) + "0"
            )
            try directory.write("altered.json", altered)
            let verdict = try TestProcess.output(
                try Product.vestibule(),
                ["fairness", "verify", directory.file("altered.json")]
            )
            #expect(verdict.status != 0)
        }

        private func end(_ stack: DemoStack, _ client: HTTPClient, _ ticket: String) throws {
            let long = String(repeating: "x", count: 501)
            #expect(try stack.room("message", "demo", long).text.contains("MESSAGE_INVALID"))
            #expect(try stack.room("announce", "demo", long).text.contains("BEACON_INVALID"))
            #expect(try stack.room("beacon", "demo", "a1b2").text.contains("DRAW_REFUSED"))
            #expect(try stack.room("message", "demo", "Two per person").status == 0)
            let isSaid = try Wait.until(seconds: 3) {
                try client.status(ticket).json["notice"]?.stringValue == "Two per person"
            }
            #expect(isSaid)
            let isOnBoard = try Wait.until(seconds: 3) {
                let board = try client.get("/api/v1/queue/board?event_id=demo")
                return board.json["notice"]?.stringValue == "Two per person"
            }
            #expect(isOnBoard)
            #expect(try stack.room("end", "demo", "--message", "All \"tickets\" are sold.").status == 0)
            let isOver = try Wait.until(seconds: 3) {
                let answer = try client.status(ticket)
                return answer.word == "expired"
                    && answer.json["message"]?.stringValue == "All \"tickets\" are sold."
            }
            #expect(isOver)
            // The other worker learns of it with its next tick.
            let isRefused = try Wait.until(seconds: 3) {
                let answer = try client.join()
                return answer.status == 410 && answer.errorCode == "ROOM_ENDED"
            }
            #expect(isRefused)
            #expect(try !stack.room("resume", "demo").text.contains("notice:"), "nothing is sold out in an open room")
            #expect(try stack.room("message", "demo", "Two per person").status == 0)
            #expect(try stack.room("pause", "demo").text.contains("notice: Two per person"))
            #expect(try stack.room("resume", "demo").text.contains("notice: Two per person"))
        }
    }
}
