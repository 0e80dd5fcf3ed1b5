// SPDX-License-Identifier: Apache-2.0
//
// The promise about entries, as arithmetic on the times at which they happened.
//
// Upper bound. A bucket of `burst` tokens with `rate` a second holds at most `burst` before the first entry of a
// window and gains at most rate * t in it. So between entry i and entry j, both counted, at times in milliseconds:
//     (j - i + 1) <= burst + rate * (time[j] - time[i]) / 1000
// Entries counted by whole seconds lie less than k seconds apart in k neighbouring seconds: at most burst + rate * k.

/// Limits and the entries that were made under them.
struct EntryBound {
    let burst: Int
    let ratePerSecond: Int
    /// Milliseconds, ascending.
    let times: [Int]

    init(burst: Int, ratePerSecond: Int, times: [Int]) {
        self.burst = burst
        self.ratePerSecond = ratePerSecond
        self.times = times.sorted()
    }

    /// How much the fullest window goes beyond the bound, in entries; zero or less when the promise is kept.
    /// All pairs are looked at. `jitterMilliseconds` is what each window is widened by.
    func excess(jitterMilliseconds: Int = 0) -> Double {
        var worst = -Double.infinity
        for i in times.indices {
            for j in i..<times.count {
                let window = Double(times[j] - times[i] + jitterMilliseconds) / 1000
                worst = max(worst, Double(j - i + 1) - Double(burst) - Double(ratePerSecond) * window)
            }
        }
        return worst
    }

    /// The same from entries counted by second: the worst sum over k neighbouring seconds, for every k.
    static func excess(bySecond flow: [Int: Int], burst: Int, ratePerSecond: Int) -> Int {
        guard let first = flow.keys.min(), let last = flow.keys.max() else { return 0 }
        var worst = Int.min
        for start in first...last {
            var sum = 0
            for second in start...last {
                sum += flow[second] ?? 0
                worst = max(worst, sum - burst - ratePerSecond * (second - start + 1))
            }
        }
        return worst
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
