// SPDX-License-Identifier: Apache-2.0
//
// A sample of the promises a worker could have made, and their outcomes: when the head of the line passed the number,
// compared with the promised time.

/// The outcome of one promise.
public struct PromiseOutcome: Equatable, Sendable {
    public var promised: WaitTable.Span
    public var actualSeconds: Double

    /// 1 - |promised - actual| / actual, at least 0.
    public var accuracy: Double {
        max(0, 1 - abs(promised.seconds - actualSeconds) / max(actualSeconds, 0.001))
    }
    public var errorSeconds: Double { abs(promised.seconds - actualSeconds) }
    /// Whether the interval held the outcome.
    public var isCovered: Bool {
        promised.lowSeconds <= actualSeconds && actualSeconds <= promised.highSeconds
    }
}

/// Promises that are open. Bound: `openMax`; while it is full no more are sampled.
struct PromiseLedger {
    private struct Promise {
        var number: Int
        var madeMilliseconds: Int
        var span: WaitTable.Span
        /// An operator changed the room since; it says nothing about the estimator.
        var isOvertaken = false
    }

    static let openMax = 1024
    private static let intervalMillisecondsMin = 1000

    private var open: [Promise] = []
    private var lowest = Int.max
    private var sampledMilliseconds = 0
    private var step = 0

    /// Samples the line evenly by rank; the golden ratio spreads few samples well.
    mutating func sample(_ table: WaitTable, _ mirror: RankIndex, nowMilliseconds now: Int) {
        let interval = max(PromiseLedger.intervalMillisecondsMin, Int(min(table.lastSeconds, 1e6)) * 1000 / 400)
        let count = mirror.punctualCount
        guard count > 0, now - sampledMilliseconds >= interval else { return }
        sampledMilliseconds = now
        for _ in 0..<2 {
            step = (step + 1) % 1_000_000
            let share = (Double(step) * 0.6180339887498949).truncatingRemainder(dividingBy: 1)
            let rank = min(count - 1, Int(share * Double(count)))
            guard open.count < PromiseLedger.openMax, let number = mirror.number(atRank: rank),
                let span = table.span(position: rank + 1)
            else { continue }
            open.append(Promise(number: number, madeMilliseconds: now, span: span))
            lowest = min(lowest, number)
        }
    }

    /// The operator changed something: what was promised before cannot be kept.
    mutating func overtake() {
        for i in open.indices { open[i].isOvertaken = true }
    }

    mutating func removeAll() {
        open = []
        lowest = Int.max
    }

    /// Takes out the promises whose numbers the head has passed: called now, unless their holders had gone before.
    mutating func resolve(
        head: Int,
        nowMilliseconds now: Int,
        _ body: (PromiseOutcome, _ isOvertaken: Bool) -> Void
    ) {
        guard lowest < head else { return }
        lowest = Int.max
        for promise in open {
            guard promise.number < head else {
                lowest = min(lowest, promise.number)
                continue
            }
            let waited = Double(max(0, now - promise.madeMilliseconds)) / 1000
            body(PromiseOutcome(promised: promise.span, actualSeconds: waited), promise.isOvertaken)
        }
        open.removeAll { $0.number < head }
    }
}
