// SPDX-License-Identifier: Apache-2.0
//
// What a worker with many rooms asks of the store, and what it answers to Prometheus.

import Admission
import GatewayWire
import Simulation
import Testing
import WaitingRoomAPI

/// A store whose ticks are answered when the test says so.
private final class SlowStore: QueueStore {
    private let inner = ModelStore(firstNumber: 5000) { WaitingRoomBench.startMilliseconds }
    private(set) var underWay: [() -> Void] = []

    func join(_ request: JoinRequest, room: any RoomMemoryKeeper, _ done: @escaping Completion<JoinAnswer>) {
        inner.join(request, room: room, done)
    }

    func visit(
        _ action: VisitAction,
        _ claim: TicketClaim,
        room: any RoomMemoryKeeper,
        _ done: @escaping Completion<StandingReply>
    ) { inner.visit(action, claim, room: room, done) }

    func tick(_ request: TickRequest, room: any RoomMemoryKeeper, _ done: @escaping Completion<TickReply>) {
        underWay.append { [inner] in inner.tick(request, room: room, done) }
    }

    func answerOne() { underWay.removeFirst()() }
}

@Suite("The pace of ticks, and many rooms") struct TickPaceTests {
    @Test("A room in which somebody waits is looked at with every tick")
    func oneWaits() throws {
        let bench = try WaitingRoomBench()
        try bench.fill()
        let token = try bench.waitingTicket()
        bench.run(400)
        let before = bench.store.ticks
        bench.run(2000) { _ = try? bench.status(token) }
        #expect(bench.store.ticks - before >= 10)
    }

    private func bench(rooms count: Int, policy: RoomPolicy = limits()) throws -> WaitingRoomBench {
        let bench = try WaitingRoomBench(policy: policy, rooms: (1..<count).map { "room-\($0)" })
        // Every room is made and looked at, and what follows from the first news has been done.
        bench.run(2000)
        return bench
    }

    /// What the store is asked in ten seconds.
    private func calls(_ bench: WaitingRoomBench) -> Int {
        let before = bench.store.ticks + bench.store.questions
        bench.run(10_000)
        return bench.store.ticks + bench.store.questions - before
    }

    @Test("A thousand quiet rooms cost the store what ten do, and no mirror grows old")
    func manyQuiet() throws {
        let few = try calls(bench(rooms: 10))
        let many = try bench(rooms: 1000)
        #expect(calls(many) == few)
        // 50 questions, and as many looks in turn.
        #expect(few == 100)
        many.run(10_000) {
            for room in many.api.rooms {
                #expect(!room.isStale(nowMilliseconds: many.monotonicMilliseconds, limitMilliseconds: 200))
                #expect(room.asOfMilliseconds == many.nowMilliseconds)
            }
        }
    }

    @Test("A few quiet rooms are looked at one by one, as the only room is")
    func oneQuiet() throws {
        let bench = try bench(rooms: 1)
        #expect(bench.store.questions == 0)
    }

    @Test("What happens in a quiet room through another worker is seen with the next tick")
    func otherWorker() throws {
        var policy = limits(burst: 1)
        policy.passLifetimeMilliseconds = 3000
        let bench = try bench(rooms: 300, policy: policy)
        let rooms = bench.api.rooms.suffix(20)
        for room in rooms { bench.configure(room, limits(rate: 7)) }
        bench.run(200)
        #expect(rooms.allSatisfy { $0.policy.rateMilli == 7000 })
        for room in rooms { bench.configure(room, policy) }
        for room in rooms {
            let other = Room(id: room.id, defaults: policy)
            bench.store.join(JoinRequest(kind: .join), room: other) { _ in }
        }
        bench.run(200)
        #expect(rooms.allSatisfy { $0.active == 1 && $0.counters.joined == 1 })
        // Nobody looks at these rooms, and yet their passes end.
        bench.run(3400)
        #expect(rooms.allSatisfy { $0.active == 0 })
        #expect(bench.store.ticks < 2000)
        for room in rooms {
            let other = Room(id: room.id, defaults: policy)
            for _ in 0..<2 { bench.store.join(JoinRequest(kind: .join), room: other) { _ in } }
        }
        bench.run(200)
        #expect(rooms.allSatisfy { $0.mirror.count >= 1 })
    }

    /// Sixteen workers with a thousand rooms each, started together, waited for Redis until they gave up, and did it
    /// again.
    @Test("The first looks at a thousand rooms follow each other, a few at a time")
    func firstLooks() throws {
        let store = SlowStore()
        let bench = try WaitingRoomBench(rooms: (1..<1000).map { "room-\($0)" }, replacing: store)
        bench.tick()
        var answered = 0
        while !store.underWay.isEmpty {
            #expect(store.underWay.count == min(64, 1000 - answered))
            store.answerOne()
            answered += 1
        }
        #expect(answered == 1000)
        let unknown = bench.api.rooms.count { !$0.isKnown }
        #expect(unknown == 0)
    }

    @Test("When the index is lost each room is looked at once within a second, and then none is")
    func indexLost() throws {
        let bench = try bench(rooms: 1000)
        bench.loseIndex()
        let before = bench.store.ticks
        bench.run(1400) {
            for room in bench.api.rooms {
                #expect(!room.isStale(nowMilliseconds: bench.monotonicMilliseconds, limitMilliseconds: 1000))
            }
        }
        let looks = bench.store.ticks - before
        #expect((1000...1020).contains(looks), "\(looks)")
        #expect(calls(bench) == 100)
    }

    @Test("When the store is away quiet rooms count as degraded, and are current again at once when it is back")
    func away() throws {
        let bench = try bench(rooms: 100)
        bench.fail(.unavailable("away"))
        bench.run(2000)
        for room in bench.api.rooms {
            #expect(room.isStale(nowMilliseconds: bench.monotonicMilliseconds, limitMilliseconds: 1000))
        }
        bench.fail(nil)
        bench.run(600)
        for room in bench.api.rooms {
            #expect(!room.isStale(nowMilliseconds: bench.monotonicMilliseconds, limitMilliseconds: 600))
        }
        bench.run(1000)
        #expect(calls(bench) == 100)
    }

    @Test("A clock of the store that was set back makes every mirror look again")
    func clockSetBack() throws {
        let bench = try bench(rooms: 50)
        let before = bench.api.rooms.map(\.incarnation)
        bench.setBack(3_600_000)
        bench.run(1000)
        #expect(zip(bench.api.rooms, before).allSatisfy { $0.incarnation != $1 })
        #expect(bench.api.rooms.allSatisfy { $0.asOfMilliseconds <= bench.nowMilliseconds })
    }

    @Test("The metrics of a thousand rooms name each room and may be sent in pieces")
    func metrics() throws {
        let names = (1..<1000).map { "room-\($0)" }
        let bench = try WaitingRoomBench(rooms: names)
        bench.tick()
        var answers: [GatewayResponse] = []
        bench.api.handle(Call("GET", "/metrics").request) { answers.append($0) }
        let answer = try #require(answers.first)
        #expect(answer.status == 200)
        #expect(answer.body.count > 500_000)
        #expect(answer.body.count < GatewayLimits().responseBytes / 4)
        let lines = Set(String(decoding: answer.body, as: UTF8.self).split(separator: "\n"))
        for name in names { #expect(lines.contains("vestibule_room_waiting{room=\"\(name)\"} 0")) }
    }
}
