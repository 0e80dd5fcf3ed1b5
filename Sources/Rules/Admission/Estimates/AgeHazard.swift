// SPDX-License-Identifier: Apache-2.0
//
// How likely a visitor is to give up, by time waited: impatient visitors leave early, and visitors who have waited long
// tend to stay. It is learnt from counts of waiting visitors, so it covers every reason to leave.

/// Departures per person-second by age bin, with exponential decay.
struct AgeHazard {
    /// Lower edges of the bins, in seconds.
    private static let edges: [Double] = [
        0, 5, 10, 15, 20, 30, 40, 50, 60, 75, 90, 105, 120, 150, 180, 240, 300, 420, 600, 840, 1200, 1800, 2700, 5400,
    ]
    /// Evidence loses half of its weight in ln 2 of this.
    private static let memorySeconds = 500.0
    /// A bin is drawn towards the bin before it by this many departures' worth of evidence, so that a bin nobody has
    /// reached yet behaves like the last bin that was reached.
    private static let priorDepartures = 4.0
    /// Nobody is said to leave faster than once in ten seconds.
    private static let hazardMax = 0.1

    private var departures = [Double](repeating: 0, count: AgeHazard.edges.count)
    private var exposure = [Double](repeating: 0, count: AgeHazard.edges.count)
    /// Integrated hazard at each edge, made by `settle`.
    private var cumulated = [Double](repeating: 0, count: AgeHazard.edges.count)
    private var hazard = [Double](repeating: 0, count: AgeHazard.edges.count)

    private static func bin(_ age: Double) -> Int {
        var low = 0
        var high = edges.count - 1
        while low < high {
            let middle = (low + high + 1) / 2
            if edges[middle] <= age { low = middle } else { high = middle - 1 }
        }
        return low
    }

    mutating func fade(_ seconds: Double) {
        let keep = Exponential.exp(-seconds / AgeHazard.memorySeconds)
        for i in departures.indices {
            departures[i] *= keep
            exposure[i] *= keep
        }
    }

    /// Takes in that `gone` of `waiting` people of this age went within `seconds`. Returners count as negative.
    mutating func learn(age: Double, waiting: Double, gone: Double, seconds: Double) {
        let bin = AgeHazard.bin(age)
        departures[bin] += gone
        exposure[bin] += waiting * seconds
    }

    /// Makes the curve from the evidence. Call it after learning and before asking.
    mutating func settle() {
        var all = 0.0
        var total = 0.0
        for i in departures.indices {
            all += departures[i]
            total += exposure[i]
        }
        var before = total > 0 ? max(0, all) / (total + 600) : 0
        var sum = 0.0
        for i in departures.indices {
            // Evidence of `priorDepartures` at the rate of the bin before is this many person-seconds.
            let prior = AgeHazard.priorDepartures / max(before, 0.0005)
            let raw = (departures[i] + before * prior) / (exposure[i] + prior)
            hazard[i] = min(AgeHazard.hazardMax, max(0, raw))
            cumulated[i] = sum
            if i + 1 < departures.count { sum += hazard[i] * (AgeHazard.edges[i + 1] - AgeHazard.edges[i]) }
            before = hazard[i]
        }
    }

    private func integrated(_ age: Double) -> Double {
        let bin = AgeHazard.bin(age)
        return cumulated[bin] + hazard[bin] * (age - AgeHazard.edges[bin])
    }

    /// The share of those of age `age` who still wait after `seconds`.
    func survival(age: Double, after seconds: Double) -> Double {
        Exponential.exp(integrated(age) - integrated(age + seconds))
    }
}
