// SPDX-License-Identifier: Apache-2.0
//
// Checks that the room moves: while visitors who look at their page wait, and the rate and max_active leave room for an
// entry, an entry follows in time, whatever the called visitors do who do not come. It uses the facts of the ledger.
//
// "In time" is a claim window and the longest time that two polls take. Each visitor may let one call lapse at the cost
// of the others, because only then is it known that the visitor does not come. That costs the share of max_active in a
// claim window, and the time of a token.

internal import Admission

struct LivenessChecker {
    /// The last entry, or the last moment at which none was due.
    private var sinceMilliseconds = 0
    private var firstLapses = 0
    private static let slackMilliseconds = 4000

    /// No entry is due before then: a fault lasts, or admission is held.
    mutating func excuse(untilMilliseconds: Int) {
        sinceMilliseconds = max(sinceMilliseconds, untilMilliseconds)
        firstLapses = 0
    }

    /// - Parameters:
    ///   - active: how many are inside.
    ///   - isAwaited: whether somebody of this attention has waited since a moment. Asked only when an entry is
    ///     overdue.
    mutating func check(
        _ facts: Facts,
        _ policy: RoomPolicy,
        active: Int,
        isAwaited: (_ sinceMilliseconds: Int, Attention) -> Bool
    ) -> String? {
        let calls = policy.mode == .open || policy.mode == .closed
        let isFull = policy.maxActive > 0 && active >= policy.maxActive
        if facts.entries > 0 || !calls || isFull || policy.rateMilli == 0 {
            excuse(untilMilliseconds: facts.now)
            return nil
        }
        firstLapses += facts.firstLapses
        let token = 1_000_000 / policy.rateMilli
        let place = policy.maxActive > 0 ? policy.claimWindowMilliseconds / policy.maxActive : 0
        let due = policy.claimWindowMilliseconds + 2 * token + Self.slackMilliseconds + firstLapses * (token + place)
        let silent = facts.now - sinceMilliseconds
        for attention in Attention.allCases where silent > due + policy.twoLooksMilliseconds(attention) {
            guard isAwaited(sinceMilliseconds, attention) else { continue }
            return "nobody has entered for \(silent) ms, and people wait whose tabs are \(attention)"
        }
        return nil
    }
}

/// How often visitors look at their page.
enum Attention: CaseIterable {
    /// When the page asks for it.
    case awake
    /// When the browser lets a hidden tab.
    case hidden
}

extension RoomPolicy {
    /// How long two polls of an awake visitor take at most.
    var twoPollsMilliseconds: Int { 2 * max(claimWindowMilliseconds / 2, abandonAfterMilliseconds / 3) }

    func twoLooksMilliseconds(_ attention: Attention) -> Int {
        attention == .awake ? twoPollsMilliseconds : max(abandonAfterMilliseconds, twoPollsMilliseconds)
    }
}
