// SPDX-License-Identifier: Apache-2.0
//
// When a waiting visitor should ask again: soon near the front, seldom far from it, never so seldom that the place
// would be swept.

/// The poll hint and the limit on polls that come far too early.
public enum PollPacing {
    /// Soonest and latest hint, in milliseconds. A called visitor has a claim window of 30 s by default, so nobody
    /// is told to stay away for longer than 15 s.
    static let soonestMilliseconds = 500
    static let latestMilliseconds = 15_000
    /// Polls of one ticket in one second at one worker beyond which they are refused with 429.
    public static let abusePerSecond = 50

    /// Milliseconds until the next poll is useful: a tenth of the wait, within the bounds, within a quarter of
    /// `abandonAfter` and half of the claim window, and spread by a tenth so that a crowd does not poll in step.
    /// - Parameter jitter: a number in 0..<1, drawn by the caller.
    public static func hintMilliseconds(etaSeconds: Int?, policy: RoomPolicy, jitter: Double) -> Int {
        let wish = etaSeconds.map { min($0, 1000) * 100 } ?? latestMilliseconds / 3
        let latest = min(latestMilliseconds, policy.abandonAfterMilliseconds / 4, policy.claimWindowMilliseconds / 2)
        let base = min(max(wish, soonestMilliseconds), max(latest, 50))
        return base * 9 / 10 + Int(Double(base) * 0.1 * jitter)
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
