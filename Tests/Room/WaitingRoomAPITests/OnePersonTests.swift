// SPDX-License-Identifier: Apache-2.0
//
// One browser is one visitor: whatever it sends at once, or again, it gets one number.

import Admission
import GatewayWire
import Passes
import Simulation
import StrictJSON
import TestSupport
import Testing
import WaitingRoomAPI

struct OnePersonTests {
    private func cookie(_ ticket: String) -> [(GatewayField, String)] {
        [(.cookie, "vestibule-ticket-demo=\(ticket)")]
    }

    @Test("A join of somebody who waits, is called or is inside gives that place, whatever its key")
    func rejoin() throws {
        let bench = try WaitingRoomBench()
        let inside = try #require(try bench.join().string("waiting_token"))
        let ticket = try bench.waitingTicket()
        let next = bench.queue?.next
        for round in 0..<5 {
            let key = [(GatewayField.idempotencyKey, "0123456789abcde\(round)")]
            let answer = try bench.join(cookie(ticket) + key)
            #expect(try answer.status == 202 && answer.string("waiting_token") == ticket)
            #expect(try answer.string("status") == "waiting" && answer.integer("position") == 1)
            let again = try bench.join(cookie(inside) + key)
            #expect(try again.status == 200 && again.string("waiting_token") == inside)
            if round == 1 { bench.tick() }
        }
        bench.configure(limits(rate: 1))
        bench.run(1000)
        #expect(try bench.join(cookie(ticket)).string("status") == "ready")
        #expect(bench.queue?.next == next)
        // A place that was given up is another matter.
        _ = try bench.leave(ticket)
        #expect(try bench.join(cookie(ticket)).string("waiting_token") != ticket)
        #expect(bench.queue?.next == next.map { $0 + 1 })
    }

    @Test("A ticket that is forged, of another room, or of an ended generation gives no place")
    func strangers() throws {
        let bench = try WaitingRoomBench(rooms: ["other"])
        try bench.fill()
        for ticket in [bench.sign(room: "other", number: 5000), bench.sign(number: 5000) + "x", ""] {
            let next = bench.queue?.next
            #expect(try bench.join(cookie(ticket)).status == 202)
            #expect(bench.queue?.next == next.map { $0 + 1 })
        }
        let old = try bench.waitingTicket()
        bench.reset()
        #expect(try bench.join(cookie(old)).string("waiting_token") != old)
    }

    @Test("Twenty tabs that a browser opens again with the ticket of an earlier visit get one number")
    func restoredTabs() throws {
        let bench = try WaitingRoomBench(policy: limits(burst: 50))
        let old = try #require(try bench.join().string("waiting_token"))
        _ = try bench.leave(old)
        let next = bench.queue?.next
        let answers = try (0..<20).map { _ in try bench.gate(cookie(old)) }
        #expect(answers.allSatisfy { $0["X-Accel-Redirect"] != nil })
        #expect(Set(answers.map { $0.cookie("vestibule-ticket-demo") }).count == 1)
        #expect(Set(answers.map { $0.cookie("vestibule-pass-demo") }).count == 1)
        #expect(bench.queue?.next == next.map { $0 + 1 })
        // When that visit is over, too, within the life of its key, the page joins.
        _ = try bench.leave(try #require(answers[0].cookie("vestibule-ticket-demo")))
        let page = try bench.gate(cookie(old))
        #expect(page["X-Accel-Redirect"] == nil && page.text.contains(#"data-step="join""#))
    }

    @Test("Of twenty tabs without any cookie one gets in at once, and the page of the others gets in with its ticket")
    func firstContacts() throws {
        let bench = try WaitingRoomBench(policy: limits(burst: 50))
        func browser(_ agent: String = "Mozilla/5.0 (1)", _ address: String = "192.0.2.7") -> [(GatewayField, String)] {
            [
                (.fetchMode, "navigate"), (.fetchDestination, "document"), (.client, address), (.agent, agent),
                (.acceptLanguage, "en"),
            ]
        }
        func numbers(_ work: () throws -> Void) rethrows -> Int {
            let before = bench.queue?.counters.joined ?? 0
            try work()
            return (bench.queue?.counters.joined ?? 0) - before
        }
        var answers: [Answer] = []
        let taken = try numbers { answers = try (0..<20).map { _ in try bench.gate(browser()) } }
        #expect(taken == 1)
        #expect(answers.count { $0["X-Accel-Redirect"] != nil } == 1 && answers[0]["X-Accel-Redirect"] != nil)
        #expect(answers.dropFirst().allSatisfy { $0.status == 503 && $0.text.contains(#"data-step="find""#) })
        #expect(answers.dropFirst().allSatisfy { $0.cookies.isEmpty }, "they may be of somebody else")
        // The page asks with the browser's cookies.
        let ticket = try #require(answers[0].cookie("vestibule-ticket-demo"))
        #expect(try bench.send(Call("GET", "/api/v1/queue/status", cookie(ticket))).string("status") == "admitted")
        #expect(try bench.gate(browser() + cookie(ticket)).cookie("vestibule-ticket-demo") == ticket)
        // A person who has no ticket joins, and is inside.
        let own = try numbers { try #require(try bench.join().string("status") == "admitted") }
        // Other people, other times, and programs that do not say what they ask for.
        let others = try numbers {
            _ = try bench.gate(browser("Mozilla/5.0 (2)"))
            _ = try bench.gate(browser("Mozilla/5.0 (1)", "192.0.2.8"))
            _ = try bench.gate(method: "POST", browser())
            _ = try bench.gate(browser("program/1"))
            _ = try bench.gate(browser("program/1"))
        }
        let programs = try numbers { for _ in 0..<3 { _ = try bench.gate() } }
        bench.run(5000)
        let later = try numbers { for _ in 0..<3 { _ = try bench.gate(browser()) } }
        #expect(own == 1 && others == 5 && programs == 3 && later == 1)
    }

    @Test("Of several ticket cookies the good one counts, at the gate, at status, enter and leave")
    func plantedCookies() throws {
        let bench = try WaitingRoomBench()
        try bench.fill()
        let ticket = try bench.waitingTicket()
        bench.tick()
        let name = "vestibule-ticket-demo"
        let sent = "\(name)=planted; \(name)=\(ticket)x; VESTIBULE-TICKET-DEMO=\(ticket)y; a=1, b=2; \(name)=\(ticket)"
        let fields: [(GatewayField, String)] = [(.cookie, sent)]
        #expect(try bench.gate(fields).text.contains(#"data-step="poll""#))
        for query in ["", "?event_id=demo"] {
            let answer = try bench.send(Call("GET", "/api/v1/queue/status\(query)", fields))
            #expect(try answer.status == 200 && answer.string("status") == "waiting")
        }
        #expect(try bench.send(Call("POST", "/api/v1/queue/enter?event_id=demo", fields)).errorCode == "NOT_READY")
        let left = try bench.send(Call("POST", "/api/v1/queue/leave?event_id=demo", fields))
        #expect(left.status == 200 && left.cookies.count == 2)
        let forged = try bench.send(Call("GET", "/api/v1/queue/status", [(.cookie, "\(name)=\(ticket)x; \(name)=y")]))
        #expect(try forged.status == 401 && forged.errorCode == "TICKET_FORGED")
    }
}
