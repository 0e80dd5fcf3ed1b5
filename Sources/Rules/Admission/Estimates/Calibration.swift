// SPDX-License-Identifier: Apache-2.0
//
// How wide an interval must be, learnt from the outcomes of earlier promises: split conformal prediction with a
// sliding window, by length of the wait.

/// Ratios of outcome to promise, kept by the length of the promise. Bound: `kept` for each of six lengths.
struct Calibration {
    /// The interval is meant to hold four of five outcomes.
    static let coverage = 0.8
    private static let kept = 160
    /// Centre of each length class, in seconds: 7, 20, 60, 180, 540, 1620.
    private static let centres: [Double] = [7, 20, 60, 180, 540, 1620]
    /// What is assumed about a class before anything was seen, as logarithms: a third up and a quarter down.
    private static let blind = (low: -0.3, high: 0.3)
    /// Outcomes that weigh as much as what is assumed.
    private static let priorOutcomes = 12.0

    private var ratios: [[Double]] = Array(repeating: [], count: Calibration.centres.count)
    private var next = [Int](repeating: 0, count: Calibration.centres.count)
    private var low = [Double](repeating: Calibration.blind.low, count: Calibration.centres.count)
    private var high = [Double](repeating: Calibration.blind.high, count: Calibration.centres.count)
    private var logCentres = Calibration.centres.map { Exponential.log($0) }
    /// Logarithm of how much wider than the quantiles each class must be, from how often it missed.
    private var widening = [Double](repeating: 0, count: Calibration.centres.count)
    private static let gain = 0.03
    private(set) var outcomes = 0
    private var isSettled = true

    /// Half a second on both sides keeps the ratio of very short waits tame.
    static func logRatio(actual: Double, promised: Double) -> Double {
        Exponential.log((max(0, actual) + 0.5) / (max(0, promised) + 0.5))
    }

    private func place(_ seconds: Double) -> Double {
        let value = Exponential.log(max(seconds, 0.001))
        if value <= logCentres[0] { return 0 }
        for i in 1..<logCentres.count where value < logCentres[i] {
            return Double(i - 1) + (value - logCentres[i - 1]) / (logCentres[i] - logCentres[i - 1])
        }
        return Double(logCentres.count - 1)
    }

    mutating func learn(actual: Double, promised: Double, isCovered: Bool) {
        let length = Int(place(promised).rounded())
        // Adaptive conformal inference (Gibbs and Candes, 2021): a miss widens four times as much as a hit narrows.
        let step = (isCovered ? 0 : 1) - (1 - Calibration.coverage)
        widening[length] = min(1.5, max(-0.7, widening[length] + Calibration.gain * step))
        let ratio = Calibration.logRatio(actual: actual, promised: promised)
        if ratios[length].count < Calibration.kept {
            ratios[length].append(ratio)
        } else {
            ratios[length][next[length]] = ratio
            next[length] = (next[length] + 1) % Calibration.kept
        }
        outcomes += 1
        isSettled = false
    }

    /// Makes the quantiles anew, shortest waits first: a longer class without evidence borrows from the one before.
    mutating func settle() {
        if isSettled { return }
        isSettled = true
        var assumed = Calibration.blind
        for i in ratios.indices {
            let sorted = ratios[i].sorted()
            let count = Double(sorted.count)
            let weight = count / (count + Calibration.priorOutcomes)
            // The finite-sample ranks of conformal prediction: (n + 1) q.
            let tail = (1 - Calibration.coverage) / 2
            low[i] = assumed.low * (1 - weight) + quantile(sorted, (count + 1) * tail) * weight
            high[i] = assumed.high * (1 - weight) + quantile(sorted, (count + 1) * (1 - tail)) * weight
            let scale = Exponential.exp(widening[i])
            (low[i], high[i]) = (low[i] * scale, high[i] * scale)
            if sorted.count >= 20 { assumed = (min(low[i], -0.01) * 1.3, max(high[i], 0.01) * 1.3) }
        }
    }

    private func quantile(_ sorted: [Double], _ rank: Double) -> Double {
        guard let first = sorted.first, let last = sorted.last else { return 0 }
        if rank <= 1 { return first }
        let below = Int(rank)
        if below >= sorted.count { return last }
        return sorted[below - 1] + (sorted[below] - sorted[below - 1]) * (rank - Double(below))
    }

    /// The interval around a promise of `seconds`, and how sure it is.
    func interval(_ seconds: Double) -> (span: WaitTable.Span, confidence: Confidence) {
        let at = place(seconds)
        let (below, share) = (Int(at), at - Double(Int(at)))
        let above = min(below + 1, low.count - 1)
        let from = low[below] + (low[above] - low[below]) * share
        let to = high[below] + (high[above] - high[below]) * share
        let span = WaitTable.Span(
            seconds: seconds,
            lowSeconds: max(0, (seconds + 0.5) * Exponential.exp(from) - 0.5),
            highSeconds: max(0, (seconds + 0.5) * Exponential.exp(to) - 0.5)
        )
        return (span, confidence(of: span))
    }

    /// By half of the interval's width, relative to the wait but to ten seconds at least. Low until twenty promises
    /// have turned out.
    func confidence(of span: WaitTable.Span) -> Confidence {
        if outcomes < 20 { return .low }
        let share = (span.highSeconds - span.lowSeconds) / 2 / max(span.seconds, 10)
        if share <= 0.1 { return .high }
        if share <= 0.2 { return .good }
        return share <= 0.4 ? .fair : .low
    }
}
