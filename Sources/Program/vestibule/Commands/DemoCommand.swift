// SPDX-License-Identifier: Apache-2.0
//
// `vestibule demo`: the whole waiting room on loopback, in one directory, in one command.

import ArgumentParser
import Glibc
import NginxFiles
import Reactor

struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Start Redis, workers, a backend and nginx on loopback, with room demo in front of /.",
        discussion: "Prints 'ready http://127.0.0.1:PORT/' when it serves. Ctrl-C stops everything it started."
    )

    @Option(help: "HTTP port on 127.0.0.1.")
    var port = 8080
    @Option(help: "HTTPS port on 127.0.0.1.")
    var tlsPort = 8443
    @Option(help: "Directory for sockets, logs and keys; a temporary one, removed at the end, when left out.")
    var dir: String?
    @Option(help: "Number of workers; one a core by default.")
    var workers: Int?
    @Option(help: "A configuration file; its rooms, tick and workers are used.")
    var config: String?
    @Option(help: "A backend of your own, such as http://127.0.0.1:9000.")
    var backend: String?
    @Option(help: "Use the Redis at this socket instead of starting one.")
    var redisSocket: String?
    @Flag(help: "Limit requests from loopback addresses, too.")
    var limitLoopback = false
    @Option(help: "Who verifies passes: njs, lua or auth-request.")
    var verifier = NginxConfiguration.Verifier.njs
    @Option(help: "What nginx speaks to the workers: fastcgi or scgi.")
    var gateway = NginxConfiguration.Gateway.fastcgi

    func validate() throws {
        for (name, value) in [("--port", port), ("--tls-port", tlsPort)] where !(1...65_535).contains(value) {
            throw ValidationError("\(name) must be 1 to 65535")
        }
        if port == tlsPort { throw ValidationError("--port and --tls-port must differ") }
        if let workers, !(1...256).contains(workers) { throw ValidationError("--workers must be 1 to 256") }
    }

    func run() throws {
        var plan = DemoPlan(port: port, tlsPort: tlsPort)
        plan.verifier = verifier
        plan.gateway = gateway
        plan.limitsLoopback = limitLoopback
        plan.redisSocket = redisSocket.map { Files.absolute($0) }
        if let backend { plan.backend = try DemoPlan.backendAddress(backend) }
        try plan.configure(from: config.map { try LoadedConfiguration.read($0) }, workers: workers)
        try plan.makeDirectory(dir.map { Files.absolute($0) })
        try Demo(plan: plan).run()
    }
}
