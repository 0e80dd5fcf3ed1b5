// SPDX-License-Identifier: Apache-2.0
//
// The promise about entries, checked: in any window of t seconds at most burst + rate * t.

/// The limits of a room.
public struct EntryBound: Sendable, Equatable {
    /// Entries at once after a quiet time.
    public let burst: Double
    /// Entries a second.
    public let ratePerSecond: Double

    /// A bound; both numbers are at least 0.
    public init(burst: Double, ratePerSecond: Double) {
        self.burst = burst
        self.ratePerSecond = ratePerSecond
    }

    /// Whether an excess means that the promise is kept: what is left of a millionth of an entry is rounding.
    public static func isKept(excess: Double) -> Bool { excess < 1e-6 }

    /// How many entries the fullest of all windows has beyond the bound; zero or less when the promise is kept.
    ///
    /// Entries i to j lie in a window of time[j] - time[i], so the excess is
    /// `(j + 1 - rate * time[j]) - min over i <= j of (i - rate * time[i]) - burst`, which one pass finds.
    /// - Parameters:
    ///   - microseconds: the time of each entry, in any order; empty gives minus `burst`.
    ///   - jitterMicroseconds: how much later an entry may have been seen than it was made; every window is widened
    ///     by it.
    public func excess(_ microseconds: [Int], jitterMicroseconds: Int = 0) -> Double {
        var fullest = 0.0
        var lowest = Double.infinity
        let allowance = ratePerSecond * Double(jitterMicroseconds) / 1e6
        let sorted = microseconds.sorted()
        let first = sorted.first ?? 0
        for (index, time) in sorted.enumerated() {
            // From the first entry, not from 1970: a run at exactly the bound must not be judged by rounding.
            let refilled = ratePerSecond * Double(time - first) / 1e6
            lowest = min(lowest, Double(index) - refilled)
            fullest = max(fullest, Double(index + 1) - refilled - lowest - allowance)
        }
        return fullest - burst
    }
}
