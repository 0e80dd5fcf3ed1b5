// SPDX-License-Identifier: Apache-2.0
//
// The clock by which visitors poll. It is the real one when visitors follow the server's poll hints. To hold a rate it
// runs faster or slower than real time, so that exactly the asked number of visitors becomes due: all intervals shrink
// or grow alike, and visitors near the front still poll more often than visitors far from it.

/// What a run holds.
public enum PollAim: Sendable, Equatable {
    /// Visitors poll when their answer says so.
    case asTold
    /// This many polls a second.
    case polls(perSecond: Double)
    /// This many requests a second: polls get what the others leave.
    case requests(perSecond: Double)
}

/// Polling time, in milliseconds, driven by real time.
public struct PollClock: Sendable {
    /// No visitor polls more often than this, however few there are: the server refuses much faster polls as abuse.
    public static let soonestMilliseconds = 250
    /// A visitor with the longest hint of 60 s polls every 120 s at this speed: slower, and places would be swept.
    public static let speedMin = 0.5
    /// Beyond this speed, the aim is missed: there are too few visitors for it.
    public static let speedMax = 40.0
    /// Budget for this long is kept for later; the rest is lost.
    private static let savedMilliseconds = 20.0
    /// More than the budget of this long is never owed: it would silence polls after a rush of joins.
    private static let owedMilliseconds = 1000.0

    /// The speed is a mean over about this long.
    private static let meanMilliseconds = 200.0

    private let aim: PollAim
    /// Polls that may be sent now; below 0 when more were due than asked for.
    private var budget = 0.0
    private var realMilliseconds = 0
    /// Polling time at the last call of `advance`, and the bounds until the next.
    private var startMilliseconds = 0
    private var floorMilliseconds = 0.0
    private var ceilingMilliseconds = 0
    private var speed = 1.0
    /// Polling time.
    public private(set) var nowMilliseconds = 0

    /// Starts at 0, like the run.
    public init(_ aim: PollAim) {
        self.aim = aim
    }

    /// Lets real time pass; then `step` until it is false.
    /// - Parameter others: requests of other kinds since the last call.
    public mutating func advance(realMilliseconds now: Int, others: Int) {
        let passed = Double(max(0, now - realMilliseconds))
        realMilliseconds = max(now, realMilliseconds)
        guard passed > 0 else {
            if case .requests = aim { budget -= Double(others) }
            return
        }
        switch aim {
        case .asTold: floorMilliseconds = Double(now)
        case .polls(let rate): earn(rate, passed, others: 0)
        case .requests(let rate): earn(rate, passed, others: others)
        }
    }

    private mutating func earn(_ rate: Double, _ passed: Double, others: Int) {
        let saved = max(1, rate * PollClock.savedMilliseconds / 1000)
        let owed = rate * PollClock.owedMilliseconds / 1000
        budget = min(max(budget + rate * passed / 1000 - Double(others), -owed), saved)
        let weight = min(1, passed / PollClock.meanMilliseconds)
        speed += (Double(nowMilliseconds - startMilliseconds) / passed - speed) * weight
        startMilliseconds = nowMilliseconds
        floorMilliseconds = max(floorMilliseconds, Double(nowMilliseconds) - 1) + passed * PollClock.speedMin
        ceilingMilliseconds = nowMilliseconds + Int(passed * PollClock.speedMax)
    }

    /// Goes one millisecond further if the aim asks for it. The visitors that are due by `nowMilliseconds` then poll.
    public mutating func step() -> Bool {
        let isBehind = Double(nowMilliseconds) + 1 <= floorMilliseconds
        guard isBehind || (budget >= 1 && nowMilliseconds < ceilingMilliseconds) else { return false }
        nowMilliseconds += 1
        return true
    }

    /// Takes note of visitors who poll.
    public mutating func spend(_ polls: Int) { budget -= Double(polls) }

    /// When a visitor with this hint polls next, in polling time.
    public func dueMilliseconds(hintMilliseconds: Int) -> Int {
        if aim == .asTold { return nowMilliseconds + hintMilliseconds }
        return nowMilliseconds + max(hintMilliseconds, Int(Double(PollClock.soonestMilliseconds) * speed))
    }
}
