// SPDX-License-Identifier: Apache-2.0
//
// The methods in the table of estimators, behind one protocol: two naive methods that exist only here, the formula of
// the reference, and the estimators of the product. Each sees what a worker sees, and nothing of the future of the
// event.

internal import Admission

/// What one method says about one position.
struct WaitPromise {
    /// In whole seconds, as a visitor sees it.
    var shownSeconds: Int
    /// The interval before it is rounded outwards for display; nil where the method has none.
    var interval: (low: Double, high: Double)?
}

/// A method, fed by every tick.
protocol WaitMethod {
    var name: String { get }
    mutating func observe(_ reply: TickReply, _ mirror: RankIndex, _ history: EntryHistory, _ rates: EntryRates)
    func promise(position: Int) -> WaitPromise?
}

/// A minute, whatever happens.
struct FixedMinute: WaitMethod {
    let name = "fixed 60 s"
    private var isPaused = false

    mutating func observe(_ reply: TickReply, _ mirror: RankIndex, _ history: EntryHistory, _ rates: EntryRates) {
        isPaused = reply.policy.mode == .paused
    }

    func promise(position: Int) -> WaitPromise? { isPaused ? nil : WaitPromise(shownSeconds: 60) }
}

/// Position over an exponential moving average of the entries a second (alpha 0.1).
struct MovingAverage: WaitMethod {
    let name = "EMA"
    private var isPaused = false
    private var perSecond: Double?
    private var entered = 0
    private var lookedMilliseconds = 0

    mutating func observe(_ reply: TickReply, _ mirror: RankIndex, _ history: EntryHistory, _ rates: EntryRates) {
        isPaused = reply.policy.mode == .paused
        let elapsed = reply.nowMilliseconds - lookedMilliseconds
        guard elapsed >= 1000 else { return }
        let rate = Double(reply.counters.entered - entered) * 1000 / Double(elapsed)
        if lookedMilliseconds > 0 { perSecond = perSecond.map { $0 * 0.9 + rate * 0.1 } ?? rate }
        lookedMilliseconds = reply.nowMilliseconds
        entered = reply.counters.entered
    }

    func promise(position: Int) -> WaitPromise? {
        if isPaused { return nil }
        guard let perSecond, perSecond > 0.001 else { return WaitPromise(shownSeconds: 2 * position) }
        return WaitPromise(shownSeconds: Int((Double(position) / perSecond).rounded(.up)))
    }
}

/// What the product shows with a method of `eta.method`.
struct ProductMethod: WaitMethod {
    let name: String
    private(set) var estimator: RoomEstimator

    init(_ name: String, _ method: EstimateMethod) {
        self.name = name
        var settings = EstimateSettings.standard
        settings.method = method
        estimator = RoomEstimator(settings: settings)
    }

    mutating func observe(_ reply: TickReply, _ mirror: RankIndex, _ history: EntryHistory, _ rates: EntryRates) {
        estimator.observe(reply, mirror: mirror, history: history, rates: rates)
    }

    func promise(position: Int) -> WaitPromise? {
        guard let table = estimator.table, let shown = table.estimate(position: position),
            let span = table.span(position: position)
        else { return nil }
        return WaitPromise(shownSeconds: shown.seconds, interval: (span.lowSeconds, span.highSeconds))
    }
}
