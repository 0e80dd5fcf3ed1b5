// SPDX-License-Identifier: Apache-2.0
//
// How the work of a join follows the load: nothing in quiet, a bit a doubling, a cap, and no going to and fro.

import Admission
import TestSupport
import Testing

/// A load under a rule, driven by a clock of the test's own.
private struct Run {
    let rule = ProofOfWork(bits: 14, bitsMax: 20)
    var ratePerSecond = 10.0
    var load = JoinLoad()
    var now = 1_000_000

    var bits: Int {
        mutating get { load.bits(rule, ratePerSecond: ratePerSecond, nowMilliseconds: now) }
    }

    /// Lets `perSecond` join, evenly, and returns what was asked for after each.
    mutating func join(_ perSecond: Double, seconds: Double) -> [Int] {
        let start = now
        return (0..<Int(perSecond * seconds)).map { index in
            now = start + Int(Double(index + 1) * 1000 / perSecond)
            load.record(nowMilliseconds: now)
            return bits
        }
    }
}

struct ProofOfWorkTests {
    @Test(
        "Nobody works while no more join than the room serves, nor in a burst that is worth ten seconds of the rate",
        arguments: [0.01, 0.5, 1, 10, 500]
    )
    func quiet(_ rate: Double) {
        var run = Run(ratePerSecond: rate)
        #expect(run.join(0.9 * max(rate, 1), seconds: 120).allSatisfy { $0 == 0 })
        run.now += 120_000
        for _ in 0..<Int(9.5 * max(rate, 1)) {
            run.load.record(nowMilliseconds: run.now)
            #expect(run.bits == 0)
        }
    }

    @Test("The measure is joins a second, whatever their pattern", arguments: [1.0, 10, 400])
    func measure(_ rate: Double) {
        var run = Run()
        _ = run.join(rate, seconds: 100)
        #expect(abs(run.load.perSecond(nowMilliseconds: run.now) / rate - 1) < 0.06)
        var bursts = JoinLoad()
        for second in 0..<100 {
            for _ in 0..<Int(rate) { bursts.record(nowMilliseconds: second * 1000) }
        }
        #expect(abs(bursts.perSecond(nowMilliseconds: 99_500) / rate - 1) < 0.06)
    }

    @Test("Work begins above the rate, and each doubling of the joins asks for one bit more, up to the most")
    func doublings() {
        for (times, expected) in [
            (1.2, 0), (1.5, 14), (3, 15), (6, 16), (12, 17), (24, 18), (48, 19), (96, 20), (1000, 20),
        ] {
            var run = Run()
            _ = run.join(10 * times, seconds: 60)
            #expect(run.bits == expected, "\(times) times the rate")
        }
        var fixed = Run()
        _ = fixed.join(100, seconds: 30)
        let rule = ProofOfWork(bits: 12, bitsMax: 12)
        #expect(fixed.load.bits(rule, ratePerSecond: 10, nowMilliseconds: fixed.now) == 12)
    }

    @Test("A rush is asked for work within a second or two, and a minute and a half after it the room is as it was")
    func risesAndDecays() {
        var run = Run()
        let asked = run.join(100, seconds: 20)
        let first = asked.firstIndex { $0 > 0 } ?? asked.count
        #expect((100...200).contains(first), "\(first) joined before")
        #expect(asked == asked.sorted(), "it only rises in a rush")
        var falling: [Int] = []
        for _ in 0..<900 {
            run.now += 100
            falling.append(run.bits)
        }
        #expect(falling == falling.sorted(by: >) && falling.first == 16 && falling.last == 0)
        #expect(run.load.perSecond(nowMilliseconds: run.now + 3_600_000_000) == 0)
    }

    @Test("A load that swings by a tenth around a border changes the work once")
    func steady() {
        for border in [40.0 / 3, 80.0 / 3, 160.0 / 3, 640.0 / 3] {
            var run = Run()
            _ = run.join(border * 0.9, seconds: 60)
            var changes = 0
            var last = run.bits
            for swing in 0..<60 {
                for bits in run.join(border * (swing % 2 == 0 ? 1.1 : 0.9), seconds: 10) where bits != last {
                    changes += 1
                    last = bits
                }
            }
            #expect(changes == 1, "around \(border) a second")
        }
    }

    @Test("Who comes by chance at the very rate is asked nothing, nor does it flap at its border", arguments: [20, 27])
    func chance(_ perSecond: Double) {
        var run = Run(ratePerSecond: 20)
        var random = SeededRandom(seed: 7)
        var changes = 0
        var last = 0
        for _ in 0..<600_000 {
            run.now += 1
            if Double.random(in: 0..<1, using: &random) < perSecond / 1000 { run.load.record(nowMilliseconds: run.now) }
            let bits = run.bits
            if bits != last { changes += 1 }
            last = bits
        }
        #expect(changes == (perSecond > 20 ? 1 : 0), "in ten minutes")
    }

    @Test("A clock that stands still or goes back does no harm, and the steps in which time comes do not matter")
    func clock() {
        var run = Run()
        _ = run.join(50, seconds: 30)
        let before = run.load.perSecond(nowMilliseconds: run.now)
        #expect(run.load.perSecond(nowMilliseconds: run.now - 5000) == before)
        var other = run.load
        for step in 1...50 { _ = other.perSecond(nowMilliseconds: run.now + step * 100) }
        let (one, many) = (
            run.load.perSecond(nowMilliseconds: run.now + 5000), other.perSecond(nowMilliseconds: run.now + 5000)
        )
        #expect(abs(one - many) < 1e-9 * one && one < before)
    }
}
