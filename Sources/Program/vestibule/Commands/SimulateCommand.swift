// SPDX-License-Identifier: Apache-2.0
//
// `vestibule simulate`: plays a scenario in virtual time, once or for many seeds, and says which promise was broken.

import ArgumentParser
import Configuration
import Reactor
import Simulation

struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Play a scenario in virtual time with the real rules, and check every promise.",
        discussion: """
            A scenario is a YAML file, or one of: \(BuiltInScenarios.names.joined(separator: ", ")). The same scenario \
            and seed give the same run on every machine, down to the trace hash.

            The exit status is 0 when every promise was kept, 1 when one was broken (the seed, the virtual time, the \
            promise and the last events are printed), 64 for a bad scenario or option.
            """
    )

    @Option(help: "A scenario file, or the name of a built-in one.")
    var scenario = "faults"
    @Option(help: "The seed, or the first of them.")
    var seed: UInt64 = 1
    @Option(help: "How many seeds to run, one after the other.")
    var seeds = 1
    @Option(help: "How many visitors, in place of the scenario's number.")
    var visitors: Int?
    @Option(help: "How many of the last events to print when a promise was broken.")
    var events = 40
    @Flag(help: "Print one JSON object a line.")
    var json = false
    @Flag(help: "Print the scenario's file and do nothing else.")
    var show = false

    func validate() throws {
        guard (1...10_000_000).contains(seeds) else { throw ValidationError("--seeds must be 1 to 10000000") }
        guard (1...1_000_000).contains(events) else { throw ValidationError("--events must be 1 to 1000000") }
        if let visitors, !(1...Scenario.visitorsMax).contains(visitors) {
            throw ValidationError("--visitors must be 1 to \(Scenario.visitorsMax)")
        }
    }

    private func text() throws -> String {
        if let text = BuiltInScenarios.text(scenario) { return text }
        do {
            return try Files.readText(scenario)
        } catch {
            let names = BuiltInScenarios.names.joined(separator: ", ")
            throw ValidationError("\(scenario) is neither a file nor one of \(names)")
        }
    }

    func run() throws {
        let text = try text()
        if show { return print(text, terminator: "") }
        var played: Scenario
        do {
            played = try Scenario(yaml: text)
        } catch {
            throw ValidationError("\(scenario): \(error)")
        }
        if let visitors { played.visitors = visitors }
        var summary = SimulationSummary()
        for offset in 0..<UInt64(seeds) {
            let result = try Simulation(scenario: played, seed: seed &+ offset, keptEvents: events).run()
            summary.add(result)
            if json { print(result.json(scenario: scenario)) }
            if let violation = result.violation {
                if !json { print(result.account(of: violation, scenario: scenario)) }
                throw ExitCode(1)
            }
        }
        if !json { print(summary.text(scenario: scenario)) }
    }
}
