// SPDX-License-Identifier: Apache-2.0
//
// What a worker owes Redis: the heartbeats of those who polled here, and when they go out with a tick. Pure values.
//
// Invariant: a heartbeat is in the outbox, or in a tick that is under way, or has been given to Redis; a tick that
// fails gives its heartbeats back.

/// Heartbeats on their way to Redis. A flush costs Redis up to four commands per chunk, so they go out once per epoch:
/// in its last tick, so that those of every worker are there when the first tick of the next epoch sweeps.
/// Heartbeats that come after the flush count for the next epoch. A worker that is killed loses the heartbeats of one
/// epoch; a sweep looks at four.
public struct HeartbeatOutbox {
    /// Long epochs are flushed more often than once, at least this often.
    public static let flushMillisecondsMax = 60_000

    private var heartbeats = Heartbeats()
    /// Heartbeats that found no room.
    public var dropped: Int { heartbeats.dropped }
    /// The epoch in which the heartbeats were collected. `Int.max` before the first tick: tick.lua limits it to the
    /// current epoch.
    private var epoch = Int.max
    /// The worker's clock at the last flush.
    private var flushedMilliseconds = 0
    /// The last flush failed, or the worker is about to end, or the numbers of those who wait are so far apart that the
    /// heartbeats of an epoch find no room: the next tick takes the heartbeats.
    public private(set) var isDue = false

    public init() {}

    public var isEmpty: Bool { heartbeats.isEmpty }

    /// A heartbeat of a visitor who waits or is called.
    public mutating func mark(_ number: Int) {
        heartbeats.mark(number)
        if heartbeats.isNearlyFull { isDue = true }
    }

    /// Makes the next tick carry the heartbeats: a worker that ends must not take them with it.
    public mutating func hurry() { isDue = !heartbeats.isEmpty }

    /// Puts back what a failed tick could not deliver. It goes out with the first tick that succeeds, before it sweeps.
    public mutating func putBack(_ drained: [(chunk: Int, bitmap: [UInt8])]) {
        heartbeats.restore(drained)
        if !drained.isEmpty { isDue = true }
    }

    /// Puts the heartbeats into a tick, if they are to go with this one.
    /// - Parameter nowMilliseconds: the worker's clock.
    public mutating func flush(
        into request: inout TickRequest,
        redisMilliseconds now: Int,
        epochMilliseconds length: Int,
        isKnown: Bool,
        nowMilliseconds: Int
    ) {
        let tick = request.tickMilliseconds
        let current = now / length
        let sinceFlush = nowMilliseconds - flushedMilliseconds
        // Half a tick of margin, because our estimate of Redis' clock lags by the latency of the last reply.
        let isLastTick = length - now % length <= tick * 3 / 2 && (sinceFlush > 2 * tick || length <= 2 * tick)
        // A tick that came too late for the end of its epoch.
        let isMissed = current != epoch && sinceFlush > 2 * tick
        request.heartbeatEpoch = isMissed || !isKnown ? epoch : current
        if isLastTick || isMissed || isDue || sinceFlush >= HeartbeatOutbox.flushMillisecondsMax {
            request.heartbeats = heartbeats.drain()
            flushedMilliseconds = nowMilliseconds
            isDue = false
        }
        if isKnown { epoch = current }
    }
}
