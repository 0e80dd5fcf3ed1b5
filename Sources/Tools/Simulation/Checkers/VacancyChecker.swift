// SPDX-License-Identifier: Apache-2.0
//
// Checks that somebody is called as soon as there is a token for a call, and max_active has a place: the called hold
// places, but not those who let a call lapse before. It uses the ledger's book of lapses, and not that of the store.
//
// A tick soon after another one only reads. So what is wrong must be so at each tick of a second.

internal import Admission

struct VacancyChecker {
    private static let patienceMilliseconds = 1000
    /// Since when nobody was called though it was possible; nil when it was not.
    private var sinceMilliseconds: Int?
    private var checkedMilliseconds = 0
    private var excusedMilliseconds = 0

    /// Nobody need be called until then: a fault lasts, admission is held, or the store's time stands still.
    mutating func excuse(untilMilliseconds: Int) {
        sinceMilliseconds = nil
        excusedMilliseconds = max(excusedMilliseconds, untilMilliseconds)
    }

    /// After a tick.
    /// - Parameters:
    ///   - tokens: for calls, that the tick has left.
    ///   - holders: how many called visitors have not let a call lapse before.
    mutating func check(_ facts: Facts, _ room: any QueueRules, tokens: Int, holders: Int) -> String? {
        let policy = room.policy
        let hasPlace = policy.maxActive == 0 || holders + room.activeCount < policy.maxActive
        let isPossible = tokens >= 1 && hasPlace && room.waiting.count > 0 && facts.called.isEmpty
        let isGap = facts.now - checkedMilliseconds > Self.patienceMilliseconds / 2
        checkedMilliseconds = facts.now
        let isExcused = facts.now <= excusedMilliseconds
        guard isPossible, !isGap, !isExcused, policy.mode == .open || policy.mode == .closed else {
            sinceMilliseconds = nil
            return nil
        }
        let since = sinceMilliseconds ?? facts.now
        sinceMilliseconds = since
        guard facts.now - since > Self.patienceMilliseconds else { return nil }
        return "nobody is called for \(facts.now - since) ms, with \(tokens) tokens and a free place"
    }
}
