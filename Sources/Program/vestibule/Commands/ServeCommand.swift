// SPDX-License-Identifier: Apache-2.0
//
// `vestibule serve`, `vestibule worker` (started by it) and `vestibule check-config`.

import ArgumentParser
import CLinux
import Configuration
import Glibc
import Logging
import Reactor
import Telemetry

/// Where Debian keeps a service's configuration.
let standardConfigurationPath = "/etc/vestibule/vestibule.yaml"

struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the worker pool for production.",
        discussion: """
            SIGHUP reads the configuration and the keys again. SIGUSR1 replaces the workers one after the other. \
            SIGUSR2 puts the program that is now at this program's path in its place, sockets and all, and then \
            replaces the workers. SIGTERM finishes what is under way and ends. Speaks to systemd (Type=notify).
            """
    )

    @Option(help: "The configuration file.")
    var config = standardConfigurationPath

    func run() throws {
        try Supervisor(configurationPath: Files.absolute(config), logger: Logger.json("supervisor")).run()
    }
}

struct WorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "One worker; started by serve and demo.",
        shouldDisplay: false
    )

    @Option var config: String
    @Option var index: Int
    @Option var row: Int?
    @Option var supervisor: Int32?
    @Flag var inherited = false
    @Flag var joinsOthers = false
    @Flag var alone = false
    @Flag var successor = false

    func run() throws {
        try liveWithSupervisor()
        // A shell's limit is often 1,024, a quarter of the connections that a worker takes.
        DescriptorLimit.raise()
        let launch = Worker.Launch(
            index: index,
            row: row ?? index,
            isInherited: inherited,
            joinsOthers: joinsOthers,
            isAlone: alone,
            isSuccessor: successor
        )
        try Worker(configurationPath: config, launch: launch, logger: Logger.json("worker")).run()
    }

    /// A worker without its supervisor would be a process that nobody ends. First of all: the supervisor may be killed
    /// while this process reads its configuration, or even before it has asked for the signal.
    private func liveWithSupervisor() throws {
        linux_set_name("vestibule")
        linux_die_with_parent(SIGTERM)
        guard let supervisor, getppid() != supervisor else { return }
        throw CommandFailure("SUPERVISOR_GONE", "process \(supervisor), which started this worker, has ended")
    }
}

struct CheckConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-config",
        abstract: "Check the configuration file and the keys it names."
    )

    @Option(name: .customLong("config"), help: "The configuration file.")
    var option: String?

    @Argument(help: "The configuration file.")
    var file: String?

    @Flag(help: "Do not look at the key file.")
    var skipKeys = false
    @Flag(help: "Connect to Redis too, and try each permission that is needed there.")
    var redis = false

    func run() throws {
        let path = file ?? option ?? standardConfigurationPath
        let configuration = try LoadedConfiguration.read(path)
        if !skipKeys { _ = try LoadedConfiguration.keys(of: configuration) }
        if redis { _ = try OperatorSession(configuration: configuration).listed() }
        let rooms = configuration.rooms.map(\.id) + configuration.templates.map(\.text)
        print("\(path) is fine: \(rooms.joined(separator: ", "))")
    }
}

extension Logger {
    /// A logger of JSON lines on standard error.
    static func json(_ label: String) -> Logger {
        Logger(label: "vestibule.\(label)", factory: { JSONLogHandler(label: $0) })
    }
}
