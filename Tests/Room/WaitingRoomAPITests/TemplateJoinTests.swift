// SPDX-License-Identifier: Apache-2.0
//
// Which requests make a room of a template, at one worker: joins that may join it, and the gate; nothing else.

import Admission
import GatewayWire
import StrictJSON
import TestSupport
import Testing
import WaitingRoomAPI

struct TemplateJoinTests {
    /// A worker with templates "evt_*" and "evt_vip_*", whose rooms are made at once.
    private final class Bench {
        let bench: WaitingRoomBench
        private(set) var made: [String] = []
        var answer = RoomMaking.made
        private var settings = RoomSettings(defaults: limits(burst: 50))

        init(enqueue: EnqueueRule = .off) throws {
            bench = try WaitingRoomBench()
            settings.web.origins = ["https://app.example"]
            settings.rules.enqueue = enqueue
            let templates = ["evt_", "evt_vip_"].map { RoomTemplate(prefix: $0, settings: settings, roomsMax: 5) }
            let demo = RoomSettings(defaults: limits())
            bench.api.apply(APISettings(rooms: ["demo": demo], templates: templates, staleMilliseconds: 1000))
            bench.api.makeRoom = { [unowned self] id, template, done in
                made.append("\(id) of \(template.prefix)")
                guard answer == .made else { return done(answer) }
                var rooms = Dictionary(uniqueKeysWithValues: bench.api.rooms.map { ($0.id, $0.settings) })
                rooms[id] = template.settings
                rooms[id]?.template = template.prefix
                bench.api.replaceRooms(rooms)
                done(.made)
            }
        }

        func join(_ id: String, _ fields: [(GatewayField, String)] = []) throws -> Answer {
            try bench.send(Call("POST", "/api/v1/queue/join", body: "{\"event_id\":\"\(id)\"}", fields))
        }
    }

    @Test("A join makes the room of the longest beginning, once, and one that is ending anew")
    func join() throws {
        let bench = try Bench()
        #expect(try bench.join("evt_vip_1").status == 200 && bench.join("evt_vip_1").status == 200)
        #expect(bench.made == ["evt_vip_1 of evt_vip_"])
        #expect(try bench.join("other").errorCode == "ROOM_UNKNOWN" && bench.join("evt_x.y").errorCode == "MALFORMED")
        bench.bench.api.room("evt_vip_1")?.settings.isEnding = true
        #expect(try bench.join("evt_vip_1").status == 200)
        #expect(bench.made.count == 2)
        bench.answer = .full
        #expect(try bench.join("evt_2").errorCode == "ROOMS_FULL")
        bench.answer = .unavailable
        #expect(try bench.join("evt_2").errorCode == "STORE_UNAVAILABLE")
    }

    @Test("Who may not join makes no room, and neither does a request that is no join")
    func refused() throws {
        let bench = try Bench()
        let foreign: [(GatewayField, String)] = [(.fetchSite, "cross-site"), (.origin, "https://evil.example")]
        #expect(try bench.join("evt_1", foreign).errorCode == "CROSS_SITE")
        #expect(try bench.bench.send(Call("GET", "/api/v1/queue/board?event_id=evt_1")).errorCode == "ROOM_UNKNOWN")
        let ticket = bench.bench.sign(room: "evt_1", number: 7000)
        #expect(try bench.bench.status(ticket).errorCode == "ROOM_UNKNOWN")
        #expect(try bench.bench.enter(ticket).errorCode == "ROOM_UNKNOWN")
        #expect(try bench.bench.leave(ticket).errorCode == "ROOM_UNKNOWN")
        let named = try Bench(enqueue: .required)
        #expect(try named.join("evt_1").errorCode == "ENQUEUE_TOKEN_MISSING")
        #expect(bench.made.isEmpty && named.made.isEmpty)
    }

    @Test("An app of a listed origin is answered before any room is made")
    func preflight() throws {
        let bench = try Bench()
        let app: [(GatewayField, String)] = [(.fetchSite, "cross-site"), (.origin, "https://app.example")]
        #expect(try bench.bench.send(Call("OPTIONS", "/api/v1/queue/join", app)).status == 204)
        #expect(bench.made.isEmpty)
        let joined = try bench.join("evt_1", app)
        #expect(joined.status == 200 && joined["Access-Control-Allow-Origin"] == "https://app.example")
    }

    @Test("The gate of a room that is named in nginx makes it, too")
    func gate() throws {
        let bench = try Bench()
        let fields: [(GatewayField, String)] = [
            (.operation, "gate"), (.room, "evt_9"), (.verdict, "missing"), (.accept, "text/html"),
        ]
        #expect(try bench.bench.send(Call("GET", "/shop", fields))["X-Accel-Redirect"] == "@vestibule_continue")
        #expect(bench.made == ["evt_9 of evt_"])
    }

    @Test("One source makes 200 rooms at once, and that many a minute; others do not wait for it")
    func sources() throws {
        let bench = try Bench()
        bench.answer = .full
        for index in 0..<200 {
            #expect(try bench.join("evt_\(index)", [(.address, "10.0.0.1")]).errorCode == "ROOMS_FULL")
        }
        let limited = try bench.join("evt_x", [(.address, "10.0.0.1")])
        #expect(try limited.errorCode == "RATE_LIMITED" && limited["Retry-After"] != nil)
        #expect(try bench.join("evt_x", [(.address, "10.0.0.2")]).errorCode == "ROOMS_FULL")
        bench.bench.advance(60_000)
        #expect(try bench.join("evt_x", [(.address, "10.0.0.1")]).errorCode == "ROOMS_FULL")
    }
}
