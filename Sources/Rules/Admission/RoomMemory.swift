// SPDX-License-Identifier: Apache-2.0
//
// What a worker remembers of a room, and how a store that has lost the room, or has gone back to an older state of it,
// is mended from it (restore.lua, and knows_less in prelude.lua).

/// A worker's memory of a room: what restore.lua takes.
public struct RoomMemory {
    public var generation: Int
    /// The number the next joiner would have got; 0 remembers nothing.
    public var next: Int
    public var openedMilliseconds: Int
    /// Whole tokens that a room's buckets begin with when nobody remembers it (`next` 0); see ``RunMark``.
    public var firstTokens: Int
    public var epochMilliseconds: Int
    /// The claim window as far as the worker knows: in a room whose state is gone no call lasts longer from now on.
    public var claimMilliseconds: Int
    /// How long passes last as far as the worker knows: no entry ends later from now on, whatever clock it was made by.
    public var passMilliseconds: Int
    /// The version of the waiting bitmaps that the worker has; a restore makes a higher one.
    public var version: Int
    /// The incarnation of the store's memory that the worker has seen; 0 is none.
    public var incarnation: Int
    /// The operator's overrides, in the order of `RoomPolicy.scriptArguments`.
    public var overrides: [Int?]
    /// What the worker has granted lately: the store may have lost it, and must not grant it again.
    public var entries: [RememberedEntry]
    /// The waiting bitmaps.
    public var chunks: [(index: Int, bitmap: [UInt8])]

    public init(
        generation: Int,
        next: Int,
        openedMilliseconds: Int,
        firstTokens: Int,
        epochMilliseconds: Int,
        claimMilliseconds: Int,
        passMilliseconds: Int,
        version: Int,
        incarnation: Int,
        overrides: [Int?],
        entries: [RememberedEntry] = [],
        chunks: [(index: Int, bitmap: [UInt8])]
    ) {
        self.generation = generation
        self.next = next
        self.openedMilliseconds = openedMilliseconds
        self.firstTokens = firstTokens
        self.epochMilliseconds = epochMilliseconds
        self.claimMilliseconds = claimMilliseconds
        self.passMilliseconds = passMilliseconds
        self.version = version
        self.incarnation = incarnation
        self.overrides = overrides
        self.entries = entries
        self.chunks = chunks
    }
}

extension RoomMemory {
    /// More numbers than can have been issued since a worker's last look (BEHIND in protocol.lua).
    public static let gap = 65_536
    /// Nothing is admitted for this time after a store was found to have changed: some worker may still be speaking to
    /// the old one (HOLD_MS in protocol.lua).
    public static let holdMilliseconds = 4000
    /// A worker that brings its memory during the hold shows that others may still be on their way: the hold then goes
    /// on for this time at least (REPORT_MS). It is the slowest reconnection of a worker and a tick.
    public static let reportMilliseconds = MakingDelay.standardMilliseconds
    /// Since the room was made anew, or moved, a hold goes on no longer than this (HOLD_MAX_MS).
    public static let holdMillisecondsMax = 15_000

    /// When a hold ends, after another memory was brought.
    /// - Parameters:
    ///   - heldUntil: when it would end without it; not later than now: it is over.
    ///   - incarnation: of the state, in microseconds of the store's clock.
    public static func heldMilliseconds(heldUntil: Int, incarnation: Int, nowMilliseconds now: Int) -> Int {
        // This server's clock may be behind the clock of the server that wrote the state.
        let held = min(heldUntil, now + holdMilliseconds)
        return held <= now ? held : max(held, min(now + reportMilliseconds, incarnation / 1000 + holdMillisecondsMax))
    }
    /// New rooms number from the clock: two gaps for each second since 2026.
    public static let epoch2026Seconds = 1_767_225_600
    public static let numbersPerSecond = 131_072

    /// Where the clock was set back, numbers go on by whole periods ahead of the clock's (constants.lua): 4,096 s.
    public static let numbersPeriod = 4096 * numbersPerSecond

    /// Where numbers go on at a time: above every number of an earlier memory of the room, also when that began in the
    /// same second (first_number in constants.lua).
    /// - Parameter least: the first number that is certainly behind those that are known.
    public static func firstNumber(nowMilliseconds: Int, atLeast least: Int = 1) -> Int {
        let seconds = nowMilliseconds / 1000 - epoch2026Seconds
        let own = seconds * numbersPerSecond + nowMilliseconds % 1000 * numbersPerSecond / 1000 + 1
        guard own < least else { return own }
        return own + (least - own + numbersPeriod - 1) / numbersPeriod * numbersPeriod
    }
}

/// How a host knows that it ran a room when Redis and every worker have forgotten it: a mark, which workers renew while
/// their ticks go well. A room that is made again begins with what has flowed into its buckets since then, as if they
/// had been empty: so entries just before the loss and just after it stay within the bound together. Without a mark the
/// room is new, and begins with its burst.
///
/// A host sees its own marks only: when a host makes a room that it has never run, after a total loss, or its marks
/// are gone with its disk, the room begins with its burst once more.
public enum RunMark {
    /// A mark is renewed when it is so old.
    public static let renewMilliseconds = 1000
    /// How long after a mark somebody may still have entered: until the next one is due (1 s), a tick (0.5 s), and the
    /// longest that a command of a worker may take (1.5 s).
    public static let lagMilliseconds = 3000

    /// How long nobody has entered, at least. A clock that went back says nothing.
    public static func quietMilliseconds(since markedMilliseconds: Int, nowMilliseconds: Int) -> Int {
        max(0, nowMilliseconds - markedMilliseconds - lagMilliseconds)
    }

    /// Whole tokens in a bucket of the room that was empty `elapsedMilliseconds` ago, as tick.lua would refill it.
    public static func tokens(afterMilliseconds elapsedMilliseconds: Int, _ policy: RoomPolicy) -> Int {
        // An hour fills any bucket, and bounds the product (REFILL_MS_MAX in protocol.lua).
        let elapsed = min(max(0, elapsedMilliseconds), QueueConstants.refillMillisecondsMax)
        return min(policy.burst, elapsed * policy.rateMilli / 1_000_000)
    }
}

/// When a process may make a room that neither the store nor the process itself knows: not at once, since others that
/// remember it may be on their way back to the store. It counts from the first look that found nothing, not from the
/// start of the process: the store may have been away in between.
public struct MakingDelay: Sendable {
    /// Longer than the slowest reconnection of a worker (a backoff of 1.5 s) and a tick.
    public static let standardMilliseconds = 2500
    /// Looks further apart than this are not of one time: the store was away between them.
    static let pauseMilliseconds = 1000

    private let milliseconds: Int
    private var sinceMilliseconds: Int?
    private var lookedMilliseconds = 0

    /// - Parameter milliseconds: 0 for a process beside which there can be no other.
    public init(milliseconds: Int = MakingDelay.standardMilliseconds) { self.milliseconds = milliseconds }

    /// Takes note that a look has found nothing; whether the room may be made now.
    public mutating func isOver(nowMilliseconds now: Int) -> Bool {
        let isNew = sinceMilliseconds == nil || now - lookedMilliseconds > MakingDelay.pauseMilliseconds
        let since = isNew ? now : sinceMilliseconds ?? now
        (sinceMilliseconds, lookedMilliseconds) = (since, now)
        return now - since >= milliseconds
    }
}
