// SPDX-License-Identifier: Apache-2.0
//
// Goal: entries that workers bring back after a loss are as any others, whatever the order of restores, ticks, enters
// and leaves: each is counted once, keeps its pass, and ends with it. In Redis they stand in pages, until the first of
// a page ends. Method: the conformance suite's harness; random memories on the model and on Redis; a look into Redis.

import Admission
import QueueClient
import TestSupport
import Testing
import WaitingRoomAPI

struct BroughtTests {
    @Test("Entries that several workers bring are counted once, and keep their passes", arguments: StoreKind.allCases)
    func once(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 10, burst: 3, maxActive: 3))
        let began = harness.nowMilliseconds
        let numbers = try harness.join(4).numbers
        try harness.tick(harness.room)
        let workers = [harness.room, harness.newWorker()]
        harness.room = workers[1]
        try harness.advance(1000)
        for number in numbers[..<3] { _ = try harness.enter(harness.claim(number)) }
        try harness.loseEverything()
        for index in [0, 1, 0, 1] {
            harness.room = workers[index]
            #expect(try harness.tick(polled: [numbers[3]]).active == 3)
        }
        let pass = Standing.entered(passExpiresMilliseconds: began + 6000)
        for number in numbers[..<3] { #expect(try harness.enter(harness.claim(number)) == pass) }
        // A second loss in the middle: the other server has what the first worker brought.
        try harness.keep()
        try harness.goBack()
        for worker in workers {
            harness.room = worker
            #expect(try harness.tick(polled: [numbers[3]]).active == 3)
        }
        // The place of somebody who leaves is free at once, and no memory gives it back.
        #expect(try harness.leave(harness.claim(numbers[0])) == .left)
        try harness.keep()
        try harness.goBack()
        for worker in workers {
            harness.room = worker
            #expect(try harness.tick(polled: [numbers[3]]).active == 2)
        }
        try harness.advance(4900)
        #expect(try harness.tick(polled: [numbers[3]]).active == 2)
        try harness.advance(100)
        #expect(try harness.tick(polled: [numbers[3]]).active == 0, "the passes have ended")
        #expect(try harness.enter(harness.claim(numbers[1])) == .expired)
    }

    @Test(
        "Of a renewed entry the later end holds, whichever worker brings it first",
        arguments: StoreKind.allCases,
        [[0, 1], [1, 0], [0, 1, 0], [1, 0, 1]]
    )
    func renewed(_ kind: StoreKind, _ order: [Int]) throws {
        var policy = smallPolicy(burst: 1)
        policy.passMaxMilliseconds = 15_000
        let harness = try kind.harness(policy)
        let began = harness.nowMilliseconds
        let number = try harness.join(1).numbers[0]
        let workers = [harness.room, harness.newWorker()]
        for worker in workers { try harness.tick(worker) }
        harness.room = workers[1]
        try harness.advance(4000)
        let shown = TicketClaim(generation: 1, number: number, issuedMilliseconds: (began + 6000) / 1000 * 1000)
        let later = Standing.entered(passExpiresMilliseconds: began + 10_000)
        #expect(try harness.renewal(shown).standing == later)
        try harness.advance(1000)
        try harness.loseEverything()
        for index in order { try harness.tick(workers[index]) }
        #expect(try harness.enter(harness.claim(number)) == later)
        try harness.advance(4900)
        #expect(try harness.tick().active == 1)
        try harness.advance(100)
        #expect(try harness.tick().active == 0)
        #expect(try harness.enter(harness.claim(number)) == .expired)
    }

    @Test("A brought entry is renewed as any other", arguments: StoreKind.allCases)
    func renewal(_ kind: StoreKind) throws {
        var policy = smallPolicy(burst: 2)
        policy.passMaxMilliseconds = 30_000
        policy.passLifetimeMilliseconds = 9000
        let harness = try kind.harness(policy)
        let began = harness.nowMilliseconds
        let numbers = try harness.join(2).numbers
        try harness.tick(harness.room)
        try harness.advance(1000)
        try harness.loseEverything()
        try harness.tick(harness.room)
        // Not while admission is held.
        try harness.advance(RoomMemory.holdMilliseconds)
        let shown = TicketClaim(generation: 1, number: numbers[0], issuedMilliseconds: (began + 9000) / 1000 * 1000)
        let longer = Standing.entered(passExpiresMilliseconds: harness.nowMilliseconds + 9000)
        #expect(try harness.renewal(shown).standing == longer)
        #expect(try harness.tick().active == 2)
        try harness.advance(4000)
        #expect(try harness.tick().active == 1)
        try harness.advance(5000)
        #expect(try harness.tick().active == 0)
    }

    @Test("Brought entries end in the new time when the clock is set back", arguments: StoreKind.allCases)
    func clockSetBack(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(burst: 3))
        _ = try harness.join(3)
        try harness.tick(harness.room)
        try harness.advance(1000)
        try harness.loseEverything()
        #expect(try harness.tick().active == 3)
        try harness.advance(-3_600_000)
        #expect(try harness.tick().active == 3)
        try harness.advance(5900)
        #expect(try harness.tick().active == 3)
        try harness.advance(100)
        #expect(try harness.tick().active == 0)
    }

    @Test("Brought entries stand in pages that have an end, and are gone with their passes; a reset leaves them")
    func keys() throws {
        let harness = try RedisHarness(redis: try RedisServer(), policy: smallPolicy(burst: 3), room: "room")
        let numbers = try harness.join(3).numbers
        try harness.tick(harness.room)
        try harness.advance(1000)
        try harness.loseEverything()
        try harness.tick(harness.room)
        #expect(try harness.count("active") == 0, "none of them is in the sorted set")
        #expect(try harness.field("brought") == 3 && harness.field("active") == 3)
        let names = try harness.names("brought")
        #expect(names.count >= 2)
        for name in names {
            let left = try harness.command(["PTTL", RedisArgument(name)]).integerValue ?? -1
            #expect((1...QueueConstants.roomLifetimeMilliseconds).contains(left), "\(name)")
        }
        #expect(try harness.leave(harness.claim(numbers[0])) == .left)
        #expect(try harness.field("brought") == 2 && harness.field("active") == 2)
        // The state alone is lost: the pages are counted again.
        #expect(try harness.remove("state") == 1)
        #expect(try harness.tick().active == 2)
        try harness.reset()
        #expect(try harness.tick().active == 2)
        try harness.advance(6000)
        #expect(try harness.tick().active == 0)
        #expect(try harness.names("brought").isEmpty)
        #expect(try harness.field("brought") == 0)
    }

    @Test("A room that is forgotten or removed takes its pages along", arguments: [true, false])
    func removed(_ isForgotten: Bool) throws {
        let harness = try RedisHarness(redis: try RedisServer(), policy: smallPolicy(burst: 3), room: "room")
        _ = try harness.join(3)
        try harness.tick(harness.room)
        try harness.loseEverything()
        try harness.tick(harness.room)
        #expect(try harness.names("brought:").count > 0)
        if isForgotten {
            harness.rooms.forget(harness.room)
        } else {
            var failure: StoreFailure?
            harness.rooms.make(harness.room, ListedRoom(id: "room", revision: 1, limits: "rate=1.0")) { failure = $0 }
            harness.settle()
            #expect(failure == nil)
            harness.rooms.remove(harness.room) { failure = $0 }
            harness.settle()
            #expect(failure == nil)
        }
        harness.settle()
        #expect(try harness.names("brought:").isEmpty)
        #expect(try harness.names("brought").count == (isForgotten ? 0 : 1), "the list expires within an hour")
    }

    @Test(
        "Pages that are evicted, or their list, hold no places for longer than an epoch",
        arguments: ["brought", "brought:"]
    )
    func evicted(_ name: String) throws {
        let policy = smallPolicy(rate: 10, burst: 3, maxActive: 3)
        let harness = try RedisHarness(redis: try RedisServer(), policy: policy, room: "room")
        let numbers = try harness.join(4).numbers
        try harness.tick(harness.room)
        try harness.loseEverything()
        #expect(try harness.tick(polled: numbers).active == 3)
        #expect(try harness.remove(name) > 0)
        // An epoch of this policy is a second.
        try harness.advance(1000)
        #expect(try harness.tick(polled: numbers).active == 0)
        #expect(try harness.field("brought") == 0)
        for _ in 0..<20 {
            try harness.advance(200)
            _ = try harness.tick(polled: numbers)
        }
        #expect(try harness.tick(polled: numbers).called == 1, "the place is free")
        #expect(try harness.enter(harness.claim(numbers[0])) == .expired, "nobody enters twice")
    }

    @Test("A tick moves a bounded number of pages, and ends as many passes as without them")
    func bounded() throws {
        let harness = try RedisHarness(redis: try RedisServer(), policy: smallPolicy(burst: 1), room: "room")
        let first = try #require(try harness.join(1).numbers.first)
        try harness.tick(harness.room)
        // One of each page ends now, the others much later.
        let (now, pages) = (harness.nowMilliseconds, 3 * QueueConstants.pagesPerTickMax)
        for page in 1...pages {
            for (place, end) in [(0, now + 1000), (1, now + 5000)] {
                let number = first - page * QueueConstants.entriesPerPage + place
                harness.room.noteEntered(number, passExpiresMilliseconds: end, beganMilliseconds: end - 6000)
            }
        }
        try harness.loseEverything()
        #expect(try harness.tick().active == 2 * pages + 1)
        try harness.advance(1000)
        for round in 1...3 {
            #expect(try harness.tick().active == 2 * pages + 1 - round * QueueConstants.pagesPerTickMax)
            #expect(try harness.field("brought") == 2 * (pages - round * QueueConstants.pagesPerTickMax) + 1)
            try harness.advance(200)
        }
    }

    @Test("Model and scripts agree on random memories of two workers", arguments: 0..<UInt64(24))
    func agree(_ seed: UInt64) throws {
        var random = SeededRandom(seed: 7000 + seed)
        var setting = HarnessSetting()
        setting.entriesKept = 40
        setting.caps.passesPerTick = [1, 3, 4000].randomElement(using: &random) ?? 1
        if Bool.random(using: &random) {
            setting.startMilliseconds = HarnessSetting.belowEdge.randomElement(using: &random) ?? 0
        }
        var policy = smallPolicy(rate: 5, burst: 2, maxActive: Bool.random(using: &random) ? 0 : 40)
        policy.passMaxMilliseconds = 12_000
        var pair = try Pair(policy, setting)
        for _ in 0..<60 { try pair.step(&random) }
    }
}

/// Both stores with the same two workers.
private struct Pair {
    private let harnesses: [QueueHarness]
    private let workers: [[Room]]
    private var numbers: [Int] = []
    private var isKept = false
    private var trace: [String] = []

    init(_ policy: RoomPolicy, _ setting: HarnessSetting) throws {
        harnesses = [
            try RedisHarness(redis: RedisServer(), policy: policy, room: "room", setting),
            ModelHarness(policy: policy, room: "room", setting),
        ]
        workers = harnesses.map { [$0.room, $0.newWorker()] }
        for (harness, members) in zip(harnesses, workers) {
            numbers = try harness.join(4).numbers
            for worker in members { try harness.tick(worker) }
        }
    }

    /// Does the same to both, and compares what comes of it.
    private mutating func both<Value: Equatable>(_ what: String, _ body: (QueueHarness) throws -> Value) throws {
        trace.append(what)
        let (redis, model) = (try body(harnesses[0]), try body(harnesses[1]))
        guard redis != model else { return }
        throw TestFailure("redis \(redis), model \(model) after\n\(trace.suffix(15).joined(separator: "\n"))")
    }

    private mutating func both(_ what: String, _ body: (QueueHarness) throws -> Void) throws {
        try both(what) { harness in
            try body(harness)
            return true
        }
    }

    mutating func step(_ random: inout some RandomNumberGenerator) throws {
        let number = numbers.randomElement(using: &random) ?? 0
        let worker = Int.random(in: 0..<2, using: &random)
        for (harness, members) in zip(harnesses, workers) { harness.room = members[worker] }
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<4: try remember(worker, &random)
        case 4..<9: try both("tick of \(worker)") { try $0.tick(polled: []) }
        case 9: try both("enter \(number)") { try $0.enter($0.claim(number)) }
        case 10: try both("leave \(number)") { try $0.leave($0.claim(number)) }
        case 11, 12:
            let ahead = Int.random(in: 0..<7000, using: &random)
            try both("renew \(number)") { harness in
                let end = (harness.nowMilliseconds + ahead) / 1000 * 1000
                return try harness.renewal(TicketClaim(generation: 1, number: number, issuedMilliseconds: end))
            }
        case 13: try both("stand \(number)") { try $0.stand($0.claim(number, issuedAgo: 60_000)) }
        case 14, 15:
            let length = [100, 500, 2000, 6000].randomElement(using: &random) ?? 100
            try both("advance \(length)") { try $0.advance(length) }
        case 16:
            isKept = true
            try both("keep") { try $0.keep() }
        case 17 where isKept: try both("go back") { try $0.goBack() }
        case 18 where Bool.random(using: &random): try both("step back") { try $0.advance(-20_000) }
        default:
            try both("lose") { harness in
                try harness.advance(1)
                try harness.loseEverything()
            }
        }
        let (a, b) = (try harnesses[0].news(since: 0), try harnesses[1].news(since: 0))
        if a.isNew != b.isNew { throw TestFailure("news \(a) \(b)") }
    }

    /// Entries of numbers before the first, over several pages: ended, going on, and of a clock that was ahead.
    private mutating func remember(_ worker: Int, _ random: inout some RandomNumberGenerator) throws {
        let first = numbers.min() ?? 0
        let known = numbers.filter { $0 < first + 100 }
        for _ in 0..<Int.random(in: 1...8, using: &random) {
            let number =
                Bool.random(using: &random)
                ? known.randomElement(using: &random) ?? first : first - Int.random(in: 1...1500, using: &random)
            let (ahead, isNew) = (Int.random(in: -20...80, using: &random) * 100, Bool.random(using: &random))
            numbers.append(number)
            try both("worker \(worker) remembers \(number) for \(ahead), at the entry: \(isNew)") { harness in
                let end = harness.nowMilliseconds + ahead
                harness.room.noteEntered(
                    number,
                    passExpiresMilliseconds: end,
                    beganMilliseconds: isNew ? end - 6000 : nil
                )
            }
        }
    }
}
