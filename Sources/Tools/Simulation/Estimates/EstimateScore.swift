// SPDX-License-Identifier: Apache-2.0
//
// The figures of one method in the table of estimators: how near its promises were, and how often the wait fell into
// its interval. It imports nothing. Scores of several events are pooled promise by promise, not as a mean of means.

/// How one method did in one event, or in several together.
public struct EstimateScore: Sendable {
    public let scenario: String
    public let method: String
    /// |shown - actual| / actual of every judged promise.
    private var errors: [Double] = []
    /// The same without promises that an operator's change overtook.
    private var undisturbed: [Double] = []
    private var intervals = 0
    private var covered = 0
    private var undisturbedIntervals = 0
    private var undisturbedCovered = 0
    var looks = 0
    var risen = 0

    init(scenario: String, method: String) {
        self.scenario = scenario
        self.method = method
    }

    mutating func add(_ promise: WaitPromise, actual: Double, isOvertaken: Bool, countsForCoverage: Bool) {
        let error = abs(Double(promise.shownSeconds) - actual) / actual
        errors.append(error)
        if !isOvertaken { undisturbed.append(error) }
        guard countsForCoverage, let interval = promise.interval else { return }
        let isInside = interval.low <= actual && actual <= interval.high
        intervals += 1
        covered += isInside ? 1 : 0
        if !isOvertaken {
            undisturbedIntervals += 1
            undisturbedCovered += isInside ? 1 : 0
        }
    }

    /// All promises of several events of one method together.
    public static func pooled(_ scores: [EstimateScore], as scenario: String) -> EstimateScore {
        var all = EstimateScore(scenario: scenario, method: scores.first?.method ?? "")
        for score in scores {
            all.errors += score.errors
            all.undisturbed += score.undisturbed
            all.intervals += score.intervals
            all.covered += score.covered
            all.undisturbedIntervals += score.undisturbedIntervals
            all.undisturbedCovered += score.undisturbedCovered
            all.looks += score.looks
            all.risen += score.risen
        }
        return all
    }

    public var promises: Int { errors.count }

    /// Median of 1 - |shown - actual| / actual.
    public var medianAccuracy: Double { 1 - EstimateScore.quantile(errors, 0.5) }
    /// The same without promises that an operator's change overtook.
    public var undisturbedAccuracy: Double { 1 - EstimateScore.quantile(undisturbed, 0.5) }
    /// 90th percentile of |shown - actual| / actual.
    public var ninetiethError: Double { EstimateScore.quantile(errors, 0.9) }
    /// The share of waits within the 80 % interval, for promises after the first 60 s; nil where there is none. The
    /// interval is taken before it is rounded outwards to whole seconds: what visitors see holds more.
    public var coverage: Double? { intervals > 0 ? Double(covered) / Double(intervals) : nil }
    /// The same without promises that an operator's change overtook.
    public var undisturbedCoverage: Double? {
        undisturbedIntervals > 0 ? Double(undisturbedCovered) / Double(undisturbedIntervals) : nil
    }
    /// The share of looks at the page, ten seconds apart and without an operator's change in between, at which the
    /// shown time had risen by more than a fifth and by two seconds at least.
    public var rises: Double { looks > 0 ? Double(risen) / Double(looks) : 0 }

    private static func quantile(_ values: [Double], _ share: Double) -> Double {
        let sorted = values.sorted()
        return sorted.isEmpty ? 1 : sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
    }
}
