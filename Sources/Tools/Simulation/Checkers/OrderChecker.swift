// SPDX-License-Identifier: Apache-2.0
//
// Checks the order: a called visitor is ahead of every visitor who still waits, and numbers are issued upwards. It uses
// the facts of the ledger and the line of the store.
//
// The check is made at each tick. A tick is atomic, so visitors who return need no exception: they are ahead by their
// number from the moment they are back. A visitor who let two calls lapse comes behind everybody. A visitor who is
// called by the own look comes before everybody who waits; in bypass everybody passes, in any order.

internal import Admission

struct OrderChecker {
    private var highestIssued = 0

    mutating func check(
        _ facts: Facts,
        _ room: any QueueRules,
        waitingBefore: Int,
        isBypass: Bool
    ) -> String? {
        if let last = facts.called.last {
            if room.policy.mode == .paused { return "\(last) is called while the room is paused" }
            if let first = room.waiting.next(from: 0), first < facts.lastCalledPlace {
                return "\(last) is called while \(first) waits"
            }
        }
        for (number, place) in zip(facts.calledAtOnce, facts.calledAtOncePlaces) where !isBypass {
            if room.policy.mode == .paused { return "\(number) is called at once while the room is paused" }
            if let first = room.waiting.next(from: 0), first < place {
                return "\(number) is called at once while \(first) waits"
            }
        }
        if let admitted = facts.admitted.first, waitingBefore > 0, !isBypass {
            return "\(admitted) is admitted at once while \(waitingBefore) wait"
        }
        for number in facts.newlyIssued {
            if number <= highestIssued { return "\(number) is issued after \(highestIssued)" }
            highestIssued = number
        }
        return nil
    }
}
