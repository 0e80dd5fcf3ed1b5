// SPDX-License-Identifier: Apache-2.0
//
// The checkers of a run must find what they look for: each is held against the definition, and against broken runs.

import Load
import TestSupport
import Testing

@Suite struct EntryBoundTests {
    private let bound = EntryBound(burst: 10, ratePerSecond: 50)

    /// All pairs, by the definition.
    private func slowExcess(_ times: [Int], jitter: Int = 0) -> Double {
        let sorted = times.sorted()
        var worst = 0.0
        for i in sorted.indices {
            for j in i..<sorted.count {
                worst = max(worst, Double(j - i + 1) - 50 * Double(sorted[j] - sorted[i] + jitter) / 1e6)
            }
        }
        return worst - 10
    }

    @Test func `a full burst and then the rate is exactly the bound`() {
        let times = [Int](repeating: 0, count: 10) + (1...200).map { $0 * 20_000 }
        #expect(abs(bound.excess(times)) < 1e-6)
    }

    @Test func `a run at exactly the bound, at times of our days, is within it`() {
        let now = 1_795_503_269_286_000
        let times = [Int](repeating: now, count: 10) + (1...200).map { now + $0 * 20_000 }
        #expect(EntryBound.isKept(excess: bound.excess(times)))
        #expect(!EntryBound.isKept(excess: bound.excess(times + [now])))
    }

    @Test func `one entry too many is found wherever it is`() {
        var times = [Int](repeating: 0, count: 10) + (1...200).map { $0 * 20_000 }
        times.append(1_500_000)
        #expect(abs(bound.excess(times.shuffled()) - 1) < 1e-6)
    }

    @Test func `a burst after a quiet time is within the bound, two are not`() {
        #expect(bound.excess([Int](repeating: 9_000_000, count: 10)) == 0)
        #expect(bound.excess([Int](repeating: 9_000_000, count: 20)) == 10)
        #expect(bound.excess([]) == -10)
    }

    @Test func `jitter widens every window`() {
        let times = [Int](repeating: 0, count: 15)
        #expect(abs(bound.excess(times, jitterMicroseconds: 100_000)) < 1e-9)
    }

    @Test(arguments: 1...20) func `one pass finds what all pairs would`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let times = (0..<300).map { _ in Int.random(in: 0..<4_000_000, using: &random) }
        let jitter = Int.random(in: 0..<50_000, using: &random)
        #expect(abs(bound.excess(times) - slowExcess(times)) < 1e-6)
        #expect(abs(bound.excess(times, jitterMicroseconds: jitter) - slowExcess(times, jitter: jitter)) < 1e-6)
    }
}

@Suite struct CallOrderTests {
    private func entry(_ number: UInt64, at milliseconds: Int, waitingUntil: Int = 0) -> EntryRecord {
        EntryRecord(
            number: number,
            enteredMicroseconds: milliseconds * 1000,
            lastWaitingMicroseconds: waitingUntil * 1000
        )
    }

    @Test func `entries in the order of numbers show nothing`() {
        let order = CallOrder(
            (0..<100).map { entry(1000 + $0, at: Int($0) * 10, waitingUntil: Int($0) * 10 - 1) },
            slackMicroseconds: 0
        )
        #expect(order.inversions == 0)
        #expect(order.worstOvertaking == 0)
        #expect(order.violations == 0)
    }

    @Test func `a visitor who polls late is overtaken, and that is no violation`() {
        // Number 1 has to wait at 10 ms, is called with the others at 20 ms, and polls at 500 ms.
        let order = CallOrder(
            [entry(1, at: 500, waitingUntil: 10)] + (2...6).map { entry($0, at: 20 + Int($0), waitingUntil: 15) },
            slackMicroseconds: 0
        )
        #expect(order.inversions == 5)
        #expect(order.worstOvertaking == 5)
        #expect(order.violations == 0)
    }

    @Test func `a visitor told to wait after larger numbers have entered is a violation`() {
        let entries = [entry(1, at: 500, waitingUntil: 400)] + (2...6).map { entry($0, at: 20, waitingUntil: 15) }
        let order = CallOrder(entries, slackMicroseconds: 100_000)
        #expect(order.violations == 1)
        #expect(order.worstViolation == 5)
        #expect(CallOrder(entries, slackMicroseconds: 390_000).violations == 0)
    }

    @Test(arguments: 1...10) func `counts agree with the definition`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let entries = (0..<200).shuffled(using: &random).map { number in
            let at = Int.random(in: 1..<1000, using: &random)
            return entry(UInt64(number), at: at, waitingUntil: Int.random(in: 0..<at, using: &random))
        }
        let slack = 30_000
        let overtakers = entries.map { mine in
            entries.count { $0.number > mine.number && $0.enteredMicroseconds < mine.enteredMicroseconds }
        }
        let violators = entries.map { mine in
            entries.count {
                $0.number > mine.number && $0.enteredMicroseconds < mine.lastWaitingMicroseconds - slack
            }
        }
        let order = CallOrder(entries, slackMicroseconds: slack)
        #expect(order.inversions == overtakers.reduce(0, +))
        #expect(order.worstOvertaking == overtakers.max())
        #expect(order.violations == violators.count { $0 > 0 })
        #expect(order.worstViolation == violators.max())
    }
}
