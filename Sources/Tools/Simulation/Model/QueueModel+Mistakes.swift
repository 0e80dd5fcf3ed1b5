// SPDX-License-Identifier: Apache-2.0
//
// For tests: what the rules did before a fault was mended, so that each fault can be put back. Nothing in the program
// calls these. It uses Admission only.

internal import Admission

/// A fault that the rules once had.
public enum QueueMistake: Sendable {
    /// The look of a visitor who was away puts the visitor back in the line, also when it is the visitor's turn.
    case looksDoNotCall
    /// Called visitors who lapsed before hold places of max_active, as all others.
    case recalledHoldPlaces
    /// What lapsed calls give back is lost beyond the capacity of the bucket.
    case returnedTokensAreCapped
    /// Refused visitors come again when half of the called can have entered, and the call bucket overflows between
    /// two ticks.
    case turnsAreNotGiven
}

extension QueueModel {
    /// Lapses are not counted.
    public mutating func forgetLapses() { lapses = [:] }

    /// The bitmaps are gone, and no worker learns of it.
    public mutating func loseWaiting() { waiting.removeAll() }
}
