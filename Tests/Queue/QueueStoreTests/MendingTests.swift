// SPDX-License-Identifier: Apache-2.0
//
// Goal: a room heals from what happens to Redis from outside: a clock that is set back, and keys that are evicted or
// removed by hand. Method: the conformance suite's harness; keys are removed from the real Redis.

import Admission
import QueueClient
import TestSupport
import Testing
import WaitingRoomAPI

struct MendingTests {
    @Test(
        "A clock that was an hour ahead and is set right holds the room for the hold, and no longer",
        arguments: StoreKind.allCases
    )
    func clockSetBack(_ kind: StoreKind) throws {
        // Two are inside and two called: max_active is reached, until the passes of six seconds end.
        let harness = try kind.harness(smallPolicy(rate: 10, burst: 2, maxActive: 4))
        let numbers = try harness.join(12).numbers
        try harness.advance(200)
        let before = try harness.tick(polled: numbers)
        #expect(before.called == 2)
        try harness.advance(-3_600_000)
        let after = try harness.tick(polled: numbers)
        #expect(after.waiting == before.waiting, "nobody loses the place")
        #expect(after.called == 2)
        for _ in 0..<(RoomMemory.holdMilliseconds / 200 + 20) {
            try harness.advance(200)
            _ = try harness.tick(polled: numbers)
        }
        let later = try harness.tick(polled: numbers)
        #expect(later.waiting.count < before.waiting.count, "calls go on")
        #expect(later.counters.lapsed >= 2, "a call's deadline is of the new time")
        guard case .entered = try harness.enter(harness.claim(later.waiting.isEmpty ? numbers[11] : numbers[4])) else {
            throw TestFailure("no entry")
        }
        #expect(try harness.join(1).numbers[0] > numbers[11])
    }

    @Test(
        "When a clock is set back every pass ends in the new time, also where more are inside than a tick ends",
        arguments: StoreKind.allCases
    )
    func passesSetBack(_ kind: StoreKind) throws {
        var setting = HarnessSetting()
        setting.caps.passesPerTick = 2
        let harness = try kind.harness(smallPolicy(rate: 10, burst: 8, maxActive: 8), setting)
        let numbers = try harness.join(9).numbers
        #expect(try harness.tick(polled: numbers).active == 8)
        try harness.advance(-3_600_000)
        for _ in 0..<40 {
            try harness.advance(200)
            _ = try harness.tick(polled: [numbers[8]])
        }
        let state = try harness.tick()
        #expect(state.active == 0, "passes last six seconds")
        #expect(state.waiting.isEmpty, "the ninth is called")
    }

    @Test(
        "Entries that a worker brings back after the clock was set back and Redis was emptied hold no place for longer",
        arguments: StoreKind.allCases
    )
    func entriesSetBack(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 10, burst: 3, maxActive: 3))
        let numbers = try harness.join(4).numbers
        #expect(try harness.tick(polled: numbers).active == 3)
        try harness.advance(-3_600_000)
        try harness.loseEverything()
        for _ in 0..<40 {
            try harness.advance(200)
            _ = try harness.tick(polled: [numbers[3]])
        }
        let state = try harness.tick()
        #expect(state.active == 0, "passes last six seconds")
        #expect(state.waiting.isEmpty, "the fourth is called")
    }

    @Test(
        "Behind a clock that was set back a failover is told to the mirrors, whatever was lost",
        arguments: StoreKind.allCases
    )
    func failoverAfterStep(_ kind: StoreKind) throws {
        for lost in 1...4 {
            let harness = try kind.harness(smallPolicy(rate: 10, burst: 2, mode: .paused))
            let numbers = try harness.join(12).numbers
            try harness.advance(-3_600_000)
            let before = try harness.tick(polled: numbers)
            try harness.keep()
            for number in numbers[..<lost] {
                try harness.advance(200)
                _ = try harness.leave(harness.claim(number))
                _ = try harness.tick(polled: numbers)
            }
            try harness.goBack()
            #expect(try harness.tick(polled: numbers).waiting == before.waiting, "\(lost) left meanwhile")
        }
    }

    @Test("A small step back is no step", arguments: StoreKind.allCases)
    func slewed(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 10, burst: 2))
        let numbers = try harness.join(12).numbers
        try harness.advance(200)
        let before = try harness.tick(polled: numbers)
        try harness.advance(-QueueConstants.stepBackMilliseconds)
        #expect(try harness.tick(polled: numbers) == before)
        try harness.advance(QueueConstants.stepBackMilliseconds + 200)
        #expect(try harness.tick(polled: numbers).waiting.count < before.waiting.count)
    }

    @Test(
        "A key that is evicted heals within an epoch: counters, positions and calls",
        arguments: ["waiting", "chunks", "called", "active", "config", "flow", "done", "seen", "recalled"]
    )
    func evicted(_ name: String) throws {
        let policy = smallPolicy(rate: 5, burst: 3, maxActive: 6)
        let harness = try StoreKind.redis.harness(policy)
        let redis = try #require(harness as? RedisHarness)
        let numbers = try harness.join(40).numbers
        try harness.advance(200)
        _ = try harness.tick(polled: numbers)
        let count = try redis.remove(name)
        #expect(count > 0 || name == "recalled", "\(name): no such key")
        // An epoch of this policy is a second. Everybody goes on polling, also those whom the mirror does not show.
        var state = try harness.tick(polled: numbers)
        for _ in 0..<15 {
            try harness.advance(200)
            state = try harness.tick(polled: numbers)
            for number in numbers where !state.waiting.contains(number) { _ = try harness.stand(harness.claim(number)) }
        }
        state = try harness.tick(polled: numbers)
        #expect(Set(state.waiting).count == state.waiting.count)
        #expect(try redis.field("waiting") == state.waiting.count)
        #expect(try redis.field("called") == redis.count("called"))
        #expect(try redis.field("active") == redis.count("active"))
        #expect(try redis.field("head") <= state.waiting.first ?? .max)
        // The room goes on, and each visitor gets in once.
        var entered: Set<Int> = []
        for _ in 0..<200 where entered.count < 20 {
            try harness.advance(200)
            _ = try harness.tick(polled: numbers)
            for number in numbers where !entered.contains(number) {
                guard case .entered = try harness.enter(harness.claim(number)) else { continue }
                entered.insert(number)
                _ = try harness.leave(harness.claim(number))
            }
        }
        #expect(entered.count >= 20, "\(name): \(entered.count) have entered")
    }

    @Test("Visitors who were called again add no places to max_active when the list of the called is evicted")
    func recalledEvicted() throws {
        let harness = try StoreKind.redis.harness(smallPolicy(rate: 10, burst: 10, maxActive: 2))
        let redis = try #require(harness as? RedisHarness)
        let numbers = try harness.join(12).numbers
        // Two are called and let it lapse, the next two leave; the looks of the first two call them again.
        for number in numbers[..<2] { _ = try harness.leave(harness.claim(number)) }
        for _ in 0..<12 {
            try harness.advance(200)
            _ = try harness.tick(polled: numbers)
        }
        for number in numbers[4..<6] { _ = try harness.leave(harness.claim(number)) }
        for number in numbers[2..<4] { _ = try harness.stand(harness.claim(number, issuedAgo: 2000)) }
        #expect(try redis.count("recalled") > 0)
        #expect(try redis.remove("called") == 1)
        for _ in 0..<7 {
            try harness.advance(200)
            _ = try harness.tick(polled: numbers)
        }
        #expect(try redis.count("recalled") == 0)
        #expect(try redis.count("called") + redis.count("active") <= 2)
    }

    @Test("Every key of a room has an end, which each epoch puts off")
    func lifeOfKeys() throws {
        let harness = try RedisHarness(redis: try RedisServer(), policy: smallPolicy(rate: 1), room: "room")
        let numbers = try harness.join(12).numbers
        for _ in 0..<60 {
            try harness.advance(100)
            let called = try harness.tick(polled: numbers)
            if called.called > 0 { _ = try harness.enter(harness.claim(numbers[3])) }
        }
        let reply = try harness.command(["KEYS", "vq:{room}:*"])
        let names = (reply.arrayValue ?? []).compactMap(\.bytesValue)
        #expect(names.count >= 8)
        for name in names {
            let left = try harness.command(["PTTL", RedisArgument(name)]).integerValue ?? -1
            #expect(
                (1...QueueConstants.roomLifetimeMilliseconds).contains(left),
                "\(String(decoding: name, as: UTF8.self))"
            )
        }
    }

    @Test(
        "Two memories that go on from the same numbers behind a clock that was set back issue different ones",
        arguments: StoreKind.allCases
    )
    func numbersAfterStep(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 10, burst: 2, mode: .paused))
        _ = try harness.join(5)
        let others = [harness.newWorker(), harness.newWorker()]
        for worker in others { try harness.tick(worker) }
        try harness.advance(-1_140_000)
        var issued = Set(try harness.join(3).numbers)
        // What a worker has learnt dies with it, and another one brings the room back, twice.
        for worker in others {
            try harness.advance(100)
            try harness.loseEverything()
            harness.room = worker
            let numbers = try harness.join(3).numbers
            #expect(issued.isDisjoint(with: numbers), "\(numbers) were issued before")
            issued.formUnion(numbers)
        }
    }

    @Test("Behind a clock of before 2026 numbers are positive, and differ, too", arguments: StoreKind.allCases)
    func numbersOfThePast(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 10, burst: 2, mode: .paused))
        try harness.advance(-QueueHarness.startMilliseconds + 1_700_000_000_000)
        var issued: Set<Int> = []
        for _ in 0..<3 {
            harness.room = harness.newWorker()
            let numbers = try harness.join(3).numbers
            #expect(numbers[0] > 0)
            #expect(issued.isDisjoint(with: numbers))
            issued.formUnion(numbers)
            try harness.advance(100)
            try harness.loseEverything()
        }
    }

    @Test(
        "Behind a clock that was set back a mirror gets back the chunk that it has dropped",
        arguments: StoreKind.allCases
    )
    func chunkAfterStep(_ kind: StoreKind) throws {
        var setting = HarnessSetting()
        setting.startMilliseconds = HarnessSetting.belowEdge[0]
        let harness = try kind.harness(smallPolicy(rate: 10, burst: 2, mode: .paused), setting)
        let numbers = try harness.join(80).numbers
        let first = numbers.filter { $0 / RankIndex.chunkSize == numbers[0] / RankIndex.chunkSize }
        #expect((1..<80).contains(first.count))
        // The chunks' versions are far ahead of the clock now.
        try harness.advance(-3_600_000)
        let before = try harness.tick(polled: numbers)
        try harness.keep()
        for number in first { _ = try harness.leave(harness.claim(number)) }
        for _ in 0..<8 {
            try harness.advance(200)
            _ = try harness.tick(polled: numbers)
        }
        #expect(!harness.room.mirror.chunkIndexes.contains(first[0] / RankIndex.chunkSize))
        try harness.goBack()
        #expect(try harness.tick(polled: numbers).waiting == before.waiting)
    }

    @Test(
        "Nobody is swept because the limits were others between two ticks",
        arguments: StoreKind.allCases
    )
    func epochsOfOtherLimits(_ kind: StoreKind) throws {
        let policy = smallPolicy(rate: 10, burst: 2, mode: .paused)
        let harness = try kind.harness(policy)
        var numbers = try harness.join(4).numbers
        for _ in 0..<25 {
            try harness.advance(200)
            _ = try harness.tick(polled: numbers)
        }
        var other = policy
        other.abandonAfterMilliseconds += 400
        try harness.configure(other)
        numbers += try harness.join(1).numbers
        try harness.configure(policy)
        // The newcomer has nothing to say for more than an epoch, and not for abandon_after.
        for _ in 0..<10 {
            try harness.advance(200)
            #expect(try harness.tick(polled: Array(numbers[..<4])).waiting == numbers)
        }
    }

    @Test("Calls and passes of a clock that was ahead end in the new time, also when the state is evicted meanwhile")
    func stateEvicted() throws {
        let harness = try StoreKind.redis.harness(smallPolicy(rate: 10, burst: 2, maxActive: 4))
        let redis = try #require(harness as? RedisHarness)
        let numbers = try harness.join(12).numbers
        try harness.advance(200)
        #expect(try harness.tick(polled: numbers).called == 2)
        try harness.advance(-3_600_000)
        #expect(try redis.remove("state") == 1)
        for _ in 0..<60 {
            try harness.advance(200)
            _ = try harness.tick(polled: Array(numbers[4...]))
        }
        let state = try harness.tick()
        #expect(state.active == 0, "passes last six seconds")
        #expect(state.counters.lapsed >= 2)
    }
}
