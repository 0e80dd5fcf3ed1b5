// SPDX-License-Identifier: Apache-2.0
//
// What a run measures: latencies in HdrHistograms, answers and errors by kind.

public import Histogram

/// Latencies and counts of one kind of request.
public struct KindStatistics {
    /// An hour in microseconds: longer than any run.
    private static let latencyMicrosecondsMax: UInt64 = 3_600_000_000

    /// Microseconds from the intended send time to the whole answer.
    public private(set) var latency = KindStatistics.histogram()
    /// Microseconds from the send to the whole answer.
    public private(set) var service = KindStatistics.histogram()
    /// Answers.
    public private(set) var count = 0

    private static func histogram() -> Histogram<UInt32> {
        Histogram(highestTrackableValue: latencyMicrosecondsMax, numberOfSignificantValueDigits: .three)
    }

    mutating func record(latencyMicroseconds: Int, serviceMicroseconds: Int) {
        count += 1
        latency.record(UInt64(max(0, latencyMicroseconds)))
        service.record(UInt64(max(0, serviceMicroseconds)))
    }
}

/// Everything a run counts.
public struct LoadStatistics {
    /// Names of errors kept apart at most; more are counted as "other".
    private static let errorNamesMax = 64

    private var kinds = [KindStatistics](repeating: KindStatistics(), count: RequestKind.allCases.count)
    /// Errors by "kind: name".
    public private(set) var errors: [String: Int] = [:]
    /// Requests sent.
    public internal(set) var sent = 0
    /// Requests sent again because the server closed a kept connection before it answered.
    public internal(set) var resent = 0
    /// Requests that were due when the run ended and had not been sent.
    public internal(set) var unsent = 0
    /// Requests sent and not answered when the run ended.
    public internal(set) var unanswered = 0
    /// The longest a request waited for a connection or for the rate cap, microseconds.
    public internal(set) var queueingMicrosecondsMax = 0

    /// Nothing counted.
    public init() {}

    /// Numbers of one kind.
    public subscript(kind: RequestKind) -> KindStatistics { kinds[Int(kind.rawValue)] }

    /// Answers of all kinds.
    public var answered: Int { kinds.reduce(0) { $0 + $1.count } }

    /// Errors of all kinds.
    public var errorCount: Int { errors.values.reduce(0, +) }

    /// All kinds in one histogram: latency from the intended send time.
    public var allLatencies: Histogram<UInt32> {
        var sum = kinds[0].latency
        for kind in kinds.dropFirst() { sum.add(kind.latency) }
        return sum
    }

    mutating func record(_ kind: RequestKind, latencyMicroseconds: Int, serviceMicroseconds: Int) {
        kinds[Int(kind.rawValue)].record(
            latencyMicroseconds: latencyMicroseconds,
            serviceMicroseconds: serviceMicroseconds
        )
    }

    mutating func recordError(_ kind: RequestKind?, _ name: String) {
        let full = kind.map { "\($0.name): \(name)" } ?? name
        let key = errors[full] != nil || errors.count < LoadStatistics.errorNamesMax ? full : "other"
        errors[key, default: 0] += 1
    }
}
