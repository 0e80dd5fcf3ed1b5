// SPDX-License-Identifier: Apache-2.0
//
// A request that nginx sends to the gate because its pass is in the last third of its life.

import Admission
import GatewayWire
import Passes
import Simulation
import StrictJSON
import TestSupport
import Testing
import WaitingRoomAPI

struct GateRenewalTests {
    private func bench(passMax: Int = 7_200_000) throws -> WaitingRoomBench {
        var policy = limits()
        policy.passMaxMilliseconds = passMax
        return try WaitingRoomBench(policy: policy)
    }

    private func pass(_ token: String, _ bench: WaitingRoomBench) throws -> Pass {
        let now = Int64(bench.nowMilliseconds / 1000)
        guard case .valid(let pass) = bench.keys.verifyPass(Array(token.utf8), room: "demo", nowSeconds: now) else {
            throw TestFailure("not a pass: \(token)")
        }
        return pass
    }

    private func show(_ token: String, _ bench: WaitingRoomBench, method: String = "GET") throws -> Answer {
        try bench.gate(method: method, verdict: "due", [(.cookie, "vestibule-pass-demo=\(token)")])
    }

    @Test("The request goes on with a new pass, its number and its cookie; others of the page get the same one")
    func renewed() throws {
        let bench = try bench()
        let joined = try bench.join()
        #expect(try joined.json["renewable"]?.boolValue == true)
        let old = try #require(try joined.string("pass"))
        let first = try pass(old, bench)
        #expect(!first.isDue(nowSeconds: Int64(bench.nowMilliseconds / 1000) + 399))
        #expect(first.isDue(nowSeconds: Int64(bench.nowMilliseconds / 1000) + 400))
        #expect(!first.isDue(nowSeconds: Int64(bench.nowMilliseconds / 1000) + 600))
        bench.run(420_000)
        let answer = try show(old, bench)
        #expect(answer["X-Accel-Redirect"] == "@vestibule_continue" && answer["X-Vestibule-Room"] == "demo")
        let new = try #require(answer["X-Vestibule-Pass"])
        #expect(answer.cookie("vestibule-pass-demo") == new && new != old)
        let second = try pass(new, bench)
        #expect(second.number == first.number && second.expiresAtSeconds == first.expiresAtSeconds + 420)
        #expect(second.renewalGeneration == 1 && answer["X-Vestibule-Number"] == "\(first.number)")
        let calls = bench.store.calls.count
        let other = try show(old, bench, method: "POST")
        #expect(other["X-Vestibule-Pass"] == new && other.cookie("vestibule-pass-demo") == new)
        #expect(bench.store.calls.count == calls, "Redis is asked once")
        #expect(bench.queue?.active.count == 1 && bench.queue?.counters.entered == 1)
    }

    @Test(
        "Where nothing is to be renewed, the request goes on with the pass it has",
        arguments: ["fixed", "left", "away"]
    )
    func kept(_ reason: String) throws {
        let bench = try bench(passMax: reason == "fixed" ? 0 : 7_200_000)
        let joined = try bench.join()
        let token = try #require(try joined.string("pass"))
        bench.run(420_000)
        if reason == "left" { _ = try bench.leave(try #require(try joined.string("waiting_token"))) }
        if reason == "away" { bench.fail(.unavailable("away")) }
        #expect(try joined.json["renewable"]?.boolValue == (reason != "fixed"))
        // A pass that says it cannot be renewed does not come here by nginx, and counts as over.
        let answer = try show(token, bench)
        if reason == "fixed" { return #expect(answer.status == 503) }
        #expect(answer["X-Accel-Redirect"] == "@vestibule_continue" && answer["X-Vestibule-Pass"] == token)
        #expect(answer.cookies.isEmpty)
    }

    @Test("A pass that this worker does not find good is not let in, whatever nginx says")
    func forged() throws {
        let bench = try bench()
        let token = try #require(try bench.join().string("pass"))
        #expect(try show(String(token.dropLast(3)) + "abc", bench).status == 503)
        #expect(try show("", bench).status == 503)
    }
}
