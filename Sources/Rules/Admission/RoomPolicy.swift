// SPDX-License-Identifier: Apache-2.0
//
// The limits of a room, and the bounds within which an operator may set them. PolicyField says how they travel to the
// scripts.

/// What a room does with the people who arrive.
public enum RoomMode: Int, Sendable, CaseIterable {
    /// Calls people forward at the room's rate.
    case open = 0
    /// Keeps every place and takes joins, but calls nobody.
    case paused = 1
    /// Takes no joins; those who wait are still called.
    case closed = 2
    /// Lets everybody pass: the room is switched off.
    case bypass = 3

    /// The word used in the configuration, the command line and the API.
    public var name: String {
        switch self {
        case .open: "open"
        case .paused: "paused"
        case .closed: "closed"
        case .bypass: "bypass"
        }
    }

    /// The mode with this name, or nil.
    public init?(name: String) {
        guard let mode = RoomMode.allCases.first(where: { $0.name == name }) else { return nil }
        self = mode
    }
}

/// The limits of one room. All are integers, so that Swift and Lua compute the same thing exactly.
public struct RoomPolicy: Equatable, Sendable {
    /// Calls and entries a second, in thousandths (10 a second is 10,000).
    public var rateMilli: Int
    /// Capacity of the call bucket and of the entry bucket, in tokens.
    public var burst: Int
    /// How many visitors may be called or inside at a time; 0 is no limit.
    public var maxActive: Int
    /// How long a call stays open, in milliseconds.
    public var claimWindowMilliseconds: Int
    /// How long a silent visitor is still counted as waiting, in milliseconds.
    public var abandonAfterMilliseconds: Int
    /// How long after the last heartbeat a visitor gets the old place back, in milliseconds.
    public var returnGraceMilliseconds: Int
    /// Lifetime of a pass, in milliseconds (whole seconds).
    public var passLifetimeMilliseconds: Int
    public var mode: RoomMode
    /// How many may wait; a join beyond it is refused as ROOM_FULL.
    public var capacity: Int

    /// The limits of a room for which the configuration names none; deploy/vestibule.yaml shows the same values.
    public static let standard = RoomPolicy(
        rateMilli: 10_000,
        burst: 100,
        maxActive: 0,
        claimWindowMilliseconds: 30_000,
        abandonAfterMilliseconds: 120_000,
        returnGraceMilliseconds: 300_000,
        passLifetimeMilliseconds: 600_000,
        mode: .open,
        capacity: 2_000_000
    )

    public init(
        rateMilli: Int,
        burst: Int,
        maxActive: Int,
        claimWindowMilliseconds: Int,
        abandonAfterMilliseconds: Int,
        returnGraceMilliseconds: Int,
        passLifetimeMilliseconds: Int,
        mode: RoomMode,
        capacity: Int
    ) {
        self.rateMilli = rateMilli
        self.burst = burst
        self.maxActive = maxActive
        self.claimWindowMilliseconds = claimWindowMilliseconds
        self.abandonAfterMilliseconds = abandonAfterMilliseconds
        self.returnGraceMilliseconds = returnGraceMilliseconds
        self.passLifetimeMilliseconds = passLifetimeMilliseconds
        self.mode = mode
        self.capacity = capacity
    }

    /// `returnGrace` is at most this many times `abandonAfter`: one bitmap is kept for each epoch of it.
    public static let gracePerAbandon = 15

    /// How many epochs `abandonAfter` is cut into. A visitor is swept after 3/4 to 4/4 of it. With two epochs it would
    /// be 1/2 to 2/2: a hidden tab that Chrome wakes once a minute would be swept after 60 s of a promised 120 s.
    public static let epochsKept = 4

    /// Length of a sweep epoch, in milliseconds.
    public var epochMilliseconds: Int { max(1, abandonAfterMilliseconds / RoomPolicy.epochsKept) }

    /// The rate as a number a second.
    public var ratePerSecond: Double { Double(rateMilli) / 1000 }

    /// What is wrong with these limits, as (configuration key, sentence); nil when they are fine.
    /// The bounds keep every product of the bucket arithmetic below 2^53, where Lua's numbers are exact.
    public var complaint: (key: String, reason: String)? {
        let day = 86_400_000
        if !(0...100_000_000).contains(rateMilli) { return ("rate", "must be 0 to 100000 a second") }
        if !(1...1_000_000).contains(burst) { return ("burst", "must be 1 to 1000000") }
        if !(0...100_000_000).contains(maxActive) { return ("max_active", "must be 0 (no limit) to 100000000") }
        if !(100...day).contains(claimWindowMilliseconds) { return ("claim_window", "must be 100ms to 24h") }
        if !(400...day).contains(abandonAfterMilliseconds) { return ("abandon_after", "must be 400ms to 24h") }
        if !(0...day).contains(returnGraceMilliseconds) { return ("return_grace", "must be 0s to 24h") }
        if returnGraceMilliseconds > RoomPolicy.gracePerAbandon * abandonAfterMilliseconds {
            return ("return_grace", "must be at most 15 times abandon_after (one bitmap is kept for each epoch of it)")
        }
        if !(1000...day).contains(passLifetimeMilliseconds) || passLifetimeMilliseconds % 1000 != 0 {
            return ("pass_ttl", "must be 1s to 24h, in whole seconds")
        }
        if !(1...16_000_000).contains(capacity) { return ("capacity", "must be 1 to 16000000") }
        return nil
    }
}
