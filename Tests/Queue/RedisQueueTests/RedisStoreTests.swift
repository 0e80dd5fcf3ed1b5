// SPDX-License-Identifier: Apache-2.0
//
// The store over a real Redis that loses its scripts or its memory, and what a turn's joins cost it.

import Admission
import QueueClient
import Reactor
import RedisQueue
import TestSupport
import Testing
import WaitingRoomAPI

/// A store, a room and the loop they live on.
private final class StoreBench {
    let redis: RedisServer
    let bench: RedisBench
    let store: RedisQueueStore
    let room: Room
    let scripts = ScriptCatalog()

    init(burst: Int = 1) throws {
        redis = try RedisServer()
        let greeting = RedisGreeting(scripts: scripts)
        bench = try RedisBench(path: redis.socketPath, timing: briskTiming(), greeting: greeting)
        let store = RedisQueueStore(link: bench.connection, scripts: scripts)
        self.store = store
        var policy = RoomPolicy.standard
        policy.rateMilli = 0
        policy.burst = burst
        room = Room(id: "demo", defaults: policy)
        bench.flush = { store.flush() }
        try bench.openAndWait()
        try tick()
    }

    func answer<Value>(_ call: (@escaping (Result<Value, StoreFailure>) -> Void) -> Void) throws -> Value {
        var answers: [Result<Value, StoreFailure>] = []
        call { answers.append($0) }
        bench.run { !answers.isEmpty }
        guard answers.count == 1 else { throw TestFailure("\(answers.count) answers to one call") }
        return try answers[0].get()
    }

    /// Joins of one loop turn.
    func join(_ count: Int) throws -> [JoinAnswer] {
        var answers: [Result<JoinAnswer, StoreFailure>] = []
        for _ in 0..<count { store.join(JoinRequest(kind: .join), room: room) { answers.append($0) } }
        bench.run { answers.count == count }
        guard answers.count == count else { throw TestFailure("\(answers.count) answers to \(count) joins") }
        return try answers.map { try $0.get() }
    }

    func tick(_ other: Room? = nil) throws {
        let failure: StoreFailure? = try answer { done in
            (other ?? room).tick(store: store, tickMilliseconds: 200, clock: { self.bench.loop.nowMilliseconds }) {
                done(.success($0))
            }
        }
        if let failure { throw failure }
    }

    func stand(_ claim: TicketClaim) throws -> Standing { try answer { store.stand(claim, room: room, $0) }.standing }
    func enter(_ claim: TicketClaim) throws -> Standing { try answer { store.enter(claim, room: room, $0) }.standing }
    func leave(_ claim: TicketClaim) throws -> Standing { try answer { store.leave(claim, room: room, $0) }.standing }

    /// How often Redis ran a command since the last CONFIG RESETSTAT.
    func calls(_ command: String) throws -> Int {
        let info = try redis.command("INFO", "commandstats")
        let form = try Regex("cmdstat_\(command):calls=(\\d+)", as: (Substring, Substring).self)
        guard let found = info.firstMatch(of: form) else { return 0 }
        return Int(found.1) ?? -1
    }

    var waiting: [Int] {
        var out: [Int] = []
        var number = room.mirror.next(from: 0)
        while let found = number {
            out.append(found)
            number = room.mirror.next(from: found + 1)
        }
        return out
    }
}

extension JoinAnswer {
    fileprivate var claim: TicketClaim? {
        switch outcome {
        case .waiting(let number, _), .admitted(let number, _):
            TicketClaim(generation: generation, number: number, issuedMilliseconds: nowMilliseconds)
        default: nil
        }
    }
}

struct RedisStoreTests {
    @Test("A thousand joins of one turn are two script calls, with positions in their order")
    func groupCommit() throws {
        let bench = try StoreBench()
        _ = try bench.join(1)
        try bench.redis.command("CONFIG", "RESETSTAT")
        let answers = try bench.join(1000)
        let evalsha = try bench.calls("evalsha")
        #expect((1...2).contains(evalsha), "\(evalsha) calls")
        #expect(try bench.calls("eval") == 0)
        let positions = answers.map { answer -> Int in
            if case .waiting(_, let position) = answer.outcome { position } else { 0 }
        }
        #expect(positions == Array(1...1000))
        let numbers = answers.compactMap { $0.claim?.number }
        #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $1 == $0 + 1 })
        try bench.tick()
        #expect(bench.waiting == numbers)
    }

    @Test("At most 32,768 joins wait for Redis; the next is told that Redis is busy, and those before it are kept")
    func gathered() throws {
        let bench = try StoreBench()
        var answers: [Result<JoinAnswer, StoreFailure>] = []
        for _ in 0..<32_768 { bench.store.join(JoinRequest(kind: .join), room: bench.room) { answers.append($0) } }
        #expect(answers.isEmpty)
        bench.store.join(JoinRequest(kind: .join), room: bench.room) { answers.append($0) }
        #expect(answers == [.failure(.unavailable("too many calls wait for Redis"))])
        bench.bench.run(seconds: 30) { answers.count == 32_769 }
        let kept = answers.dropFirst().compactMap { try? $0.get() }
        #expect(kept.count == 32_768)
        #expect(Set(kept.compactMap { $0.claim?.number }).count == 32_768)
    }

    @Test("The scripts Redis forgot are sent again, and nobody notices")
    func scriptFlush() throws {
        let bench = try StoreBench()
        let claims = try bench.join(4).compactMap(\.claim)
        try bench.redis.command("SCRIPT", "FLUSH")
        // Several calls of one turn meet the empty cache together.
        let more = try bench.join(600)
        #expect(more.count == 600)
        #expect(Set(more.compactMap { $0.claim?.number }).count == 600)
        try bench.redis.command("SCRIPT", "FLUSH")
        #expect(try bench.stand(claims[1]) == .waiting)
        #expect(try bench.leave(claims[2]) == .left)
        try bench.tick()
        guard case .entered = try bench.enter(claims[0]) else { throw TestFailure("the pass is gone") }
        #expect(bench.waiting.first == claims[1].number && bench.waiting.count == 602)
        // Each script is in the cache again.
        try bench.redis.command("CONFIG", "RESETSTAT")
        #expect(try bench.stand(claims[1]) == .waiting)
        #expect(try bench.calls("eval") == 0)
        #expect(bench.bench.connection.connectionCount == 1)
    }

    @Test("A Redis that lost everything is restored from the mirror: same order, higher numbers")
    func flushAll() throws {
        let bench = try StoreBench()
        let claims = try bench.join(50).compactMap(\.claim)
        try bench.tick()
        let (waiting, next) = (bench.waiting, bench.room.next)
        #expect(waiting == claims.dropFirst().map(\.number))
        try bench.redis.command("FLUSHALL")
        try bench.tick()
        #expect(bench.waiting == waiting)
        #expect(bench.room.generation == 1)
        #expect(bench.room.next > next)
        for (index, claim) in claims.dropFirst().enumerated() {
            #expect(try bench.stand(claim) == .waiting)
            #expect(bench.room.mirror.position(claim.number) == index + 1)
        }
        let newcomer = try bench.join(1)[0]
        #expect(try #require(newcomer.claim).number >= next)
        #expect(newcomer.outcome == .waiting(number: try #require(newcomer.claim).number, position: 50))
    }

    @Test("A join that is the first to find Redis empty restores it, too")
    func flushAllThenJoin() throws {
        let bench = try StoreBench()
        _ = try bench.join(10)
        try bench.tick()
        let (waiting, next) = (bench.waiting, bench.room.next)
        try bench.redis.command("FLUSHALL")
        let answer = try bench.join(1)[0]
        guard case .waiting(let number, let position) = answer.outcome else { throw TestFailure("\(answer)") }
        #expect(number >= next && position == waiting.count + 1)
        try bench.tick()
        #expect(bench.waiting == waiting + [number])
    }

    @Test("After a loss each worker takes in what happens next, however long the history it knew")
    func mirrorsFollow() throws {
        let bench = try StoreBench()
        // Each turn of joins is a change of its own: the old history is longer than the new one will be for long.
        var claims: [TicketClaim] = []
        for _ in 0..<20 { claims += try bench.join(1).compactMap(\.claim) }
        try bench.tick()
        let other = Room(id: "demo", defaults: bench.room.defaults)
        try bench.tick(other)
        try bench.redis.command("FLUSHALL")
        try bench.tick()
        #expect(try bench.leave(claims[1]) == .left)
        for room in [bench.room, other] {
            try bench.tick(room)
            #expect(room.mirror.count == 18)
            #expect(!room.mirror.contains(claims[1].number))
        }
    }

    @Test("A lagging replica that lost no number but some changes is followed, too")
    func laggingReplica() throws {
        let bench = try StoreBench()
        let claims = try (0..<10).compactMap { _ in try bench.join(1).first?.claim }
        try bench.tick()
        try bench.redis.command("HINCRBY", "vq:{demo}:state", "version", "-3")
        #expect(try bench.leave(claims[3]) == .left)
        try bench.tick()
        #expect(bench.room.mirror.count == 8 && !bench.room.mirror.contains(claims[3].number))
    }

    @Test("A Redis that went back is mended: no number is issued twice")
    func rollback() throws {
        let bench = try StoreBench()
        let claims = try bench.join(10).compactMap(\.claim)
        try bench.tick()
        let (waiting, next) = (bench.waiting, bench.room.next)
        try bench.redis.command("HINCRBY", "vq:{demo}:state", "next", "-5")
        try bench.tick()
        #expect(bench.waiting == waiting)
        #expect(bench.room.next > next)
        let newcomer = try #require(try bench.join(1)[0].claim)
        #expect(newcomer.number >= next)
        #expect(!claims.contains { $0.number == newcomer.number })
    }

    @Test("While Redis is away each call fails once as unavailable; afterwards everybody is where they were")
    func killed() throws {
        let bench = try StoreBench()
        let claims = try bench.join(20).compactMap(\.claim)
        try bench.tick()
        let waiting = bench.waiting
        bench.redis.stop(signal: 9)
        #expect(bench.bench.run { !bench.bench.connection.isReady })
        for call in 0..<4 {
            do {
                switch call {
                case 0: _ = try bench.join(1)
                case 1: _ = try bench.stand(claims[1])
                case 2: _ = try bench.enter(claims[1])
                default: try bench.tick()
                }
                Issue.record("call \(call) was answered without Redis")
            } catch let failure as StoreFailure {
                guard case .unavailable = failure else { throw failure }
            }
        }
        #expect(bench.waiting == waiting)
        try bench.redis.restart()
        #expect(bench.bench.run { bench.bench.connection.isReady })
        try bench.tick()
        #expect(bench.waiting == waiting)
        #expect(try bench.stand(claims[5]) == .waiting)
    }

    @Test("What Redis cannot do just now is unavailable; what it refuses is told as refused")
    func errors() throws {
        let bench = try StoreBench()
        let claim = try #require(try bench.join(2).last?.claim)
        var lines: [String] = []
        bench.store.complain = { lines.append($0) }
        try bench.redis.command("CONFIG", "SET", "maxmemory", "1")
        _ = try? bench.join(1)
        do {
            _ = try bench.join(1)
            Issue.record("a full Redis took a join")
        } catch let failure as StoreFailure {
            guard case .unavailable(let text) = failure else { throw failure }
            #expect(text.contains("OOM"))
        }
        #expect(lines.count == 1, "one line for an operator, however many calls are refused")
        #expect(lines.first?.contains("raise maxmemory") == true)
        try bench.redis.command("CONFIG", "SET", "maxmemory", "0")
        #expect(try bench.stand(claim) == .waiting)
        try bench.tick()
        try bench.redis.command("ACL", "SETUSER", "default", "-zscore")
        _ = try? bench.stand(claim)
        #expect(lines.count == 2)
        #expect(lines.last?.contains("deploy/README.md") == true)
        try bench.redis.command("ACL", "SETUSER", "default", "+@all")
        try bench.redis.command("DEL", "vq:{demo}:called")
        try bench.redis.command("SET", "vq:{demo}:called", "not a sorted set")
        do {
            _ = try bench.stand(claim)
            Issue.record("a broken key was taken")
        } catch let failure as StoreFailure {
            guard case .refused(let text) = failure else { throw failure }
            #expect(text.contains("WRONGTYPE"))
        }
    }
}
