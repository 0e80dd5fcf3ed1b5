// SPDX-License-Identifier: Apache-2.0
//
// The estimator of one room in one worker: it takes in every tick, keeps the table from which polls are answered, and
// records how far its promises were from the outcome.

/// Fed by ticks, asked by polls.
public struct RoomEstimator {
    public var settings: EstimateSettings
    /// The answer for each position as of the last look; nil while nobody is called (paused) or nothing is known.
    public private(set) var table: WaitTable?
    /// What became of sampled promises since they were last taken.
    public private(set) var outcomes: [PromiseOutcome] = []
    /// How honest this worker's promises were lately.
    public private(set) var record = PromiseRecord()

    private static let outcomesMax = 4096

    private var forecast = LineForecast()
    private var learned: LearnedForecast?
    private var calibration = Calibration()
    private var ledger = PromiseLedger()
    private var isBegun = false
    private var generation = 0
    private var next = 0
    private var policy = RoomPolicy.standard

    public init(settings: EstimateSettings = .standard) {
        self.settings = settings
    }

    /// The wait at a position; nil while the room is paused or nothing is known.
    public func estimate(position: Int) -> WaitEstimate? { table?.estimate(position: position) }

    /// Hands over the outcomes since the last call.
    public mutating func takeOutcomes() -> [PromiseOutcome] {
        defer { outcomes.removeAll(keepingCapacity: true) }
        return outcomes
    }

    /// Takes a tick in. Looks at the line about once a second, and at once when the limits changed.
    /// - Parameters:
    ///   - mirror: who waits as of the reply.
    ///   - history: entries as of the reply.
    public mutating func observe(_ reply: TickReply, mirror: RankIndex, history: EntryHistory, rates: EntryRates) {
        if !isBegun || reply.generation != generation || reply.next < next {
            forecast.begin(reply, mirror)
            learned = settings.method == .learned ? LearnedForecast() : nil
            ledger.removeAll()
            isBegun = true
            policy = reply.policy
            table = makeTable(reply, mirror, history, rates)
        }
        learned?.look(reply)
        let isChanged = reply.policy != policy
        if isChanged { ledger.overtake() }
        resolve(reply, head: mirror.punctualHead ?? reply.next)
        generation = reply.generation
        next = reply.next
        policy = reply.policy
        if forecast.look(reply, mirror, history) || table == nil {
            calibration.settle()
            table = makeTable(reply, mirror, history, rates)
            if let table { ledger.sample(table, mirror, nowMilliseconds: reply.nowMilliseconds) }
        }
    }

    private mutating func resolve(_ reply: TickReply, head: Int) {
        ledger.resolve(head: head, nowMilliseconds: reply.nowMilliseconds) { outcome, isOvertaken in
            record.add(outcome)
            if outcomes.count < RoomEstimator.outcomesMax { outcomes.append(outcome) }
            if !isOvertaken {
                calibration.learn(
                    actual: outcome.actualSeconds,
                    promised: outcome.promised.seconds,
                    isCovered: outcome.isCovered
                )
            }
        }
    }

    private func makeTable(
        _ reply: TickReply,
        _ mirror: RankIndex,
        _ history: EntryHistory,
        _ rates: EntryRates
    ) -> WaitTable? {
        guard reply.policy.mode != .paused else { return nil }
        if settings.method == .slidingWindow { return slidingWindowTable(reply, mirror.punctualCount, rates) }
        guard reply.policy.rateMilli > 0 else { return nil }
        if let learned {
            return learned.table(reply, waiting: mirror.punctualCount) { calibration.confidence(of: $0) }
        }
        var knots: [(position: Double, seconds: Double)] = []
        knots.reserveCapacity(WaitTable.knotsMax)
        let tail = forecast.walk(reply, mirror.punctualCount, history) { knots.append(($0, $1)) }
        var table = WaitTable(tailSecondsPerPlace: tail)
        for (position, seconds) in knots {
            let (span, confidence) = calibration.interval(seconds)
            table.append(position: position, span, confidence)
        }
        return table
    }
}

extension RoomEstimator {
    /// The reference's formula at enough positions that straight lines between them are the formula.
    private func slidingWindowTable(_ reply: TickReply, _ waiting: Int, _ rates: EntryRates) -> WaitTable {
        let formula = SlidingWindowEstimator()
        func estimate(_ position: Int) -> (WaitTable.Span, Confidence) {
            let at = formula.estimate(
                position: position,
                rates: rates,
                settings: settings,
                nowMilliseconds: reply.nowMilliseconds
            )
            let span = WaitTable.Span(
                seconds: Double(at.seconds),
                lowSeconds: Double(at.lowSeconds),
                highSeconds: Double(at.highSeconds)
            )
            return (span, at.confidence)
        }
        let last = estimate(max(2, waiting)).0.seconds
        var table = WaitTable(tailSecondsPerPlace: last / Double(max(2, waiting)))
        let step = max(1, waiting / 256)
        for position in stride(from: 1, through: max(2, waiting), by: step) {
            let (span, confidence) = estimate(position)
            table.append(position: Double(position), span, confidence)
        }
        return table
    }
}

/// Accuracy and coverage of the last few hundred outcomes, fading.
public struct PromiseRecord: Equatable, Sendable {
    private static let keep = 0.998
    private var weight = 0.0
    private var accuracySum = 0.0
    private var coveredSum = 0.0
    /// Outcomes ever seen.
    public private(set) var count = 0

    public init() {}

    /// Mean accuracy, 0...1; nil before the first outcome.
    public var accuracy: Double? { weight > 0 ? accuracySum / weight : nil }
    /// The share of outcomes within their interval; nil before the first outcome.
    public var coverage: Double? { weight > 0 ? coveredSum / weight : nil }

    mutating func add(_ outcome: PromiseOutcome) {
        weight = weight * PromiseRecord.keep + 1
        accuracySum = accuracySum * PromiseRecord.keep + outcome.accuracy
        coveredSum = coveredSum * PromiseRecord.keep + (outcome.isCovered ? 1 : 0)
        count += 1
    }
}
