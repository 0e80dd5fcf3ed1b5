// SPDX-License-Identifier: Apache-2.0
//
// For tests: what the rules did before a fault was mended, so that each fault can be put back. Nothing in the program
// calls these. It uses Admission only.

internal import Admission

extension QueueModel {
    /// Lapses are not counted.
    public mutating func forgetLapses() { lapses = [:] }

    /// The bitmaps are gone, and no worker learns of it.
    public mutating func loseWaiting() { waiting.removeAll() }
}
