// SPDX-License-Identifier: Apache-2.0
//
// The limits of a room, with their standard values. How each is called, written and bounded is in PolicyField.

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
    /// It is over, or sold out: takes no joins and calls nobody. Visitors who were called may still enter.
    case ended = 4

    /// The word used in the configuration, the command line and the API.
    public var name: String {
        switch self {
        case .open: "open"
        case .paused: "paused"
        case .closed: "closed"
        case .bypass: "bypass"
        case .ended: "ended"
        }
    }

    /// The mode with this name, or nil.
    public init?(name: String) {
        guard let mode = RoomMode.allCases.first(where: { $0.name == name }) else { return nil }
        self = mode
    }
}

/// How the places of those who came before a room opened are found.
public enum DrawKind: Int, Sendable, CaseIterable {
    /// In the order in which they came.
    case off = 0
    /// By a secret seed, whose digest is published before.
    case seed = 1
    /// By the seed and a beacon: a value that becomes known only after the doors have opened.
    case beacon = 2

    /// The word used in the configuration, the command line and the API.
    public var name: String { "\(self)" }

    /// The kind with this name, or nil.
    public init?(name: String) {
        guard let kind = DrawKind.allCases.first(where: { $0.name == name }) else { return nil }
        self = kind
    }
}

/// The limits of one room. All are integers, so that Swift and Lua compute the same thing exactly. Each has the value
/// that is in force when the configuration names none; deploy/vestibule.yaml shows the same values.
public struct RoomPolicy: Equatable, Sendable {
    /// Calls and entries a second, in thousandths (10 a second is 10,000).
    public var rateMilli = 10_000
    /// Capacity of the call bucket and of the entry bucket, in tokens.
    public var burst = 100
    /// How many visitors may be called or inside at a time; 0 is no limit.
    public var maxActive = 0
    /// How long a call stays open, in milliseconds.
    public var claimWindowMilliseconds = 30_000
    /// How long a silent visitor is still counted as waiting, in milliseconds.
    public var abandonAfterMilliseconds = 120_000
    /// How long after the last heartbeat a visitor gets the old place back, in milliseconds.
    public var returnGraceMilliseconds = 300_000
    /// Lifetime of a pass, in milliseconds (whole seconds).
    public var passLifetimeMilliseconds = 600_000
    public var mode = RoomMode.open
    /// How many may wait; a join beyond it is refused as ROOM_FULL.
    public var capacity = 2_000_000
    /// Polls a second that the hints aim at.
    public var pollBudget = 20_000
    /// Before this moment people may join, and nobody is called; in milliseconds since 1970, 0 for none.
    public var opensMilliseconds = 0
    /// From this moment on an open room is as a closed one; in milliseconds since 1970, 0 for never.
    public var closesMilliseconds = 0
    /// How the places of those who joined before ``opensMilliseconds`` are found.
    public var draw = DrawKind.off
    /// How long an entry can go on by renewals of its pass, from when it began, in milliseconds. A pass is never
    /// renewed (`pass_renewal: fixed`) where this is not longer than a pass lives.
    public var passMaxMilliseconds = 7_200_000

    private init() {}

    /// The limits of a room for which the configuration names none.
    public static let standard = RoomPolicy()

    /// `returnGrace` is at most this many times `abandonAfter`: one bitmap is kept for each epoch of it.
    public static let gracePerAbandon = 15

    /// How many epochs `abandonAfter` is cut into. A visitor is swept after 3/4 to 4/4 of it. With two epochs it would
    /// be 1/2 to 2/2: a hidden tab that Chrome wakes once a minute would be swept after 60 s of a promised 120 s.
    public static let epochsKept = 4

    /// Length of a sweep epoch, in milliseconds.
    public var epochMilliseconds: Int { max(1, abandonAfterMilliseconds / RoomPolicy.epochsKept) }

    /// The highest rate that is delivered, in thousandths: three quarters of what ticks of this length can call, since
    /// a tick may come late.
    public static func rateMilliMax(tickMilliseconds: Int) -> Int {
        QueueConstants.callsPerTickMax * 3 / 4 * 1_000_000 / tickMilliseconds
    }

    /// Why the rate is not delivered with ticks of this length, as the end of a sentence that begins with the key; nil
    /// when it is.
    public func rateComplaint(tickMilliseconds: Int) -> String? {
        let most = RoomPolicy.rateMilliMax(tickMilliseconds: tickMilliseconds)
        guard rateMilli > most else { return nil }
        return "is more than ticks of \(tickMilliseconds) ms deliver: at most \(most / 1000) a second, "
            + "or a shorter tick (20ms at the least)"
    }

    /// `abandonAfter` is at most this many times what was asked for, and at most a day.
    public static let patienceMax = 64
    /// See ``patience(waiting:pollBudget:abandonMilliseconds:now:)``.
    public static let patienceMillisecondsMax = 86_400_000
    /// Everybody who waits gives three signs of life in `abandonAfter`, within the half of the budget that is theirs.
    public static let patienceMillisecondsPerPoll = 6000

    /// How many times longer a visitor may be silent while so large a crowd waits that the signs of life would need
    /// more polls than the budget: a power of two. It falls when the half of it would do for twice the crowd, since
    /// each change keeps the silent for a while.
    /// - Parameters:
    ///   - abandonMilliseconds: what was asked for.
    ///   - now: what it is, from 1 on.
    public static func patience(waiting: Int, pollBudget: Int, abandonMilliseconds: Int, now: Int) -> Int {
        let needed = patienceMillisecondsPerPoll * waiting / pollBudget
        var times = now
        while times < patienceMax, abandonMilliseconds * times < needed { times *= 2 }
        while times > 1, abandonMilliseconds * times >= 4 * needed { times /= 2 }
        return times
    }

    /// `pass_max` where the file does not say: twelve passes, so that somebody who is busy inside is not thrown out,
    /// and somebody whose browser keeps asking does not hold a place of `max_active` all day; a day at most.
    public var passMaxStandard: Int { min(86_400_000, 12 * passLifetimeMilliseconds) }

    /// How long after the last heartbeat a place is kept at least, in milliseconds: until the earliest sweep, or for
    /// `returnGrace`, which counts from that heartbeat, too, and not from the sweep.
    public var keptMilliseconds: Int {
        max(returnGraceMilliseconds, abandonAfterMilliseconds * (RoomPolicy.epochsKept - 1) / RoomPolicy.epochsKept)
    }

    /// Whether a pass of a new entry may be renewed.
    public var renewsPasses: Bool { passMaxMilliseconds > passLifetimeMilliseconds }

    /// The rate as a number a second.
    public var ratePerSecond: Double { Double(rateMilli) / 1000 }

    /// What is wrong with these limits, as (configuration key, sentence); nil when they are fine.
    public var complaint: (key: String, reason: String)? {
        for field in PolicyField.allCases {
            if !field.allows(self[field]) { return (field.key, field.demand) }
            if field == .returnGrace, returnGraceMilliseconds > RoomPolicy.gracePerAbandon * abandonAfterMilliseconds {
                let times = "\(RoomPolicy.gracePerAbandon) times \(PolicyField.abandonAfter.key)"
                return (field.key, "must be at most \(times) (one bitmap is kept for each epoch of it)")
            }
            if field == .closesAt, closesMilliseconds > 0, closesMilliseconds <= opensMilliseconds {
                return (field.key, "must be later than \(PolicyField.opensAt.key)")
            }
        }
        return nil
    }
}
