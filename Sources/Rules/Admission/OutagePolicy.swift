// SPDX-License-Identifier: Apache-2.0
//
// What a room does at its door while the store does not answer. Visitors who have entered are not affected, because
// nginx verifies passes without the store.

/// Closed, or open until a deadline.
public struct OutagePolicy: Equatable, Sendable {
    /// How long everybody is let through after the store last answered, in milliseconds. 0: the door stays closed.
    public var openForMilliseconds: Int

    public init(openForMilliseconds: Int) { self.openForMilliseconds = openForMilliseconds }

    /// Joins and enters wait until the store is back.
    public static let closed = OutagePolicy(openForMilliseconds: 0)

    /// `open_for` of the configuration file, when it is not given.
    public static let openForMillisecondsStandard = 60_000
    /// A pass given without the store lives no longer than this, nor than `pass_ttl`, in milliseconds.
    public static let passLifetimeMillisecondsMax = 60_000
    /// Passes given without the store to visitors without a number have a `sub` from here to 2^53 - 1. The store counts
    /// from 131,072 a second since 2026, so no number it issues comes near: at that pace, in 1,000 years.
    public static let firstNumber = 1 << 52

    /// How the door of a room stands whose last tick was answered `ageMilliseconds` ago. The store is away when that is
    /// more than `limitMilliseconds`, and the time the door stays open counts from that tick. A room that an operator
    /// has paused or closed stays closed.
    /// - Parameters:
    ///   - mode: nil for a worker that has never seen the store: it cannot tell since when the store is away.
    ///   - hasTickFailed: whether the last tick that ended was not answered. An old mirror alone does not open the
    ///     door: this worker may have been paused, or one reply may be slow.
    public func door(ageMilliseconds: Int, limitMilliseconds: Int, mode: RoomMode?, hasTickFailed: Bool) -> Door {
        if ageMilliseconds <= limitMilliseconds { return .attended }
        guard mode == .open, ageMilliseconds <= openForMilliseconds else { return .closed }
        return hasTickFailed ? .open : .attended
    }
}

/// How a room's door stands.
public enum Door: Equatable, Sendable {
    /// The store decides.
    case attended
    /// The store is away: who comes waits.
    case closed
    /// The store is away: who comes passes.
    case open
}
