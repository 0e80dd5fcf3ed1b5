// SPDX-License-Identifier: Apache-2.0
//
// Joins of one source: the API and the gate count them together, and tell when to come back.

import Admission
import GatewayWire
import Simulation
import Testing
import WaitingRoomAPI

struct SourceLimitTests {
    private func bench(_ text: String = "3/m") throws -> WaitingRoomBench {
        let bench = try WaitingRoomBench(rules: JoinRules(joinsPerSource: JoinLimit(text: text)))
        try bench.fill()
        return bench
    }

    @Test("A source that has joined as often as the room allows gets 429 and takes no number")
    func limited() throws {
        let bench = try bench()
        for _ in 0..<3 { #expect(try bench.join([(.address, "192.0.2.1")]).status == 202) }
        let answer = try bench.join([(.address, "192.0.2.1")])
        #expect(try answer.status == 429 && answer.errorCode == "RATE_LIMITED")
        #expect(try answer["Retry-After"] == "20" && answer.integer("poll_after_ms") == 20_000)
        #expect(bench.queue?.counters.joined == 4)
        #expect(try bench.join([(.address, "192.0.2.2")]).status == 202, "others are not held back")
        bench.advance(20_000)
        #expect(try bench.join([(.address, "192.0.2.1")]).status == 202)
        #expect(try bench.join([(.address, "192.0.2.1")]).status == 429)
    }

    @Test("An IPv6 subscriber is one source, whatever the second half of the address")
    func network() throws {
        let bench = try bench()
        for host in 1...3 { #expect(try bench.join([(.address, "2001:db8::\(host)")]).status == 202) }
        #expect(try bench.join([(.address, "2001:db8::ffff")]).status == 429)
        #expect(try bench.join([(.address, "2001:db8:0:1::1")]).status == 202)
    }

    @Test("A worker remembers 4,096 answers of the store between two ticks; for one more it asks again")
    func standings() throws {
        let bench = try WaitingRoomBench()
        try bench.fill()
        bench.tick()
        let reply = StandingReply(standing: .left, nowMilliseconds: bench.nowMilliseconds, waiting: 0)
        // An answer about a visitor who waits comes with the next tick; these have left.
        for number in [4999, 5000] as [Int64] { _ = try bench.leave(bench.sign(number: number)) }
        bench.tick()
        for number in 1...4095 { bench.room.remember(reply, of: number) }
        for (number, asked) in [(4095, 0), (5000, 1), (5000, 1), (4999, 2), (4999, 3)] as [(Int64, Int)] {
            _ = try bench.status(bench.sign(number: number))
            #expect(bench.store.calls.count { $0 == "stand" } == asked, "number \(number)")
        }
    }

    @Test(
        "One address may come to the gate as often as the configuration says, and an exempt one as often as it likes",
        arguments: [(51, 510), (3, 6000), (200, 1000)]
    )
    func gateRequests(atOnce: Int, period: Int) throws {
        let bench = try WaitingRoomBench()
        try bench.fill()
        // The first is the standard: it holds without being said.
        if (atOnce, period) != (51, 510) {
            bench.api.apply(
                APISettings(
                    rooms: ["demo": bench.room.settings],
                    staleMilliseconds: 1000,
                    gateLimit: JoinLimit(joins: atOnce, periodMilliseconds: period)
                )
            )
        }
        func visit(_ address: String?) throws -> Answer {
            let fields: [(GatewayField, String)] = [
                (.operation, "gate"), (.room, "demo"), (.verdict, "missing"), (.accept, "text/html"),
            ]
            return try bench.send(Call("GET", "/tickets", fields + (address.map { [(.address, $0)] } ?? [])))
        }
        // nginx has the page, with status 429.
        let limited = "@vestibule_limited_html"
        for _ in 0..<atOnce { #expect(try visit("192.0.2.1")["X-Accel-Redirect"] != limited) }
        #expect(try visit("192.0.2.1")["X-Accel-Redirect"] == limited)
        #expect(try visit("192.0.2.2")["X-Accel-Redirect"] != limited)
        for _ in 0..<200 { #expect(try visit(nil)["X-Accel-Redirect"] != limited) }
        bench.advance(period / atOnce)
        #expect(try visit("192.0.2.1")["X-Accel-Redirect"] != limited)
        #expect(try visit("192.0.2.1")["X-Accel-Redirect"] == limited)
    }

    @Test("Whoever comes without an address is exempt, and a room without a limit counts nobody")
    func exempt() throws {
        let bench = try bench("1/h")
        for _ in 0..<5 { #expect(try bench.join().status == 202) }
        let open = try WaitingRoomBench()
        try open.fill()
        for _ in 0..<50 { #expect(try open.join([(.address, "192.0.2.1")]).status == 202) }
    }

    @Test("A bot that keeps no cookies is let in at the gate as often as its source may join, then it sees the page")
    func gate() throws {
        let bench = try WaitingRoomBench(
            policy: limits(burst: 100),
            rules: JoinRules(joinsPerSource: JoinLimit(text: "3/m"))
        )
        bench.tick()
        let visit = Call(
            "GET",
            "/tickets",
            [
                (.operation, "gate"), (.room, "demo"), (.verdict, "missing"), (.accept, "text/html"),
                (.address, "192.0.2.9"),
            ]
        )
        for _ in 0..<3 { #expect(try bench.send(visit)["X-Accel-Redirect"] == "@vestibule_continue") }
        let held = try bench.send(visit)
        #expect(held.status == 503 && held["Content-Type"] == "text/html; charset=utf-8")
        #expect(bench.queue?.counters.joined == 3)
        #expect(try bench.join([(.address, "192.0.2.9")]).status == 429)
    }
}
