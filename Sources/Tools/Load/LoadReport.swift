// SPDX-License-Identifier: Apache-2.0
//
// What a run showed, as JSON for programs and as text for people.

internal import Histogram

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
    /// The name and the value of each figure, nested.
    public let value: ReportValue
    /// The same for people.
    public let text: String
    /// Whether there was no error, nothing unsent or unanswered, no order violation, and the bound held.
    public let isClean: Bool

    /// Computes everything.
    public init(_ plan: LoadPlan, _ run: LoadRun, _ around: LoadSurroundings) {
        let figures = LoadFigures(plan, run, around)
        value = figures.value
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

    var value: ReportValue {
        .members([
            ("visitors", .integer(plan.visitorCount)), ("arrivals", .text(plan.arrivals.description)),
            ("tls", .flag(plan.isSecure)), ("connections", .integer(plan.connectionCount)),
            ("seconds", .number(seconds)), ("requests", .integer(statistics.answered)),
            ("requests_per_second", .number(Double(statistics.answered) / seconds)),
            ("sent", .integer(statistics.sent)), ("unsent", .integer(statistics.unsent)),
            ("resent", .integer(statistics.resent)),
            ("unanswered", .integer(statistics.unanswered)),
            ("queueing_us_max", .integer(statistics.queueingMicrosecondsMax)),
            ("clean", .flag(isClean)), ("error_count", .integer(statistics.errorCount)),
            ("errors", .members(sortedErrors.map { ($0.0, .integer($0.1)) })),
            ("visitors_by_outcome", countsValue), ("latency_us", latencyValue), ("order", orderValue),
            ("bound", boundValue), ("waits", waitsValue), ("redis", redisValue),
            (
                "processes",
                .members(
                    usage.map { group in
                        (
                            group.name,
                            .members([
                                ("cpu_us_per_request", .number(group.perRequest)), ("cores", .number(group.cores)),
                                ("rss_bytes", .integer(group.resident)), ("rss_bytes_max", .integer(group.residentMax)),
                            ])
                        )
                    }
                )
            ),
        ])
    }

    var sortedErrors: [(String, Int)] { statistics.errors.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }

    private var countsValue: ReportValue {
        .members([
            ("joined", .integer(counts.joined)), ("admitted", .integer(counts.admitted)),
            ("fetched", .integer(counts.fetched)), ("left", .integer(counts.left)),
            ("silent", .integer(counts.silent)), ("lost", .integer(counts.lost)),
            ("gave_up", .integer(counts.gaveUp)), ("not_ready", .integer(counts.notReady)),
            ("degraded", .integer(counts.degraded)), ("pass_mismatches", .integer(counts.passMismatches)),
        ])
    }

    private var latencyValue: ReportValue {
        var members: [(String, ReportValue)] = [("all", percentiles(statistics.allLatencies))]
        for kind in RequestKind.allCases where statistics[kind].count > 0 {
            members.append((kind.name, percentiles(statistics[kind].latency)))
            members.append(("\(kind.name)_service", percentiles(statistics[kind].service)))
        }
        return .members(members)
    }

    private func percentiles(_ histogram: Histogram<UInt32>) -> ReportValue {
        let shares = [("p50", 50.0), ("p95", 95), ("p99", 99), ("p99_9", 99.9)]
        return .members(
            [("count", .integer(Int(histogram.totalCount)))]
                + shares.map { ($0.0, .integer(Int(histogram.valueAtPercentile($0.1)))) }
                + [("max", .integer(Int(histogram.max)))]
        )
    }

    private var orderValue: ReportValue {
        .members([
            ("violations", .integer(order.violations)), ("worst_violation", .integer(order.worstViolation)),
            ("inversions", .integer(order.inversions)), ("worst_overtaking", .integer(order.worstOvertaking)),
            ("slack_us", .integer(around.orderSlackMicroseconds)),
        ])
    }

    private var waitsValue: ReportValue {
        guard waits.count > 0 else { return .none }
        return .members([
            ("count", .integer(waits.count)), ("median_accuracy", .number(waits.medianAccuracy)),
            ("median_error", .number(waits.medianError)), ("error_p90", .number(waits.error90)),
            ("covered", .number(waits.coveredShare)),
        ])
    }

    private var boundValue: ReportValue {
        guard let bound = around.bound else { return .none }
        return .members([
            ("rate", .number(bound.ratePerSecond)), ("burst", .number(bound.burst)), ("kept", .flag(isBoundKept)),
            ("excess_by_redis_clock", exactExcess.map { .number($0) } ?? .none),
            ("excess_as_seen", seenExcess.map { .number($0) } ?? .none),
        ])
    }

    private var redisValue: ReportValue {
        guard let after = around.redisAfter else { return .none }
        return .members([
            ("scripts_per_second", redisScriptsPerSecond.map { .number($0) } ?? .none),
            ("commands_per_second", redisCommandsPerSecond.map { .number($0) } ?? .none),
            ("used_memory_bytes", .integer(after.memoryBytes)),
            (
                "used_memory_growth_bytes",
                around.redisBefore.map { .integer(after.memoryBytes - $0.memoryBytes) } ?? .none
            ),
        ])
    }
}
