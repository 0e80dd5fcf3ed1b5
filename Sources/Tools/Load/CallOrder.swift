// SPDX-License-Identifier: Apache-2.0
//
// Whether visitors were called in the order of their numbers, judged from outside.
//
// A visitor learns of a call at the next poll, so entries are seen a little out of order even when calls are in strict
// order: that is the pacing of polls. What pacing cannot explain is a *violation*: somebody with a larger number had
// entered already at a time when this visitor was still answered to wait.

/// One visitor who entered, with times in microseconds from the start of the run.
public struct EntryRecord: Sendable, Equatable {
    /// The arrival number.
    public var number: UInt64
    /// When the answer that gave the pass arrived.
    public var enteredMicroseconds: Int
    /// When the last request was sent that was answered with "wait"; 0 when there was none.
    public var lastWaitingMicroseconds: Int

    /// Describes an entry.
    public init(number: UInt64, enteredMicroseconds: Int, lastWaitingMicroseconds: Int) {
        self.number = number
        self.enteredMicroseconds = enteredMicroseconds
        self.lastWaitingMicroseconds = lastWaitingMicroseconds
    }
}

/// What the order of entries shows.
public struct CallOrder: Sendable, Equatable {
    /// Pairs of entries in which the larger number entered first.
    public private(set) var inversions = 0
    /// The most visitors with larger numbers who entered before the same visitor.
    public private(set) var worstOvertaking = 0
    /// Visitors who got the answer to wait after somebody with a larger number had entered.
    public private(set) var violations = 0
    /// The most visitors with larger numbers who had entered when the same visitor still had to wait.
    public private(set) var worstViolation = 0

    /// Looks at all entries of a run.
    /// - Parameter slackMicroseconds: how old the state behind an answer may be: one tick of each worker, and the
    ///   time the entries' own answers were under way.
    public init(_ entries: [EntryRecord], slackMicroseconds: Int) {
        let byTime = entries.sorted {
            ($0.enteredMicroseconds, $0.number) < ($1.enteredMicroseconds, $1.number)
        }
        let ranks = CallOrder.ranks(byTime)
        var seen = CountingTree(count: byTime.count)
        for (index, rank) in ranks.enumerated() {
            let overtakers = index - seen.sum(below: rank)
            inversions += overtakers
            worstOvertaking = max(worstOvertaking, overtakers)
            seen.add(rank)
        }
        countViolations(byTime, ranks, slackMicroseconds)
    }

    /// The rank of each entry's number among all numbers.
    private static func ranks(_ entries: [EntryRecord]) -> [Int] {
        var ranks = [Int](repeating: 0, count: entries.count)
        let order = entries.indices.sorted { (entries[$0].number, $0) < (entries[$1].number, $1) }
        for (rank, index) in order.enumerated() { ranks[index] = rank }
        return ranks
    }

    /// Asks, for each entry in the order of the last "wait", how many larger numbers had entered by then.
    private mutating func countViolations(_ byTime: [EntryRecord], _ ranks: [Int], _ slack: Int) {
        let questions = byTime.indices.sorted {
            byTime[$0].lastWaitingMicroseconds < byTime[$1].lastWaitingMicroseconds
        }
        var seen = CountingTree(count: byTime.count)
        var entered = 0
        for index in questions {
            let limit = byTime[index].lastWaitingMicroseconds - slack
            while entered < byTime.count, byTime[entered].enteredMicroseconds < limit {
                seen.add(ranks[entered])
                entered += 1
            }
            let overtakers = entered - seen.sum(below: ranks[index])
            if overtakers > 0 { violations += 1 }
            worstViolation = max(worstViolation, overtakers)
        }
    }
}

/// Counts of ranks with prefix sums in O(log n) (Fenwick, 1994).
private struct CountingTree {
    private var sums: [Int]

    init(count: Int) {
        sums = [Int](repeating: 0, count: count + 1)
    }

    mutating func add(_ rank: Int) {
        var index = rank + 1
        while index < sums.count {
            sums[index] += 1
            index += index & -index
        }
    }

    /// How many added ranks are below one.
    func sum(below rank: Int) -> Int {
        var index = rank
        var sum = 0
        while index > 0 {
            sum += sums[index]
            index -= index & -index
        }
        return sum
    }
}
