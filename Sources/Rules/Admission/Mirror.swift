// SPDX-License-Identifier: Apache-2.0
//
// What Redis said last about a room: a worker's copy, from which status polls are answered without asking Redis. It is
// changed by ticks only, but for numbers that this worker has seen issued or gone since. Pure values.
//
// Invariants: `next` never falls within a generation, and is never below `mirroredNext`; `incarnation` and every limit
// are those of the last tick; a room is known once its first tick was answered.

/// A copy of the room as of the last tick.
public struct Mirror {
    /// Who waits.
    public private(set) var waiting = RankIndex()
    /// The limits in force.
    public private(set) var policy: RoomPolicy
    /// The operator's overrides, kept to restore them.
    public private(set) var overrides: [Int?] = []
    public private(set) var generation = 0
    /// The version of the waiting bitmaps.
    public private(set) var version = 0
    /// Identifies the room's state in Redis. It changes when Redis has lost the state and it was made anew.
    public private(set) var incarnation = 0
    /// The number the next joiner gets, as far as this worker knows.
    public private(set) var next = 0
    /// `next` as of the last tick: the mirror says nothing about numbers from here on.
    public private(set) var mirroredNext = 0
    public private(set) var called = 0
    public private(set) var active = 0
    /// When the first visitor joined, in Redis time; 0 before that.
    public private(set) var openedMilliseconds = 0
    public private(set) var counters = RoomCounters()
    /// Redis time of the last tick; 0 before the first.
    public private(set) var asOfMilliseconds = 0
    /// The worker's monotonic clock at the last tick.
    private var tickedMilliseconds = 0

    /// - Parameter policy: the limits until the first tick brings those in force.
    public init(policy: RoomPolicy) { self.policy = policy }

    /// Whether the mirror holds anything yet.
    public var isKnown: Bool { asOfMilliseconds > 0 }

    /// How old the mirror is by the worker's clock, in milliseconds.
    public func age(nowMilliseconds: Int) -> Int { nowMilliseconds - tickedMilliseconds }

    /// Redis time now, as well as this worker can tell: the last tick plus the worker's monotonic clock since.
    public func redisMilliseconds(nowMilliseconds: Int) -> Int {
        asOfMilliseconds + max(0, age(nowMilliseconds: nowMilliseconds))
    }

    /// Takes note of a number that Redis has issued, so that a restore never issues it again.
    public mutating func noteIssued(_ number: Int, generation: Int) {
        if generation == self.generation { next = max(next, number + 1) }
    }

    /// Redis lost the room's state and was given ours; it is called so now.
    public mutating func noteRestored(_ incarnation: Int) { self.incarnation = incarnation }

    /// Takes a visitor out ahead of the tick, who entered or left through this worker.
    public mutating func remove(_ number: Int) { waiting.remove(number) }

    /// - Parameter nowMilliseconds: the worker's clock.
    public mutating func apply(_ reply: TickReply, nowMilliseconds: Int) {
        let isSameGeneration = reply.generation == generation
        if !isSameGeneration { waiting.removeAll() }
        if !isSameGeneration || reply.version != version {
            for case (let index, let bitmap?) in reply.chunks { waiting.replace(chunk: index, bitmap: bitmap) }
            waiting.keep(only: reply.chunks.map(\.index).sorted())
        }
        next = isSameGeneration ? max(reply.next, next) : reply.next
        mirroredNext = reply.next
        generation = reply.generation
        version = reply.version
        incarnation = reply.incarnation
        policy = reply.policy
        overrides = reply.overrides
        called = reply.called
        active = reply.active
        openedMilliseconds = reply.openedMilliseconds
        counters = reply.counters
        asOfMilliseconds = reply.nowMilliseconds
        tickedMilliseconds = nowMilliseconds
    }

    /// The room as of the last tick, with the numbers this worker has seen issued since.
    public func memory(entries: [(number: Int, passExpiresMilliseconds: Int)], firstTokens: Int) -> RoomMemory {
        RoomMemory(
            generation: generation,
            next: next,
            openedMilliseconds: openedMilliseconds,
            firstTokens: firstTokens,
            epochMilliseconds: policy.epochMilliseconds,
            incarnation: incarnation,
            overrides: overrides,
            entries: entries,
            chunks: waiting.chunkIndexes.compactMap { index in
                waiting.bitmap(chunk: index).map { (index: index, bitmap: $0) }
            }
        )
    }
}
