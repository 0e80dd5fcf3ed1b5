// SPDX-License-Identifier: Apache-2.0
//
// Entries at the times at which they happened, held to the promise by the load generator's checker: between entry i and
// entry j at most burst + rate * time.

import Load

/// Limits and the entries that were made under them.
struct Entries {
    let burst: Int
    let ratePerSecond: Int
    /// Milliseconds, ascending.
    let times: [Int]

    private var bound: EntryBound { EntryBound(burst: Double(burst), ratePerSecond: Double(ratePerSecond)) }

    init(burst: Int, ratePerSecond: Int, times: [Int]) {
        self.burst = burst
        self.ratePerSecond = ratePerSecond
        self.times = times.sorted()
    }

    /// Entries counted by whole seconds. Those of k neighbouring seconds lie less than k seconds apart, so their excess
    /// is taken with a jitter of one second.
    init(burst: Int, ratePerSecond: Int, bySecond flow: [Int: Int]) {
        let times = flow.flatMap { Array(repeating: $0.key * 1000, count: $0.value) }
        self.init(burst: burst, ratePerSecond: ratePerSecond, times: times)
    }

    /// How much the fullest window goes beyond the bound, in entries; zero or less when the promise is kept.
    /// Exact: whole milliseconds and whole entries per second make it a whole number of thousandths.
    /// - Parameter jitterMilliseconds: what each window is widened by.
    func excess(jitterMilliseconds: Int = 0) -> Double {
        let excess = bound.excess(times.map { $0 * 1000 }, jitterMicroseconds: jitterMilliseconds * 1000)
        return (excess * 1000).rounded() / 1000
    }

    func count(until milliseconds: Int) -> Int { times.prefix { $0 <= milliseconds }.count }

    /// For each whole second after the first entry, the entries so far as a share of burst + rate * t.
    func shares(seconds: Int) -> [Double] {
        guard let first = times.first, seconds > 0 else { return [] }
        return (1...seconds).map {
            Double(count(until: first + $0 * 1000)) / Double(burst + ratePerSecond * $0)
        }
    }

    /// Entries in the emptiest window of `seconds` that begins and ends within the given time.
    func emptiest(window seconds: Int, from start: Int, to end: Int) -> Int {
        stride(from: start, through: end - seconds * 1000, by: 100).map {
            count(until: $0 + seconds * 1000) - count(until: $0)
        }.min() ?? 0
    }
}
