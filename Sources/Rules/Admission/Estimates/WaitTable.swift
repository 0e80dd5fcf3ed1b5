// SPDX-License-Identifier: Apache-2.0
//
// The estimated wait for every position: monotone knots with straight lines between them. It is computed once per
// sample of the line, so that a poll only looks it up.

/// Wait by position. Between knots it is interpolated; behind the last one it goes on at the last slope.
public struct WaitTable: Sendable {
    /// A wait in seconds that is not rounded yet.
    public struct Span: Equatable, Sendable {
        public var seconds: Double
        public var lowSeconds: Double
        public var highSeconds: Double

        public init(seconds: Double, lowSeconds: Double, highSeconds: Double) {
            self.seconds = seconds
            self.lowSeconds = lowSeconds
            self.highSeconds = highSeconds
        }
    }

    /// Knots at most.
    static let knotsMax = 320
    /// Ten years: keeps the conversion to whole seconds safe at absurdly small rates.
    static let secondsMax = 3e8

    private struct Knot {
        var position: Double
        var span: Span
        var confidence: Confidence
    }

    private var knots: [Knot] = []
    /// Seconds per place behind the last knot.
    private let tailSecondsPerPlace: Double

    init(tailSecondsPerPlace: Double) {
        self.tailSecondsPerPlace = max(0, tailSecondsPerPlace)
    }

    /// What the limits alone say, before anything was seen; nil when nobody is called.
    public static func unlearnt(_ policy: RoomPolicy) -> WaitTable? {
        guard policy.mode != .paused, policy.rateMilli > 0 else { return nil }
        var table = WaitTable(tailSecondsPerPlace: 1 / policy.ratePerSecond)
        table.append(position: 0, Span(seconds: 0, lowSeconds: 0, highSeconds: 0), .low)
        return table
    }

    var lastSeconds: Double { knots.last?.span.seconds ?? 0 }

    /// Adds a knot at a position behind all others. Each number is raised to the one before, so that a worse position
    /// never gets a shorter time, and kept in low <= point <= high.
    mutating func append(position: Double, _ span: Span, _ confidence: Confidence) {
        guard knots.count < WaitTable.knotsMax, position > knots.last?.position ?? -1 else { return }
        let last = knots.last?.span ?? Span(seconds: 0, lowSeconds: 0, highSeconds: 0)
        let seconds = min(WaitTable.secondsMax, max(span.seconds, last.seconds))
        let raised = Span(
            seconds: seconds,
            lowSeconds: min(seconds, max(span.lowSeconds, last.lowSeconds)),
            highSeconds: min(2 * WaitTable.secondsMax, max(seconds, span.highSeconds, last.highSeconds))
        )
        knots.append(Knot(position: position, span: raised, confidence: confidence))
    }

    private func knot(atOrBefore place: Double) -> Int {
        var low = 0
        var high = knots.count - 1
        while low < high {
            let middle = (low + high + 1) / 2
            if knots[middle].position <= place { low = middle } else { high = middle - 1 }
        }
        return low
    }

    /// The wait at a position; positions below 1 count as 1. Nil when nothing is known at all.
    public func span(position: Int) -> Span? {
        guard let first = knots.first, let last = knots.last else { return nil }
        let place = max(first.position, Double(position))
        if place >= last.position {
            let end = last.span
            let more = (place - last.position) * tailSecondsPerPlace
            return Span(
                seconds: min(WaitTable.secondsMax, end.seconds + more),
                lowSeconds: min(WaitTable.secondsMax, end.lowSeconds + more * 0.7),
                highSeconds: min(2 * WaitTable.secondsMax, end.highSeconds + more * 1.4)
            )
        }
        let at = knot(atOrBefore: place)
        let share = (place - knots[at].position) / (knots[at + 1].position - knots[at].position)
        let (from, to) = (knots[at].span, knots[at + 1].span)
        return Span(
            seconds: from.seconds + (to.seconds - from.seconds) * share,
            lowSeconds: from.lowSeconds + (to.lowSeconds - from.lowSeconds) * share,
            highSeconds: from.highSeconds + (to.highSeconds - from.highSeconds) * share
        )
    }

    /// The wait in whole seconds, at least one: the point rounded to the nearest, the interval outwards.
    public func estimate(position: Int) -> WaitEstimate? {
        guard let span = span(position: position) else { return nil }
        let seconds = max(1, Int(span.seconds.rounded()))
        return WaitEstimate(
            seconds: seconds,
            lowSeconds: min(seconds, max(0, Int(span.lowSeconds.rounded(.down)))),
            highSeconds: max(seconds, Int(span.highSeconds.rounded(.up))),
            confidence: knots[knot(atOrBefore: Double(position))].confidence
        )
    }
}
