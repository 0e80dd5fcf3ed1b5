// SPDX-License-Identifier: Apache-2.0
//
// `vestibule nginx render`: the include files for this configuration. `vestibule nginx check`: ways around the waiting
// room, in the configuration that nginx has, and by trying.

public import ArgumentParser
import Configuration
import NginxCheck
public import NginxFiles
import Reactor
import StrictJSON

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
        @Option(help: "Where nginx keeps the boards for a second, in place of nginx.cache_directory.")
        var cacheDirectory: String?
        @Option(help: "Requests one address may make to the queue API, as nginx writes it, in place of nginx.limit.")
        var apiRate: String?

        func run() throws {
            let configuration = try LoadedConfiguration.read(config)
            var nginx = LoadedConfiguration.nginx(
                configuration,
                directory: directory ?? output.map { Files.absolute($0) } ?? "/etc/nginx/vestibule",
                verifier: verifier,
                gateway: gateway
            )
            if let apiRate { nginx.apiRate = apiRate }
            if let cacheDirectory { nginx.cacheDirectory = cacheDirectory }
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

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Find ways around the waiting room. Exit status 1 when the site is open.",
            discussion: "Reads `nginx -T`, so it needs the rights that nginx needs. A location that is open on purpose "
                + "says so with `set $vestibule_room \"\";`."
        )

        @Option(name: .shortAndLong, help: "The configuration of nginx.")
        var conf = "/etc/nginx/nginx.conf"
        @Option(help: "The nginx to ask.")
        var nginx = "nginx"
        @Option(help: "The key file, when nginx does not read it (auth-request).")
        var keys: String?
        @Option(help: "Also ask this running nginx for each path, as http(s)://ADDRESS:PORT, or `auto`.")
        var probe: String?
        @Flag(help: "Exit status 1 for warnings too.")
        var strict = false
        @Flag(help: "Also say where the queue and the site could work together better.")
        var notes = false
        @Flag(help: "Print a JSON array.")
        var json = false

        func run() throws {
            let configuration = try NginxDump.read(conf: conf, nginx: nginx)
            var findings = NginxCheck.findings(in: configuration)
            findings += MachineCheck(configuration).findings(keys: keys)
            if !notes { findings.removeAll { $0.severity == .note } }
            if let probe { findings += try SiteProbe(configuration, at: probe).findings() }
            if json {
                print(JSONValue.array(findings.map(\.json)).text)
            } else {
                for finding in findings { print(finding) }
            }
            let isOpen = findings.contains { $0.severity == .open }
            if isOpen || strict && findings.contains(where: { $0.severity == .warning }) { throw ExitCode(1) }
        }
    }
}
