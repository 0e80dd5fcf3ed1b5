// SPDX-License-Identifier: Apache-2.0
//
// Arrival schedules and the clock of polls.

import Load
import TestSupport
import Testing

@Suite struct ScheduleTests {
    private func arrivals(_ text: String, count: Int, seed: UInt64 = 7) throws -> [Int] {
        var sequence = ArrivalSequence(try #require(ArrivalSchedule(text)))
        var random = SeededRandom(seed: seed)
        return (0..<count).map { _ in sequence.next(using: &random) }
    }

    @Test func `a spike brings everybody within its seconds, evenly`() throws {
        let times = try arrivals("spike:4", count: 40_000)
        #expect(times.allSatisfy { (0..<4000).contains($0) })
        for second in 0..<4 {
            let share = Double(times.count { $0 / 1000 == second }) / 40_000
            #expect(abs(share - 0.25) < 0.02, "second \(second) has \(share)")
        }
    }

    @Test func `a ramp brings more visitors every second, in proportion to time`() throws {
        let times = try arrivals("ramp:10", count: 100_000)
        #expect(times.allSatisfy { (0..<10_000).contains($0) })
        for second in 0..<10 {
            let share = Double(times.count { $0 / 1000 == second }) / 100_000
            // The integral of 2t/100 from n to n+1.
            #expect(abs(share - Double(2 * second + 1) / 100) < 0.01, "second \(second) has \(share)")
        }
    }

    @Test func `a Poisson stream is in order, keeps its rate, and has gaps as often as exponential ones`() throws {
        let times = try arrivals("poisson:100", count: 50_000)
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 <= $1 })
        #expect(abs(Double(times[49_999]) / 500_000 - 1) < 0.03)
        // A gap is longer than its mean with chance 1/e.
        let long = zip(times, times.dropFirst()).count { $1 - $0 > 10 }
        #expect((0.3...0.4).contains(Double(long) / 50_000))
    }

    @Test func `the same seed gives the same arrivals, another seed others`() throws {
        #expect(try arrivals("spike:9", count: 50) == arrivals("spike:9", count: 50))
        #expect(try arrivals("spike:9", count: 50) != arrivals("spike:9", count: 50, seed: 8))
    }

    @Test(arguments: ["spike", "spike:", "spike:0", "spike:-1", "spike:nan", "wave:3", "spike:1:2", "ramp:1e9", ""])
    func `a schedule that makes no sense is refused`(text: String) {
        #expect(ArrivalSchedule(text) == nil)
    }

    @Test func `polling time is real time when visitors poll as told`() {
        var clock = PollClock(.asTold)
        for now in [3, 3, 10, 500] {
            clock.advance(realMilliseconds: now, others: 7)
            while clock.step() { clock.spend(1) }
            #expect(clock.nowMilliseconds == now)
        }
        #expect(clock.dueMilliseconds(hintMilliseconds: 1) == 501)
    }

    @Test func `without visitors polling time runs at its fastest, with too many at its slowest`() {
        var clock = PollClock(.polls(perSecond: 1000))
        for now in 1...1000 {
            clock.advance(realMilliseconds: now, others: 0)
            while clock.step() {}
        }
        #expect(clock.nowMilliseconds == 40_000)
        // At that speed a visitor still waits a quarter of a second of real time.
        #expect(abs(clock.dueMilliseconds(hintMilliseconds: 100) - 50_000) < 200)
        let start = clock.nowMilliseconds
        for now in 1001...2000 {
            clock.advance(realMilliseconds: now, others: 0)
            while clock.step() { clock.spend(50) }
        }
        #expect(abs(clock.nowMilliseconds - start - 500) < 5)
    }
}
