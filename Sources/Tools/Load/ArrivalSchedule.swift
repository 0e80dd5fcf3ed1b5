// SPDX-License-Identifier: Apache-2.0
//
// When the visitors of a run arrive: a spike, a ramp, or a Poisson stream. Pure arithmetic on a given random source.

/// How arrivals are spread over time.
public enum ArrivalSchedule: Sendable, Equatable, CustomStringConvertible {
    /// All arrive within the first seconds, each moment as likely as any other.
    case spike(seconds: Double)
    /// All arrive within the given seconds, more and more of them: the rate grows in proportion to time from zero.
    case ramp(seconds: Double)
    /// Independent arrivals at a mean rate, with exponential gaps.
    case poisson(perSecond: Double)

    /// Reads `spike:SECONDS`, `ramp:SECONDS` or `poisson:PER_SECOND`; nil for anything else. The number is above 0
    /// and at most 1,000,000.
    public init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let number = Double(parts[1]), number > 0, number <= 1_000_000 else { return nil }
        switch parts[0] {
        case "spike": self = .spike(seconds: number)
        case "ramp": self = .ramp(seconds: number)
        case "poisson": self = .poisson(perSecond: number)
        default: return nil
        }
    }

    /// As it is written in options and reports.
    public var description: String {
        switch self {
        case .spike(let seconds): "spike:\(seconds)"
        case .ramp(let seconds): "ramp:\(seconds)"
        case .poisson(let rate): "poisson:\(rate)"
        }
    }
}

/// The arrivals of one run, one after the other. Only a Poisson stream gives them in order of time.
public struct ArrivalSequence {
    private let schedule: ArrivalSchedule
    private var reachedSeconds = 0.0

    /// Starts at the beginning of the run.
    public init(_ schedule: ArrivalSchedule) {
        self.schedule = schedule
    }

    /// Milliseconds from the start of the run to the next visitor's arrival, never negative.
    public mutating func next(using random: inout some RandomNumberGenerator) -> Int {
        let chance = Double.random(in: 0..<1, using: &random)
        switch schedule {
        case .spike(let seconds):
            return Int(seconds * 1000 * chance)
        case .ramp(let seconds):
            // The share that has arrived by time t is (t / seconds) squared; this is its inverse.
            return Int(seconds * 1000 * chance.squareRoot())
        case .poisson(let rate):
            reachedSeconds += -naturalLogarithm(1 - chance) / rate
            return Int(reachedSeconds * 1000)
        }
    }
}
