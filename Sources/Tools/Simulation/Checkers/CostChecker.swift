// SPDX-License-Identifier: Apache-2.0
//
// Checks that a visitor who waits costs the store nothing: once every worker has had ticks enough to know the place, no
// poll, reload or early enter of it is a question to the store. It uses the answers of the store.
//
// What a fault may cost: for five seconds after it has ended, and after each restore or loss of memory, mirrors are
// behind, and the store may be asked. The five seconds are the backoff of a connection (1.5 s), a late reply that
// breaks it once more (1.5 s), and two ticks. So it is after a change of the limits: until its next tick a worker takes
// a room for one in bypass, where the store lets everybody in.

internal import Admission

struct CostChecker {
    /// When a number came to wait.
    private var since = NumberTable<Int>()
    private var excusedUntil = 0
    /// Longer than a tick, a stalled reply, and the next tick.
    private static let learningMilliseconds = 5000

    mutating func excuse(untilMilliseconds: Int) { excusedUntil = max(excusedUntil, untilMilliseconds) }

    mutating func note(_ facts: Facts) {
        for number in facts.newlyIssued + facts.returned { since.update(number) { $0 = facts.now } }
    }

    /// The store was asked about a number and has said that it waits.
    func check(_ number: Int, nowMilliseconds now: Int) -> String? {
        let known = max(excusedUntil, since.value(of: number) ?? now)
        guard now - known > CostChecker.learningMilliseconds else { return nil }
        return "the store is asked about \(number), which has waited for \(now - known) ms"
    }
}
