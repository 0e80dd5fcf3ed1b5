// SPDX-License-Identifier: Apache-2.0
//
// The gate asked ahead of a request's body: what is no person's navigation goes on or is refused, as the gate itself
// would have it; everything else is left to the gate.

import Admission
import GatewayWire
import Passes
import Simulation
import StrictJSON
import TestSupport
import Testing
import WaitingRoomAPI

struct GateAheadTests {
    private func ask(
        _ bench: WaitingRoomBench,
        method: String = "POST",
        room: String = "demo",
        verdict: String = "missing",
        _ fields: [(GatewayField, String)]
    ) throws -> Answer {
        let own: [(GatewayField, String)] = [(.operation, "ask"), (.room, room), (.verdict, verdict)]
        return try bench.send(Call(method, "/shop", own + fields))
    }

    private func isLeft(_ answer: Answer) -> Bool { answer.status == 204 && answer["X-Vestibule-Verdict"] == nil }

    @Test("In an empty room nothing takes a number ahead of its body; what is no navigation takes a token and goes on")
    func emptyRoom() throws {
        for kind in RequestKind.all {
            let bench = try WaitingRoomBench(policy: limits(burst: 1))
            let answer = try ask(bench, method: kind.method, kind.complete)
            #expect(answer.status == 204 && answer.cookies.isEmpty && answer["X-Accel-Redirect"] == nil, "\(kind.name)")
            #expect(isLeft(answer) == kind.isNavigation, "\(kind.name)")
            if !kind.isNavigation { #expect(answer["X-Vestibule-Verdict"] == "ok:demo", "\(kind.name)") }
            #expect(bench.queue?.counters.joined ?? 0 == 0, "\(kind.name)")
            #expect(try bench.join().status == (kind.isNavigation ? 200 : 202), "\(kind.name): the token")
        }
    }

    @Test("In a full room what is no navigation gets the gate's problem in a header, and everything else is left")
    func fullRoom() throws {
        for kind in RequestKind.all {
            let bench = try WaitingRoomBench()
            try bench.fill()
            bench.tick()
            let answer = try ask(bench, method: kind.method, kind.complete)
            if kind.isNavigation {
                #expect(isLeft(answer), "\(kind.name)")
                continue
            }
            let gate = try bench.gate(method: kind.method, kind.complete)
            #expect(answer.status == 403 && answer["X-Vestibule-Verdict"] == "refused:demo", "\(kind.name)")
            #expect(answer["X-Vestibule-Problem"] == gate.text && answer["Retry-After"] == gate["Retry-After"])
            #expect(answer["X-Vestibule-Code"] == "PASS_MISSING" && answer.body.isEmpty)
        }
    }

    @Test("What needs a cookie, a page or a room that is yet to be made is left to the gate")
    func left() throws {
        let bench = try WaitingRoomBench(policy: limits(burst: 1))
        let token = try #require(try bench.join().string("waiting_token"))
        let program: [(GatewayField, String)] = [(.accept, "application/json")]
        let inside = program + [(.cookie, "vestibule-ticket-demo=\(token)")]
        #expect(isLeft(try ask(bench, inside)), "the person's own request is given a pass")
        #expect(try bench.gate(method: "POST", inside).cookie("vestibule-pass-demo") != nil)
        #expect(isLeft(try ask(bench, verdict: "due", program)))
        #expect(isLeft(try ask(bench, room: "none", program)))
        let form: [(GatewayField, String)] = [
            (.accept, "text/html"), (.fetchMode, "navigate"), (.fetchDestination, "document"),
            (.fetchSite, "cross-site"),
        ]
        #expect(isLeft(try ask(bench, form)), "the sender of a form gets the page")
    }

    @Test("In bypass it goes on with the headers that a backend relies on, and an address has one limit in both places")
    func bypassAndLimit() throws {
        let bench = try WaitingRoomBench(policy: limits(burst: 1))
        try bench.fill()
        let program: [(GatewayField, String)] = [(.accept, "application/json"), (.address, "192.0.2.1")]
        var statuses: [Int] = []
        for number in 0..<52 {
            let answer = try number % 2 == 0 ? ask(bench, program) : bench.gate(method: "POST", program)
            statuses.append(answer["X-Accel-Redirect"] == "@vestibule_limited" ? 401 : answer.status)
        }
        #expect(statuses.prefix(51).allSatisfy { [403, 503].contains($0) } && statuses.last == 401, "\(statuses)")
        #expect(try ask(bench, program).status == 401)
        var policy = limits(burst: 1)
        policy.mode = .bypass
        let open = try WaitingRoomBench(policy: policy)
        let answer = try ask(open, program)
        #expect(answer["X-Vestibule-Verdict"] == "ok:demo" && answer["X-Vestibule-Pass"] != nil)
        #expect(answer["X-Vestibule-Number"] != nil && answer.cookies.isEmpty)
    }
}
