// SPDX-License-Identifier: Apache-2.0
//
// The sliding-window ETA: entries of the last minutes give the rate, and people ahead divided by the rate is the wait.
// It is the baseline that a better estimator must beat.

/// How sure an estimate is, as a number and as a word for people.
public enum Confidence: Double, Sendable {
    case high = 1.0
    case good = 0.8
    case fair = 0.6
    case low = 0.2
}

/// How long a visitor will wait, in whole seconds, with an interval around it.
public struct WaitEstimate: Equatable, Sendable {
    public var seconds: Int
    public var lowSeconds: Int
    public var highSeconds: Int
    public var confidence: Confidence

    public init(seconds: Int, lowSeconds: Int, highSeconds: Int, confidence: Confidence) {
        self.seconds = seconds
        self.lowSeconds = lowSeconds
        self.highSeconds = highSeconds
        self.confidence = confidence
    }
}

/// Entries a second over one, five and fifteen minutes, cut to the time since the room opened.
public struct EntryRates: Equatable, Sendable {
    public var entriesIn1Minute = 0
    public var entriesIn5Minutes = 0
    public var entriesIn15Minutes = 0
    /// 0.5 * r(1 min) + 0.3 * r(5 min) + 0.2 * r(15 min), in entries a second, at most the configured rate.
    public var perSecond = 0.0

    public init() {}

    /// Reads the windows that end with the second of `nowMilliseconds`.
    /// - Parameter limitPerSecond: the configured rate. What was measured just after a burst is more than the room will
    ///   keep up; a promise must not be shorter than the limit allows.
    public init(history: EntryHistory, openedMilliseconds: Int, nowMilliseconds: Int, limitPerSecond: Double) {
        let second = nowMilliseconds / 1000
        let open = max(1, (nowMilliseconds - openedMilliseconds + 999) / 1000)
        func window(_ length: Int) -> (entries: Int, rate: Double) {
            let cut = openedMilliseconds == 0 ? length : min(length, open)
            let entries = history.entries(inLast: cut, endingAt: second)
            return (entries, Double(entries) / Double(cut))
        }
        let (one, five, fifteen) = (window(60), window(300), window(900))
        entriesIn1Minute = one.entries
        entriesIn5Minutes = five.entries
        entriesIn15Minutes = fifteen.entries
        perSecond = min(0.5 * one.rate + 0.3 * five.rate + 0.2 * fifteen.rate, limitPerSecond)
    }
}

/// The reference's formula, kept as the baseline.
public struct SlidingWindowEstimator: Sendable {
    /// Published estimates are raised by a tenth, so that people are early rather than late.
    static let safety = 1.1
    /// Seconds per place when nothing has been measured.
    static let secondsPerPlaceBlind = 2

    public init() {}

    /// - Parameters:
    ///   - position: people ahead plus one; values below 1 count as 1.
    ///   - settings: hour weights, neutral by default.
    ///   - nowMilliseconds: the hour in which the rates were measured.
    /// - Returns: an estimate that is never negative and never shorter for a worse position.
    public func estimate(
        position: Int,
        rates: EntryRates,
        settings: EstimateSettings = .standard,
        nowMilliseconds: Int = 0
    ) -> WaitEstimate {
        let place = max(1, position)
        let confidence = confidence(rates)
        let seconds: Int
        if rates.perSecond > 0 {
            // A cap of ten years keeps the conversion safe at absurdly small rates.
            let wait = settings.seconds(
                work: Double(place),
                perSecond: rates.perSecond,
                nowMilliseconds: nowMilliseconds
            )
            seconds = Int(min(3e8, (wait * SlidingWindowEstimator.safety).rounded(.up)))
        } else {
            seconds = place * SlidingWindowEstimator.secondsPerPlaceBlind
        }
        let spread = spread(confidence)
        return WaitEstimate(
            seconds: seconds,
            lowSeconds: Int((Double(seconds) * (1 - spread)).rounded(.down)),
            highSeconds: Int((Double(seconds) * (1 + spread)).rounded(.up)),
            confidence: confidence
        )
    }

    private func confidence(_ rates: EntryRates) -> Confidence {
        if rates.entriesIn15Minutes >= 30 { return .high }
        if rates.entriesIn5Minutes >= 10 { return .good }
        if rates.entriesIn1Minute >= 3 { return .fair }
        return .low
    }

    /// Half-width of the interval as a share of the estimate. Chosen by hand for the baseline, not calibrated.
    private func spread(_ confidence: Confidence) -> Double {
        switch confidence {
        case .high: 0.15
        case .good: 0.3
        case .fair: 0.5
        case .low: 0.8
        }
    }
}
