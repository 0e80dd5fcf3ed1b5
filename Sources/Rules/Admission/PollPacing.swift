// SPDX-License-Identifier: Apache-2.0
//
// When a waiting visitor should ask again: soon near the front, seldom far from it, never so seldom that the place
// would be swept.

/// The poll hint and the limit on polls that come far too early.
public enum PollPacing {
    /// Soonest hint, in milliseconds.
    static let soonestMilliseconds = 500
    /// Hint where no ETA is known (paused), in milliseconds.
    static let blindMilliseconds = 5000
    /// How far ahead a visitor's call is reckoned with, in seconds.
    static let soonSeconds = 60
    /// The share of the budget for those near the front, who poll often; everybody else shares the rest.
    static let frontShare = 2
    /// Polls of one ticket in one second at one worker beyond which they are refused with 429.
    public static let abusePerSecond = 50

    /// Milliseconds until the next poll is useful: a tenth of the wait; later when so large a crowd waits that the room
    /// would get more polls than its budget; spread by a tenth, so that a crowd does not poll in step.
    ///
    /// Keeping the place wins over the budget: a hint is at most a third of `abandonAfter`, and for those who could be
    /// called within a minute (a burst and a minute of the rate, and a hundred in any case, since an operator may raise
    /// the rate) at most half of the claim window. Beyond `budget * abandonAfter / 6` people the budget would be
    /// exceeded: then `abandonAfter` is longer than was asked for, see
    /// ``RoomPolicy/patience(waiting:pollBudget:abandonMilliseconds:now:)``.
    /// - Parameters:
    ///   - etaSeconds: nil while it is unknown.
    ///   - waiting: how many wait in the room.
    ///   - budgetPerSecond: polls a second the room may get.
    ///   - jitter: a number in 0..<1, drawn by the caller.
    public static func hintMilliseconds(
        etaSeconds: Int?,
        position: Int,
        waiting: Int,
        budgetPerSecond: Int,
        policy: RoomPolicy,
        jitter: Double
    ) -> Int {
        let shared = max(1, budgetPerSecond / frontShare)
        let front = shared * soonestMilliseconds / 1000
        let wish = etaSeconds.map { min($0, 10_000) * 100 } ?? blindMilliseconds
        let fair = position <= front ? 0 : waiting * 1000 / shared
        let mayBeCalledSoon = position <= max(100, policy.burst) + policy.rateMilli * soonSeconds / 1000
        let claimable = mayBeCalledSoon ? policy.claimWindowMilliseconds / 2 : Int.max
        // Leavers make the line move faster than the rate: nobody is sent away for more than half of the wait.
        let half = max(soonestMilliseconds, min(etaSeconds ?? 100_000, 100_000) * 500)
        let latest = max(50, min(policy.abandonAfterMilliseconds / 3, claimable, half))
        let base = min(max(wish, fair, soonestMilliseconds), latest)
        return base * 9 / 10 + Int(Double(base) * 0.1 * jitter)
    }

    /// Soonest a client should read the board again, in milliseconds.
    static let boardSoonestMilliseconds = 2000

    /// Milliseconds until a client may read the board again: the readers of boards together stay within half of the
    /// budget. The answer is the same for everybody; the client spreads it.
    public static func boardMilliseconds(waiting: Int, budgetPerSecond: Int) -> Int {
        max(boardSoonestMilliseconds, waiting * 1000 / max(1, budgetPerSecond / frontShare))
    }
}

/// Counts the polls of single tickets within a second. A fixed table indexed by number: two tickets may share a slot,
/// then the later one takes it over, which errs on the visitor's side.
public struct PollMeter {
    private static let slots = 8192
    private var numbers = [Int](repeating: -1, count: PollMeter.slots)
    private var counts = [Int32](repeating: 0, count: PollMeter.slots)
    private var second = 0

    public init() {}

    /// Returns false when this poll is one too many.
    public mutating func allows(_ number: Int, nowMilliseconds: Int) -> Bool {
        let current = nowMilliseconds / 1000
        if current != second {
            second = current
            for i in counts.indices { counts[i] = 0 }
        }
        let slot = number & (PollMeter.slots - 1)
        if numbers[slot] != number {
            numbers[slot] = number
            counts[slot] = 0
        }
        counts[slot] &+= 1
        return counts[slot] <= Int32(PollPacing.abusePerSecond)
    }
}
