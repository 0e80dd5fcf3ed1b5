// SPDX-License-Identifier: Apache-2.0
//
// `vestibule estimate-bench`: how right each way to estimate the wait is, over simulated events. deploy/bench/eta
// calls it.

import ArgumentParser
import Reactor
import Simulation

struct EstimateBenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "estimate-bench",
        abstract: "Compare the ways to estimate the wait over simulated events.",
        discussion: "Accuracy is 1 - |shown - actual| / actual, over visitors and the moments of their wait; actual is "
            + "the time until the visitor was called. Coverage is the share of waits within the 80 % interval."
    )

    @Option(help: "Seed of the events; the same seed gives the same table.")
    var seed: UInt64 = 1
    @Option(help: "Only events with this in their name.")
    var only = ""
    @Flag(help: "One JSON object a line instead of the table.")
    var json = false
    @Option(help: "Write the training log of the learned estimator to this file, without a table.")
    var log: String?

    func run() throws {
        let scenarios = EstimateScenario.all.filter { only.isEmpty || $0.name.contains(only) }
        guard !scenarios.isEmpty else { throw CommandFailure("EVENT_UNKNOWN", "no event has \(only) in its name") }
        if let log { return try writeLog(scenarios, log) }
        var all: [[EstimateScore]] = []
        if !json { print(EstimateBenchCommand.head) }
        for scenario in scenarios {
            var bench = EstimateBench(scenario, seed: seed)
            let scores = bench.run()
            scores.forEach(show)
            all.append(scores)
        }
        guard let methods = all.first?.count, all.count > 1 else { return }
        for method in 0..<methods { show(.pooled(all.map { $0[method] }, as: "all together")) }
    }

    private func writeLog(_ scenarios: [EstimateScenario], _ path: String) throws {
        var text = ""
        for scenario in scenarios {
            var bench = EstimateBench(scenario, seed: seed)
            _ = bench.run { text += $0 + "\n" }
        }
        try Files.write(path, text)
    }

    private static let head = """
        | event | method | promises | median accuracy | without overtaken | 90th percentile error | coverage \
        | without overtaken | rises > 20 % |
        |---|---|---|---|---|---|---|---|---|
        """

    private func show(_ score: EstimateScore) {
        if json {
            func number(_ value: Double?) -> String { value.map { "\($0)" } ?? "null" }
            print(
                "{\"event\":\"\(score.scenario)\",\"method\":\"\(score.method)\",\"promises\":\(score.promises)"
                    + ",\"accuracy\":\(number(score.medianAccuracy)),\"accuracy_undisturbed\":"
                    + "\(number(score.undisturbedAccuracy)),\"error_p90\":\(number(score.ninetiethError))"
                    + ",\"coverage\":\(number(score.coverage)),\"coverage_undisturbed\":"
                    + "\(number(score.undisturbedCoverage)),\"rises\":\(number(score.rises))}"
            )
        } else {
            func percent(_ value: Double?) -> String {
                value.map { "\(($0 * 1000).rounded() / 10) %" } ?? "-"
            }
            print(
                "| \(score.scenario) | \(score.method) | \(score.promises) | \(percent(score.medianAccuracy)) "
                    + "| \(percent(score.undisturbedAccuracy)) | \(percent(score.ninetiethError)) "
                    + "| \(percent(score.coverage)) | \(percent(score.undisturbedCoverage)) | \(percent(score.rises)) |"
            )
        }
    }
}
