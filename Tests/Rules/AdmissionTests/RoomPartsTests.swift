// SPDX-License-Identifier: Apache-2.0
//
// The parts of a worker's room, each alone: when heartbeats go out, what is remembered of entries, how the door stands,
// and what a tick does to the mirror.

import Admission
import Testing

struct HeartbeatOutboxTests {
    /// Epochs of 1,000 ms and ticks of 100 ms; Redis' clock and the worker's run together.
    private func flush(_ outbox: inout HeartbeatOutbox, at now: Int, isKnown: Bool = true) -> TickRequest {
        var request = TickRequest()
        request.tickMilliseconds = 100
        outbox.flush(
            into: &request,
            redisMilliseconds: now,
            epochMilliseconds: 1000,
            isKnown: isKnown,
            nowMilliseconds: now
        )
        return request
    }

    @Test("Heartbeats go out in the last tick of their epoch, once")
    func lastTick() {
        var outbox = HeartbeatOutbox()
        #expect(flush(&outbox, at: 5000).heartbeats.isEmpty)
        outbox.mark(7)
        for now in [5200, 5800] { #expect(flush(&outbox, at: now).heartbeats.isEmpty, "the epoch goes on") }
        let last = flush(&outbox, at: 5860)
        #expect(last.heartbeatEpoch == 5 && last.heartbeats.map(\.chunk) == [0])
        #expect(outbox.isEmpty)
        outbox.mark(8)
        #expect(flush(&outbox, at: 5960).heartbeats.isEmpty, "flushed a tick ago")
    }

    @Test("After a missed end of an epoch they go out at once, and count for that epoch")
    func missed() {
        var outbox = HeartbeatOutbox()
        _ = flush(&outbox, at: 5000)
        outbox.mark(7)
        _ = flush(&outbox, at: 5500)
        let late = flush(&outbox, at: 6100)
        #expect(late.heartbeatEpoch == 5 && late.heartbeats.count == 1)
        #expect(flush(&outbox, at: 6200).heartbeatEpoch == 6)
    }

    @Test("Before the first tick the epoch is unknown")
    func unknown() {
        var outbox = HeartbeatOutbox()
        outbox.mark(7)
        #expect(flush(&outbox, at: 100, isKnown: false).heartbeatEpoch == .max)
    }

    @Test("What a tick could not deliver, and what a worker that ends still holds, goes with the next tick")
    func due() {
        var outbox = HeartbeatOutbox()
        _ = flush(&outbox, at: 5000)
        outbox.hurry()
        #expect(!outbox.isDue, "nothing to deliver")
        outbox.mark(7)
        outbox.hurry()
        let failed = flush(&outbox, at: 5300).heartbeats
        #expect(failed.count == 1 && outbox.isEmpty && !outbox.isDue)
        outbox.putBack(failed)
        outbox.mark(8)
        let again = flush(&outbox, at: 5400).heartbeats
        #expect(again.flatMap { Heartbeats.numbers(chunk: $0.chunk, bitmap: $0.bitmap) } == [7, 8])
    }

    @Test("In long epochs they go out once a minute")
    func long() {
        var outbox = HeartbeatOutbox()
        func flush(at now: Int) -> Int {
            var request = TickRequest()
            outbox.flush(
                into: &request,
                redisMilliseconds: now,
                epochMilliseconds: 1_000_000,
                isKnown: true,
                nowMilliseconds: now
            )
            return request.heartbeats.count
        }
        _ = flush(at: 100_000)
        outbox.mark(7)
        #expect(flush(at: 159_999) == 0)
        #expect(flush(at: 160_000) == 1)
    }
}

struct RoomPartsTests {
    @Test("The last entries are remembered, a bounded number of them, and a repeated one evicts none")
    func entries() {
        var entries = RecentEntries()
        for number in 1...(2 * RecentEntries.kept) {
            entries.note(RememberedEntry(number: number, passExpiresMilliseconds: number))
        }
        #expect(entries.all.count == RecentEntries.kept)
        #expect(entries.end(of: RecentEntries.kept) == nil)
        let renewed = RememberedEntry(number: 5000, passExpiresMilliseconds: 77)
        for _ in 0...RecentEntries.kept { entries.note(renewed) }
        #expect(entries.end(of: RecentEntries.kept + 1) == RecentEntries.kept + 1)
        #expect(entries.end(of: 5000) == 77)
        #expect(entries.all.filter(\.isRenewed).map(\.number) == [5000], "another end than at the entry")
        #expect(entries.all.count == RecentEntries.kept)
    }

    @Test("The door opens only when the store is away, a tick has failed, and the time for it is not over")
    func door() {
        let minute = OutagePolicy(openForMilliseconds: 60_000)
        func door(_ policy: OutagePolicy, age: Int, mode: RoomMode? = .open, hasTickFailed: Bool = true) -> Door {
            policy.door(ageMilliseconds: age, limitMilliseconds: 1000, mode: mode, hasTickFailed: hasTickFailed)
        }
        #expect(door(minute, age: 1000) == .attended)
        #expect(door(minute, age: 1001) == .open)
        #expect(door(minute, age: 1001, hasTickFailed: false) == .attended, "the worker itself may have been paused")
        #expect(door(minute, age: 60_000) == .open)
        #expect(door(minute, age: 60_001) == .closed)
        #expect(door(.closed, age: 1001) == .closed)
        #expect(door(minute, age: 5000, mode: nil) == .closed, "never seen: away since when?")
        for mode in [RoomMode.paused, .closed, .bypass] { #expect(door(minute, age: 5000, mode: mode) == .closed) }
    }

    private func reply(generation: Int = 1, version: Int, next: Int, waiting: [Int]) -> TickReply {
        var index = RankIndex()
        for number in waiting { index.insert(number) }
        var reply = TickReply()
        reply.nowMilliseconds = 1_768_000_000_000
        (reply.generation, reply.version, reply.next) = (generation, version, next)
        reply.chunks = index.chunkIndexes.map { ($0, index.bitmap(chunk: $0)) }
        return reply
    }

    @Test("A tick brings the mirror up to date; numbers issued since are not forgotten within a generation")
    func mirror() {
        var mirror = Mirror(policy: .standard)
        #expect(!mirror.isKnown)
        mirror.apply(reply(version: 1, next: 10, waiting: [3, 4]), nowMilliseconds: 500)
        #expect(mirror.isKnown && mirror.waiting.count == 2 && mirror.age(nowMilliseconds: 700) == 200)
        mirror.noteIssued(14, generation: 1)
        mirror.noteIssued(99, generation: 2)
        mirror.apply(reply(version: 1, next: 12, waiting: []), nowMilliseconds: 700)
        #expect(mirror.waiting.count == 2, "the same version: the chunks say nothing")
        #expect(mirror.next == 15 && mirror.last.next == 12)
        mirror.apply(reply(generation: 2, version: 1, next: 12, waiting: []), nowMilliseconds: 900)
        #expect(mirror.waiting.count == 0 && mirror.next == 12)
    }

    @Test("The memory is that of the last tick, with what was seen since")
    func memory() {
        var mirror = Mirror(policy: .standard)
        mirror.apply(reply(version: 1, next: 10, waiting: [3, 4]), nowMilliseconds: 500)
        mirror.noteIssued(10, generation: 1)
        mirror.noteRestored(77)
        mirror.remove(3)
        let memory = mirror.memory(
            entries: [RememberedEntry(number: 3, passExpiresMilliseconds: 5000)],
            firstTokens: 2
        )
        #expect(memory.generation == 1 && memory.next == 11 && memory.incarnation == 77 && memory.firstTokens == 2)
        #expect(memory.entries.map(\.number) == [3])
        #expect(memory.chunks.flatMap { Heartbeats.numbers(chunk: $0.index, bitmap: $0.bitmap) } == [4])
    }
}
