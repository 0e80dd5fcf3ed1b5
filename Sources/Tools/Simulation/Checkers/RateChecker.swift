// SPDX-License-Identifier: Apache-2.0
//
// Checks that a room lets in what its limits allow, while visitors who look at their page wait: at least 95 % of the
// rate, and with max_active 90 % of what its free places bring. It uses the facts of the ledger.
//
// It keeps the entries that are missing against that share, over all windows at once: a moment at which none is
// missing begins another. They may be behind by what the visitors who do not come can hold up at a time: a burst, and
// the rate for a claim window and two polls. A place of max_active brings an entry as soon as an awake visitor needs
// from the call to the entry, and the first lapse of a visitor may hold it for a claim window.

internal import Admission

struct RateChecker {
    /// From a free place to the entry of an awake visitor: a tick, a poll, and the click.
    private static let entryMilliseconds = 2500
    private static let share = (free: 95, limited: 90)

    /// In millionths of an entry.
    private var missing = 0
    private var checkedMilliseconds = 0
    /// When nothing was missing last.
    private var sinceMilliseconds = 0

    /// Nothing is due before then: a fault lasts, or admission is held.
    mutating func excuse(untilMilliseconds: Int) {
        missing = 0
        checkedMilliseconds = max(checkedMilliseconds, untilMilliseconds)
        sinceMilliseconds = checkedMilliseconds
    }

    /// - Parameters:
    ///   - active: how many are inside.
    ///   - calledMilliMax: what ticks can call, in thousandths a second: scenarios draw caps far below the product's.
    ///   - isAwaited: whether several who look at the page have waited since this moment. Asked only when entries are
    ///     missing.
    mutating func check(
        _ facts: Facts,
        _ policy: RoomPolicy,
        active: Int,
        calledMilliMax: Int,
        isAwaited: (_ sinceMilliseconds: Int, Attention) -> Bool
    ) -> String? {
        guard policy.mode == .open || policy.mode == .closed, policy.rateMilli > 0 else {
            excuse(untilMilliseconds: facts.now)
            return nil
        }
        let elapsed = facts.now - checkedMilliseconds
        guard elapsed >= 0 else { return nil }
        checkedMilliseconds = facts.now
        let isLimited = policy.maxActive > 0
        let most = isLimited ? policy.maxActive * 1_000_000 / Self.entryMilliseconds : Int.max
        let places = isLimited ? max(0, policy.maxActive - active) * 1_000_000 / Self.entryMilliseconds : Int.max
        let share = isLimited ? Self.share.limited : Self.share.free
        missing += elapsed * min(policy.rateMilli, places, calledMilliMax) * share / 100
        missing -= facts.entries * TokenBucket.micro
        if isLimited {
            missing -= facts.firstLapses * policy.claimWindowMilliseconds * 1_000_000 / Self.entryMilliseconds
        }
        let held = (policy.claimWindowMilliseconds + policy.twoPollsMilliseconds) * min(policy.rateMilli, most)
        let behind = (policy.burst + 4) * TokenBucket.micro + held
        if missing <= 0 {
            (missing, sinceMilliseconds) = (0, facts.now)
        } else if missing > behind {
            if isAwaited(sinceMilliseconds, .awake) {
                let seconds = (facts.now - sinceMilliseconds) / 1000
                return "\(missing / TokenBucket.micro) entries are missing after \(seconds) s, and awake people wait"
            }
            (missing, sinceMilliseconds) = (0, facts.now)
        }
        return nil
    }
}
