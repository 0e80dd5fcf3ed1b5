// SPDX-License-Identifier: Apache-2.0
//
// The door of a room while the store is away: closed, or open until a deadline that counts from when it was last seen.

import Admission
import GatewayWire
import Passes
import Simulation
import StrictJSON
import Telemetry
import TestSupport
import Testing
import WaitingRoomAPI

extension WaitingRoomBench {
    fileprivate func pass(_ text: String?) throws -> Pass {
        let bytes = Array((text ?? "").utf8)
        let verdict = keys.verifyPass(bytes, room: "demo", nowSeconds: Int64(nowMilliseconds / 1000))
        guard case .valid(let pass) = verdict else { throw TestFailure("not a pass: \(verdict)") }
        return pass
    }

    fileprivate var metrics: String { get throws { try send(Call("GET", "/metrics")).text } }

    /// A bench whose store has been away for `milliseconds`, with one visitor inside and one waiting.
    fileprivate static func away(
        _ milliseconds: Int,
        openFor: Int?,
        policy: RoomPolicy = limits()
    ) throws -> (bench: WaitingRoomBench, ticket: String) {
        let bench = try WaitingRoomBench(policy: policy)
        if let openFor { bench.room.settings.outage = OutagePolicy(openForMilliseconds: openFor) }
        bench.run(400)
        if policy.mode == .open { try bench.fill() }
        let ticket = policy.mode == .closed ? "" : try bench.waitingTicket()
        bench.run(200)
        bench.fail(.unavailable("gone"))
        bench.run(milliseconds)
        return (bench, ticket)
    }
}

struct OutageTests {
    @Test("Unless it is told otherwise a room is closed while the store is away")
    func closed() throws {
        let (bench, ticket) = try WaitingRoomBench.away(2000, openFor: nil)
        #expect(try bench.join().status == 503)
        #expect(try bench.enter(ticket).status == 503)
        #expect(try bench.gate()["X-Accel-Redirect"] == nil)
        #expect(try bench.status(ticket).string("status") == "waiting")
        #expect(bench.logLines.isEmpty)
        #expect(try bench.metrics.contains("vestibule_room_redis_away{room=\"demo\"} 1\n"))
        #expect(try bench.metrics.contains("vestibule_room_open_without_redis{room=\"demo\"} 0\n"))
    }

    @Test("An open room lets everybody pass: at the gate, at join, and those who wait")
    func open() throws {
        let (bench, ticket) = try WaitingRoomBench.away(2000, openFor: 5000)
        let own = try bench.ticket(ticket).number
        let gate = try bench.gate()
        #expect(gate["X-Accel-Redirect"] == "@vestibule_continue")
        let first = try bench.pass(gate.cookie("vestibule-pass-demo"))
        #expect(gate.cookies.count == 1, "no ticket: no number was taken")
        #expect(gate["X-Vestibule-Number"] == "\(first.number)")

        let joined = try bench.join()
        #expect(joined.status == 200)
        #expect(try joined.string("status") == "admitted")
        #expect(try joined.string("waiting_token") == nil && joined.cookie("vestibule-ticket-demo") == nil)
        #expect(try joined.integer("ttl_sec") == 60)
        let second = try bench.pass(try joined.string("pass"))

        let status = try bench.status(ticket)
        #expect(try status.string("status") == "ready")
        #expect(try status.json["ready_for_entry"]?.boolValue == true && status.json["degraded"]?.boolValue == true)
        let entered = try bench.enter(ticket)
        #expect(entered.status == 200)
        let third = try bench.pass(try entered.string("pass"))
        #expect(third.number == own, "whoever has a number keeps it")
        let returning = try bench.gate([(.cookie, "vestibule-ticket-demo=\(ticket)")])
        #expect(try bench.pass(returning.cookie("vestibule-pass-demo")).number == own)
        #expect(try bench.gate(verdict: "expired")["X-Accel-Redirect"] == "@vestibule_continue")
        #expect(try bench.gate(verdict: "forged")["X-Accel-Redirect"] == nil)

        for pass in [first, second, third] {
            let life = Int(pass.expiresAtSeconds) - bench.nowMilliseconds / 1000
            #expect((58...60).contains(life), "\(life) s")
        }
        // No number of the store's comes near, and the store's own have not moved.
        #expect(first.number >= 1 << 52 && second.number >= 1 << 52)
        bench.fail(nil)
        bench.run(400)
        #expect(bench.queue?.next == Int(own) + 1)
        #expect(try bench.status(ticket).integer("position") == 1)
    }

    @Test("The door closes at the deadline, counted from when the store was last seen, however late somebody comes")
    func deadline() throws {
        let (bench, ticket) = try WaitingRoomBench.away(4800, openFor: 5000)
        #expect(try bench.join().status == 200)
        bench.run(400)
        #expect(try bench.join().status == 503)
        #expect(try bench.enter(ticket).status == 503)
        #expect(try bench.gate()["X-Accel-Redirect"] == nil)
        #expect(try bench.status(ticket).string("status") == "waiting")
        bench.run(20_000)
        #expect(try bench.join().status == 503)
        bench.fail(nil)
        bench.run(400)
        #expect(try bench.join().status == 202, "the store decides again")
    }

    @Test("Each change of the door is logged once, and counted")
    func told() throws {
        let directory = try TemporaryDirectory()
        let scoreboard = try #require(Scoreboard(path: directory.file("scoreboard"), row: 0))
        let bench = try WaitingRoomBench(policy: limits(), scoreboard: scoreboard)
        bench.room.settings.outage = OutagePolicy(openForMilliseconds: 3000)
        bench.run(1000)
        #expect(bench.logLines.isEmpty)
        bench.fail(.unavailable("gone"))
        bench.run(2000)
        _ = try bench.gate()
        _ = try bench.join()
        #expect(scoreboard.total(.passesWithoutStore) == 2)
        #expect(try bench.metrics.contains("vestibule_passes_without_redis_total 2\n"))
        #expect(try bench.metrics.contains("vestibule_room_open_without_redis{room=\"demo\"} 1\n"))
        bench.run(10_000)
        #expect(try bench.metrics.contains("vestibule_room_open_without_redis{room=\"demo\"} 0\n"))
        bench.fail(nil)
        bench.run(2000)
        #expect(
            bench.logLines == [
                "room demo: Redis is away, open to everybody for 3 s",
                "room demo: Redis is away, closed to newcomers",
                "room demo: Redis is back and decides again",
            ]
        )
        #expect(try bench.metrics.contains("vestibule_room_redis_away{room=\"demo\"} 0\n"))
    }

    @Test("A store that blinks opens nothing: the mirror must be stale first")
    func blink() throws {
        let (bench, ticket) = try WaitingRoomBench.away(800, openFor: 5000)
        #expect(try bench.join().status == 503)
        // The mirror is fresh enough to know that the visitor waits.
        #expect(try bench.enter(ticket).status == 403)
        #expect(bench.logLines.isEmpty)
    }

    @Test("A worker that stood still itself opens nothing: the store is there")
    func stoodStill() throws {
        let bench = try WaitingRoomBench(policy: limits())
        bench.room.settings.outage = OutagePolicy(openForMilliseconds: 60_000)
        bench.run(400)
        try bench.fill()
        let ticket = try bench.waitingTicket()
        bench.run(400)
        bench.advance(3000)
        #expect(try bench.join().status == 202)
        #expect(try bench.enter(ticket).errorCode == "NOT_READY")
        #expect(try bench.gate()["X-Accel-Redirect"] == nil)
        #expect(try bench.status(ticket).string("status") == "waiting")
        #expect(bench.logLines.isEmpty)
    }

    @Test("Whoever is inside keeps the pass while everybody passes")
    func inside() throws {
        let bench = try WaitingRoomBench(policy: limits())
        bench.room.settings.outage = OutagePolicy(openForMilliseconds: 60_000)
        bench.run(400)
        let joined = try bench.join()
        let ticket = try #require(try joined.string("waiting_token"))
        bench.run(400)
        bench.fail(.unavailable("gone"))
        bench.run(2000)
        let entered = try bench.enter(ticket)
        #expect(try entered.string("pass") == joined.string("pass"))
        let gate = try bench.gate([(.cookie, "vestibule-ticket-demo=\(ticket)")])
        #expect(gate["X-Accel-Redirect"] == "@vestibule_continue")
        #expect(try gate.cookie("vestibule-pass-demo") == joined.string("pass"))
    }

    @Test("A room that an operator has paused or closed stays so", arguments: [RoomMode.paused, .closed])
    func operatorDecides(_ mode: RoomMode) throws {
        let (bench, _) = try WaitingRoomBench.away(2000, openFor: 60_000, policy: limits(mode: mode))
        #expect(try bench.join().status == 503)
        #expect(try bench.gate()["X-Accel-Redirect"] == nil)
    }

    @Test("A worker that has never seen the store cannot tell for how long it is away, and stays closed")
    func neverSeen() throws {
        let bench = try WaitingRoomBench()
        bench.room.settings.outage = OutagePolicy(openForMilliseconds: 86_400_000)
        bench.fail(.unavailable("gone"))
        bench.run(2000)
        #expect(try bench.join().status == 503)
        #expect(try bench.gate()["X-Accel-Redirect"] == nil)
    }

    @Test("A shorter pass_ttl bounds the passes of an open door as well")
    func shortPasses() throws {
        var policy = limits()
        policy.passLifetimeMilliseconds = 20_000
        let (bench, _) = try WaitingRoomBench.away(2000, openFor: 5000, policy: policy)
        #expect(try bench.join().integer("ttl_sec") == 20)
    }

    @Test("A configuration that is read again may change the policy of a known room")
    func reload() throws {
        let (bench, _) = try WaitingRoomBench.away(2000, openFor: nil)
        #expect(try bench.join().status == 503)
        bench.api.replaceRooms([
            "demo": RoomSettings(defaults: limits(), outage: OutagePolicy(openForMilliseconds: 60_000))
        ])
        #expect(try bench.join().status == 200)
    }
}
