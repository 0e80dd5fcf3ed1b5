// SPDX-License-Identifier: Apache-2.0
//
// The timer wheel against a sorted list.

import Load
import TestSupport
import Testing

@Suite struct TimerWheelTests {
    private func advance(_ wheel: inout TimerWheel, to now: Int) -> [WakeUp] {
        var woken: [WakeUp] = []
        wheel.advance(toMilliseconds: now, into: &woken)
        return woken
    }

    @Test func `a visitor is woken in the millisecond that was set, not before`() {
        var wheel = TimerWheel(visitorCount: 1)
        wheel.set(0, atMilliseconds: 250)
        #expect(advance(&wheel, to: 249).isEmpty)
        #expect(wheel.count == 1)
        #expect(advance(&wheel, to: 250) == [WakeUp(visitor: 0, dueMilliseconds: 250)])
        #expect(wheel.count == 0)
    }

    @Test func `a time that has passed means the next millisecond`() {
        var wheel = TimerWheel(visitorCount: 1)
        _ = advance(&wheel, to: 100)
        wheel.set(0, atMilliseconds: 7)
        #expect(advance(&wheel, to: 101) == [WakeUp(visitor: 0, dueMilliseconds: 101)])
    }

    @Test func `within one millisecond the order of setting is kept, also after turns of the wheel`() {
        let far = 3 * TimerWheel.slotCount + 5
        var wheel = TimerWheel(visitorCount: 100)
        for visitor in 0..<100 { wheel.set(UInt32(visitor), atMilliseconds: far) }
        #expect(advance(&wheel, to: far - 1).isEmpty)
        #expect(advance(&wheel, to: far).map(\.visitor) == Array(0..<100))
    }

    @Test(arguments: 1...8) func `random wake-ups come as a sorted list would give them`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let count = 2000
        var wheel = TimerWheel(visitorCount: count)
        var expected: [(due: Int, order: Int, visitor: UInt32)] = []
        var order = 0
        var now = -1
        func set(_ visitor: UInt32) {
            let due = now + 1 + Int.random(in: 0..<150_000, using: &random)
            wheel.set(visitor, atMilliseconds: due)
            expected.append((due, order, visitor))
            order += 1
        }
        for visitor in 0..<count { set(UInt32(visitor)) }
        for _ in 0..<300 {
            now += Int.random(in: 0...1500, using: &random)
            let due = expected.filter { $0.due <= now }.sorted { ($0.due, $0.order) < ($1.due, $1.order) }
            expected.removeAll { $0.due <= now }
            let woken = advance(&wheel, to: now)
            #expect(woken == due.map { WakeUp(visitor: $0.visitor, dueMilliseconds: $0.due) })
            for wakeUp in woken where wakeUp.visitor % 2 == 0 { set(wakeUp.visitor) }
            #expect(wheel.count == expected.count)
        }
    }
}
