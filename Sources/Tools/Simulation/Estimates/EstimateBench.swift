// SPDX-License-Identifier: Apache-2.0
//
// Runs all estimators over the same event side by side, and compares every promised wait with the time at which the
// visitor was called. It uses the estimators of Admission and a seeded generator; the same seed gives the same scores.

internal import Admission
internal import Chance

/// One event with all methods.
public struct EstimateBench {
    private struct Sample {
        var madeMilliseconds: Int
        var number: Int
        var position: Int
        var perSecond: Double
        var promises: [WaitPromise?]
    }

    private struct Tracked {
        var number: Int
        var shown: [Int?]
    }

    private static let sampleEveryTicks = 10
    private static let samplesEach = 8
    private static let trackEveryTicks = 50

    private var event: EstimateEvent
    private var methods: [any WaitMethod]
    private var random: SplitMix64
    private var samples: [Sample] = []
    private var tracked: [Tracked] = []
    private var looks = 0
    private var rises: [Int]

    public init(_ scenario: EstimateScenario, seed: UInt64) {
        event = EstimateEvent(scenario, seed: seed)
        methods = [
            FixedMinute(), MovingAverage(), ProductMethod("sliding window", .slidingWindow),
            ProductMethod("forecast", .forecast), ProductMethod("learned", .learned),
        ]
        rises = Array(repeating: 0, count: methods.count)
        random = SplitMix64(seed: seed &+ 0x5EED)
    }

    /// Runs the event to its end.
    /// - Parameter log: gets the lines of the training log: `E event`, `S` with the inputs of a step, and after it `P`
    ///   with position, rate and the wait that came of it, in seconds.
    public mutating func run(log: ((String) -> Void)? = nil) -> [EstimateScore] {
        var tick = 0
        var inputs = LearnedInputs()
        var steps: [(inputs: [Double], samples: Int)] = []
        while !event.isOver {
            // The product's default paces the polls.
            let pacing = methods[3]
            let reply = event.step { position in
                pacing.promise(position: position).map {
                    WaitEstimate(seconds: $0.shownSeconds, lowSeconds: 0, highSeconds: 0, confidence: .low)
                }
            }
            let rates = EntryRates(
                history: event.history,
                openedMilliseconds: reply.openedMilliseconds,
                nowMilliseconds: reply.nowMilliseconds,
                limitPerSecond: reply.policy.ratePerSecond
            )
            for i in methods.indices { methods[i].observe(reply, event.model.waiting, event.history, rates) }
            if log != nil, let step = inputs.step(reply) {
                steps.append((step, samples.count))
                sample()
            } else if log == nil, tick % EstimateBench.sampleEveryTicks == 0 {
                sample()
            }
            if tick % EstimateBench.trackEveryTicks == 0 { track() }
            tick += 1
        }
        if let log { write(steps, log) }
        return methods.indices.map { score($0) }
    }

    private func write(_ steps: [(inputs: [Double], samples: Int)], _ log: (String) -> Void) {
        log("E \(event.scenario.name)")
        for (i, step) in steps.enumerated() {
            log("S " + step.inputs.map { "\($0)" }.joined(separator: " "))
            let end = i + 1 < steps.count ? steps[i + 1].samples : samples.count
            for sample in samples[step.samples..<end] {
                let passed = event.passedMilliseconds[sample.number]
                guard passed > 0, event.wasCalled[sample.number] else { continue }
                let wait = Double(passed - sample.madeMilliseconds) / 1000
                log("P \(sample.position) \(sample.perSecond) \(wait)")
            }
        }
    }

    private mutating func sample() {
        guard event.scenario.judged.contains(event.second) else { return }
        let waiting = event.model.waiting.punctualCount
        for _ in 0..<min(EstimateBench.samplesEach, waiting) {
            let rank = Int(random.fraction() * Double(waiting))
            // The second wait of somebody who missed a call is not judged, and bots are nobody.
            guard let number = event.model.waiting.number(atRank: rank), !event.isBot(number),
                event.passedMilliseconds[number] == 0
            else { continue }
            let promises = methods.map { $0.promise(position: rank + 1) }
            samples.append(
                Sample(
                    madeMilliseconds: event.nowMilliseconds,
                    number: number,
                    position: rank + 1,
                    perSecond: event.model.policy.ratePerSecond,
                    promises: promises
                )
            )
        }
    }

    private mutating func track() {
        let span = event.second - 11...event.second
        let isDisturbed = event.scenario.changes.contains { span.contains($0.second) }
        for visitor in tracked where !isDisturbed {
            guard let position = event.model.waiting.position(visitor.number) else { continue }
            looks += 1
            for i in methods.indices {
                guard let before = visitor.shown[i], let now = methods[i].promise(position: position) else { continue }
                if now.shownSeconds >= before + 2, now.shownSeconds * 5 > before * 6 { rises[i] += 1 }
            }
        }
        tracked = []
        guard event.scenario.judged.contains(event.second) else { return }
        for _ in 0..<min(20, event.model.waiting.punctualCount) {
            let rank = Int(random.fraction() * Double(event.model.waiting.punctualCount))
            guard let number = event.model.waiting.number(atRank: rank) else { continue }
            let shown = methods.map { $0.promise(position: rank + 1)?.shownSeconds }
            tracked.append(Tracked(number: number, shown: shown))
        }
    }

    private func isOvertaken(_ sample: Sample, _ passed: Int) -> Bool {
        event.scenario.changes.contains {
            let at = EstimateEvent.startMilliseconds + Int($0.second * 1000)
            return sample.madeMilliseconds < at && at <= passed
        }
    }

    private func score(_ method: Int) -> EstimateScore {
        var score = EstimateScore(scenario: event.scenario.name, method: methods[method].name)
        score.looks = looks
        score.risen = rises[method]
        for sample in samples {
            let passed = event.passedMilliseconds[sample.number]
            guard passed > 0, event.wasCalled[sample.number], let promise = sample.promises[method] else { continue }
            let isLate = sample.madeMilliseconds >= EstimateEvent.startMilliseconds + 60_000
            score.add(
                promise,
                actual: Double(passed - sample.madeMilliseconds) / 1000,
                isOvertaken: isOvertaken(sample, passed),
                countsForCoverage: isLate
            )
        }
        return score
    }
}
