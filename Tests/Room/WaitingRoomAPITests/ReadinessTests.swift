// SPDX-License-Identifier: Apache-2.0
//
// What /readyz, /metrics and answers say when the clocks of Redis and of this host disagree, and when Redis
// refuses what only an operator can end.

import Admission
import GatewayWire
import Simulation
import TestSupport
import Testing
import WaitingRoomAPI

/// A store that an operator has to mend.
private final class RefusingStore: QueueStore {
    var refusal: String?

    func join(_ request: JoinRequest, room: any RoomMemoryKeeper, _ done: @escaping Completion<JoinAnswer>) {
        done(.failure(.unavailable("")))
    }

    func visit(
        _ action: VisitAction,
        _ claim: TicketClaim,
        room: any RoomMemoryKeeper,
        _ done: @escaping Completion<StandingReply>
    ) {
        done(.failure(.unavailable("")))
    }

    func tick(_ request: TickRequest, room: any RoomMemoryKeeper, _ done: @escaping Completion<TickReply>) {
        if refusal != nil { return done(.failure(.unavailable(""))) }
        var reply = TickReply()
        (reply.nowMilliseconds, reply.generation, reply.policy) = (WaitingRoomBench.startMilliseconds, 1, .standard)
        done(.success(reply))
    }
}

struct ReadinessTests {
    @Test("A store that refuses is not ready, says why, and is ready when it takes calls again")
    func refused() throws {
        let store = RefusingStore()
        let bench = try WaitingRoomBench(replacing: store)
        bench.run(400)
        #expect(try bench.send(Call("GET", "/readyz")).status == 200)
        store.refusal = "READONLY You can't write; name the master"
        bench.run(400)
        let answer = try bench.send(Call("GET", "/readyz"))
        #expect(answer.status == 503)
        #expect(try answer.string("status") == "refused")
        #expect(try answer.string("reason") == store.refusal)
        let joined = try bench.join()
        #expect(joined.status == 503 && joined["Retry-After"] != nil)
        store.refusal = nil
        bench.run(400)
        #expect(try bench.send(Call("GET", "/readyz")).string("status") == "ready")
    }

    @Test("A thousand joins that fail for one reason are one short line a second in the log")
    func failedJoins() throws {
        let bench = try WaitingRoomBench()
        bench.run(400)
        bench.fail(.refused("ERR a script failed at line 7: " + String(repeating: "x", count: 500)))
        for _ in 0..<1000 { #expect(try bench.join().status == 500) }
        #expect(bench.logLines.count == 1, "\(bench.logLines.count) lines")
        #expect((bench.logLines.first ?? "").utf8.count <= 300)
        bench.advance(1000)
        #expect(try bench.join().status == 500)
        #expect(bench.logLines.count == 2)
        #expect(bench.logLines.last?.contains("999 lines left out") == true)
    }

    @Test(
        "The difference of the clocks is shown; passes that would be expired on arrival are not issued"
    )
    func skew() throws {
        var policy = limits(rate: 1, burst: 2)
        policy.passLifetimeMilliseconds = 20_000
        let bench = try WaitingRoomBench(policy: policy)
        bench.run(400)
        #expect(try bench.join().status == 200)
        #expect(try bench.join().status == 200)
        let ticket = try bench.waitingTicket()
        func readiness() throws -> Int? { try bench.send(Call("GET", "/readyz")).integer("clock_skew_ms") }
        #expect(try readiness() == 0)

        // Within the life of a pass and the verifiers' leeway everything goes on.
        bench.wallAheadMilliseconds = 24_900
        bench.run(1200)
        #expect(try readiness() == -24_900)
        #expect(try bench.send(Call("GET", "/metrics")).text.contains("\nvestibule_clock_skew_seconds -24.9\n"))
        #expect(try bench.status(ticket).string("status") == "ready")

        bench.wallAheadMilliseconds = 25_000
        bench.run(400)
        for _ in 0..<3 {
            let answer = try bench.enter(ticket)
            #expect(answer.status == 503 && answer["Retry-After"] != nil)
            #expect(try answer.errorCode == "CLOCK_SKEW")
        }
        #expect(try bench.join().errorCode == "CLOCK_SKEW")
        let gate = try bench.send(Call("GET", "/", [(.operation, "gate"), (.room, "demo"), (.verdict, "missing")]))
        #expect(gate["X-Accel-Redirect"] == nil && gate.cookies == [])
        #expect(try bench.status(ticket).string("status") == "ready", "places are kept")
        #expect(bench.logLines.filter { $0.contains("CLOCK_SKEW") }.count == 1, "\(bench.logLines)")
        #expect(bench.queue?.counters.entered == 2, "no entry was spent on it")

        bench.wallAheadMilliseconds = 0
        bench.run(400)
        #expect(bench.logLines.last?.contains("agree again") == true)
        #expect(try bench.enter(ticket).status == 200)
    }
}
