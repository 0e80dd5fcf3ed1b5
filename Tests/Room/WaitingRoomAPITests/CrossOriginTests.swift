// SPDX-License-Identifier: Apache-2.0
//
// Pages of other sites: they can neither take, enter nor leave a place, and only those of listed origins read answers.

import Admission
import GatewayWire
import Simulation
import StrictJSON
import TestSupport
import Testing
import WaitingRoomAPI

struct CrossOriginTests {
    typealias Fields = [(GatewayField, String)]

    private static let own = "shop.example"
    private static let app = "https://app.example"
    /// Requests that pages of other sites make a browser send.
    private static let foreignRequests: [Fields] = [
        [(.fetchSite, "cross-site")], [(.fetchSite, "cross-site"), (.origin, "https://evil.test")],
        [(.origin, "https://evil.test"), (.host, own)], [(.origin, "null"), (.host, own)],
        [(.origin, "https://shop.example.evil.test"), (.host, own)], [(.origin, "https://evil.test")],
        [(.fetchSite, "cross-site"), (.origin, "https://app.example.evil.test")],
        [(.fetchSite, "cross-site"), (.origin, "http://app.example")], [(.fetchSite, "cross-site"), (.origin, "*")],
    ]
    /// Requests of the own page, of clients that are no browsers, and of the listed app.
    private static let fairRequests: [Fields] = [
        [], [(.host, own)], [(.fetchSite, "same-origin")], [(.fetchSite, "same-site")], [(.fetchSite, "none")],
        [(.origin, "https://shop.example"), (.host, "Shop.Example")],
        [(.origin, "https://shop.example:8443"), (.host, "shop.example:8443")],
        [(.fetchSite, "cross-site"), (.origin, app)], [(.origin, app), (.host, own)],
    ]

    private func bench(_ policy: RoomPolicy = limits()) throws -> WaitingRoomBench {
        let bench = try WaitingRoomBench(policy: policy)
        bench.room.settings.web.origins = [CrossOriginTests.app]
        return bench
    }

    @Test("Another site's page takes no number, enters nobody, and gives no place up", arguments: foreignRequests)
    func foreign(_ fields: Fields) throws {
        let bench = try bench()
        try bench.fill()
        let ticket = try bench.waitingTicket()
        bench.tick()
        let before = bench.queue?.next
        let cookie = fields + [(.cookie, "vestibule-ticket-demo=\(ticket)")]
        bench.configure(limits(rate: 10))
        bench.run(1000)
        #expect(bench.queue?.called.count == 1)
        for answer in [
            try bench.join(fields), try bench.enter(ticket, fields),
            try bench.send(Call("POST", "/api/v1/queue/enter", cookie)),
            try bench.send(Call("POST", "/api/v1/queue/leave", cookie)),
            try bench.send(Call("DELETE", "/api/v1/queue/leave?token=\(ticket)", fields)),
        ] {
            #expect(try answer.status == 403 && answer.errorCode == "CROSS_SITE" && answer.cookies.isEmpty)
            #expect(answer["Access-Control-Allow-Origin"] == nil)
        }
        #expect(bench.queue?.next == before && bench.queue?.called.count == 1 && bench.queue?.counters.left == 0)
    }

    @Test("The own page, programs and the listed app are let", arguments: fairRequests)
    func fair(_ fields: Fields) throws {
        let bench = try bench(limits(burst: 1))
        #expect(try bench.join(fields).status == 200)
        let ticket = try #require(try bench.join(fields).string("waiting_token"))
        bench.configure(limits(rate: 10))
        bench.run(1000)
        #expect(try bench.enter(ticket, fields).status == 200)
        #expect(try bench.send(Call("DELETE", "/api/v1/queue/leave?token=\(ticket)", fields)).status == 200)
    }

    @Test("The listed app reads every answer, errors too; nobody else reads any")
    func sharing() throws {
        let bench = try bench()
        try bench.fill()
        let ticket = try bench.waitingTicket()
        bench.tick()
        func answers(_ origin: String) throws -> [Answer] {
            let fields: Fields = [(.origin, origin), (.host, CrossOriginTests.own)]
            return [
                try bench.status(ticket, fields), try bench.status("nothing", fields), try bench.join(fields),
                try bench.send(Call("GET", "/api/v1/queue/nowhere", fields)),
                try bench.gate([(.accept, "application/json"), (.fetchMode, "cors")] + fields),
            ]
        }
        for answer in try answers(CrossOriginTests.app) {
            #expect(answer["Access-Control-Allow-Origin"] == CrossOriginTests.app)
            #expect(answer["Access-Control-Allow-Credentials"] == "true" && answer["Vary"] == "Origin")
            #expect(answer["Access-Control-Expose-Headers"] == "Retry-After")
        }
        for answer in try answers("https://evil.test") { #expect(answer["Access-Control-Allow-Origin"] == nil) }
        // One board is for all who ask: nginx keeps it.
        let board = try bench.send(Call("GET", "/api/v1/queue/board?event_id=demo", [(.origin, CrossOriginTests.app)]))
        #expect(board["Access-Control-Allow-Origin"] == "*" && board["Access-Control-Allow-Credentials"] == nil)
    }

    @Test("Preflights of the listed app are answered, at the API and at the gate, and take nothing")
    func preflights() throws {
        let bench = try bench(limits(burst: 9))
        let fields: Fields = [(.origin, CrossOriginTests.app), (.host, CrossOriginTests.own), (.fetchMode, "cors")]
        for (path, methods) in [("join", "POST"), ("status", "GET"), ("enter", "POST"), ("leave", "POST, DELETE")] {
            let answer = try bench.send(Call("OPTIONS", "/api/v1/queue/\(path)", fields))
            #expect(answer.status == 204 && answer["Access-Control-Allow-Methods"] == methods)
            #expect(answer["Access-Control-Allow-Origin"] == CrossOriginTests.app)
            let headers = answer["Access-Control-Allow-Headers"] ?? ""
            #expect(headers == "Authorization, Content-Type, Idempotency-Key, X-Trace-Id")
            let other = try bench.send(Call("OPTIONS", "/api/v1/queue/\(path)", [(.origin, "https://evil.test")]))
            #expect(other.status == 405 && other["Access-Control-Allow-Methods"] == nil)
        }
        let gate = try bench.gate(method: "OPTIONS", fields)
        #expect(gate.status == 204 && gate["Access-Control-Allow-Methods"]?.contains("PATCH") == true)
        #expect(bench.store.calls.isEmpty)
    }
}
