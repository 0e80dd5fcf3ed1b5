// SPDX-License-Identifier: Apache-2.0
//
// The promises that the checkers watch over, and what a checker says when one of them is broken. It imports nothing.

/// The promises, one a checker.
public enum Promise: String, Sendable, CaseIterable {
    /// Calls are in number order; nobody is admitted past somebody who waits; a paused room calls nobody.
    case order
    /// Entries in any window of t seconds are at most burst + rate * t.
    case bound
    /// joined = waiting + called + entered + left + abandoned, and every visitor moves only as the vocabulary says.
    case conservation
    /// A number is issued once.
    case numbering
    /// The same key gives the same number, the same entry the same pass.
    case idempotence
    /// A position that a living visitor is shown never rises, but for returners who are ahead by right.
    case position
    /// The silent are swept in time and calls lapse in time, so that nobody who is gone blocks the line.
    case ghosts
    /// No visitor who follows the poll hints is swept.
    case keeping
    /// A visitor who waits costs the store nothing: the workers' mirrors answer.
    case cost
    /// The limits are those of the newest file and of the operator, whatever the caller has.
    case limits
    /// While people who are awake wait, the rate and max_active are used.
    case rate
    /// While there is room, an entry follows in time; and when the faults have ended, everybody patient enters.
    case liveness
}

/// What a checker found.
public struct Violation: Sendable, Equatable {
    public let promise: Promise
    /// Virtual time since the beginning.
    public let atMilliseconds: Int
    public let text: String
}
