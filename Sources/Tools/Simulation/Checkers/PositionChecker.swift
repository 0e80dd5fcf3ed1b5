// SPDX-License-Identifier: Apache-2.0
//
// Positions as visitors see them. A position is as of a look at the queue: a worker's tick, or the store's own answer.
// Along the looks it never rises, but by those with a lower number who came to wait (again) between the two looks:
// returners within the grace, and whom a restore brought back.
//
// Not compared: answers that say "degraded" (the store is away, and the worker says that it does not know), and an
// older look shown after a newer one, which somebody can see who polls two workers within a tick.

/// A look at the queue, in the store's time.
struct Look {
    /// When the store was asked.
    var milliseconds: Int
    /// Who entered or left up to then through the same worker is already taken out.
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
        guard look.milliseconds >= shown.look.aheadMilliseconds else {
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
