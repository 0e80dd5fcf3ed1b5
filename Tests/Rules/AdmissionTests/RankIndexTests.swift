// SPDX-License-Identifier: Apache-2.0
//
// The rank index against a sorted list that does the same slowly, over random histories.

import Admission
import TestSupport
import Testing

struct RankIndexTests {
    @Test("Ranks, positions and order equal those of a sorted list", arguments: UInt64(0)..<20)
    func likeASortedList(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var index = RankIndex()
        var set: Set<Int> = []
        // Around chunk borders, where mistakes live, and far apart.
        let bases = [0, 65_530, 131_068, 3_000_000_000]
        for _ in 0..<600 {
            let number = (bases.randomElement(using: &random) ?? 0) + Int.random(in: 0..<80, using: &random)
            if Int.random(in: 0..<3, using: &random) == 0 {
                index.remove(number)
                set.remove(number)
            } else {
                index.insert(number)
                set.insert(number)
            }
        }
        let sorted = set.sorted()
        #expect(index.count == sorted.count)
        for (i, number) in sorted.enumerated() {
            #expect(index.position(number) == i + 1)
            #expect(index.number(atRank: i) == number)
            #expect(index.next(from: number) == number)
            #expect(index.next(from: number + 1) == (i + 1 < sorted.count ? sorted[i + 1] : nil))
        }
        for number in [0, 65_407, 65_408, 130_816, 2_999_999_999, 3_000_000_081, 4_000_000_000] {
            #expect(index.rank(number) == sorted.count { $0 < number })
            #expect(index.contains(number) == set.contains(number))
        }
        #expect(index.number(atRank: sorted.count) == nil)
    }

    @Test("A chunk survives the way to Redis and back, also when trailing zeros are left out")
    func bitmaps() {
        var index = RankIndex()
        for number in [65_408, 65_409, 65_600, 70_001, 130_815] { index.insert(number) }
        let bitmap = index.bitmap(chunk: 1)
        #expect(bitmap?.count == 8176)
        #expect(bitmap?[0] == 0b1100_0000)
        var copy = RankIndex()
        copy.replace(chunk: 1, bitmap: bitmap ?? [])
        #expect((0..<5).map { copy.number(atRank: $0) } == [65_408, 65_409, 65_600, 70_001, 130_815])
        copy.replace(chunk: 1, bitmap: [0x01])
        #expect(copy.position(65_415) == 1)
        #expect(copy.count == 1)
        copy.keep(only: [7])
        #expect(copy.count == 0)
    }

    @Test("Samples are exact, ascending, and include the first and the last", arguments: [64, 100, 256])
    func samples(_ limit: Int) {
        var random = SeededRandom(seed: 3)
        var index = RankIndex()
        #expect(index.samples(atMost: limit).points.isEmpty)
        for people in [1, 64, 65, 20_000] {
            while index.count < people { index.insert(10 + 7 * index.count + Int.random(in: 0..<7, using: &random)) }
            let samples = index.samples(atMost: limit)
            let points = samples.points
            #expect(points.count <= limit)
            #expect(people > 64 || points.count == people && samples.errorPlaces == 0 && samples.errorShare == 0)
            #expect(points.first?.number == index.number(atRank: 0))
            #expect(points.last?.ahead == people - 1)
            for (number, ahead) in points { #expect(index.contains(number) && index.rank(number) == ahead) }
            #expect(zip(points, points.dropFirst()).allSatisfy { $0.number < $1.number && $0.ahead < $1.ahead })
        }
    }

    @Test("A queue in which nobody has left is one line")
    func straight() {
        var index = RankIndex()
        for number in stride(from: 10, to: 200_000, by: 3) { index.insert(number) }
        #expect(index.samples(atMost: 256).points.map(\.number) == [10, 199_999])
    }

    @Test("Heartbeats come out as the bits that were marked, once")
    func heartbeats() {
        var heartbeats = Heartbeats()
        for number in [1, 8, RankIndex.chunkSize + 15] { heartbeats.mark(number) }
        let drained = heartbeats.drain()
        #expect(drained.map(\.chunk) == [0, 1])
        #expect(drained[0].bitmap == [0x40, 0x80])
        #expect(drained[1].bitmap == [0, 0x01])
        #expect(heartbeats.isEmpty)
        heartbeats.restore(drained)
        heartbeats.mark(2)
        #expect(heartbeats.drain()[0].bitmap == [0x60, 0x80])
    }

    @Test("Visitors spread over more numbers than an outbox holds lose no heartbeat while ticks go on")
    func spreadHeartbeats() {
        var outbox = HeartbeatOutbox()
        var given: Set<Int> = []
        func tick(_ now: Int) {
            var request = TickRequest()
            request.tickMilliseconds = 200
            outbox.flush(
                into: &request,
                redisMilliseconds: 600_000 + now,
                epochMilliseconds: 30_000,
                isKnown: true,
                nowMilliseconds: now
            )
            for (chunk, bitmap) in request.heartbeats {
                given.formUnion(Heartbeats.numbers(chunk: chunk, bitmap: bitmap))
            }
        }
        tick(0)
        // Of many numbers few still wait: one in each of 1,000 chunks, a hundred of whom poll between two ticks.
        let numbers = (0..<1000).map { $0 * RankIndex.chunkSize + 7 }
        for (index, number) in numbers.enumerated() {
            outbox.mark(number)
            if index % 100 == 99 { tick(1000 + index * 2) }
        }
        tick(29_900)
        #expect(outbox.dropped == 0)
        #expect(given == Set(numbers))
    }

    @Test("Heartbeats beyond the bound are dropped and counted")
    func heartbeatBound() {
        var heartbeats = Heartbeats()
        for chunk in 0...Heartbeats.chunkMax { heartbeats.mark(chunk * RankIndex.chunkSize) }
        #expect(heartbeats.dropped == 1)
    }
}
