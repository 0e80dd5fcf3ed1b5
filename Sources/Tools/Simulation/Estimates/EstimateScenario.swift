// SPDX-License-Identifier: Apache-2.0
//
// The events on which estimators are compared: when visitors come, how they behave, and what the operator does
// meanwhile. They are values only; EstimateEvent plays them.

public import Admission

/// One event. Everything else follows from the seed.
public struct EstimateScenario: Sendable {
    /// Shares of the people by behaviour; the rest stays, polls when the answer says so and enters when called.
    public struct People: Sendable {
        /// Leave on purpose while they wait.
        public var leaving = 0.02
        /// Close the tab without a word.
        public var closing = 0.02
        /// Look only once a minute, as a hidden tab does: some miss their call and come back.
        public var hidden = 0.03
        /// Mean patience of those who leave or close, in seconds.
        public var patienceSeconds = 60.0
    }

    /// Bots that join within a few seconds.
    public struct Flood: Sendable {
        public var startSeconds: Double
        public var lengthSeconds: Double
        public var perSecond: Double
        /// The share that never polls again; the others poll and never enter.
        public var silent: Double
    }

    public var name: String
    public var lengthSeconds: Int
    public var policy: RoomPolicy
    public var people = People()
    /// Arrivals a second at whole times, with straight lines between them.
    public var arrivals: [(second: Double, perSecond: Double)]
    public var flood: Flood?
    /// What the operator sets, and when.
    public var changes: [(second: Double, change: @Sendable (inout RoomPolicy) -> Void)] = []
    /// Mean session of those who leave when they are done, in seconds, and their share; the others just let the pass
    /// run out. Nil: everybody does.
    public var sessions: (meanSeconds: Double, share: Double)?
    /// Promises made in this span count.
    public var judged: ClosedRange<Double>

    init(
        _ name: String,
        minutes: Int,
        rate: Int = 20,
        arrivals: [(second: Double, perSecond: Double)]
    ) {
        self.name = name
        self.lengthSeconds = minutes * 60
        self.arrivals = arrivals
        var policy = RoomPolicy.standard
        policy.rateMilli = rate * 1000
        policy.burst = 20
        // Short, so that the model does not carry thousands of ended visits; it matters only with max_active.
        policy.passLifetimeMilliseconds = 30_000
        self.policy = policy
        self.judged = 0...Double(minutes * 60)
    }

    func perSecond(at second: Double) -> Double {
        guard let first = arrivals.first, second >= first.second else { return 0 }
        for i in 1..<arrivals.count where second < arrivals[i].second {
            let (from, to) = (arrivals[i - 1], arrivals[i])
            return from.perSecond + (to.perSecond - from.perSecond) * (second - from.second) / (to.second - from.second)
        }
        return arrivals.last?.perSecond ?? 0
    }

    /// A crowd at the opening, then as many as keep the line about as long; perhaps others after a quarter of an hour.
    private static func opening(
        _ crowd: Double,
        then perSecond: Double,
        fromQuarter later: Double? = nil
    ) -> [(second: Double, perSecond: Double)] {
        let end = later ?? perSecond
        return [(0, crowd / 20), (20, crowd / 20), (20.1, perSecond), (900, perSecond), (900.1, end), (901, end)]
    }

    private static func leavers(_ percent: Int) -> EstimateScenario {
        let stay = 1 - Double(percent) / 100
        var scenario = EstimateScenario(
            "leavers \(percent) %",
            minutes: 25,
            arrivals: opening(6000, then: 20.5 / stay)
        )
        scenario.people = People(
            leaving: Double(percent) / 200,
            closing: Double(percent) / 200,
            hidden: 0.03,
            patienceSeconds: 90
        )
        return scenario
    }

    /// The scenarios of the table.
    public static let all: [EstimateScenario] = {
        var doubled = EstimateScenario("rate doubled", minutes: 30, arrivals: opening(4000, then: 21, fromQuarter: 41))
        doubled.changes = [(900, { $0.rateMilli = 40_000 })]
        var halved = EstimateScenario(
            "rate halved",
            minutes: 30,
            rate: 40,
            arrivals: opening(8000, then: 41, fromQuarter: 19)
        )
        halved.changes = [(900, { $0.rateMilli = 20_000 })]
        var paused = EstimateScenario("pause of 2 min", minutes: 30, arrivals: opening(4000, then: 21))
        paused.changes = [(900, { $0.mode = .paused }), (1020, { $0.mode = .open })]
        var bots = EstimateScenario("bot flood", minutes: 25, arrivals: opening(1800, then: 20.5))
        bots.flood = Flood(startSeconds: 420, lengthSeconds: 20, perSecond: 150, silent: 0.5)
        var inside = EstimateScenario("max_active, long sessions", minutes: 50, arrivals: opening(1200, then: 4))
        inside.policy.maxActive = 600
        inside.policy.passLifetimeMilliseconds = 300_000
        inside.sessions = (120, 0.6)
        var cold = EstimateScenario("cold start, first 60 s", minutes: 8, arrivals: opening(3600, then: 20))
        cold.judged = 0...60
        let peak: [(second: Double, perSecond: Double)] = [
            (0, 4), (600, 14), (1500, 36), (2100, 30), (2700, 12), (3600, 6),
        ]
        return [
            EstimateScenario("steady", minutes: 30, arrivals: opening(5000, then: 20.8)),
            EstimateScenario("ramp", minutes: 25, arrivals: [(0, 10), (120, 22), (1500, 36)]),
            doubled, halved, paused, leavers(10), leavers(30), leavers(60), bots, inside, cold,
            EstimateScenario("evening peak", minutes: 60, arrivals: peak),
        ]
    }()
}
