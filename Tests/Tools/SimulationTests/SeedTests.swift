// SPDX-License-Identifier: Apache-2.0
//
// Many short runs of every scenario: no checker finds a broken promise, and a seed is a run.

import Admission
import Configuration
import Foundation
import Simulation
import TestSupport
import Testing

struct SeedTests {
    private func play(_ name: String, _ seeds: some Sequence<UInt64>) throws {
        let scenario = try #require(try BuiltInScenarios.scenario(name))
        for seed in seeds {
            let result = try Simulation(scenario: scenario, seed: seed).run()
            if let violation = result.violation {
                Issue.record(
                    """
                    vestibule simulate --scenario \(name) --seed \(seed)
                    \(violation.promise) at \(violation.atMilliseconds) ms: \(violation.text)
                    \(result.lastEvents.joined(separator: "\n"))
                    """
                )
                return
            }
        }
    }

    @Test("Every scenario keeps every promise", arguments: BuiltInScenarios.names.filter { $0 != "million" })
    func scenarios(_ name: String) throws { try play(name, 1...3) }

    @Test("Under faults every promise is kept", arguments: UInt64(0)..<4)
    func faults(_ batch: UInt64) throws { try play("faults", (batch * 30 + 1)...(batch * 30 + 30)) }

    /// Clock steps, evictions, resets, bypass and caps. `deploy/test --long` plays ten times as many.
    @Test("When clocks, keys and operators do their worst every promise is kept", arguments: UInt64(0)..<4)
    func upheaval(_ batch: UInt64) throws { try play("upheaval", (batch * 250 + 1)...(batch * 250 + 250)) }

    @Test("Under faults every promise is kept, with seeds that each commit draws for itself")
    func commit() throws {
        let first = CommitSeed.value()
        try play("faults", first...(first &+ 39))
    }

    @Test("A crowd below HTTP keeps every promise, and everybody patient enters")
    func belowHTTP() throws {
        var scenario = try #require(try BuiltInScenarios.scenario("million"))
        scenario.visitors = 20_000
        scenario.policy.rateMilli = 200_000
        scenario.policy.burst = 200
        let result = try Simulation(scenario: scenario, seed: 1).run()
        #expect(result.violation == nil)
        #expect(result.count(.entered) > 12_000)
        #expect(result.fates.reduce(0, +) == 20_000)
    }

    @Test("The same scenario and seed give the same trace, another seed another one", arguments: ["calm", "faults"])
    func determinism(_ name: String) throws {
        let scenario = try #require(try BuiltInScenarios.scenario(name))
        let runs = try (0..<3).map { try Simulation(scenario: scenario, seed: $0 == 2 ? 8 : 7).run() }
        #expect(runs[0].traceHash == runs[1].traceHash)
        #expect(runs[0].events == runs[1].events)
        #expect(runs[0].traceHash != runs[2].traceHash)
    }

    @Test("In a calm room no position ever rises, and no older look comes second")
    func calm() throws {
        let scenario = try #require(try BuiltInScenarios.scenario("calm"))
        for seed in UInt64(1)...5 {
            let result = try Simulation(scenario: scenario, seed: seed).run()
            #expect(result.violation == nil)
            #expect(result.risesByReturners == 0)
            #expect(result.olderLooks == 0)
            #expect(result.count(.entered) == 300)
        }
    }
}

/// A seed that differs from commit to commit: VESTIBULE_SEED, or the first digits of HEAD.
enum CommitSeed {
    static func value() -> UInt64 {
        if let text = ProcessInfo.processInfo.environment["VESTIBULE_SEED"], let seed = UInt64(text) { return seed }
        let head = try? TestProcess.output("git", ["rev-parse", "HEAD"])
        return head.flatMap { UInt64($0.text.prefix(8), radix: 16) } ?? 1
    }
}
