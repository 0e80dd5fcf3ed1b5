// SPDX-License-Identifier: Apache-2.0
//
// GET /status: every standing, the ways to send a ticket, and that a poll of somebody waiting costs no store call.

import Admission
import GatewayWire
import Passes
import Simulation
import StrictJSON
import Telemetry
import TestSupport
import Testing
import WaitingRoomAPI

struct StatusTests {
    @Test("A poll of somebody waiting is answered from the mirror, without the store")
    func waiting() throws {
        let bench = try WaitingRoomBench(policy: limits(rate: 0.01))
        try bench.fill()
        let tokens = try (0..<3).map { _ in try bench.waitingTicket() }
        bench.advance(3000)
        bench.tick()
        let before = bench.store.calls.count
        for (index, token) in tokens.enumerated() {
            let answer = try bench.status(token)
            #expect(answer.status == 200)
            #expect(answer["Cache-Control"] == "no-store")
            #expect(try answer.string("status") == "waiting")
            #expect(try answer.integer("position") == index + 1)
            #expect(try answer.json["ready_for_entry"] == .bool(false))
            #expect(try answer.json["degraded"] == .bool(false))
            #expect(try answer.integer("as_of_ms") == bench.nowMilliseconds)
            #expect(try answer.integer("waiting_time") == 3)
            #expect(try #require(try answer.integer("eta_low_sec")) <= #require(try answer.integer("eta_sec")))
            let poll = try #require(try answer.integer("poll_after_ms"))
            #expect(answer["Retry-After"] == "\((poll + 999) / 1000)")
        }
        #expect(bench.store.calls.count == before)
    }

    @Test("Called, admitted, left and expired visitors are told so")
    func standings() throws {
        let bench = try WaitingRoomBench()
        try bench.fill()
        let (first, second, third) = (
            try bench.waitingTicket(), try bench.waitingTicket(), try bench.waitingTicket()
        )
        bench.configure(limits(rate: 1))
        bench.run(1000)
        bench.configure(limits())
        let ready = try bench.status(first)
        #expect(try ready.string("status") == "ready")
        #expect(try ready.json["ready_for_entry"] == .bool(true))
        #expect(try ready.integer("position") == 0 && ready.integer("eta_sec") == 0)
        #expect(try ready.json["confidence"] == .number(1.0))

        #expect(try bench.enter(first).status == 200)
        let admitted = try bench.status(first)
        #expect(try admitted.string("status") == "admitted")
        #expect(try admitted.json["eta_sec"] == .null)

        #expect(try bench.leave(second).status == 200)
        #expect(try bench.status(second).string("status") == "left")

        bench.run(20_000)
        let expired = try bench.status(third)
        #expect(expired.status == 200)
        #expect(try expired.string("status") == "expired")
    }

    @Test("The wait is the line over the rate, a room that calls nobody names none, and promises are measured")
    func estimates() throws {
        let directory = try TemporaryDirectory()
        let scoreboard = try #require(Scoreboard(path: directory.file("scoreboard"), row: 1))
        let bench = try WaitingRoomBench(policy: limits(rate: 5), scoreboard: scoreboard)
        try bench.fill()
        let tokens = try (0..<100).map { _ in try bench.waitingTicket() }
        try bench.run(10_000) { for token in tokens { _ = try bench.status(token) } }
        let answer = try bench.status(tokens[99])
        let position = try #require(try answer.integer("position"))
        let eta = try #require(try answer.integer("eta_sec"))
        #expect(abs(eta * 5 - position) <= 5, "\(eta) s at \(position)")
        let metrics = try bench.send(Call("GET", "/metrics")).text
        let outcomes = try #require(metrics.firstMatch(of: /\nvestibule_eta_outcomes_total ([0-9]+)/))
        #expect(try #require(Int(outcomes.1)) > 0)
        #expect(!metrics.contains("vestibule_eta_accuracy_gauge -1"))
        #expect(!metrics.contains("vestibule_room_eta_accuracy{room=\"demo\"} -1"))

        bench.configure(limits(rate: 0))
        bench.run(200)
        #expect(try bench.status(tokens[99]).json["eta_sec"] == .null)
    }

    @Test("A paused room keeps the place, names no time and says paused")
    func paused() throws {
        let bench = try WaitingRoomBench()
        try bench.fill()
        let token = try bench.waitingTicket()
        bench.configure(limits(mode: .paused))
        bench.run(200)
        let answer = try bench.status(token)
        #expect(try answer.string("status") == "paused")
        #expect(try answer.integer("position") == 1)
        for name in ["eta_sec", "eta_low_sec", "eta_high_sec", "confidence"] {
            #expect(try answer.json[name] == .null)
        }
    }

    @Test("A visitor who comes back within the grace is put back at the old position")
    func returning() throws {
        let bench = try WaitingRoomBench()
        try bench.fill()
        let (first, second) = (try bench.waitingTicket(), try bench.waitingTicket())
        try bench.run(7000) { _ = try bench.status(second) }
        #expect(bench.queue?.counters.abandoned == 1)
        #expect(try bench.status(second).integer("position") == 1)
        let back = try bench.status(first)
        #expect(try back.string("status") == "waiting" && back.integer("position") == 1)
        bench.run(200)
        #expect(try bench.status(first).integer("position") == 1)
        #expect(try bench.status(second).integer("position") == 2)
    }

    @Test("Heartbeats keep a place over many ticks, and silence loses it")
    func heartbeats() throws {
        let bench = try WaitingRoomBench()
        try bench.fill()
        let (silent, alive) = (try bench.waitingTicket(), try bench.waitingTicket())
        var turn = 0
        try bench.run(120_000) {
            turn += 1
            if turn % 5 == 0 { try #require(try bench.status(alive).string("status") == "waiting") }
        }
        #expect(try bench.status(alive).integer("position") == 1)
        #expect(try bench.status(silent).string("status") == "expired")
        #expect(bench.queue?.counters.abandoned == 1)
        #expect(!bench.store.calls.contains { $0 == "enter" })
    }

    @Test("What the store said about somebody not waiting is remembered until the next tick")
    func remembered() throws {
        let bench = try WaitingRoomBench()
        try bench.fill()
        let token = try bench.waitingTicket()
        bench.configure(limits(rate: 1))
        bench.run(1000)
        let before = bench.store.calls.count
        for _ in 0..<5 { #expect(try bench.status(token).string("status") == "ready") }
        #expect(bench.store.calls.count == before + 1)
        bench.run(200)
        #expect(try bench.status(token).string("status") == "ready")
        #expect(bench.store.calls.count == before + 2)
    }

    @Test("The ticket may come in the query, as Bearer or in the cookie of either scheme")
    func ticketPlaces() throws {
        let bench = try WaitingRoomBench(rooms: ["other"])
        try bench.fill()
        let token = try bench.waitingTicket()
        let path = "/api/v1/queue/status"
        let ways: [Call] = [
            Call("GET", "\(path)?token=\(token)"), Call("GET", "\(path)?x=1&token=\(token)&token=second"),
            Call("GET", path, [(.authorization, "Bearer \(token)")]),
            Call("GET", path, [(.authorization, "bearer \(token)")]),
            Call("GET", path, [(.cookie, "a=b; vestibule-ticket-demo=\(token)")]),
            Call("GET", path, [(.cookie, "__Host-vestibule-ticket-demo=\(token)"), (.scheme, "https")]),
            Call(
                "GET",
                "\(path)?event_id=demo",
                [(.cookie, "vestibule-ticket-other=noise; vestibule-ticket-demo=\(token)")]
            ),
            Call("GET", "\(path)?token=", [(.cookie, "vestibule-ticket-demo=\(token)")]),
        ]
        for way in ways {
            let answer = try bench.send(way)
            #expect(try answer.status == 200 && answer.integer("position") == 1, "\(way.path) \(way.fields)")
        }
    }

    @Test("Without a ticket that can be told apart the answer is 400")
    func noTicket() throws {
        let bench = try WaitingRoomBench(rooms: ["other"])
        try bench.fill()
        let token = try bench.waitingTicket()
        let path = "/api/v1/queue/status"
        let ways: [Call] = [
            Call("GET", path), Call("GET", "\(path)?token="), Call("GET", "\(path)?token"),
            Call("GET", "\(path)?xtoken=\(token)"),
            Call("GET", path, [(.authorization, "Basic \(token)")]), Call("GET", path, [(.authorization, "Bearer ")]),
            // The cookie of the other scheme is not looked at.
            Call("GET", path, [(.cookie, "__Host-vestibule-ticket-demo=\(token)")]),
            Call("GET", path, [(.cookie, "vestibule-ticket-demo=\(token)"), (.scheme, "https")]),
            // Two rooms' cookies and no word which is meant.
            Call("GET", path, [(.cookie, "vestibule-ticket-other=\(token); vestibule-ticket-demo=\(token)")]),
            Call("GET", "\(path)?event_id=Not%20A%20Room", [(.cookie, "vestibule-ticket-demo=\(token)")]),
        ]
        for way in ways {
            let answer = try bench.send(way)
            #expect(try answer.status == 400 && answer.errorCode == "TICKET_MISSING", "\(way.path) \(way.fields)")
        }
    }

    @Test("Percent-encoding is undone in names' values, and broken encoding is no ticket")
    func percentEncoding() throws {
        let bench = try WaitingRoomBench()
        try bench.fill()
        let token = try bench.waitingTicket()
        let upper = token.utf8.map { "%" + hexadecimal($0) }.joined()
        let lower = token.utf8.map { "%" + hexadecimal($0).lowercased() }.joined()
        for text in [upper, lower] { #expect(try bench.status(text).integer("position") == 1) }
        #expect(try bench.status("\(token)&event_id=%64emo").status == 200)
        for text in ["%", "%4", "%zz", "\(token)%", "\(token)%4", "%G1\(token)"] {
            #expect(try bench.status(text).errorCode == "TICKET_MISSING", "\(text)")
        }
        // A plus is a space, which no ticket holds.
        #expect(try bench.status("+\(token)").errorCode == "TICKET_MALFORMED")
    }

    private func hexadecimal(_ byte: UInt8) -> String {
        let text = String(byte, radix: 16, uppercase: true)
        return text.utf8.count == 1 ? "0" + text : text
    }

    @Test("Noise is 400, a forged ticket 401, and neither reaches the store")
    func forgeries() throws {
        let bench = try WaitingRoomBench()
        try bench.fill()
        let token = try bench.waitingTicket()
        let before = bench.store.calls.count
        for noise in ["x", "v2.k1.demo.1.2.3.mac", String(repeating: "a", count: 5000), "....", "%00"] {
            let answer = try bench.status(noise)
            #expect(try answer.status == 400 && answer.errorCode == "TICKET_MALFORMED")
        }
        let foreign = try KeyRing(keys: [try SigningKey(kid: "k1", secret: Array(repeating: 8, count: 32))])
        let number = try bench.ticket(token).number
        let stolen = foreign.sign(try bench.ticket(token))
        let last = token.last == "A" ? "B" : "A"
        let forgeries = [
            String(decoding: stolen, as: UTF8.self), token.dropLast() + last, String(token.dropLast()), token + "A",
            token.replacing(".\(number).", with: ".\(number - 1)."), token.replacing(".demo.", with: ".other."),
            token.replacing("v1.k1.", with: "v1.k2."),
        ]
        for forgery in forgeries {
            let answer = try bench.status(forgery)
            #expect(try answer.status == 401 && answer.errorCode == "TICKET_FORGED", "\(forgery)")
        }
        #expect(bench.store.calls.count == before)
    }

    @Test("A ticket of an unknown room is 404, of another room or an ended generation 409")
    func otherRooms() throws {
        let bench = try WaitingRoomBench(rooms: ["other"])
        try bench.fill()
        let token = try bench.waitingTicket()
        let gone = try bench.status(bench.sign(room: "gone", number: 1))
        #expect(try gone.status == 404 && gone.errorCode == "ROOM_UNKNOWN")
        let other = try bench.status("\(token)&event_id=other")
        #expect(try other.status == 409 && other.errorCode == "OTHER_ROOM")
        bench.reset()
        bench.run(200)
        let fenced = try bench.status(token)
        #expect(try fenced.status == 409 && fenced.errorCode == "OTHER_GENERATION")
    }

    @Test("The 51st poll of a ticket in one second is refused, the next second starts anew")
    func tooEarly() throws {
        let bench = try WaitingRoomBench()
        try bench.fill()
        let (token, neighbour) = (try bench.waitingTicket(), try bench.waitingTicket())
        for _ in 0..<50 { #expect(try bench.status(token).status == 200) }
        let refused = try bench.status(token)
        #expect(try refused.status == 429 && refused.errorCode == "POLLED_TOO_EARLY")
        #expect(refused["Retry-After"] == "1")
        #expect(try bench.status(neighbour).status == 200)
        bench.advance(1000)
        #expect(try bench.status(token).status == 200)
    }
}

struct DegradedTests {
    @Test("While the store is away polls are answered from the mirror and say degraded")
    func degraded() throws {
        let bench = try WaitingRoomBench()
        try bench.fill()
        let (first, second) = (try bench.waitingTicket(), try bench.waitingTicket())
        bench.run(200)
        bench.fail(.unavailable("gone"))
        bench.run(800)
        #expect(try bench.status(first).json["degraded"] == .bool(false))
        bench.run(400)
        let answer = try bench.status(second)
        #expect(try answer.status == 200 && answer.integer("position") == 2)
        #expect(try answer.json["degraded"] == .bool(true))
        #expect(try answer.integer("as_of_ms") == bench.nowMilliseconds - 1200)

        // Somebody who joined after the last tick is shown behind all who may be ahead.
        let unknown = try bench.status(bench.sign(number: bench.ticket(second).number + 1))
        #expect(try unknown.string("status") == "waiting" && unknown.integer("position") == 3)
        #expect(try unknown.json["degraded"] == .bool(true))

        for answer in [try bench.join(), try bench.enter(first), try bench.leave(first)] {
            #expect(try answer.status == 503 && answer.errorCode == "STORE_UNAVAILABLE")
            #expect(answer["Retry-After"] == "2")
        }
        bench.fail(nil)
        bench.run(200)
        let back = try bench.status(first)
        #expect(try back.integer("position") == 1)
        #expect(try back.json["degraded"] == .bool(false))
    }

    @Test("A worker that never had an answer has nothing honest to say: 503")
    func unknown() throws {
        let bench = try WaitingRoomBench()
        bench.fail(.unavailable("gone"))
        let answer = try bench.status(bench.sign(number: 9000))
        #expect(try answer.status == 503 && answer.errorCode == "STORE_UNAVAILABLE")
    }

    @Test("Heartbeats of a time without the store are flushed afterwards")
    func heartbeatsAreKept() throws {
        let bench = try WaitingRoomBench()
        try bench.fill()
        let token = try bench.waitingTicket()
        bench.run(2000)
        bench.fail(.unavailable("gone"))
        try bench.run(3000) { _ = try bench.status(token) }
        bench.fail(nil)
        bench.run(1000)
        #expect(try bench.status(token).integer("position") == 1)
        #expect(bench.queue?.counters.abandoned == 0)
    }

    @Test("A worker that ends hands its heartbeats on, and stops when there are none")
    func lastHeartbeats() throws {
        let bench = try WaitingRoomBench()
        try bench.fill()
        let tokens = try (0..<3).map { _ in try bench.waitingTicket() }
        bench.run(1000)
        for token in tokens { #expect(try bench.status(token).string("status") == "waiting") }
        bench.run(200)
        let before = bench.store.heartbeatCount
        bench.fail(.unavailable("gone"))
        #expect(!bench.api.flushHeartbeats(tickMilliseconds: 200))
        #expect(!bench.api.flushHeartbeats(tickMilliseconds: 200), "nobody has them yet")
        bench.fail(nil)
        let failed = bench.store.heartbeatCount
        #expect(failed > before, "they were sent at once, whatever the epoch")
        #expect(!bench.api.flushHeartbeats(tickMilliseconds: 200))
        #expect(bench.store.heartbeatCount == failed + 3)
        let ticks = bench.store.ticks
        #expect(bench.api.flushHeartbeats(tickMilliseconds: 200))
        #expect(bench.store.ticks == ticks, "nothing is asked for nothing")
    }
}
