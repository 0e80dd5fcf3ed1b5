// SPDX-License-Identifier: Apache-2.0
//
// The waits that the server promised to visitors, and the waits that followed: how good the ETA is, seen from outside.

/// Promises of the run, kept until it ends.
struct WaitPromises {
    /// Promises kept at most, 20 bytes each; later ones are not judged.
    private static let countMax = 2_000_000

    private struct Promise {
        let visitor: UInt32
        let atMilliseconds: UInt32
        let seconds: UInt32
        let lowSeconds: UInt32
        let highSeconds: UInt32
    }

    private var promises: [Promise] = []
    /// When each visitor was called, milliseconds from the start; 0 before.
    private var calledMilliseconds: [UInt32]

    init(visitorCount: Int) {
        calledMilliseconds = [UInt32](repeating: 0, count: visitorCount)
    }

    mutating func promised(_ visitor: Int, _ body: AnswerBody, atMilliseconds: Int) {
        guard promises.count < Self.countMax, let wait = body.wait else { return }
        promises.append(
            Promise(
                visitor: UInt32(visitor),
                atMilliseconds: UInt32(clamping: atMilliseconds),
                seconds: UInt32(clamping: wait.seconds),
                lowSeconds: UInt32(clamping: wait.lowSeconds),
                highSeconds: UInt32(clamping: wait.highSeconds)
            )
        )
    }

    mutating func called(_ visitor: Int, atMilliseconds: Int) {
        if calledMilliseconds[visitor] == 0 { calledMilliseconds[visitor] = UInt32(clamping: max(1, atMilliseconds)) }
    }

    /// How the promises made from `fromMilliseconds` on to visitors who were called turned out. A promise counts for as
    /// long as it stood, until the visitor's next one: who polls more often near the front does not count for more.
    /// A visitor learns of the call at the next poll, so the waits are longer than the server's by up to a poll hint.
    func outcome(fromMilliseconds: Int) -> WaitOutcome {
        var errors: [(error: Double, weight: Double)] = []
        var (all, covered) = (0.0, 0.0)
        var until = calledMilliseconds
        for promise in promises.reversed() where Int(promise.atMilliseconds) >= fromMilliseconds {
            let visitor = Int(promise.visitor)
            let called = calledMilliseconds[visitor]
            guard called > promise.atMilliseconds else { continue }
            let weight = Double(until[visitor] - promise.atMilliseconds)
            until[visitor] = promise.atMilliseconds
            let actual = Double(called - promise.atMilliseconds) / 1000
            errors.append(((Double(promise.seconds) - actual) / actual, weight))
            all += weight
            // Whole seconds on both sides: a wait of 4.3 s is within an interval that ends with 4.
            let (low, high) = (Double(promise.lowSeconds) - 0.5, Double(promise.highSeconds) + 1)
            if actual >= low, actual < high { covered += weight }
        }
        guard all > 0 else { return WaitOutcome() }
        let absolute = errors.map { (error: abs($0.error), weight: $0.weight) }
        return WaitOutcome(
            count: errors.count,
            medianAccuracy: 1 - Self.percentile(absolute, 0.5, of: all),
            medianError: Self.percentile(errors, 0.5, of: all),
            error90: Self.percentile(absolute, 0.9, of: all),
            coveredShare: covered / all
        )
    }

    /// The error below which `share` of the weight lies.
    private static func percentile(
        _ errors: [(error: Double, weight: Double)],
        _ share: Double,
        of all: Double
    ) -> Double {
        var sum = 0.0
        for item in errors.sorted(by: { $0.error < $1.error }) {
            sum += item.weight
            if sum >= share * all { return item.error }
        }
        return errors.map(\.error).max() ?? 0
    }
}

/// How the promises turned out.
public struct WaitOutcome: Sendable, Equatable {
    /// Promises judged.
    public var count = 0
    /// Median of 1 - |eta - actual| / actual, over visitors and the moments of their wait.
    public var medianAccuracy = 0.0
    /// Median of (eta - actual) / actual: above 0 when promises were too long.
    public var medianError = 0.0
    /// The relative error that nine of ten stay below.
    public var error90 = 0.0
    /// The share whose wait lay in the promised interval.
    public var coveredShare = 0.0
}
