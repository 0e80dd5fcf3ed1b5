// SPDX-License-Identifier: Apache-2.0
//
// The targets of the estimator on simulated events, held in every run of the tests. The full table is deploy/bench/eta.

import Simulation
import Testing

struct EstimateBenchTests {
    private func scores(_ name: String, seed: UInt64 = 3) throws -> [String: EstimateScore] {
        let scenario = try #require(EstimateScenario.all.first { $0.name == name })
        var bench = EstimateBench(scenario, seed: seed)
        return Dictionary(uniqueKeysWithValues: bench.run().map { ($0.method, $0) })
    }

    /// Event, and the least median accuracy in it.
    static let floors: [(String, Double)] = [
        ("steady", 0.98), ("ramp", 0.98), ("leavers 10 %", 0.98), ("leavers 30 %", 0.98), ("leavers 60 %", 0.96),
        ("rate doubled", 0.97), ("pause of 2 min", 0.97), ("bot flood", 0.95), ("max_active, long sessions", 0.93),
        ("cold start, first 60 s", 0.95),
    ]

    @Test(
        "The forecast is as right as the table says, beats the sliding window, and its interval keeps its word",
        arguments: floors
    )
    func accuracy(_ name: String, _ floor: Double) throws {
        let scores = try scores(name)
        let (ours, baseline) = (try #require(scores["forecast"]), try #require(scores["sliding window"]))
        #expect(ours.promises > 200)
        #expect(ours.medianAccuracy >= floor)
        #expect(ours.medianAccuracy > baseline.medianAccuracy)
        if let coverage = ours.coverage { #expect((0.72...0.88).contains(coverage), "\(coverage)") }
        // A fixed minute is what being wrong looks like here: the bench can tell.
        #expect(try #require(scores["fixed 60 s"]).medianAccuracy < 0.9)
    }

    @Test("The same seed gives the same numbers, another seed others")
    func deterministic() throws {
        let name = "cold start, first 60 s"
        let (one, same, other) = (try scores(name), try scores(name), try scores(name, seed: 4))
        for (method, score) in one {
            let twin = try #require(same[method])
            #expect(score.promises == twin.promises && score.medianAccuracy == twin.medianAccuracy)
            #expect(score.ninetiethError == twin.ninetiethError && score.rises == twin.rises)
        }
        #expect(one["forecast"]?.ninetiethError != other["forecast"]?.ninetiethError)
    }
}
