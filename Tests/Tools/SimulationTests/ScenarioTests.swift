// SPDX-License-Identifier: Apache-2.0
//
// Scenario files: what they say, what is wrong with them, and the command that plays them.

import Admission
import Configuration
import Foundation
import Simulation
import TestSupport
import Testing

struct ScenarioTests {
    @Test("A file says everything a scenario has")
    func everything() throws {
        let scenario = try Scenario(
            yaml: """
                room: {rate: 2.5, burst: 7}
                workers: 4
                tick: 100ms
                rooms: 3
                visitors: 12
                arrive_within: 3s
                patience: 4s
                crowd:
                  {patient: 1, impatient: 2, closers: 3, sleepers: 4, clickers: 5, scripts: 6, hidden: 7, decliners: 8}
                network: {delay: 5ms, jitter: 6ms, loss_per_mille: 7}
                clock_skew: 8s
                chunk_edge: 1
                small_caps: 1
                front: store
                faults: {until: 9s, drops: 1, stalls: 2, outages: 3, restarts: 4, flushes: 5, rollbacks: 6, deaths: 7,
                  clock_steps: 8, clock_step: 2m, evictions: 9, lag: 8ms, length: 9ms}
                operator:
                  - {at: 1s, rate: 3, burst: 4, max_active: 5, mode: paused}
                  - {at: 2s, reset: 1}
                drawn_operations: 2
                horizon: 1m
                """
        )
        #expect(scenario.policy.rateMilli == 2500)
        #expect(scenario.policy.burst == 7)
        #expect(scenario.workers == 4)
        #expect(scenario.tickMilliseconds == 100)
        #expect(scenario.rooms == 3)
        #expect(scenario.visitors == 12)
        #expect(scenario.arrivalMilliseconds == 3000)
        #expect(scenario.patienceMilliseconds == 4000)
        #expect(scenario.crowd.weights == [1, 2, 3, 4, 5, 6, 7, 8])
        #expect(scenario.network.delayMilliseconds == 5)
        #expect(scenario.network.jitterMilliseconds == 6)
        #expect(scenario.network.lossPerMille == 7)
        #expect(scenario.skewMilliseconds == 8000)
        #expect(scenario.front == .store)
        #expect(scenario.faults.untilMilliseconds == 9000)
        #expect(scenario.faults.total == 45)
        #expect(scenario.faults.clockStepMilliseconds == 120_000)
        #expect(scenario.beginsBelowEdge && scenario.hasSmallCaps)
        #expect(scenario.faults.lagMilliseconds == 8)
        #expect(scenario.faults.lengthMilliseconds == 9)
        #expect(scenario.operations.count == 2)
        #expect(scenario.operations[1].isReset)
        #expect(scenario.operations[0].applied(to: scenario.policy).mode == .paused)
        #expect(scenario.operations[0].applied(to: scenario.policy).maxActive == 5)
        #expect(scenario.drawnOperations == 2)
        #expect(scenario.horizonMilliseconds == 60_000)
        #expect(try Scenario(yaml: "room: drawn").hasDrawnLimits)
    }

    @Test(
        "What is wrong is an error that names its line",
        arguments: [
            ("visitors: 1\nvisitor: 2", "line 2: unknown key visitor in the scenario"),
            ("room: {rate: 1,\n  rates: 2}", "line 2: unknown key rates in room of the scenario"),
            ("crowd:\n  patients: 1", "line 2: unknown key patients in crowd"),
            ("crowd: {patient: 0}", "line 1: crowd needs somebody"),
            ("network: {\n\n loss: 1}", "line 3: unknown key loss in network"),
            ("faults: {flush: 1}", "line 1: unknown key flush in faults"),
            ("operator: {at: 1s}", "line 1: operator must be a list of operations"),
            (
                "operator:\n - {at: 1s}\n - {at: 2s, mode: shut}",
                "line 3: mode must be open, paused, closed, bypass or ended"
            ),
            ("front: http", "line 1: front must be api or store"),
            ("workers: 65", "line 1: workers must be a whole number from 1 to 64"),
            ("tick: 5", "line 1: tick must be a duration with a unit (ms, s, m, h), such as 30s, at most 24h"),
        ]
    )
    func errors(_ yaml: String, _ message: String) {
        #expect(throws: ConfigurationError.self) { try Scenario(yaml: yaml) }
        do {
            _ = try Scenario(yaml: yaml)
        } catch {
            #expect("\(error)" == message)
        }
    }

    @Test("The scenarios that come with the program can be read", arguments: BuiltInScenarios.names)
    func builtIn(_ name: String) throws {
        #expect(try BuiltInScenarios.scenario(name) != nil)
        #expect(BuiltInScenarios.text(name)?.hasPrefix("# ") == true)
    }
}

struct SimulateCommandTests {
    private func simulate(_ arguments: String...) throws -> (status: Int32, text: String) {
        try TestProcess.output(try Product.vestibule(), ["simulate"] + arguments)
    }

    @Test("A run is told in words or as JSON, and the same seed tells the same")
    func runs() throws {
        let words = try simulate("--scenario", "calm", "--seed", "3", "--visitors", "50")
        #expect(words.status == 0)
        #expect(words.text.contains("every promise was kept in 1 run"))
        #expect(words.text.contains("entered 50"))
        let json = try simulate("--scenario", "calm", "--seed", "3", "--seeds", "2", "--visitors", "50", "--json")
        let again = try simulate("--scenario", "calm", "--seed", "3", "--seeds", "2", "--visitors", "50", "--json")
        #expect(json.status == 0)
        #expect(json.text == again.text)
        #expect(json.text.split(separator: "\n").count == 2)
        #expect(json.text.contains("\"violation\":null"))
    }

    @Test("A broken promise is told with all that is needed to see it again, and the status is 1")
    func broken() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("shut.yaml")
        // Nobody is ever called: everybody still waits at the horizon.
        try "room: {rate: 1, burst: 1, mode: paused}\nvisitors: 3\narrive_within: 1s\nhorizon: 10s\n"
            .write(toFile: path, atomically: true, encoding: .utf8)
        let run = try simulate("--scenario", path, "--seed", "5")
        #expect(run.status == 1)
        #expect(run.text.contains("broken promise: liveness"))
        #expect(run.text.contains("seed 5, virtual time 10 s"))
        #expect(run.text.contains("--seed 5"))
        #expect(run.text.contains("shown 0 "))
    }

    @Test("A bad scenario or option is refused with status 64")
    func refused() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("bad.yaml")
        try "visitors: 3\nnobody: 1\n".write(toFile: path, atomically: true, encoding: .utf8)
        let bad = try simulate("--scenario", path)
        #expect(bad.status == 64)
        #expect(bad.text.contains("line 2: unknown key nobody in the scenario"))
        #expect(try simulate("--scenario", "no-such").status == 64)
        #expect(try simulate("--scenario", "calm", "--seeds", "0").status == 64)
        #expect(try simulate("--scenario", "calm", "--visitors", "0").status == 64)
    }

    @Test("A built-in scenario can be shown, to begin one's own with")
    func shown() throws {
        let shown = try simulate("--scenario", "leavers", "--show")
        #expect(shown.status == 0)
        #expect(shown.text == BuiltInScenarios.text("leavers"))
    }
}
