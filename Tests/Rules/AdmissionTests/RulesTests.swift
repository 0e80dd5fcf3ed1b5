// SPDX-License-Identifier: Apache-2.0
//
// The rules of admission as properties: buckets, estimates, pacing, and the bounds of a policy.

import Admission
import Simulation
import TestSupport
import Testing

struct RulesTests {
    @Test("What a bucket lets through in any window is at most capacity and refill", arguments: UInt64(0)..<100)
    func bucketBound(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let rateMilli = Int.random(in: 1...200_000, using: &random)
        let capacity = Int.random(in: 1...50, using: &random)
        var bucket = TokenBucket(microtokens: capacity * TokenBucket.micro)
        var taken: [Int] = []
        var now = 0
        for _ in 0..<300 {
            let step = Int.random(in: -20...200, using: &random)
            bucket.refill(elapsedMilliseconds: step, rateMilli: rateMilli, microtokensMax: capacity * TokenBucket.micro)
            now += max(0, step)
            while bucket.tokens > 0, Bool.random(using: &random) {
                bucket.take()
                taken.append(now)
            }
        }
        for i in taken.indices {
            for j in i..<taken.count {
                let window = taken[j] - taken[i]
                #expect(j - i + 1 <= capacity + window * rateMilli / 1_000_000 + 1)
                #expect((j - i + 1 - capacity) * 1_000_000 <= window * rateMilli)
            }
        }
    }

    @Test("The time until a token is exact")
    func retryTime() {
        var bucket = TokenBucket(microtokens: 400_000)
        let wait = bucket.millisecondsUntilToken(rateMilli: 50_000)
        #expect(wait == 12)
        bucket.refill(elapsedMilliseconds: wait - 1, rateMilli: 50_000, microtokensMax: 5 * TokenBucket.micro)
        #expect(bucket.tokens == 0)
        bucket.refill(elapsedMilliseconds: 1, rateMilli: 50_000, microtokensMax: 5 * TokenBucket.micro)
        #expect(bucket.tokens == 1)
        #expect(TokenBucket(microtokens: 0).millisecondsUntilToken(rateMilli: 0) == 1000)
    }

    @Test("The baseline ETA is the formula of the design")
    func baseline() {
        var history = EntryHistory()
        let now = 2_000_000_000
        for second in (now / 1000 - 899)...(now / 1000) { history.record(second: second, entries: 10) }
        let rates = EntryRates(history: history, openedMilliseconds: 1, nowMilliseconds: now, limitPerSecond: 50)
        #expect(rates.perSecond == 10)
        let estimate = SlidingWindowEstimator().estimate(position: 300, rates: rates)
        #expect(estimate.seconds == 33)
        #expect(estimate.confidence == .high)
        #expect(estimate.lowSeconds < 33 && estimate.highSeconds > 33)
    }

    @Test("Windows are cut to the time since the room opened")
    func youngRoom() {
        var history = EntryHistory()
        let now = 2_000_000_000
        for second in (now / 1000 - 9)...(now / 1000) { history.record(second: second, entries: 5) }
        let rates = EntryRates(
            history: history,
            openedMilliseconds: now - 10_000,
            nowMilliseconds: now,
            limitPerSecond: 50
        )
        #expect(rates.perSecond == 5)
        #expect(rates.entriesIn15Minutes == 50)
    }

    @Test("A burst just measured promises no more than the configured rate")
    func capped() {
        var history = EntryHistory()
        history.record(second: 2_000_000, entries: 100)
        let rates = EntryRates(
            history: history,
            openedMilliseconds: 1_999_999_500,
            nowMilliseconds: 2_000_000_000,
            limitPerSecond: 10
        )
        #expect(rates.perSecond == 10)
    }

    @Test("Without data a place counts two seconds, with low confidence")
    func blind() {
        let estimate = SlidingWindowEstimator().estimate(position: 7, rates: EntryRates())
        #expect(estimate.seconds == 14)
        #expect(estimate.confidence == .low)
    }

    @Test("An estimate is never negative and never shorter for a worse position", arguments: UInt64(0)..<100)
    func monotonic(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var history = EntryHistory()
        for second in 1_000_000..<1_000_900 where Int.random(in: 0..<20, using: &random) == 0 {
            history.record(second: second, entries: Int.random(in: 0...500, using: &random))
        }
        let rates = EntryRates(
            history: history,
            openedMilliseconds: 999_000_000,
            nowMilliseconds: 1_000_900_000,
            limitPerSecond: 1000
        )
        var last = 0
        for position in [0, 1, 2, 3, 10, 1000, 1001, 300_000, 10_000_000] {
            let estimate = SlidingWindowEstimator().estimate(position: position, rates: rates)
            #expect(estimate.seconds >= last)
            #expect(estimate.lowSeconds >= 0 && estimate.lowSeconds <= estimate.seconds)
            #expect(estimate.highSeconds >= estimate.seconds)
            last = estimate.seconds
        }
    }

    @Test("Poll hints stay within their bounds and keep every place alive", arguments: UInt64(0)..<100)
    func pacing(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var policy = RoomPolicy.standard
        policy.abandonAfterMilliseconds = Int.random(in: 400...600_000, using: &random)
        policy.claimWindowMilliseconds = Int.random(in: 100...60_000, using: &random)
        for eta in [nil, 0, 1, 30, 3600, 300_000_000] {
            let farthest = Bool.random(using: &random) ? 100 : 1_000_000
            let position = Int.random(in: 1...farthest, using: &random)
            let hint = PollPacing.hintMilliseconds(
                etaSeconds: eta,
                position: position,
                waiting: position + Int.random(in: 0...1_000_000, using: &random),
                budgetPerSecond: Int.random(in: 10...100_000, using: &random),
                policy: policy,
                jitter: Double.random(in: 0..<1, using: &random)
            )
            #expect(hint > 0 && hint <= max(50, policy.abandonAfterMilliseconds / 3))
            if let eta { #expect(hint <= max(500, eta * 500)) }
            // A visitor who may be called soon asks at least twice in a claim window.
            if position <= max(100, policy.burst) + policy.rateMilli * 60 / 1000 {
                #expect(hint <= max(50, policy.claimWindowMilliseconds / 2))
            }
        }
    }

    @Test("The polls of a whole room stay within its budget", arguments: [1000, 10_000, 300_000, 400_000])
    func budget(_ waiting: Int) {
        let budget = 20_000
        var perSecond = 0.0
        for position in 1...waiting {
            let hint = PollPacing.hintMilliseconds(
                etaSeconds: position / 500,
                position: position,
                waiting: waiting,
                budgetPerSecond: budget,
                policy: .standard,
                jitter: 0.5
            )
            perSecond += 1000 / Double(hint)
        }
        #expect(perSecond <= Double(budget) * 1.1, "\(perSecond) polls a second")
    }

    @Test("Polling one ticket without pause is refused within the second, and only that ticket")
    func meter() {
        var meter = PollMeter()
        let allowed = (0..<200).count { _ in meter.allows(7, nowMilliseconds: 5000) }
        #expect(allowed == PollPacing.abusePerSecond)
        let (other, later) = (meter.allows(8, nowMilliseconds: 5000), meter.allows(7, nowMilliseconds: 6000))
        #expect(other)
        #expect(later)
    }

    @Test("Bad limits are named")
    func limits() {
        #expect(RoomPolicy.standard.complaint == nil)
        var policy = RoomPolicy.standard
        policy.burst = 0
        #expect(policy.complaint?.key == "burst")
        policy = .standard
        policy.returnGraceMilliseconds = 16 * policy.abandonAfterMilliseconds
        #expect(policy.complaint?.key == "return_grace")
        policy = .standard
        policy.passLifetimeMilliseconds = 1500
        #expect(policy.complaint?.key == "pass_ttl")
        #expect(RoomPolicy(scriptArguments: RoomPolicy.standard.scriptArguments) == .standard)
        #expect(RoomPolicy(scriptArguments: [1, 2, 3]) == nil)
    }

    @Test("A value out of bounds is answered by what the limit must be")
    func demands() {
        let demands: [PolicyField: String] = [
            .rateMilli: "must be 0 to 100000 a second", .burst: "must be 1 to 1000000",
            .maxActive: "must be 0 (no limit) to 100000000", .claimWindow: "must be 100ms to 24h",
            .abandonAfter: "must be 400ms to 24h", .returnGrace: "must be 0s to 24h",
            .passLifetime: "must be 1s to 24h, in whole seconds", .capacity: "must be 1 to 16000000",
            .pollBudget: "must be 10 to 10000000", .passMax: "must be 0s to 24h", .opensAt: Moment.demand,
            .closesAt: Moment.demand,
        ]
        for (field, demand) in demands {
            for value in [field.bounds.lowerBound - 1, field.bounds.upperBound + 1] {
                var policy = RoomPolicy.standard
                policy[field] = value
                #expect(policy.complaint?.key == field.key && policy.complaint?.reason == demand)
            }
        }
        var policy = RoomPolicy.standard
        policy[.mode] = RoomMode.allCases.count
        policy[.draw] = DrawKind.allCases.count
        #expect(policy == .standard, "a number that is no mode is not taken")
        #expect(demands.count == PolicyField.allCases.count - 2, "all but the two that are names")
    }
}
