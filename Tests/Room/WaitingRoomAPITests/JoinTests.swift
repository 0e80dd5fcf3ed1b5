// SPDX-License-Identifier: Apache-2.0
//
// POST /join: who is admitted, who waits, what is refused, and what an Idempotency-Key promises.

import Admission
import GatewayWire
import Passes
import Simulation
import StrictJSON
import TestSupport
import Testing
import WaitingRoomAPI

struct JoinTests {
    @Test("Whoever comes to an empty room gets a pass at once")
    func admission() throws {
        let bench = try WaitingRoomBench()
        let answer = try bench.join()
        #expect(answer.status == 200)
        #expect(answer["Content-Type"] == "application/json")
        #expect(answer["Cache-Control"] == "no-store")
        #expect(try answer.string("status") == "admitted")
        #expect(try answer.integer("ttl_sec") == 600)
        #expect(try answer.integer("position") == 0)
        #expect(try answer.json["eta_sec"] == .null)
        let pass = try #require(try answer.string("pass"))
        #expect(try answer.string("reservation_token") == pass)
        let seconds = Int64(bench.nowMilliseconds / 1000)
        guard case .valid(let read) = bench.keys.verifyPass(Array(pass.utf8), room: "demo", nowSeconds: seconds) else {
            throw TestFailure("the pass does not verify: \(pass)")
        }
        #expect(read.number == 5000)
        #expect(read.expiresAtSeconds == seconds + 600)
        #expect(read.issuedAtSeconds == seconds)
        #expect(try bench.ticket(try #require(try answer.string("waiting_token"))).number == 5000)
        #expect(answer.cookie("vestibule-pass-demo") == pass)
        #expect(try answer.cookie("vestibule-ticket-demo") == answer.string("waiting_token"))
    }

    @Test("The next one waits, with a ticket, a position and an estimate")
    func waiting() throws {
        let bench = try WaitingRoomBench(policy: limits(rate: 0.1))
        try bench.fill()
        bench.tick()
        _ = try bench.join()
        let answer = try bench.join()
        #expect(answer.status == 202)
        #expect(answer["Cache-Control"] == "no-store")
        #expect(try answer.string("status") == "waiting")
        #expect(try answer.integer("position") == 2)
        #expect(try answer.integer("position_hint") == 2)
        let eta = try #require(try answer.integer("eta_sec"))
        let low = try #require(try answer.integer("eta_low_sec"))
        let high = try #require(try answer.integer("eta_high_sec"))
        #expect(low <= eta && eta <= high && low >= 0)
        #expect(try answer.json["confidence"] == .number(0.2))
        let poll = try #require(try answer.integer("poll_after_ms"))
        #expect((50...15_000).contains(poll))
        #expect(answer["Retry-After"] == "\((poll + 999) / 1000)")
        #expect(try answer.string("message")?.isEmpty == false)
        let ticket = try bench.ticket(try #require(try answer.string("waiting_token")))
        #expect(ticket.room == "demo" && ticket.number == 5002 && ticket.generation == 1)
        #expect(ticket.issuedMilliseconds == Int64(bench.nowMilliseconds))
        #expect(answer.cookies.count == 1)
    }

    @Test("A paused room takes joins and promises no time")
    func paused() throws {
        let bench = try WaitingRoomBench(policy: limits(mode: .paused))
        let answer = try bench.join([(.acceptLanguage, "en")])
        #expect(answer.status == 202)
        #expect(try answer.string("status") == "waiting")
        #expect(try answer.json["eta_sec"] == .null)
        #expect(try answer.json["confidence"] == .null)
        #expect(try answer.string("message") == "The queue is paused. Your place is kept.")
    }

    @Test("A room that is switched off admits everybody")
    func bypass() throws {
        let bench = try WaitingRoomBench(policy: limits(mode: .bypass))
        for _ in 0..<5 { #expect(try bench.join().status == 200) }
    }

    @Test("The same Idempotency-Key gives the same ticket, another key another one")
    func idempotency() throws {
        let bench = try WaitingRoomBench()
        try bench.fill()
        let key = "0123456789abcdef"
        let first = try bench.join([(.idempotencyKey, key)])
        bench.advance(299_000)
        let again = try bench.join([(.idempotencyKey, key)])
        #expect(first.status == 202 && again.status == 202)
        #expect(try first.string("waiting_token") == again.string("waiting_token"))
        #expect(try again.integer("position") == 1)
        let other = try bench.join([(.idempotencyKey, key + "x")])
        #expect(try other.string("waiting_token") != first.string("waiting_token"))
        let none = try bench.join()
        #expect(try none.integer("position") == 3)
        #expect(bench.queue?.counters.joined == 4)
    }

    @Test("A key is forgotten after five minutes")
    func idempotencyEnds() throws {
        let bench = try WaitingRoomBench()
        try bench.fill()
        let key = "0123456789abcdef"
        let first = try bench.join([(.idempotencyKey, key)])
        bench.advance(QueueConstants.joinKeyLifetimeMilliseconds)
        #expect(try bench.join([(.idempotencyKey, key)]).string("waiting_token") != first.string("waiting_token"))
    }

    @Test("A repeated join of somebody admitted gives the same pass")
    func idempotentAdmission() throws {
        let bench = try WaitingRoomBench()
        let key = "key-of-sixteen-c"
        let first = try bench.join([(.idempotencyKey, key)])
        bench.advance(60_000)
        let again = try bench.join([(.idempotencyKey, key)])
        #expect(again.status == 200)
        #expect(try again.string("pass") == first.string("pass"))
        #expect(try again.string("waiting_token") == first.string("waiting_token"))
        #expect(try again.integer("ttl_sec") == 540)
    }

    @Test("A repeated join of somebody who left says so and takes no new number")
    func idempotentLeft() throws {
        let bench = try WaitingRoomBench()
        try bench.fill()
        let key = "key-of-sixteen-c"
        let first = try bench.join([(.idempotencyKey, key)])
        _ = try bench.leave(try #require(try first.string("waiting_token")))
        #expect(try bench.join([(.idempotencyKey, key)]).string("status") == "left")
    }

    @Test(
        "A key of 16 to 128 visible characters is taken, any other is refused",
        arguments: [
            (String(repeating: "k", count: 15), 400), (String(repeating: "k", count: 16), 200),
            (String(repeating: "~", count: 128), 200), (String(repeating: "!", count: 129), 400),
            ("with a space in it", 400), ("tab\tin the key here", 400), ("sixteen-bytes-é-x", 400),
        ]
    )
    func keyForm(_ key: String, _ status: Int) throws {
        let answer = try WaitingRoomBench().join([(.idempotencyKey, key)])
        #expect(answer.status == status)
        if status == 400 { #expect(try answer.errorCode == "MALFORMED") }
    }

    @Test(
        "A body that is not a join is refused with 400 and takes no number",
        arguments: [
            "", " ", "nonsense", "[]", "\"demo\"", "{}", #"{"event_id":7}"#, #"{"event_id":null}"#, #"{"event_id":""}"#,
            #"{"event_id":"Demo"}"#, #"{"event_id":"-demo"}"#, #"{"event_id":"demo"} x"#,
            #"{"event_id":"demo","event_id":"demo"}"#,
            #"{"event_id":"demo","user_id":5}"#, #"{"event_id":"demo","user_id":{}}"#, #"{"event_id":"demo""#,
            #"{"event_id":"demo","user_id":"\#(String(repeating: "u", count: 257))"}"#,
            #"{"event_id":"\#(String(repeating: "a", count: 65))"}"#,
            #"{"event_id":"demo","x":"\#(String(repeating: "x", count: 66_000))"}"#,
        ]
    )
    func malformed(_ body: String) throws {
        let bench = try WaitingRoomBench()
        let answer = try bench.send(Call("POST", "/api/v1/queue/join", body: body))
        #expect(answer.status == 400)
        #expect(try answer.errorCode == "MALFORMED")
        #expect(bench.store.calls.isEmpty)
    }

    @Test(
        "A user_id may be a text of 256 bytes or null, and other members do no harm",
        arguments: [
            #"{"event_id":"demo","user_id":"\#(String(repeating: "u", count: 256))"}"#,
            #"{"event_id":"demo","user_id":null}"#, #"{"event_id":"demo","more":[1,{"a":2}]}"#,
        ]
    )
    func userID(_ body: String) throws {
        #expect(try WaitingRoomBench().send(Call("POST", "/api/v1/queue/join", body: body)).status == 200)
    }

    @Test("An unknown room is 404, a closed one 403, a full one 429, an absent store 503")
    func refusals() throws {
        let unknown = try WaitingRoomBench().send(
            Call("POST", "/api/v1/queue/join", body: #"{"event_id":"nowhere"}"#)
        )
        #expect(try unknown.status == 404 && unknown.errorCode == "ROOM_UNKNOWN")

        let closed = try WaitingRoomBench(policy: limits(mode: .closed)).join()
        #expect(try closed.status == 403 && closed.errorCode == "ROOM_CLOSED")

        let small = try WaitingRoomBench(policy: limits(capacity: 1))
        try small.fill()
        #expect(try small.join().status == 202)
        let full = try small.join()
        #expect(try full.status == 429 && full.errorCode == "ROOM_FULL")
        #expect(full["Retry-After"] == "10")

        let alone = try WaitingRoomBench()
        alone.fail(.unavailable("gone"))
        let away = try alone.join()
        #expect(try away.status == 503 && away.errorCode == "STORE_UNAVAILABLE")
        #expect(away["Retry-After"] == "2")
        #expect(try away.integer("poll_after_ms") == 2000)
        #expect(away.cookies.isEmpty)

        alone.fail(.refused("WRONGTYPE of a key"))
        let faulty = try alone.join()
        #expect(try faulty.status == 500 && faulty.errorCode == "INTERNAL")
        #expect(!faulty.text.contains("WRONGTYPE"))
        #expect(alone.logLines.contains { $0.contains("WRONGTYPE") })
    }
}
