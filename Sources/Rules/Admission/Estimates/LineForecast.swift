// SPDX-License-Identifier: Apache-2.0
//
// The default estimator: it walks the line from the front, group by group, lets each group shrink by the hazard of its
// age (AgeHazard.swift), and reads from the service curve when the visitors who stay will have been called.

/// What a worker learns from its ticks about how fast the line moves.
struct LineForecast {
    /// How long a look is, in milliseconds: short ticks are put together.
    static let lookMilliseconds = 1000
    private static let paceMemorySeconds = 45.0

    private var cohorts = CohortLedger()
    private var hazard = AgeHazard()
    private var turnover = Turnover()
    /// Places served and tokens there were, both fading: calls that lapse give their token back, returners at the front
    /// use one up.
    private var served = 0.0
    private var tokens = 0.0
    private var calls = 0.0
    private var servedOfCalls = 0.0
    private var counters = RoomCounters()
    private var called = 0
    private var lookedMilliseconds = 0
    private var policy = RoomPolicy.standard
    private var wasSaturated = false

    private static func isCalling(_ policy: RoomPolicy) -> Bool { policy.mode == .open || policy.mode == .closed }

    mutating func begin(_ reply: TickReply, _ mirror: RankIndex) {
        cohorts.begin(reply, mirror)
        turnover.begin(reply)
        counters = reply.counters
        called = reply.called
        lookedMilliseconds = reply.nowMilliseconds
        policy = reply.policy
        wasSaturated = false
    }

    /// Takes a tick in; returns whether it was time for a look.
    mutating func look(_ reply: TickReply, _ mirror: RankIndex, _ history: EntryHistory) -> Bool {
        let elapsed = reply.nowMilliseconds - lookedMilliseconds
        let isChanged = reply.policy != policy
        guard elapsed >= LineForecast.lookMilliseconds || isChanged else { return false }
        let seconds = Double(max(1, elapsed)) / 1000
        hazard.fade(seconds)
        let progress = cohorts.look(reply, mirror, seconds: seconds, hazard: &hazard)
        hazard.settle()
        turnover.look(reply, history, seconds: seconds)
        learnCalls(reply, progress, seconds)
        let isFull = reply.policy.maxActive > 0 && reply.called + reply.active >= reply.policy.maxActive
        let isSaturated = mirror.punctualCount > 0 && LineForecast.isCalling(reply.policy) && !isFull
        if isSaturated, wasSaturated, !isChanged {
            let keep = Exponential.exp(-seconds / LineForecast.paceMemorySeconds)
            served = served * keep + progress.served
            tokens = tokens * keep + policy.ratePerSecond * seconds
        }
        // The first look after a change only sees what the bucket had saved.
        wasSaturated = isSaturated && !isChanged
        policy = reply.policy
        lookedMilliseconds = reply.nowMilliseconds
        return true
    }

    /// How many places a call moves the line: less than one where lapsed visitors come back to the front.
    private mutating func learnCalls(_ reply: TickReply, _ progress: LineProgress, _ seconds: Double) {
        let made =
            reply.called - called + reply.counters.entered - counters.entered
            + reply.counters.lapsed - counters.lapsed
        counters = reply.counters
        called = reply.called
        guard LineForecast.isCalling(policy), reply.waiting > 0 else { return }
        let keep = Exponential.exp(-seconds / (4 * LineForecast.paceMemorySeconds))
        calls = calls * keep + Double(max(0, made))
        servedOfCalls = servedOfCalls * keep + progress.served
    }

    private var placesPerCall: Double { min(2, max(0.2, (servedOfCalls + 50) / (calls + 50))) }

    /// Places the line moves for each token.
    private var pace: Double {
        let prior = 10 * policy.ratePerSecond + 10
        return min(5, max(0.2, (served + prior) / (tokens + prior)))
    }

    /// The wait at some positions: from the first to the last who waits, ascending.
    func walk(
        _ reply: TickReply,
        _ waiting: Int,
        _ history: EntryHistory,
        _ emit: (_ position: Double, _ seconds: Double) -> Void
    ) -> Double {
        let perSecond = max(1e-6, policy.ratePerSecond * pace)
        var curve = ServiceCurve(perSecond: perSecond)
        if policy.maxActive > 0 {
            curve = turnover.curve(reply, history, perSecond: perSecond, placesPerCall: placesPerCall)
        }
        // The bucket holds half a token on average, and a call is half a tick late. A full room calls nobody at first.
        var (place, seconds, calls) = (0.5, curve.seconds(until: 1e-6) + 0.1, 0.0)
        emit(place, seconds)
        let step = max(1, waiting / 96)
        for cohort in cohorts.cohorts where cohort.waiting > 0 {
            let parts = min(96, (cohort.waiting + step - 1) / step)
            let size = Double(cohort.waiting) / Double(parts)
            let age = cohort.age(reply.nowMilliseconds)
            for _ in 0..<parts {
                let early = curve.seconds(until: calls + size * hazard.survival(age: age, after: seconds))
                // Those of the part go on leaving until the last of them is called.
                let middle = (seconds + max(seconds, early)) / 2
                calls += size * hazard.survival(age: age, after: middle)
                seconds = max(seconds, curve.seconds(until: calls) + 0.1)
                place += size
                emit(place, seconds)
            }
        }
        return 1 / perSecond
    }
}
