// SPDX-License-Identifier: Apache-2.0
//
// What the recurrent network sees of a room: every two seconds, ratios without a scale, so that a small room and a
// large one look alike.

/// Twelve numbers from two ticks that lie a step apart.
package struct LearnedInputs {
    package static let count = 12
    /// Length of a step, in milliseconds.
    package static let stepMilliseconds = 2000

    private var counters = RoomCounters()
    private var called = 0
    private var steppedMilliseconds = 0

    package init() {}

    /// Returns the inputs when a step has passed since the last ones; the first call only takes the counters in.
    package mutating func step(_ reply: TickReply) -> [Double]? {
        let elapsed = reply.nowMilliseconds - steppedMilliseconds
        guard elapsed >= LearnedInputs.stepMilliseconds || steppedMilliseconds == 0 else { return nil }
        let (before, calledBefore, isFirst) = (counters, called, steppedMilliseconds == 0)
        counters = reply.counters
        called = reply.called
        steppedMilliseconds = reply.nowMilliseconds
        if isFirst { return nil }
        return inputs(reply, before, calledBefore, seconds: Double(elapsed) / 1000)
    }

    private func inputs(_ reply: TickReply, _ before: RoomCounters, _ called: Int, seconds: Double) -> [Double] {
        let rate = max(0.001, reply.policy.ratePerSecond)
        func perToken(_ count: Int) -> Double { min(8, max(0, Double(count) / seconds / rate)) }
        func perHead(_ count: Int) -> Double {
            log1p(max(0, Double(count) / seconds * 60 / Double(reply.waiting + 1)))
        }
        let now = reply.counters
        let limit = Double(reply.policy.maxActive)
        let lifetime = Double(reply.policy.passLifetimeMilliseconds) / 1000
        let calls = reply.called - called + now.entered - before.entered + now.lapsed - before.lapsed
        return [
            Exponential.log(rate) / 4, perToken(calls), perToken(now.entered - before.entered),
            log1p(perToken(now.joined - before.joined)), perHead(now.left - before.left),
            perHead(now.abandoned - before.abandoned), perToken(now.lapsed - before.lapsed),
            perToken(now.returned - before.returned), log1p(Double(reply.waiting)) / 8,
            limit > 0 ? Double(reply.called + reply.active) / limit : 0,
            limit > 0 ? min(2, limit / (rate * lifetime)) : 2, reply.policy.mode == .paused ? 1 : 0,
        ]
    }

    /// The inputs of the output layer for a position.
    package static func query(position: Double, perSecond: Double) -> [Double] {
        [log1p(position / perSecond) / 6, log1p(position) / 8]
    }

    private func log1p(_ value: Double) -> Double { LearnedInputs.log1p(value) }
    private static func log1p(_ value: Double) -> Double { Exponential.log(1 + value) }
}
