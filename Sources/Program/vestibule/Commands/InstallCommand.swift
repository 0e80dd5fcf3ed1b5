// SPDX-License-Identifier: Apache-2.0
//
// `vestibule install` and `vestibule uninstall`: from a plain site to a protected one, and back to the byte.

import ArgumentParser
import NginxCheck
import NginxFiles
import Reactor

struct InstallCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install",
        abstract: "Put a waiting room before a site that nginx serves. Without --apply it only says what it would do.",
        discussion:
            "Makes the user and group vestibule, of which the user of nginx becomes a member, /etc/vestibule with a "
            + "key file and a configuration, the include files for nginx and a systemd unit, and adds three include "
            + "lines to the files of the site. nginx must take the result, or everything is taken back. "
            + "`vestibule uninstall` gives the old files back."
    )

    @Flag(help: "Do it.")
    var apply = false
    @Option(help: "A server name to protect, any number of times; needed when there are several servers.")
    var host: [String] = []
    @Option(help: "Who verifies passes: njs, lua or auth-request.")
    var verifier = NginxConfiguration.Verifier.njs
    @OptionGroup var place: InstallPlace

    func run() throws {
        let installation = try Installation(
            root: place.prefix,
            nginx: place.nginx,
            nginxConfig: place.configPath,
            hosts: host,
            verifier: verifier
        )
        if place.prefix.isEmpty {
            print(
                "user and group \(Installation.user), unless they are there; \(installation.nginxUser) joins the group"
            )
        }
        for file in installation.files {
            print("\(apply ? "writing" : "would write") \(file.path) (\(String(file.mode, radix: 8)))")
        }
        for edit in installation.edits { print(edit.diff) }
        guard apply else { return print("nothing was changed; --apply does it") }
        try installation.apply()
        print(
            """
            nginx takes the configuration. What is left:
              systemctl daemon-reload && systemctl enable --now vestibule
              nginx -s reload
              vestibule nginx check
            """
        )
    }
}

/// Where an installation is.
struct InstallPlace: ParsableArguments {
    @Option(help: "Everything below this directory, for images and tests; no user is made then.")
    var root = "/"
    @Option(name: [.customShort("c"), .customLong("nginx-config")], help: "The main configuration file of nginx.")
    var nginxConfig: String?
    @Option(help: "The program nginx.")
    var nginx = "/usr/sbin/nginx"

    /// Without the slash at the end.
    var prefix: String { root == "/" ? "" : Files.absolute(root.hasSuffix("/") ? String(root.dropLast()) : root) }
    var configPath: String { nginxConfig ?? "\(prefix)/etc/nginx/nginx.conf" }
}

struct UninstallCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uninstall",
        abstract: "Take back what `vestibule install` did. Files that were changed since stay, and are named."
    )

    @Flag(help: "Keep the configuration and the keys.")
    var keepConfiguration = false
    @OptionGroup var place: InstallPlace

    func run() throws {
        let recordPath = InstallRecord.path(root: place.prefix)
        let record = try InstallRecord(reading: recordPath)
        let kept = ["vestibule.yaml", "keys.json"].map { "\(place.prefix)/etc/vestibule/\($0)" }
        let stayed = try record.undo(recordedIn: recordPath, keeping: keepConfiguration ? Set(kept) : [])
        for path in stayed { print("left as it is: \(path)") }
        try record.undoUsers()
        let edited = record.changes.filter { $0.backup != nil && stayed.contains($0.path) }
        guard edited.isEmpty else {
            throw CommandFailure(
                "CHANGED_SINCE",
                "take the includes out of \(edited.map(\.path).joined(separator: ", ")) yourself"
            )
        }
        print("done; reload nginx")
    }
}
