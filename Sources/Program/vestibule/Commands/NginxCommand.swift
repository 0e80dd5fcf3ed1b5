// SPDX-License-Identifier: Apache-2.0
//
// `vestibule nginx render`: the include files for this configuration.

public import ArgumentParser
import Configuration
public import NginxFiles
import Reactor

extension NginxConfiguration.Verifier: ExpressibleByArgument {}
extension NginxConfiguration.Gateway: ExpressibleByArgument {}

struct NginxCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nginx",
        abstract: "Make the include files for nginx, and check what nginx does with them.",
        subcommands: [Render.self, Check.self]
    )

    struct Render: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write the include files, or print them.",
            discussion: "Include vestibule-http.conf in http, vestibule-server.conf in the server, and after it "
                + "vestibule-guard.conf, which protects what `protect` of the rooms names; or, without the guard, "
                + "vestibule-protect.conf in each location to protect."
        )

        @Option(help: "The configuration file.")
        var config = standardConfigurationPath
        @Option(help: "Write the files into this directory; without it they are printed.")
        var output: String?
        @Option(help: "Where the files will be on the machine of nginx; the output directory by default.")
        var directory: String?
        @Option(help: "Who verifies passes: njs, lua or auth-request.")
        var verifier = NginxConfiguration.Verifier.njs
        @Option(help: "What the workers are spoken to in: fastcgi or scgi.")
        var gateway = NginxConfiguration.Gateway.fastcgi
        @Option(help: "Where nginx keeps the boards for a second; best on tmpfs.")
        var cacheDirectory = "/dev/shm/vestibule-board"
        @Option(help: "Requests a second one address may make to the queue API, as nginx writes it.")
        var apiRate = "100r/s"

        func run() throws {
            let configuration = try LoadedConfiguration.read(config)
            let count = LoadedConfiguration.workerCount(configuration)
            let nginx = NginxConfiguration(
                directory: directory ?? output.map { Files.absolute($0) } ?? "/etc/nginx/vestibule",
                keysFile: Files.absolute(configuration.keysPath),
                workerSockets: (0..<count).map {
                    gateway == .fastcgi ? configuration.fastCGISocket($0) : configuration.scgiSocket($0)
                },
                verifier: verifier,
                gateway: gateway,
                apiRate: apiRate,
                cacheDirectory: cacheDirectory,
                apiPrefix: configuration.apiPrefix,
                protectedRooms: configuration.protectedRooms
            )
            if configuration.protectedRooms.isEmpty {
                Remark.say("no room of \(config) has `protect`: vestibule-guard.conf protects nothing")
            }
            let files = try nginx.renderedFiles()
            guard let output else {
                for (name, text) in files { print("# ---- \(name)\n\(text)") }
                return
            }
            try Files.makeDirectory(output)
            for (name, text) in files { try Files.write("\(output)/\(name)", text) }
            print("\(files.count) files written to \(output)")
        }
    }
}
