// SPDX-License-Identifier: Apache-2.0
//
// `vestibule nginx check`: reads what nginx has been given, and names each way around the waiting room.

import ArgumentParser
import Configuration
import Glibc
import NginxFiles
import NginxSite
import Reactor
import StrictJSON

extension NginxCommand {
    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Find ways around the waiting room in the configuration of nginx.",
            discussion:
                "Reads the output of `nginx -T`. Prints FILE:LINE: open|warning: what, and what to do. Exit 1 when "
                + "a request can reach the site without the check, or, with --strict, on any warning."
        )

        @Option(name: [.customShort("c"), .customLong("nginx-config")], help: "The main configuration file of nginx.")
        var nginxConfig = "/etc/nginx/nginx.conf"
        @Option(help: "The program nginx.")
        var nginx = "/usr/sbin/nginx"
        @Option(help: "The configuration file of Vestibule; left out when it is not there.")
        var config = standardConfigurationPath
        @Flag(help: "Fail on warnings, too.")
        var strict = false
        @Flag(help: "Print one JSON document.")
        var json = false

        func run() throws {
            let dump = try NginxDumpReader.read(nginx: nginx, config: nginxConfig)
            var check = SiteCheck()
            var found: [SiteFinding] = []
            if Files.exists(config) {
                let configuration = try LoadedConfiguration.read(config)
                check.take(configuration)
                found = try KeyFileCheck.findings(Files.absolute(configuration.keysPath), dump)
            }
            found = check.findings(dump) + found
            try show(found)
            let isOpen = found.contains { $0.kind == .open }
            if isOpen || strict && !found.isEmpty { throw ExitCode(1) }
        }

        private func show(_ found: [SiteFinding]) throws {
            if json {
                let list = found.map {
                    JSONValue.members([
                        ("kind", .string($0.kind.rawValue)), ("file", .string($0.file)),
                        ("line", .integer(Int64($0.line))),
                        ("text", .string($0.text)),
                    ])
                }
                return print(JSONValue.members([("findings", .array(list))]).text)
            }
            for finding in found { print(finding) }
            let open = found.count { $0.kind == .open }
            print(
                open > 0
                    ? "the site is open in \(open) place\(open == 1 ? "" : "s")"
                    : "no way around the waiting room was found; \(found.count) warning\(found.count == 1 ? "" : "s")"
            )
        }
    }
}

extension SiteCheck {
    /// Takes over what the rooms protect.
    mutating func take(_ configuration: Configuration) {
        let rooms = configuration.protectedRooms
        apiPrefix = configuration.apiPrefix
        isGuardInUse = !rooms.isEmpty
        guard !rooms.isEmpty else { return }
        protectedPaths = Array(Set(rooms.flatMap(\.protection.paths))).sorted()
        if !rooms.allSatisfy({ $0.protection.builtIns.contains(.acme) && $0.protection.builtIns.contains(.robots) }) {
            exceptPaths = []
        }
        exceptPaths += rooms.flatMap(\.protection.exceptPaths)
    }
}

/// The file of keys as nginx's verifier needs it.
enum KeyFileCheck {
    static func findings(_ path: String, _ dump: NginxDump) throws -> [SiteFinding] {
        var status = stat()
        guard stat(path, &status) == 0 else {
            return [
                SiteFinding(.warning, file: path, line: 0, "there is no key file; make one with `vestibule keys add`")
            ]
        }
        var found: [SiteFinding] = []
        if status.st_mode & 0o007 != 0 {
            let text = "everybody on this machine can read the signing keys. chmod 0640 it"
            found.append(SiteFinding(.open, file: path, line: 0, text))
        }
        if status.st_mode & 0o020 != 0 {
            found.append(SiteFinding(.warning, file: path, line: 0, "its group can write it. chmod 0640 it"))
        }
        return found
    }
}
