// SPDX-License-Identifier: Apache-2.0
//
// What a run showed, as JSON for programs and as text for people.

internal import Histogram
public import StrictJSON

/// The surroundings of a run, read before and after it.
public struct LoadSurroundings: Sendable {
    /// Processor time and memory by group, in the same order before and after.
    public var usageBefore: [ProcessUsage] = []
    public var usageAfter: [ProcessUsage] = []
    public var redisBefore: RedisUsage?
    public var redisAfter: RedisUsage?
    /// Exact times of entries by Redis' clock, microseconds; nil when Redis was not asked.
    public var redisEntryMicroseconds: [Int]?
    /// The room's limits; nil when they were not given.
    public var bound: EntryBound?
    /// How old the state behind an answer may be, microseconds: a tick of each worker and a margin.
    public var orderSlackMicroseconds = 500_000

    /// Nothing known.
    public init() {}
}

/// The figures of one run.
public struct LoadReport: Sendable {
    /// The name and the value of each figure, nested, as JSON text.
    public let json: String
    /// The same for people.
    public let text: String
    /// Whether there was no error, nothing unsent or unanswered, no order violation, and the bound held.
    public let isClean: Bool

    /// Computes everything.
    public init(_ plan: LoadPlan, _ run: LoadRun, _ around: LoadSurroundings) {
        let figures = LoadFigures(plan, run, around)
        json = figures.value.text
        text = figures.text
        isClean = figures.isClean
    }
}

struct LoadFigures {
    let plan: LoadPlan
    let statistics: LoadStatistics
    let counts: CrowdCounts
    let around: LoadSurroundings
    let seconds: Double
    let order: CallOrder
    let waits: WaitOutcome
    /// Entries beyond the bound by Redis' clock, and as seen from here.
    let exactExcess: Double?
    let seenExcess: Double?

    init(_ plan: LoadPlan, _ run: LoadRun, _ around: LoadSurroundings) {
        self.plan = plan
        self.around = around
        statistics = run.statistics
        counts = run.crowd.counts
        waits = run.crowd.waitOutcome
        seconds = Double(max(1, run.elapsedMilliseconds)) / 1000
        order = CallOrder(run.crowd.entries, slackMicroseconds: around.orderSlackMicroseconds)
        exactExcess = around.bound.flatMap { bound in around.redisEntryMicroseconds.map { bound.excess($0) } }
        // An entry was made between the request and its answer, so windows are as much wider as the slowest took.
        let slowest = max(run.statistics[.enter].service.max, run.statistics[.join].service.max)
        seenExcess = around.bound?.excess(
            run.crowd.entries.map(\.enteredMicroseconds),
            jitterMicroseconds: Int(slowest)
        )
    }

    /// Redis' clock decides where it is known.
    var isBoundKept: Bool { EntryBound.isKept(excess: exactExcess ?? seenExcess ?? 0) }

    var isClean: Bool {
        statistics.errorCount == 0 && statistics.unsent == 0 && statistics.unanswered == 0 && order.violations == 0
            && counts.lost == 0 && counts.passMismatches == 0 && isBoundKept
    }

    /// Differences of the groups: microseconds of processor time a request, and memory at the end.
    var usage: [(name: String, perRequest: Double, cores: Double, resident: Int, residentMax: Int)] {
        zip(around.usageBefore, around.usageAfter).map { before, after in
            let spent = Double(after.processorMicroseconds - before.processorMicroseconds)
            return (
                after.name, spent / Double(max(1, statistics.answered)), spent / seconds / 1e6, after.residentBytes,
                after.residentBytesMax
            )
        }
    }

    var redisScriptsPerSecond: Double? { redisRate(\.scripts) }
    var redisCommandsPerSecond: Double? { redisRate(\.commands) }

    private func redisRate(_ path: KeyPath<RedisUsage, Int>) -> Double? {
        guard let before = around.redisBefore, let after = around.redisAfter else { return nil }
        return Double(after[keyPath: path] - before[keyPath: path]) / seconds
    }

    // MARK: - JSON

    var value: JSONValue {
        .members([
            ("visitors", .count(plan.visitorCount)), ("arrivals", .string(plan.arrivals.description)),
            ("tls", .bool(plan.isSecure)), ("connections", .count(plan.connectionCount)),
            ("seconds", .measure(seconds)), ("requests", .count(statistics.answered)),
            ("requests_per_second", .measure(Double(statistics.answered) / seconds)),
            ("sent", .count(statistics.sent)), ("unsent", .count(statistics.unsent)),
            ("resent", .count(statistics.resent)),
            ("unanswered", .count(statistics.unanswered)),
            ("queueing_us_max", .count(statistics.queueingMicrosecondsMax)),
            ("clean", .bool(isClean)), ("error_count", .count(statistics.errorCount)),
            ("errors", .members(sortedErrors.map { ($0.0, .count($0.1)) })),
            ("visitors_by_outcome", countsValue), ("latency_us", latencyValue), ("order", orderValue),
            ("bound", boundValue), ("waits", waitsValue), ("redis", redisValue),
            (
                "processes",
                .members(
                    usage.map { group in
                        (
                            group.name,
                            .members([
                                ("cpu_us_per_request", .measure(group.perRequest)), ("cores", .measure(group.cores)),
                                ("rss_bytes", .count(group.resident)), ("rss_bytes_max", .count(group.residentMax)),
                            ])
                        )
                    }
                )
            ),
        ])
    }

    var sortedErrors: [(String, Int)] { statistics.errors.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }

    private var countsValue: JSONValue {
        .members([
            ("joined", .count(counts.joined)), ("admitted", .count(counts.admitted)),
            ("fetched", .count(counts.fetched)), ("left", .count(counts.left)),
            ("silent", .count(counts.silent)), ("lost", .count(counts.lost)),
            ("gave_up", .count(counts.gaveUp)), ("not_ready", .count(counts.notReady)),
            ("degraded", .count(counts.degraded)), ("pass_mismatches", .count(counts.passMismatches)),
        ])
    }

    private var latencyValue: JSONValue {
        var members: [(String, JSONValue)] = [("all", percentiles(statistics.allLatencies))]
        for kind in RequestKind.allCases where statistics[kind].count > 0 {
            members.append((kind.name, percentiles(statistics[kind].latency)))
            members.append(("\(kind.name)_service", percentiles(statistics[kind].service)))
        }
        return .members(members)
    }

    private func percentiles(_ histogram: Histogram<UInt32>) -> JSONValue {
        let shares = [("p50", 50.0), ("p95", 95), ("p99", 99), ("p99_9", 99.9)]
        return .members(
            [("count", .count(Int(histogram.totalCount)))]
                + shares.map { ($0.0, .count(Int(histogram.valueAtPercentile($0.1)))) }
                + [("max", .count(Int(histogram.max)))]
        )
    }

    private var orderValue: JSONValue {
        .members([
            ("violations", .count(order.violations)), ("worst_violation", .count(order.worstViolation)),
            ("inversions", .count(order.inversions)), ("worst_overtaking", .count(order.worstOvertaking)),
            ("slack_us", .count(around.orderSlackMicroseconds)),
        ])
    }

    private var waitsValue: JSONValue {
        guard waits.count > 0 else { return .null }
        return .members([
            ("count", .count(waits.count)), ("median_accuracy", .measure(waits.medianAccuracy)),
            ("median_error", .measure(waits.medianError)), ("error_p90", .measure(waits.error90)),
            ("covered", .measure(waits.coveredShare)),
        ])
    }

    private var boundValue: JSONValue {
        guard let bound = around.bound else { return .null }
        return .members([
            ("rate", .measure(bound.ratePerSecond)), ("burst", .measure(bound.burst)), ("kept", .bool(isBoundKept)),
            ("excess_by_redis_clock", exactExcess.map { .measure($0) } ?? .null),
            ("excess_as_seen", seenExcess.map { .measure($0) } ?? .null),
        ])
    }

    private var redisValue: JSONValue {
        guard let after = around.redisAfter else { return .null }
        return .members([
            ("scripts_per_second", redisScriptsPerSecond.map { .measure($0) } ?? .null),
            ("commands_per_second", redisCommandsPerSecond.map { .measure($0) } ?? .null),
            ("used_memory_bytes", .count(after.memoryBytes)),
            (
                "used_memory_growth_bytes",
                around.redisBefore.map { .count(after.memoryBytes - $0.memoryBytes) } ?? .null
            ),
        ])
    }
}

extension JSONValue {
    static func count(_ number: Int) -> JSONValue { .integer(Int64(number)) }

    /// A figure to a thousandth, which is finer than anything measured here.
    public static func measure(_ number: Double) -> JSONValue { .number((number * 1000).rounded() / 1000) }
}
