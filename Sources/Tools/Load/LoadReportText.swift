// SPDX-License-Identifier: Apache-2.0
//
// The text of a report.

internal import Histogram

extension LoadFigures {
    var text: String {
        ([summary] + errorLines + [latencyTable] + [orderLine] + boundLines + waitLines + redisLines + usageLines)
            .joined(separator: "\n") + "\n"
    }

    private var summary: String {
        """
        \(statistics.answered) requests in \(decimal(seconds, 1)) s: \
        \(decimal(Double(statistics.answered) / seconds, 0)) requests/s, \(statistics.errorCount) errors, \
        \(statistics.unsent) unsent, \(statistics.unanswered) unanswered, longest wait for a connection \
        \(milliseconds(statistics.queueingMicrosecondsMax))
        visitors \(plan.visitorCount) (\(plan.arrivals.description)): joined \(counts.joined), admitted \
        \(counts.admitted), fetched \(counts.fetched), left \(counts.left), silent \(counts.silent), lost \
        \(counts.lost), gave up \(counts.gaveUp); not ready \(counts.notReady), degraded \(counts.degraded)
        """
    }

    private var errorLines: [String] { sortedErrors.map { "  error \($0.0): \($0.1)" } }

    private var latencyTable: String {
        var lines = [row(["from intended send", "count", "p50", "p95", "p99", "p99.9", "max"])]
        lines.append(latencyRow("all", statistics.allLatencies))
        for kind in RequestKind.allCases where statistics[kind].count > 0 {
            lines.append(latencyRow(kind.name, statistics[kind].latency))
            lines.append(latencyRow("  from actual send", statistics[kind].service))
        }
        return lines.joined(separator: "\n")
    }

    private func latencyRow(_ name: String, _ histogram: Histogram<UInt32>) -> String {
        let values = [50, 95, 99, 99.9].map { milliseconds(Int(histogram.valueAtPercentile($0))) }
        return row([name, "\(histogram.totalCount)"] + values + [milliseconds(Int(histogram.max))])
    }

    private func row(_ cells: [String]) -> String {
        cells.enumerated().map { index, cell in
            let width = index == 0 ? 20 : 13
            let padding = String(repeating: " ", count: max(0, width - cell.count))
            return index == 0 ? cell + padding : padding + cell
        }.joined()
    }

    private var orderLine: String {
        "order: \(order.violations) violations (worst \(order.worstViolation)); by poll pacing \(order.inversions) "
            + "inversions, worst overtaking \(order.worstOvertaking)"
    }

    private var waitLines: [String] {
        guard waits.count > 0 else { return [] }
        return [
            "waits: \(waits.count) promises from \(plan.waitsFromMilliseconds / 1000) s on: median accuracy "
                + "\(decimal(waits.medianAccuracy * 100, 1)) % (error \(decimal(waits.medianError * 100, 1)) %), "
                + "nine of ten within \(decimal(waits.error90 * 100, 1)) %, "
                + "interval held \(decimal(waits.coveredShare * 100, 1)) %"
        ]
    }

    private var boundLines: [String] {
        guard let bound = around.bound else { return [] }
        let exact = exactExcess.map { "\(decimal($0, 1)) by Redis' clock" } ?? "Redis was not asked"
        return [
            "bound: burst \(decimal(bound.burst, 0)) + \(decimal(bound.ratePerSecond, 1))/s "
                + "\(isBoundKept ? "kept" : "BROKEN"); fullest window minus bound: \(exact), "
                + "\(decimal(seenExcess ?? 0, 1)) as seen"
        ]
    }

    private var redisLines: [String] {
        guard let after = around.redisAfter, let scripts = redisScriptsPerSecond, let all = redisCommandsPerSecond
        else {
            return []
        }
        let growth = after.memoryBytes - (around.redisBefore?.memoryBytes ?? 0)
        return [
            "redis: \(decimal(scripts, 1)) scripts/s, \(decimal(all, 1)) commands/s inside and outside of them, "
                + "used_memory \(after.memoryBytes) bytes (grew by \(growth))"
        ]
    }

    private var usageLines: [String] {
        usage.map {
            row([
                "cpu \($0.name)", "\(decimal($0.perRequest, 2)) us/req", "\(decimal($0.cores, 2)) cores",
                "rss \(decimal(Double($0.resident) / 1_048_576, 1)) MiB",
            ])
        }
    }

    private func milliseconds(_ microseconds: Int) -> String { decimal(Double(microseconds) / 1000, 2) + " ms" }

    /// A number with some digits behind the point, 0 to 3.
    private func decimal(_ value: Double, _ digits: Int) -> String {
        let unit = [1, 10, 100, 1000][digits]
        let scaled = Int((value * Double(unit)).rounded())
        let fraction = String(scaled.magnitude % UInt(unit))
        let sign = scaled < 0 ? "-" : ""
        guard digits > 0 else { return "\(scaled)" }
        return "\(sign)\(scaled.magnitude / UInt(unit))."
            + String(repeating: "0", count: digits - fraction.count) + fraction
    }
}
