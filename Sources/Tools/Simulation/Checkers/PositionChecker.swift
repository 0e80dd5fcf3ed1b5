// SPDX-License-Identifier: Apache-2.0
//
// Checks the positions that visitors see. A position belongs to a look at the queue: a worker's tick, or an answer of
// the store itself. From look to look the position of a visitor never rises, except by visitors with a lower number who
// came to wait between the two looks: they returned within the grace, or a restore brought them back. It imports
// nothing.
//
// It does not compare answers that say "degraded", because the store is away and the worker says that it does not know.
// Nor does it compare an older look that is shown after a newer one, which a visitor sees who polls two workers within
// a tick; of two looks in one millisecond either may be the older one.

/// A look at the queue, in the store's time.
struct Look {
    /// When the store was asked.
    var milliseconds: Int
    /// Visitors who entered or left up to then through the same worker are already taken out.
    var aheadMilliseconds: Int

    init(milliseconds: Int, aheadMilliseconds: Int = 0) {
        self.milliseconds = milliseconds
        self.aheadMilliseconds = max(milliseconds, aheadMilliseconds)
    }
}

struct PositionChecker {
    /// What a visitor was shown last.
    struct Shown {
        var position = Int.max
        var look = Look(milliseconds: 0)
    }

    /// Numbers that came to wait again, with the time, ascending.
    private var returns: [(milliseconds: Int, number: Int)] = []
    /// Positions that rose because of returners, and older looks that came second.
    private(set) var risesByReturners = 0
    private(set) var olderLooks = 0

    mutating func noteReturns(_ facts: Facts) {
        for number in facts.returned { returns.append((facts.now, number)) }
    }

    mutating func check(_ number: Int, position: Int, look: Look, _ shown: inout Shown) -> String? {
        guard look.milliseconds > shown.look.aheadMilliseconds else {
            if position > shown.position { olderLooks += 1 }
            return nil
        }
        let before = shown
        shown = Shown(position: position, look: look)
        guard position > before.position else { return nil }
        let ahead = returnsAhead(of: number, from: before.look.milliseconds, to: look.aheadMilliseconds)
        risesByReturners += 1
        if position <= before.position + ahead { return nil }
        return "\(number) was shown position \(before.position), then \(position), and \(ahead) returned ahead"
    }

    private func returnsAhead(of number: Int, from: Int, to: Int) -> Int {
        var numbers: Set<Int> = []
        for entry in returns.reversed() {
            if entry.milliseconds < from { break }
            if entry.milliseconds <= to, entry.number < number { numbers.insert(entry.number) }
        }
        return numbers.count
    }
}
