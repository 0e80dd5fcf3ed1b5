// SPDX-License-Identifier: Apache-2.0
//
// One simulated visitor as a value: its kind, its phase, and what it holds. It decides nothing; Crowd does.

/// How a visitor behaves, in the order of the crowd's weights.
enum VisitorKind: UInt8, CaseIterable {
    case patient, impatient, closer, sleeper, clicker, script, hidden, decliner

    /// How often those look at the page who enter when called; nil for those who may not.
    var attention: Attention? {
        switch self {
        case .patient, .clicker, .script: .awake
        case .hidden: .hidden
        case .impatient, .closer, .sleeper, .decliner: nil
        }
    }
}

/// How a visit ended.
public enum Fate: UInt8, Sendable, CaseIterable {
    case entered
    /// Left on purpose.
    case left
    /// Closed the tab without a word.
    case silent
    /// The room took no joins.
    case refused
    /// Did not want to enter, until the place had ended.
    case declined
}

struct Visitor {
    enum Phase: UInt8 {
        case joining, waiting, entering, sleeping, leaving, inside, ended
    }

    let kind: VisitorKind
    var phase = Phase.joining
    /// Changes with every request and answer: what carries another one comes too late.
    var token: UInt32 = 0
    /// How many places it has had.
    var attempt: UInt16 = 0
    /// Whether it is back from a sleep within the grace, and must find its place.
    var mustFindPlace = false
    /// Whether it has asked to enter and was given a time to come again: then it asks at once, as the page does, and
    /// not when somebody has seen the page.
    var hasAsked = false
    /// When the impatient, the closers and the sleepers go; 0 for the others.
    var goesAt = 0
    var ticket: HeldTicket?
    /// When it came to wait at its place.
    var waitsSince = 0
    var shown = PositionChecker.Shown()
    /// The pass of the first entry, and the era of the store's memory in which it was given.
    var pass = 0
    var passEra = 0

    init(kind: VisitorKind) { self.kind = kind }
}
