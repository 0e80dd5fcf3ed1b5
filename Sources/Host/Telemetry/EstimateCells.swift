// SPDX-License-Identifier: Apache-2.0
//
// How honest the promised waits are: error histogram, coverage and accuracy, summed over the workers.

/// Cells of the scoreboard behind the counters.
enum EstimateCell {
    /// First column; the counters end before it.
    static let first = 40
    /// Upper bounds of the error histogram, in seconds; a last bucket has none.
    static let bounds = [1, 2, 5, 10, 30, 60, 120, 300, 900]

    static let outcomes = first
    static let covered = first + 1
    static let errorMilliseconds = first + 2
    /// Sum of accuracies, in millionths.
    static let accuracyMillionths = first + 3
    /// The same two, fading: what the gauge is made of.
    static let recentOutcomes = first + 4
    static let recentAccuracy = first + 5
    static let firstBucket = first + 6
    static let end = firstBucket + bounds.count + 1
}

extension Scoreboard {
    /// A recent outcome weighs half after 700 more of the same worker.
    private static let fadePerMille: UInt64 = 999

    /// Counts what became of one promise.
    public func record(errorMilliseconds: Int, accuracy: Double, isCovered: Bool) {
        let share = UInt64(1_000_000 * min(1, max(0, accuracy)))
        let error = max(0, errorMilliseconds)
        add(1, at: EstimateCell.outcomes)
        add(isCovered ? 1 : 0, at: EstimateCell.covered)
        add(UInt64(error), at: EstimateCell.errorMilliseconds)
        add(share, at: EstimateCell.accuracyMillionths)
        fade(at: EstimateCell.recentOutcomes, adding: 1_000_000)
        fade(at: EstimateCell.recentAccuracy, adding: share)
        let bucket = EstimateCell.bounds.firstIndex { error <= $0 * 1000 } ?? EstimateCell.bounds.count
        add(1, at: EstimateCell.firstBucket + bucket)
    }

    private func fade(at column: Int, adding amount: UInt64) {
        set(own(column) * Scoreboard.fadePerMille / 1000 + amount, at: column)
    }
}

extension PrometheusText {
    /// Adds the honesty of the estimates: promises are sampled by every worker.
    public mutating func addEstimates(_ scoreboard: Scoreboard) {
        let outcomes = scoreboard.total(at: EstimateCell.outcomes)
        addCounter("vestibule_eta_outcomes_total", "Sampled promises that turned out.", outcomes)
        addCounter(
            "vestibule_eta_covered_total",
            "Sampled promises whose interval held the wait.",
            scoreboard.total(at: EstimateCell.covered)
        )
        let weight = scoreboard.total(at: EstimateCell.recentOutcomes)
        let accuracy = scoreboard.total(at: EstimateCell.recentAccuracy)
        addSample(
            "vestibule_eta_accuracy_gauge",
            help: "1 - |eta - actual| / actual, recent mean over all workers; -1 before the first outcome.",
            value: weight > 0 ? Double(accuracy) / Double(weight) : -1
        )
        var below: UInt64 = 0
        let buckets = EstimateCell.bounds.enumerated().map { index, bound in
            below += scoreboard.total(at: EstimateCell.firstBucket + index)
            return (bound: "\(bound)", count: below)
        }
        addHistogram(
            "vestibule_eta_error_seconds",
            help: "Absolute error of sampled promises.",
            buckets: buckets + [("+Inf", outcomes)],
            sum: Double(scoreboard.total(at: EstimateCell.errorMilliseconds)) / 1000,
            count: outcomes
        )
    }
}
