// SPDX-License-Identifier: Apache-2.0
//
// How many visitors will have been called at which time: a straight line where the rate is the limit, a curve where
// visitors inside must leave first (max_active).

/// Calls to come, cumulated, second by second, and a straight line after that.
struct ServiceCurve {
    /// Cumulated calls at the end of each second from now; empty for a straight line.
    private var cumulated: [Double] = []
    private var tailPerSecond: Double
    /// Where the last question ended: questions come in ascending order.
    private var second = 0

    init(perSecond: Double) { tailPerSecond = perSecond }

    init(cumulated: [Double], tailPerSecond: Double) {
        self.cumulated = cumulated
        self.tailPerSecond = tailPerSecond
    }

    /// Seconds until `calls` have happened. Ask in ascending order.
    mutating func seconds(until calls: Double) -> Double {
        while second < cumulated.count, cumulated[second] < calls { second += 1 }
        if second < cumulated.count {
            let before = second == 0 ? 0 : cumulated[second - 1]
            let step = cumulated[second] - before
            return Double(second) + (step > 0 ? max(0, calls - before) / step : 0)
        }
        let last = cumulated.last ?? 0
        return Double(cumulated.count) + max(0, calls - last) / max(tailPerSecond, 1e-9)
    }

    /// Calls within `seconds` from now.
    func calls(within seconds: Double) -> Double {
        let whole = Int(min(seconds, 1e9))
        if whole >= cumulated.count {
            return (cumulated.last ?? 0) + (seconds - Double(cumulated.count)) * tailPerSecond
        }
        let before = whole == 0 ? 0 : cumulated[whole - 1]
        return before + (cumulated[whole] - before) * (seconds - Double(whole))
    }
}

/// How visitors inside make room: passes that run out, a lifetime after the entry, and visitors who go before.
struct Turnover {
    private static let memorySeconds = 600.0
    private static let horizonSeconds = 900

    /// Sums of the least squares of departures = leaving * inside + kept * (entries a lifetime ago).
    private var insideSquared = 0.0
    private var bothProduct = 0.0
    private var endingSquared = 0.0
    private var departedInside = 0.0
    private var departedEnding = 0.0
    private var entered = 0
    private var active = 0
    private var pendingSeconds = 0.0
    private var pendingDepartures = 0.0
    /// Departures before the end of the pass, a person-second.
    private(set) var leavingPerSecond = 0.0
    /// The share of passes that are kept until they run out.
    private(set) var keptShare = 1.0

    mutating func begin(_ reply: TickReply) {
        entered = reply.counters.entered
        active = reply.active
    }

    mutating func look(_ reply: TickReply, _ history: EntryHistory, seconds: Double) {
        pendingDepartures += Double(reply.counters.entered - entered + active - reply.active)
        pendingSeconds += seconds
        entered = reply.counters.entered
        active = reply.active
        guard pendingSeconds >= 5 else { return }
        let lifetime = reply.policy.passLifetimeMilliseconds / 1000
        let now = reply.nowMilliseconds / 1000
        let inside = Double(active) * pendingSeconds
        var ending = 0.0
        if lifetime + 5 < EntryHistory.seconds {
            for ago in 0..<Int(pendingSeconds) { ending += Double(history.entries(at: now - lifetime - ago)) }
        }
        let keep = Exponential.exp(-pendingSeconds / Turnover.memorySeconds)
        insideSquared = insideSquared * keep + inside * inside
        bothProduct = bothProduct * keep + inside * ending
        endingSquared = endingSquared * keep + ending * ending
        departedInside = departedInside * keep + pendingDepartures * inside
        departedEnding = departedEnding * keep + pendingDepartures * ending
        pendingSeconds = 0
        pendingDepartures = 0
        solve(lifetime: Double(lifetime))
    }

    /// Two passes: the share kept is drawn to what the leaving alone would keep, and the leaving is what is left over.
    private mutating func solve(lifetime: Double) {
        guard insideSquared > 0 else { return }
        for _ in 0..<4 {
            leavingPerSecond = max(0, (departedInside - keptShare * bothProduct) / insideSquared)
            let expected = Exponential.exp(-leavingPerSecond * lifetime)
            let weight = 0.02 * endingSquared + 25
            let share = (departedEnding - leavingPerSecond * bothProduct + weight * expected) / (endingSquared + weight)
            keptShare = min(1, max(0, share))
        }
    }

    /// The calls to come in a room where at most `maxActive` are called or inside.
    func curve(_ reply: TickReply, _ history: EntryHistory, perSecond: Double, placesPerCall: Double) -> ServiceCurve {
        let lifetime = reply.policy.passLifetimeMilliseconds / 1000
        let limit = Double(reply.policy.maxActive)
        let now = reply.nowMilliseconds / 1000
        var inside = Double(reply.called + reply.active)
        var sum = 0.0
        var calls: [Double] = []
        calls.reserveCapacity(Turnover.horizonSeconds)
        var tokens = 0.0
        for second in 0..<Turnover.horizonSeconds {
            let ago = lifetime - second
            var ending = 0.0
            if ago > 0, ago < EntryHistory.seconds {
                ending = Double(history.entries(at: now - ago))
            } else if ago <= 0 {
                ending = (calls[-ago] - (ago == 0 ? 0 : calls[-ago - 1])) / placesPerCall
            } else {
                // Entered before the history began: evenly.
                ending = Double(reply.active) / Double(lifetime)
            }
            inside -= min(inside, leavingPerSecond * inside + keptShare * ending)
            // A room that is full saves up to a burst of tokens; the curve is about the time after that.
            tokens = min(tokens + perSecond, max(perSecond, Double(reply.policy.burst)))
            let called = max(0, min(tokens, limit - inside))
            tokens -= called
            inside += called
            sum += called * placesPerCall
            calls.append(sum)
        }
        let half = Turnover.horizonSeconds / 2
        let tail = (calls[Turnover.horizonSeconds - 1] - calls[half - 1]) / Double(Turnover.horizonSeconds - half)
        return ServiceCurve(cumulated: calls, tailPerSecond: max(tail, limit / Double(max(1, lifetime)) * 0.1))
    }
}
