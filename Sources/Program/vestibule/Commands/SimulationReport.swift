// SPDX-License-Identifier: Apache-2.0
//
// What `vestibule simulate` prints: a summary over the seeds, a line of JSON a run, or the account of a broken promise.

import Admission
import Simulation
import StrictJSON

extension UInt64 {
    var hexadecimal: String {
        let digits = String(self, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// Sums over the runs.
struct SimulationSummary {
    private var runs = 0
    private var visitors = 0
    private var fates: [Fate: Int] = [:]
    private var virtualMilliseconds = 0
    private var events = 0
    private var polls = 0
    private var losses = 0
    private var hash: UInt64 = 0

    mutating func add(_ result: SimulationResult) {
        runs += 1
        visitors += result.visitors
        for fate in Fate.allCases { fates[fate, default: 0] += result.count(fate) }
        virtualMilliseconds += result.virtualMilliseconds
        events += result.events
        polls += result.polls
        losses += result.losses
        hash = hash &* 31 &+ result.traceHash
    }

    func text(scenario: String) -> String {
        let ends = Fate.allCases.map { "\($0) \(fates[$0] ?? 0)" }.joined(separator: ", ")
        return """
            \(scenario): every promise was kept in \(runs) \(runs == 1 ? "run" : "runs")
            visitors \(visitors): \(ends)
            virtual time \(virtualMilliseconds / 1000) s, \(events) events, \(polls) polls, memory lost \(losses) times
            trace hash \(hash.hexadecimal)
            """
    }
}

extension SimulationResult {
    func json(scenario: String) -> String {
        let ends = Fate.allCases.map { "\"\($0)\":\(count($0))" }.joined(separator: ",")
        let broken =
            violation.map {
                "{\"promise\":\"\($0.promise.rawValue)\",\"at_ms\":\($0.atMilliseconds),"
                    + "\"text\":\(JSONText.literal($0.text))}"
            } ?? "null"
        return "{\"scenario\":\(JSONText.literal(scenario)),\"seed\":\(seed),"
            + "\"trace_hash\":\"\(traceHash.hexadecimal)\","
            + "\"violation\":\(broken),\"visitors\":\(visitors),\"fates\":{\(ends)},"
            + "\"virtual_ms\":\(virtualMilliseconds),\"events\":\(events),\"polls\":\(polls),\"entries\":\(entries),"
            + "\"numbers\":\(numbersIssued),\"losses\":\(losses),\"rises_by_returners\":\(risesByReturners),"
            + "\"older_looks\":\(olderLooks)}"
    }

    private var limits: String {
        // The limits that say when people are called: every run begins open, and the capacity only refuses joins.
        let fields = PolicyField.allCases.filter { $0 != .mode && $0 != .capacity }
        return fields.map { "\($0.key) \($0.text(policy[$0]))" }.joined(separator: ", ")
    }

    func account(of violation: Violation, scenario: String) -> String {
        let seconds = violation.atMilliseconds / 1000
        return """
            broken promise: \(violation.promise.rawValue)
            \(violation.text)
            seed \(seed), virtual time \(seconds) s (\(violation.atMilliseconds) ms)
            limits at the beginning: \(limits)
            again: vestibule simulate --scenario \(scenario) --seed \(seed)
            trace hash \(traceHash.hexadecimal), last events (time, event, visitor or number, value):
              \(lastEvents.joined(separator: "\n  "))
            """
    }
}
