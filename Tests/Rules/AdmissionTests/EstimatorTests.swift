// SPDX-License-Identifier: Apache-2.0
//
// The estimator on the real queue model: what must hold for every method and history, and what the forecast knows.

import Admission
import Simulation
import TestSupport
import Testing

/// A room in virtual time with an estimator beside it.
private struct Line {
    var model: QueueModel
    var history = EntryHistory()
    var estimator: RoomEstimator
    var now = 1_800_000_000_000
    /// Everybody who was called enters with the next tick.
    var enters = true
    var alive: [Int] = []

    init(_ policy: RoomPolicy, _ method: EstimateMethod = .forecast) {
        model = QueueModel(policy: policy, firstNumber: 1, nowMilliseconds: now)
        var settings = EstimateSettings.standard
        settings.method = method
        estimator = RoomEstimator(settings: settings)
    }

    mutating func join(_ count: Int) {
        let batch = Array(repeating: JoinRequest(kind: .join), count: count)
        for outcome in model.join(batch, nowMilliseconds: now).outcomes {
            if case .waiting(let number, _) = outcome { alive.append(number) }
        }
    }

    mutating func leave(_ number: Int) {
        alive.removeAll { $0 == number }
        _ = model.leave(claim(number), nowMilliseconds: now)
    }

    private func claim(_ number: Int) -> TicketClaim {
        TicketClaim(generation: model.generation, number: number, issuedMilliseconds: now)
    }

    mutating func step() {
        now += 200
        if enters { for number in model.called.keys { _ = model.enter(claim(number), nowMilliseconds: now) } }
        let epoch = now / model.policy.epochMilliseconds
        let reply = model.tick(seen: alive, epoch: epoch, tickMilliseconds: 200, nowMilliseconds: now)
        for (second, entries) in reply.flow { history.record(second: second, entries: entries) }
        let rates = EntryRates(
            history: history,
            openedMilliseconds: reply.openedMilliseconds,
            nowMilliseconds: now,
            limitPerSecond: reply.policy.ratePerSecond
        )
        estimator.observe(reply, mirror: model.waiting, history: history, rates: rates)
    }

    mutating func run(_ seconds: Int) { for _ in 0..<(seconds * 5) { step() } }

    mutating func set(_ change: (inout RoomPolicy) -> Void) {
        var policy = model.policy
        change(&policy)
        model.configure(policy, nowMilliseconds: now)
    }
}

private func limits(rate: Int, burst: Int = 1) -> RoomPolicy {
    var policy = RoomPolicy.standard
    policy.rateMilli = rate * 1000
    policy.burst = burst
    return policy
}

struct EstimatorTests {
    @Test("No method names a negative time or a shorter one for a worse position", arguments: UInt64(0)..<24)
    func monotone(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let method = EstimateMethod.allCases[Int(seed) % EstimateMethod.allCases.count]
        var policy = limits(rate: Int.random(in: 1...40, using: &random), burst: Int.random(in: 1...50, using: &random))
        if Bool.random(using: &random) { policy.maxActive = Int.random(in: 1...200, using: &random) }
        policy.passLifetimeMilliseconds = Int.random(in: 1...60, using: &random) * 1000
        var line = Line(policy, method)
        for _ in 0..<40 {
            line.join(Int.random(in: 0...60, using: &random))
            while let gone = line.alive.randomElement(using: &random), Int.random(in: 0...3, using: &random) > 0 {
                line.leave(gone)
            }
            if Int.random(in: 0...9, using: &random) == 0 {
                line.set { $0.rateMilli = Int.random(in: 1...90_000, using: &random) }
            }
            line.run(Int.random(in: 1...3, using: &random))
            var last = WaitEstimate(seconds: 0, lowSeconds: 0, highSeconds: 0, confidence: .low)
            for position in [-1, 0, 1, 2, 3, 5, 17, 100, 101, 500, 2000, 300_000, 10_000_000] {
                let estimate = try #require(line.estimator.estimate(position: position))
                #expect(0 <= estimate.lowSeconds && estimate.lowSeconds <= estimate.seconds)
                #expect(estimate.seconds <= estimate.highSeconds)
                #expect(estimate.seconds >= last.seconds && estimate.lowSeconds >= last.lowSeconds)
                #expect(estimate.highSeconds >= last.highSeconds)
                last = estimate
            }
        }
    }

    @Test(
        "Nothing is promised while a room is paused, and again from the first tick after it",
        arguments: EstimateMethod.allCases
    )
    func paused(_ method: EstimateMethod) {
        var line = Line(limits(rate: 10), method)
        line.join(300)
        line.run(5)
        #expect(line.estimator.estimate(position: 100) != nil)
        line.set { $0.mode = .paused }
        line.step()
        #expect(line.estimator.estimate(position: 100) == nil)
        line.run(30)
        line.set { $0.mode = .open }
        line.step()
        #expect(line.estimator.estimate(position: 100) != nil)
    }

    @Test("Another rate is believed with the next tick")
    func rateChange() throws {
        var line = Line(limits(rate: 10))
        line.join(2000)
        line.run(60)
        let before = try #require(line.estimator.estimate(position: 1000)).seconds
        #expect((97...103).contains(before), "\(before)")
        line.set { $0.rateMilli = 20_000 }
        line.step()
        let doubled = try #require(line.estimator.estimate(position: 1000)).seconds
        #expect((48...53).contains(doubled), "\(doubled)")
        line.set { $0.rateMilli = 5000 }
        line.step()
        let halved = try #require(line.estimator.estimate(position: 1000)).seconds
        #expect((190...210).contains(halved), "\(halved)")
    }

    @Test("A fresh worker promises a wide interval with low confidence, one that has seen outcomes a narrow one")
    func calibrated() throws {
        var line = Line(limits(rate: 10))
        line.join(2000)
        line.run(2)
        let fresh = try #require(line.estimator.estimate(position: 500))
        #expect(fresh.confidence == .low)
        #expect(fresh.highSeconds - fresh.lowSeconds >= fresh.seconds / 2)
        line.run(120)
        let known = try #require(line.estimator.estimate(position: 500))
        #expect(known.confidence == .high)
        #expect(known.highSeconds - known.lowSeconds <= known.seconds / 5)
        #expect(line.estimator.record.count > 30)
        #expect(try #require(line.estimator.record.accuracy) > 0.9)
        let outcomes = line.estimator.takeOutcomes()
        #expect(outcomes.count == line.estimator.record.count)
        #expect(line.estimator.takeOutcomes().isEmpty)
    }

    @Test("A full room names the time until passes run out")
    func capacity() throws {
        var policy = limits(rate: 50, burst: 100)
        policy.maxActive = 100
        policy.passLifetimeMilliseconds = 60_000
        var line = Line(policy)
        line.join(200)
        line.run(20)
        // A hundred went in at once; 20 of their 60 seconds are over.
        let first = try #require(line.estimator.estimate(position: 1)).seconds
        #expect((38...42).contains(first), "\(first)")
        let last = try #require(line.estimator.estimate(position: 100)).seconds
        #expect(last >= first && last <= 44, "\(last)")
    }

    @Test("A reset or a room that went back starts the estimator anew")
    func reset() throws {
        var line = Line(limits(rate: 10))
        line.join(500)
        line.run(20)
        _ = line.model.reset(nowMilliseconds: line.now)
        line.alive = []
        line.step()
        line.join(100)
        line.run(2)
        let estimate = try #require(line.estimator.estimate(position: 50)).seconds
        #expect((4...6).contains(estimate), "\(estimate)")
    }
}

struct HourWeightTests {
    private static let eight = 1_800_000_000_000 / 86_400_000 * 86_400_000 + 8 * 3_600_000

    @Test("Equal weights change nothing")
    func neutral() {
        var settings = EstimateSettings.standard
        #expect(settings.seconds(work: 1000, perSecond: 4, nowMilliseconds: HourWeightTests.eight) == 250)
        settings.hourWeights = Array(repeating: 3, count: 24)
        #expect(settings.seconds(work: 1000, perSecond: 4, nowMilliseconds: HourWeightTests.eight) == 250)
    }

    @Test("A weight counts for hours to come, by the room's own time, and never for the hour that was measured")
    func forecast() {
        var settings = EstimateSettings.standard
        settings.hourWeights[9] = 2
        let half = HourWeightTests.eight + 1_800_000
        // Half an hour at 1 a second, then 2 a second.
        #expect(settings.seconds(work: 1800, perSecond: 1, nowMilliseconds: half) == 1800)
        #expect(settings.seconds(work: 3800, perSecond: 1, nowMilliseconds: half) == 2800)
        settings.hourWeights[8] = 4
        #expect(settings.seconds(work: 3800, perSecond: 1, nowMilliseconds: half) == 6200)
        settings.utcOffsetMinutes = 540
        #expect(settings.seconds(work: 3800, perSecond: 1, nowMilliseconds: half) == 3800)
    }
}

@Suite struct CohortLedgerTests {
    /// Three joined in a second for a thousand seconds, and the last 900 wait; then the worker is started again.
    private func ledger(joined: Int, next: Int) -> [Double] {
        var reply = TickReply()
        reply.nowMilliseconds = 1_796_000_000_000
        reply.openedMilliseconds = reply.nowMilliseconds - 1_000_000
        reply.counters.joined = joined
        reply.next = next
        var mirror = RankIndex()
        for number in (next - 900)..<next { mirror.insert(number) }
        var ledger = CohortLedger()
        ledger.begin(reply, mirror)
        return ledger.cohorts.map { $0.age(reply.nowMilliseconds) }
    }

    @Test func `a worker that was started again knows about how long people wait, whatever the numbers`() {
        for next in [3001, 150_000_000_000] {
            let ages = ledger(joined: 3000, next: next)
            #expect((280...300).contains(ages[0]), "\(ages[0]) s and not 300")
            #expect(zip(ages, ages.dropFirst()).allSatisfy { $0 > $1 })
        }
    }

    @Test func `in a room that lost its counters nobody waits for longer than the room is open`() {
        let ages = ledger(joined: 0, next: 150_000_000_000)
        #expect((900...1000).contains(ages[0]))
        #expect(ages.allSatisfy { $0 <= 1000 })
    }
}
