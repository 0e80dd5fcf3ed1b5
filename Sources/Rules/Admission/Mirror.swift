// SPDX-License-Identifier: Apache-2.0
//
// What Redis said last about a room: a worker's copy, from which status polls are answered without asking Redis. It is
// changed by ticks only (and confirmed by the store's news), but for numbers that this worker has seen issued or gone
// since. Pure values.
//
// Invariants: within a generation `next` never falls, and it is never below `last.next`; a room is known once its first
// tick was answered.

/// A copy of the room as of the last tick.
public struct Mirror {
    /// Who waits.
    public private(set) var waiting = RankIndex()
    /// The last answer to a tick, without its bitmaps and its flow. Before the first, its time is 0.
    public private(set) var last = TickReply()
    /// The number the next joiner gets, as far as this worker knows; `last.next` is what the mirror knows of.
    public private(set) var next = 0
    /// The worker's monotonic clock when the store last said how the room is.
    private var tickedMilliseconds = 0

    /// - Parameter policy: the limits until the first tick brings those in force.
    public init(policy: RoomPolicy) { last.policy = policy }

    /// Whether the mirror holds anything yet.
    public var isKnown: Bool { last.nowMilliseconds > 0 }

    /// How old the mirror is by the worker's clock, in milliseconds.
    public func age(nowMilliseconds: Int) -> Int { nowMilliseconds - tickedMilliseconds }

    /// Redis time now, as well as this worker can tell: the last tick plus the worker's monotonic clock since.
    public func redisMilliseconds(nowMilliseconds: Int) -> Int {
        last.nowMilliseconds + max(0, age(nowMilliseconds: nowMilliseconds))
    }

    /// Takes note of a number that Redis has issued, so that a restore never issues it again.
    public mutating func noteIssued(_ number: Int, generation: Int) {
        if generation == last.generation { next = max(next, number + 1) }
    }

    /// Redis lost the room's state and was given ours; it is called so now.
    public mutating func noteRestored(_ incarnation: Int) { last.incarnation = incarnation }

    /// Takes a visitor out ahead of the tick, who entered or left through this worker.
    public mutating func remove(_ number: Int) {
        waiting.remove(number)
        waiting.remove(number + RankIndex.lateOffset)
    }

    /// The position of a visitor who waits at this place and is not in the mirror: those it knows ahead, and everybody
    /// between the mirror's end and this place. A whole gap cannot be joins: it is numbers that a restore skipped.
    public func reckonedPosition(of place: Int) -> Int {
        let beyond = max(0, place - last.next)
        return waiting.rank(place) + (beyond < RoomMemory.gap ? beyond : 0) + 1
    }

    /// - Parameter nowMilliseconds: the worker's clock.
    public mutating func apply(_ reply: TickReply, nowMilliseconds: Int) {
        let isSameGeneration = reply.generation == last.generation
        if !isSameGeneration { waiting.removeAll() }
        if !isSameGeneration || reply.version != last.version {
            for case (let index, let bitmap?) in reply.chunks { waiting.replace(chunk: index, bitmap: bitmap) }
            waiting.keep(only: reply.chunks.map(\.index).sorted())
        }
        next = isSameGeneration ? max(reply.next, next) : reply.next
        last = reply
        (last.chunks, last.flow) = ([], [])
        tickedMilliseconds = nowMilliseconds
    }

    /// Whether the store last said how the room is before this time of the worker's clock.
    public func isOlder(thanMilliseconds nowMilliseconds: Int) -> Bool { tickedMilliseconds < nowMilliseconds }

    /// The store says that the room is still as the last tick has shown it.
    /// - Parameters:
    ///   - redisMilliseconds: the store's time when it said so.
    ///   - nowMilliseconds: the worker's clock.
    public mutating func confirm(redisMilliseconds: Int, nowMilliseconds: Int) {
        last.nowMilliseconds = max(last.nowMilliseconds, redisMilliseconds)
        tickedMilliseconds = nowMilliseconds
    }

    /// The room as of the last tick, with the numbers this worker has seen issued since.
    public func memory(entries: [RememberedEntry], firstTokens: Int) -> RoomMemory {
        RoomMemory(
            generation: last.generation,
            next: next,
            openedMilliseconds: last.openedMilliseconds,
            firstTokens: firstTokens,
            epochMilliseconds: last.policy.epochMilliseconds,
            claimMilliseconds: last.policy.claimWindowMilliseconds,
            passMilliseconds: last.policy.passLifetimeMilliseconds,
            version: last.version,
            incarnation: last.incarnation,
            overrides: last.overrides,
            entries: entries,
            chunks: waiting.chunkIndexes.compactMap { index in
                waiting.bitmap(chunk: index).map { (index: index, bitmap: $0) }
            }
        )
    }
}
