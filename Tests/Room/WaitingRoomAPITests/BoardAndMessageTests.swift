// SPDX-License-Identifier: Apache-2.0
//
// GET /board, the estimate in words, and the choice of the language.

import Admission
import GatewayWire
import Passes
import StrictJSON
import TestSupport
import Testing
import WaitingRoomAPI

/// A store that knows one thing: 300 people wait, numbers 1000 to 1299, and ten a second have entered for 15 minutes.
private final class SteadyStore: QueueStore {
    func join(_ request: JoinRequest, room: any RoomMemoryKeeper, _ done: @escaping Completion<JoinAnswer>) {
        done(.failure(.unavailable("not here")))
    }

    func visit(
        _ action: VisitAction,
        _ claim: TicketClaim,
        room: any RoomMemoryKeeper,
        _ done: @escaping Completion<StandingReply>
    ) {
        done(.failure(.unavailable("not here")))
    }

    func tick(_ request: TickRequest, room: any RoomMemoryKeeper, _ done: @escaping Completion<TickReply>) {
        let second = WaitingRoomBench.startMilliseconds / 1000
        var reply = TickReply()
        reply.nowMilliseconds = second * 1000
        reply.generation = 1
        reply.version = 1
        reply.next = 1300
        reply.waiting = 300
        reply.openedMilliseconds = (second - 3600) * 1000
        reply.policy = room.defaults
        reply.flow = (0..<900).map { (second: second - $0, entries: 10) }
        var bitmap = [UInt8](repeating: 0, count: 8192)
        for number in 1000..<1300 { bitmap[number / 8] |= 0x80 >> UInt8(number % 8) }
        reply.chunks = [(index: 0, bitmap: bitmap)]
        done(.success(reply))
    }
}

struct MessageTests {
    @Test("By the sliding window 300 people at ten a second are 33 seconds with high confidence, in both languages")
    func thirtyThreeSeconds() throws {
        let bench = try WaitingRoomBench(policy: limits(rate: 10, burst: 100), replacing: SteadyStore())
        bench.room.settings.eta.method = .slidingWindow
        bench.tick()
        let last = bench.sign(number: 1299)
        let korean = try bench.status(last, [(.acceptLanguage, "ko-KR")])
        #expect(try korean.integer("position") == 300)
        #expect(try korean.integer("eta_sec") == 33)
        #expect(try korean.json["confidence"] == .number(1.0))
        #expect(try korean.string("message") == "약 33초 예상 (신뢰도: 높음)")
        #expect(try bench.status(last).string("message") == "About 33 seconds (confidence: high)")
        let first = try bench.status(bench.sign(number: 1000))
        #expect(try first.string("message") == "About 1 second (confidence: high)")
    }

    @Test("By the sliding window and with no data a place counts two seconds, and confidence is low")
    func blind() throws {
        let bench = try WaitingRoomBench(policy: limits(mode: .paused))
        bench.room.settings.eta.method = .slidingWindow
        for _ in 0..<60 { _ = try bench.join() }
        bench.configure(limits(burst: 1))
        bench.run(200)
        let token = try bench.waitingTicket()
        let answer = try bench.status(token, [(.acceptLanguage, "ko")])
        #expect(try answer.integer("position") == 60)
        #expect(try answer.string("message") == "약 2분 예상 (신뢰도: 낮음)")
    }

    @Test(
        "The language is the best of Accept-Language, English when there is none",
        arguments: [
            ("", false), ("ko", true), ("KO", true), ("ko-KR", true), ("ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7", true),
            ("en-US,en;q=0.9,ko;q=0.8", false), ("en;q=0.5, ko;q=0.9", true), ("sv, ko;q=0.1", true), ("sv", false),
            ("*", false), ("ko;q=0", false), ("ko;q=nonsense", false), ("ko ; q=0.9 , en ; q=0.3", true),
            ("korean", false), ("en,ko", false), ("ko,en", true), (";;;,,,", false), (",ko", true),
            (String(repeating: "sv,", count: 15) + "ko", true), (String(repeating: "sv,", count: 16) + "ko", false),
        ]
    )
    func languages(_ header: String, _ isKorean: Bool) throws {
        let bench = try WaitingRoomBench()
        let message = try bench.join([(.acceptLanguage, header)]).string("message")
        #expect(message == (isKorean ? "입장이 허용되었습니다." : "You are in."))
    }

    @Test("Every standing has its sentence in Korean")
    func korean() throws {
        let bench = try WaitingRoomBench()
        let korean = [(GatewayField.acceptLanguage, "ko")]
        try bench.fill()
        let token = try bench.waitingTicket()
        bench.configure(limits(mode: .paused))
        bench.run(200)
        #expect(try bench.status(token, korean).string("message") == "잠시 멈췄습니다. 순서는 그대로 유지됩니다.")
        bench.configure(limits(rate: 1))
        bench.run(1000)
        #expect(try bench.status(token, korean).string("message") == "입장하실 차례입니다.")
        #expect(try bench.enter(token, korean).string("message") == "입장이 허용되었습니다.")
        _ = try bench.leave(token)
        #expect(try bench.status(token, korean).string("message") == "대기열에서 나갔습니다.")
    }
}

struct BoardTests {
    private func board(_ bench: WaitingRoomBench, _ query: String = "event_id=demo") throws -> Answer {
        try bench.send(Call("GET", "/api/v1/queue/board?\(query)"))
    }

    @Test("The board is public for a second, and gives every position of a small room")
    func smallRoom() throws {
        let bench = try WaitingRoomBench()
        try bench.fill()
        let tokens = try (0..<10).map { _ in try bench.waitingTicket() }
        bench.run(200)
        let answer = try board(bench)
        #expect(answer.status == 200)
        #expect(answer["Cache-Control"] == "public, max-age=1, stale-while-revalidate=1")
        #expect(answer.cookies.isEmpty)
        #expect(try answer.string("event_id") == "demo" && answer.string("mode") == "open")
        #expect(try answer.integer("generation") == 1)
        #expect(try answer.integer("as_of_ms") == bench.nowMilliseconds)
        #expect(try answer.integer("next") == 5011 && answer.integer("waiting") == 10)
        #expect(try answer.integer("called") == 0)
        #expect(try answer.json["degraded"] == .bool(false))
        #expect(try answer.json["rate_limit"] == .number(0))
        #expect(try answer.integer("error_places") == 0 && answer.integer("burst") == 1)
        #expect(try answer.integer("poll_after_ms") == 2000)
        let samples = try answer.json["samples"]?.arrayValue ?? []
        #expect(samples.count == 10)
        for (token, sample) in zip(tokens, samples) {
            let pair = sample.arrayValue?.compactMap(\.integerValue) ?? []
            #expect(pair.count == 2)
            #expect(try pair[0] == bench.ticket(token).number)
            #expect(try bench.status(token).integer("position") == Int(pair[1]) + 1)
        }
    }

    @Test("A large room has few samples, from the front to the last, the rate, and the waits that status tells")
    func largeRoom() throws {
        let bench = try WaitingRoomBench(policy: limits(rate: 12.5), replacing: SteadyStore())
        bench.tick()
        let answer = try board(bench)
        let samples = try (answer.json["samples"]?.arrayValue ?? []).compactMap {
            $0.arrayValue?.compactMap(\.integerValue)
        }
        #expect(samples == [[1000, 0], [1299, 299]], "nobody has left")
        let waits = try (answer.json["eta_samples"]?.arrayValue ?? []).compactMap {
            $0.arrayValue?.compactMap(\.integerValue)
        }
        #expect(waits.map { $0[0] } == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300])
        for pair in waits {
            let status = try bench.status(bench.sign(number: 999 + pair[0]))
            #expect(try status.integer("eta_sec") == Int(pair[1]))
            #expect(try status.integer("number") == 999 + Int(pair[0]) && status.integer("generation") == 1)
        }
        #expect(try answer.json["rate"] == .number(10))
        #expect(answer.text.contains(#""rate_limit":12.500"#))
    }

    @Test("Bad names are 400, unknown rooms 404, a room never seen 503")
    func refusals() throws {
        let bench = try WaitingRoomBench()
        for query in ["", "event_id=", "event_id=Demo", "event_id=%zz", "event=demo"] {
            #expect(try board(bench, query).status == 400, "\(query)")
        }
        #expect(try board(bench, "event_id=nowhere").errorCode == "ROOM_UNKNOWN")
        let unseen = try board(bench)
        #expect(try unseen.status == 503 && unseen.errorCode == "STORE_UNAVAILABLE")
        bench.tick()
        #expect(try board(bench, "event_id=d%65mo").status == 200)
        bench.fail(.unavailable("gone"))
        bench.run(1400)
        #expect(try board(bench).json["degraded"] == .bool(true))
    }

    @Test("Reading the configuration again keeps a room's mirror and drops rooms that are gone")
    func reload() throws {
        let bench = try WaitingRoomBench(rooms: ["other"])
        try bench.fill()
        let token = try bench.waitingTicket()
        bench.run(200)
        bench.api.replaceRooms([
            "demo": RoomSettings(defaults: limits(rate: 3)), "third": RoomSettings(defaults: limits()),
        ])
        #expect(bench.api.rooms.map(\.id) == ["demo", "third"])
        #expect(bench.api.room("demo") === bench.room)
        #expect(bench.room.defaults.rateMilli == 3000)
        #expect(try bench.status(token).integer("position") == 1)
        #expect(try board(bench, "event_id=other").status == 404)
    }

    @Test("A configuration that is read again puts its poll budget, staleness, rooms and estimate in force")
    func applied() throws {
        let bench = try WaitingRoomBench()
        try bench.fill()
        for _ in 0..<20 { _ = try bench.waitingTicket() }
        bench.run(200)
        #expect(try board(bench).integer("poll_after_ms") == 2000)
        bench.advance(1500)
        #expect(try board(bench).json["degraded"] == .bool(true))
        var eta = EstimateSettings.standard
        eta.method = .slidingWindow
        var changed = limits(rate: 3)
        changed.pollBudget = 2
        bench.api.apply(
            APISettings(
                rooms: ["demo": RoomSettings(defaults: changed, revision: 1, eta: eta)],
                staleMilliseconds: 2500
            )
        )
        bench.run(200)
        bench.advance(1500)
        #expect(try board(bench).integer("poll_after_ms") == bench.room.mirror.count * 1000)
        #expect(bench.room.mirror.count > 2)
        #expect(try board(bench).json["degraded"] == .bool(false))
        bench.advance(1500)
        #expect(try board(bench).json["degraded"] == .bool(true))
        #expect(bench.room.defaults.rateMilli == 3000)
        #expect(bench.room.eta == eta)
    }

    @Test("After a rotation of the keys old tickets are honoured until their key is retired")
    func rotation() throws {
        let bench = try WaitingRoomBench()
        try bench.fill()
        let token = try bench.waitingTicket()
        let new = try SigningKey(kid: "k2", secret: Array(repeating: 9, count: 32))
        let rotated = try bench.keys.adding(new).promoting("k2")
        bench.api.keys = rotated
        #expect(try bench.status(token).integer("position") == 1)
        #expect(try bench.waitingTicket().hasPrefix("v1.k2."))
        bench.api.keys = try rotated.retiring("k1")
        #expect(try bench.status(token).status == 401)
    }
}
