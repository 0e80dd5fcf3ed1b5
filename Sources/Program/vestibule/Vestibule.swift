// SPDX-License-Identifier: Apache-2.0
//
// The command line: one program for the supervisor, its workers, the demo and the operator.

import ArgumentParser

@main
struct Vestibule: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vestibule",
        abstract: "A virtual waiting room for nginx.",
        version: "0.1.0",
        subcommands: [
            DemoCommand.self, ServeCommand.self, RoomCommand.self, KeysCommand.self, TokenCommand.self,
            NginxCommand.self, PageCommand.self, SimulateCommand.self, EstimateBenchCommand.self,
            CheckConfigCommand.self, FairnessCommand.self, InstallCommand.self, UninstallCommand.self,
            WorkerCommand.self,
        ]
    )
}
