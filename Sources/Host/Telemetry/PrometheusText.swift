// SPDX-License-Identifier: Apache-2.0
//
// The Prometheus text format 0.0.4, as far as it is needed: counters of the scoreboard and gauges of rooms.
// Why no library: the client libraries for Swift count within one process, and these counters are summed over the
// memory that all workers share (Scoreboard.swift).

/// Builds an exposition. Families are written with HELP and TYPE once, in the order they are added.
public struct PrometheusText {
    public private(set) var text = ""
    private var described: Set<String> = []

    public init() {}

    private mutating func describe(_ name: String, _ help: String, _ type: String) {
        guard described.insert(name).inserted else { return }
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    /// Adds every counter of the scoreboard, summed over the workers.
    public mutating func add(_ scoreboard: Scoreboard) {
        for counter in Counter.allCases {
            let (name, label, help) = counter.exposition
            describe(name, help, "counter")
            text += label.isEmpty ? name : "\(name){\(label)}"
            text += " \(scoreboard.total(counter))\n"
        }
    }

    /// Adds a gauge with the label `room`. Rooms come from the configuration, so the label set is closed.
    public mutating func addGauge(_ name: String, help: String, rooms: [(room: String, value: Double)]) {
        describe(name, help, "gauge")
        for (room, value) in rooms {
            text += "\(name){room=\"\(PrometheusText.escaped(room))\"} \(PrometheusText.number(value))\n"
        }
    }

    mutating func addCounter(_ name: String, _ help: String, _ value: UInt64) {
        describe(name, help, "counter")
        text += "\(name) \(value)\n"
    }

    /// Adds a gauge without a label.
    public mutating func addSample(_ name: String, help: String, value: Double) {
        describe(name, help, "gauge")
        text += "\(name) \(PrometheusText.number(value))\n"
    }

    /// Adds a histogram; `buckets` are cumulated and end with +Inf.
    mutating func addHistogram(
        _ name: String,
        help: String,
        buckets: [(bound: String, count: UInt64)],
        sum: Double,
        count: UInt64
    ) {
        describe(name, help, "histogram")
        for (bound, count) in buckets { text += "\(name)_bucket{le=\"\(bound)\"} \(count)\n" }
        text += "\(name)_sum \(PrometheusText.number(sum))\n\(name)_count \(count)\n"
    }

    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(value)
    }

    static func escaped(_ value: String) -> String {
        var out = ""
        for character in value {
            switch character {
            case "\\": out += "\\\\"
            case "\"": out += "\\\""
            case "\n": out += "\\n"
            default: out.append(character)
            }
        }
        return out
    }
}
