// SPDX-License-Identifier: Apache-2.0
//
// Checks that callers whose files differ do not change the limits: in one memory of the store a file is taken over
// once, and only for a newer one; all other changes are the operator's. It uses the limits that are in force.

internal import Admission

struct LimitsChecker {
    /// Changes in this memory that no operator has made.
    private var changes = 0
    /// Each file of the hosts is taken over once at most, and what an operator has set can be lost once.
    private static let explained = 3

    /// The store has lost limits, or was given limits.
    mutating func forget() { changes = 0 }

    /// The limits are not those of the step before, and the step is not an operator's.
    mutating func changed(_ policy: RoomPolicy) -> String? {
        changes += 1
        guard changes > LimitsChecker.explained else { return nil }
        return "the limits changed for the \(changes). time, to a rate of \(policy.rateMilli), and nobody changed them"
    }
}
