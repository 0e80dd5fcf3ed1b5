// SPDX-License-Identifier: Apache-2.0
//
// Passes bound to the client: a request for a pass gets it for the client that sent it, the same admission each
// time, and a pass of another client counts as none at the gate.

import Admission
import GatewayWire
import Passes
import Simulation
import TestSupport
import Testing
import WaitingRoomAPI

struct BindingTests {
    private typealias Fields = [(GatewayField, String)]

    private static let home: Fields = [(.client, "192.0.2.1"), (.agent, "Mozilla/5.0")]
    private static let away: Fields = [(.client, "2001:db8:7::1"), (.agent, "Mozilla/5.0")]

    private func bench(_ traits: ClientTraits = .network, policy: RoomPolicy = limits()) throws -> WaitingRoomBench {
        try WaitingRoomBench(policy: policy, rules: JoinRules(passBinding: traits))
    }

    private func read(_ token: String?, _ bench: WaitingRoomBench, from client: PassClient?) throws -> PassVerdict {
        bench.keys.verifyPass(
            Array(try #require(token).utf8),
            room: "demo",
            nowSeconds: Int64(bench.nowMilliseconds / 1000),
            client: client
        )
    }

    private func gate(_ bench: WaitingRoomBench, verdict: String, _ fields: Fields) throws -> Answer {
        try bench.gate(verdict: verdict, fields)
    }

    private func verify(_ bench: WaitingRoomBench, _ pass: String, _ fields: Fields) throws -> Answer {
        let own: Fields = [(.operation, "verify"), (.room, "demo"), (.cookie, "vestibule-pass-demo=\(pass)")]
        return try bench.send(Call("GET", "/shop", own + fields))
    }

    @Test("A room that binds nothing gives the same bytes to whoever asks")
    func unbound() throws {
        let bench = try bench([])
        let joined = try bench.join(Self.home)
        let ticket = try #require(try joined.string("waiting_token"))
        let pass = try #require(try joined.string("pass"))
        #expect(try bench.enter(ticket, Self.away).string("pass") == pass)
        guard case .valid(let read) = try read(pass, bench, from: nil) else { throw TestFailure("no pass") }
        #expect(read.binding == nil)
    }

    @Test("Joining, entering and the gate bind the pass to the client that asks, and it is the same admission")
    func sameAdmission() throws {
        let bench = try bench([.network, .agent])
        let joined = try bench.join(Self.home)
        let ticket = try #require(try joined.string("waiting_token"))
        let first = try #require(try joined.string("pass"))
        let home = PassClient(network: [192, 0, 2], agent: Array("Mozilla/5.0".utf8))
        let away = PassClient(network: [0x20, 1, 0xd, 0xb8, 0, 7], agent: home.agent)
        guard case .valid(let here) = try read(first, bench, from: home) else { throw TestFailure("no pass") }
        #expect(try read(first, bench, from: away) == .otherClient(here))

        bench.run(30_000)
        #expect(try bench.enter(ticket, Self.home).string("pass") == first, "the same client has the same bytes")
        let entered = try bench.enter(ticket, Self.away).string("pass")
        guard case .valid(let there) = try read(entered, bench, from: away) else { throw TestFailure("no pass") }
        #expect(there.number == here.number && there.jti == here.jti)
        #expect(there.issuedAtSeconds == here.issuedAtSeconds && there.expiresAtSeconds == here.expiresAtSeconds)
        #expect(there.binding != here.binding)

        let cookie: Fields = [(.cookie, "vestibule-ticket-demo=\(ticket)")]
        let admitted = try gate(bench, verdict: "other-client", Self.away + cookie)
        #expect(admitted["X-Accel-Redirect"] == "@vestibule_continue")
        #expect(admitted.cookie("vestibule-pass-demo") == entered)
        #expect(admitted["X-Vestibule-Pass"] == entered)
        #expect(bench.queue?.counters.entered == 1, "nobody has entered twice")
    }

    @Test("A repeated join with the same key from another network has the same admission, bound to that network")
    func repeatedJoin() throws {
        let bench = try bench()
        let key: Fields = [(.idempotencyKey, "0123456789abcdef")]
        let first = try bench.join(Self.home + key)
        let second = try bench.join(Self.away + key)
        #expect(try first.string("waiting_token") == second.string("waiting_token"))
        let away = PassClient(network: [0x20, 1, 0xd, 0xb8, 0, 7], agent: [])
        guard case .valid(let pass) = try read(second.string("pass"), bench, from: away) else {
            throw TestFailure("no pass")
        }
        #expect(pass.number == 5000)
    }

    @Test("Whoever has copied only the pass waits like everybody: as HTML the page, as JSON what to do")
    func copiedPass() throws {
        let bench = try bench()
        try bench.fill()
        let page = try gate(bench, verdict: "other-client", Self.away)
        #expect(page.status == 503 && page["X-Accel-Redirect"] == nil && page.cookies.isEmpty)
        let program = try gate(bench, verdict: "other-client", Self.away + [(.accept, "application/json")])
        #expect(try program.status == 503 && program.errorCode == "PASS_OTHER_CLIENT")
    }

    @Test("auth_request tells the pass of another client from a good one")
    func verified() throws {
        let bench = try bench()
        let pass = try #require(try bench.join(Self.home).string("pass"))
        #expect(try verify(bench, pass, Self.home).status == 204)
        #expect(try verify(bench, pass, [(.client, "192.0.2.99")]).status == 204)
        for fields in [Self.away, [(.client, "192.0.3.1")], [(.client, "unix:")], []] {
            let answer = try verify(bench, pass, fields)
            #expect(answer.status == 401 && answer["X-Vestibule-Verdict"] == "other-client")
        }
    }

    @Test("Where clients have no address, all of them are of one network, and none is shut out")
    func noAddress() throws {
        let bench = try bench()
        let pass = try #require(try bench.join([(.client, "unix:")]).string("pass"))
        #expect(try verify(bench, pass, [(.client, "unix:")]).status == 204)
        #expect(try verify(bench, pass, Self.home).status == 401)
    }
}
