// SPDX-License-Identifier: Apache-2.0
//
// Goal: the HTTP API is what deploy/API.md says: statuses, members and their types, headers, languages.
// Method: one room with one place and one with a small capacity; each answer is checked member by member.

import Foundation
import Passes
import StrictJSON
import TestSupport
import Testing

extension Integration {
    @Suite struct ContractTests {
        private static let rooms = """
              demo: {rate: 0.001, burst: 1, abandon_after: 10m}
              other: {rate: 10, burst: 10}
              small: {rate: 0.001, burst: 1, capacity: 2}
            """

        /// What a member must be.
        private enum Kind {
            case text, whole, share, flag, wholeOrNull, pairs

            func fits(_ value: JSONValue) -> Bool {
                switch (self, value) {
                case (.text, .string), (.whole, .integer), (.flag, .bool), (.wholeOrNull, .integer),
                    (.wholeOrNull, .null):
                    true
                case (.share, .number(let number)): (0...1).contains(number)
                case (.share, .integer(let number)): (0...1).contains(number)
                case (.pairs, .array(let pairs)): pairs.allSatisfy { $0.arrayValue?.count == 2 }
                default: false
                }
            }
        }

        /// The members that are missing or of another type.
        private func complaints(_ json: JSONValue, _ members: [(String, Kind)]) -> [String] {
            members.compactMap { name, kind in
                guard let value = json[name] else { return "\(name) is missing" }
                return kind.fits(value) ? nil : "\(name) is \(value)"
            }
        }

        private static let estimate: [(String, Kind)] = [
            ("status", .text), ("position", .whole), ("eta_sec", .whole), ("eta_low_sec", .whole),
            ("eta_high_sec", .whole), ("confidence", .share), ("poll_after_ms", .whole), ("message", .text),
        ]

        @Test func `answers have all members, of the right types, and the right headers`() throws {
            let stack = try DemoStack(rooms: ContractTests.rooms)
            let client = stack.client()

            let admitted = try client.postJSON("/api/v1/queue/join", #"{"event_id":"demo","user_id":"u-1"}"#)
            #expect(admitted.status == 200)
            #expect(admitted.word == "admitted")
            let admittedMembers: [(String, Kind)] = [("pass", .text), ("ttl_sec", .whole), ("waiting_token", .text)]
            #expect(complaints(admitted.json, admittedMembers) == [])
            #expect(admitted.cookie("vestibule-pass-demo") == admitted.pass)

            let waiting = try client.postJSON("/api/v1/queue/join", #"{"event_id":"demo","user_id":null}"#)
            #expect(waiting.status == 202)
            #expect(waiting.word == "waiting")
            let joinMembers = ContractTests.estimate + [("waiting_token", .text), ("position_hint", .whole)]
            #expect(complaints(waiting.json, joinMembers) == [])
            #expect(waiting.position == 1 && waiting.json["position_hint"]?.integerValue == 1)
            #expect(waiting.cookie("vestibule-ticket-demo") == waiting.ticket)

            let status = try client.status(waiting.ticket)
            let statusMembers: [(String, Kind)] = [
                ("waiting_time", .whole), ("ready_for_entry", .flag), ("degraded", .flag), ("as_of_ms", .whole),
                ("number", .whole), ("generation", .whole),
            ]
            #expect(status.status == 200)
            #expect(complaints(status.json, ContractTests.estimate + statusMembers) == [])
            #expect(status.json["degraded"]?.boolValue == false)
            let age = wallMilliseconds() - Int(status.json["as_of_ms"]?.integerValue ?? 0)
            #expect((-50..<1000).contains(age), "the answer is as of the last tick")
            let low = status.json["eta_low_sec"]?.integerValue ?? .max
            let high = status.json["eta_high_sec"]?.integerValue ?? .min
            #expect((low...max(low, high)).contains(status.json["eta_sec"]?.integerValue ?? -1) && low <= high)

            for answer in [admitted, waiting, status] {
                #expect(answer.header("Content-Type")?.hasPrefix("application/json") == true)
                #expect(answer.header("Cache-Control") == "no-store")
            }
            for answer in [waiting, status] {
                let seconds = answer.header("Retry-After").flatMap(Int.init)
                #expect(seconds == max(1, (answer.pollAfterMilliseconds + 999) / 1000))
            }
        }

        @Test func `a ticket may come as token, bearer or cookie, and each gives the same answer`() throws {
            let stack = try DemoStack(rooms: ContractTests.rooms)
            let client = stack.client()
            _ = try client.join()
            let ahead = try client.join().ticket
            let ticket = try client.join().ticket
            try client.untilMirrored(ahead)
            let path = "/api/v1/queue/status"
            let answers = [
                try client.status(ticket), try client.get(path, ("Authorization", "Bearer \(ticket)")),
                try client.get(path, ("authorization", "bearer \(ticket)")),
                try client.get(path, ("Cookie", "a=b; vestibule-ticket-demo=\(ticket); c=d")),
                try client.get("\(path)?event_id=demo", ("Cookie", "vestibule-ticket-demo=\(ticket)")),
            ]
            #expect(answers.allSatisfy { $0.status == 200 && $0.word == "waiting" && $0.position == 2 })
        }

        @Test func `the message is Korean or English as the visitor asks`() throws {
            let stack = try DemoStack(rooms: ContractTests.rooms)
            let client = stack.client()
            _ = try client.join()
            let ticket = try client.join().ticket
            let path = "/api/v1/queue/status?token=\(ticket)"
            let korean = try client.get(path, ("Accept-Language", "ko-KR,ko;q=0.9,en-US;q=0.8"))
            let message = korean.json["message"]?.stringValue ?? ""
            let shape =
                /^약 (\d+시간 )?(\d+분 ?)?(\d+초 )?예상 \(신뢰도: (높음|다소 높음|보통|낮음)\)$/
            #expect(message.wholeMatch(of: shape) != nil, "\(message)")
            for language in ["en", "en;q=0.9, ko;q=0.2", "sv", ""] {
                let english = try client.get(path, ("Accept-Language", language)).json["message"]?.stringValue ?? ""
                #expect(english.hasPrefix("About "), "\(language): \(english)")
            }
            let joined = try client.postJSON(
                "/api/v1/queue/join",
                #"{"event_id":"demo"}"#,
                ("Accept-Language", "ko")
            )
            #expect(joined.json["message"]?.stringValue?.hasPrefix("약 ") == true)
        }

        @Test func `every refusal has its status, code, message and trace id`() throws {
            let stack = try DemoStack(rooms: ContractTests.rooms)
            let client = stack.client()
            _ = try client.join()
            let ticket = try client.join().ticket
            let otherTicket = try client.join("other").ticket
            let forged = String(ticket.dropLast()) + (ticket.last == "A" ? "B" : "A")
            _ = try client.join("small")
            for _ in 0..<2 { #expect(try client.join("small").status == 202) }
            let api = "/api/v1/queue"
            let join = { (body: String) in try client.postJSON("\(api)/join", body) }
            let cases: [(String, HTTPAnswer, Int, String)] = [
                ("no JSON", try join("event_id=demo"), 400, "MALFORMED"),
                ("empty body", try join(""), 400, "MALFORMED"),
                ("no event_id", try join("{}"), 400, "MALFORMED"),
                ("event_id a number", try join(#"{"event_id":5}"#), 400, "MALFORMED"),
                ("event_id no room name", try join(#"{"event_id":"No Room!"}"#), 400, "MALFORMED"),
                ("event_id twice", try join(#"{"event_id":"demo","event_id":"other"}"#), 400, "MALFORMED"),
                ("user_id a list", try join(#"{"event_id":"demo","user_id":[]}"#), 400, "MALFORMED"),
                ("not UTF-8", try join("{\"event_id\":\"demo\u{0}\"}"), 400, "MALFORMED"),
                ("unknown room", try join(#"{"event_id":"nowhere"}"#), 404, "ROOM_UNKNOWN"),
                ("no ticket", try client.get("\(api)/status"), 400, "TICKET_MISSING"),
                ("noise for a ticket", try client.status("noise"), 400, "TICKET_MALFORMED"),
                ("forged status", try client.status(forged), 401, "TICKET_FORGED"),
                ("forged enter", try client.enter(forged), 401, "TICKET_FORGED"),
                ("forged leave", try client.leave(forged), 401, "TICKET_FORGED"),
                ("cut ticket", try client.status(String(ticket.dropLast(9))), 401, "TICKET_FORGED"),
                (
                    "ticket of another room", try client.get("\(api)/status?event_id=other&token=\(ticket)"), 409,
                    "OTHER_ROOM"
                ),
                (
                    "waiting_token a number", try client.postJSON("\(api)/enter", #"{"waiting_token":1}"#), 400,
                    "MALFORMED"
                ),
                ("not called yet", try client.enter(ticket), 403, "NOT_READY"),
                ("body too large", try join(String(repeating: " ", count: 17_000)), 413, "BODY_TOO_LARGE"),
                ("room full", try client.join("small"), 429, "ROOM_FULL"),
                ("unknown call", try client.get("\(api)/stand"), 404, "NOT_FOUND"),
                ("GET join", try client.get("\(api)/join"), 405, "METHOD_NOT_ALLOWED"),
                ("POST status", try client.postJSON("\(api)/status", "{}"), 405, "METHOD_NOT_ALLOWED"),
                ("PUT leave", try client.send("PUT", "\(api)/leave"), 405, "METHOD_NOT_ALLOWED"),
                ("board of no room", try client.get("\(api)/board?event_id=nowhere"), 404, "ROOM_UNKNOWN"),
                ("board without room", try client.get("\(api)/board"), 400, "MALFORMED"),
            ]
            for (name, answer, status, code) in cases {
                #expect(answer.status == status, "\(name)")
                #expect(answer.errorCode == code, "\(name)")
                let error = answer.json["error"] ?? .null
                #expect(complaints(error, [("code", .text), ("message", .text), ("trace_id", .text)]) == [], "\(name)")
                #expect(error["trace_id"]?.stringValue?.count == 32, "\(name)")
                #expect(answer.header("Cache-Control") == "no-store", "\(name)")
                let mayRetry = status == 429 || code == "NOT_READY"
                #expect((answer.header("Retry-After") != nil) == mayRetry, "\(name)")
            }
            #expect(try client.enter(ticket).json["poll_after_ms"]?.integerValue ?? 0 > 0)
            #expect(try client.status(otherTicket).word == "admitted", "nothing of this disturbed the other room")
        }

        @Test func `HEAD is refused, and the board, health, readiness and metrics answer`() throws {
            let stack = try DemoStack(rooms: ContractTests.rooms)
            let client = stack.client()
            _ = try client.join()
            let tickets = try (0..<100).map { _ in try client.join().ticket }
            #expect(try stack.client().send("HEAD", "/api/v1/queue/status?token=\(tickets[0])").status == 405)
            #expect(try stack.client().send("HEAD", "/api/v1/queue/board?event_id=demo").status == 405)

            let keys = try stack.keyRing()
            let numbers = try tickets.map { try keys.number($0) }
            var board = try client.get("/api/v1/queue/board?event_id=demo")
            // A tick until the mirror knows everybody, and a second that a cache may keep the board.
            let isComplete = try Wait.until(seconds: 3) {
                board = try client.get("/api/v1/queue/board?event_id=demo")
                return board.json["waiting"]?.integerValue == 100
            }
            #expect(isComplete)
            #expect(board.status == 200)
            #expect(board.header("Cache-Control")?.contains("max-age=1") == true)
            let members: [(String, Kind)] = [
                ("generation", .whole), ("as_of_ms", .whole), ("next", .whole), ("waiting", .whole),
                ("samples", .pairs), ("eta_samples", .pairs), ("error_places", .whole), ("burst", .whole),
                ("poll_after_ms", .whole),
            ]
            #expect(complaints(board.json, members) == [])
            #expect(board.json["rate"] != nil)
            #expect(Int(board.json["next"]?.integerValue ?? 0) == numbers[99] + 1)
            let samples = (board.json["samples"]?.arrayValue ?? []).compactMap(\.arrayValue)
            let areExact = samples.allSatisfy { pair in
                numbers.firstIndex(of: Int(pair[0].integerValue ?? 0)) == pair[1].integerValue.map { Int($0) }
            }
            #expect(samples.count >= 2 && areExact, "each sample is a number and how many are ahead of it")

            let health = try client.get("/healthz")
            #expect(health.status == 200 && health.word == "ok")
            let readiness = try client.get("/readyz")
            #expect(readiness.status == 200 && readiness.word == "ready")
            let metrics = try client.get("/metrics")
            #expect(metrics.header("Content-Type")?.hasPrefix("text/plain; version=0.0.4") == true)
            // Each worker shows its own mirror, which is a tick old.
            let isCounted = try Wait.until(seconds: 1) {
                let text = try client.get("/metrics").text
                return text.contains("vestibule_room_waiting{room=\"demo\"} 100\n")
                    && text.contains("vestibule_room_joined{room=\"demo\"} 101\n")
            }
            #expect(isCounted)
        }

        @Test func `one address may make a hundred requests a second, the rest gets 429`() throws {
            let stack = try DemoStack(rooms: ContractTests.rooms, options: ["--limit-loopback"])
            let client = stack.client()
            _ = try client.join()
            let ticket = try client.join().ticket
            let started = wallMilliseconds()
            let answers = try (0..<600).map { _ in try client.status(ticket) }
            let seconds = Double(wallMilliseconds() - started) / 1000
            // A poll too many at one worker is a 429 as well; those of nginx are RATE_LIMITED.
            let limited = answers.filter { $0.errorCode == "RATE_LIMITED" }
            let passed = 600 - limited.count
            #expect(Double(passed) <= 200 + 100 * seconds + 2, "burst of 200 and 100 a second")
            #expect(limited.count > 100, "\(seconds) s")
            #expect(limited.allSatisfy { $0.status == 429 && $0.header("Retry-After") == "1" })
            #expect(limited.allSatisfy { $0.header("Cache-Control") == "no-store" })
            #expect(try client.get("/healthz").status == 200)
        }
    }
}
