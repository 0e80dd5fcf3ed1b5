// SPDX-License-Identifier: Apache-2.0
//
// What `vestibule install` is about to do: files to make and lines to add, looked up first and done in one go. When
// nginx refuses the result, everything is taken back.

import Configuration
import Glibc
import NginxCheck
import NginxFiles
import Passes
import Reactor

struct Installation {
    struct File {
        var path: String
        var bytes: [UInt8]
        var mode: UInt32
    }

    /// Everything is below this directory; empty for the machine itself.
    let root: String
    let nginx: String
    let nginxConfig: String
    /// The user of nginx's workers: it reaches the sockets as a member of our group.
    private(set) var nginxUser = "nobody"
    private(set) var files: [File] = []
    private(set) var edits: [SiteEdit] = []

    static let user = "vestibule"

    private var recordPath: String { InstallRecord.path(root: root) }
    private var backups: String { "\(root)/etc/vestibule/before" }
    private var nginxFolder: String { "\(root)/etc/nginx/vestibule" }

    // MARK: - The plan

    /// - Parameter hosts: the server names to protect; none when there is only one server.
    /// - Throws: `CommandFailure` with what is missing, before anything is done.
    init(
        root: String,
        nginx: String,
        nginxConfig: String,
        hosts: [String],
        verifier: NginxConfiguration.Verifier
    ) throws {
        (self.root, self.nginx, self.nginxConfig) = (root, nginx, nginxConfig)
        guard !Files.exists(recordPath) else {
            throw CommandFailure("INSTALLED_ALREADY", "\(recordPath) is there; `vestibule uninstall` takes it back")
        }
        let dump = try NginxDump.read(conf: nginxConfig, nginx: nginx)
        if let user = dump.first(where: { $0.name == "user" })?.arguments.first { nginxUser = user }
        let places = SitePlace.find(dump, hosts: hosts)
        for host in hosts where SitePlace.find(dump, hosts: [host]).isEmpty {
            throw CommandFailure("NO_SERVER", "no server of \(nginxConfig) serves \(host)")
        }
        guard let place = places.first else {
            throw CommandFailure("NO_SERVER", "no server of \(nginxConfig) serves anything")
        }
        guard places.count == 1 || !hosts.isEmpty else {
            let list = places.map { "\($0.server.file):\($0.server.line)" }.joined(separator: ", ")
            throw CommandFailure("WHICH_SERVER", "there are several servers (\(list)); say which with --host")
        }
        for place in places where place.isProtected {
            throw CommandFailure(
                "INSTALLED_ALREADY",
                "\(place.server.file):\(place.server.line) has the includes already"
            )
        }
        let pidFile = dump.first { $0.name == "pid" }?.arguments.first
        let yaml = try planConfiguration(hosts, places, pidFile: pidFile)
        try planFiles(yaml, verifier)
        try planEdits(places, place.http, isPrepared: place.isPrepared)
    }

    /// The text of the configuration that is there, or of a new one.
    /// - Parameters:
    ///   - places: the servers to protect, whose internal locations the room keeps closed.
    ///   - pidFile: of nginx, as its configuration names it.
    private mutating func planConfiguration(
        _ hosts: [String],
        _ places: [SitePlace],
        pidFile: String?
    ) throws -> String {
        let path = "\(root)/etc/vestibule/vestibule.yaml"
        if Files.exists(path) { return try Files.readText(path) }
        let names = hosts.map { "\"\($0)\"" }.joined(separator: ", ")
        let internals = Set(places.flatMap(\.internalPaths)).filter { RoomProtection.complaint(path: $0) == nil }
        let closed = internals.sorted().map { "\"\($0)\"" }.joined(separator: ", ")
        let access = places.contains(where: \.letsInMore) ? "\n  gate_access: none" : ""
        let text = """
            # Made by `vestibule install`. Every setting with its default: deploy/vestibule.yaml.
            rooms:
              demo:
                rate: 10      # calls and entries per second
                burst: 100    # how many may enter at once after a quiet time
                protect:\(hosts.isEmpty ? "" : "\n      hosts: [\(names)]")
                  paths: [/]\(closed.isEmpty ? "" : "\n      internal: [\(closed)]")
            redis: {host: 127.0.0.1, port: 6379}
            keys: \(root)/etc/vestibule/keys.json
            run_dir: \(root)/run/vestibule
            workers: \(min(Configuration.workersMax, Processors.available))
            nginx:
              # Only this nginx may speak to the workers, and no other program that runs as its user.
              users: [\(nginxUser)]
              api_log: \(Files.exists("\(root)/var/log/nginx") ? "\(root)/var/log/nginx/vestibule.log" : "off")
              pid_file: \(pidFile.flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "/run/nginx.pid")\(access)

            """
        files.append(File(path: path, bytes: Array(text.utf8), mode: 0o644))
        return text
    }

    private mutating func planFiles(_ yaml: String, _ verifier: NginxConfiguration.Verifier) throws {
        let configuration = try LoadedConfiguration.parse(yaml, "\(root)/etc/vestibule/vestibule.yaml")
        if !Files.exists(configuration.keysPath) {
            let ring = try KeysCommand.newRing()
            files.append(File(path: configuration.keysPath, bytes: ring.jwkSet(), mode: 0o600))
        }
        let rendered = LoadedConfiguration.nginx(configuration, directory: nginxFolder, verifier: verifier)
        for (name, text) in try rendered.renderedFiles() {
            files.append(File(path: "\(nginxFolder)/\(name)", bytes: Array(text.utf8), mode: 0o644))
        }
        let program = "\(root)/usr/local/bin/vestibule"
        if !Files.exists(program) {
            let bytes = try Files.read(try Files.ownExecutable(), upTo: 256 << 20)
            files.append(File(path: program, bytes: bytes, mode: 0o755))
        }
        let unit = Array(ServiceUnit.text.utf8)
        files.append(File(path: "\(root)/etc/systemd/system/vestibule.service", bytes: unit, mode: 0o644))
    }

    private mutating func planEdits(_ places: [SitePlace], _ http: NginxDirective, isPrepared: Bool) throws {
        var byFile: [String: SiteEdit] = [:]
        func add(_ names: [String], _ directive: NginxDirective) throws {
            // A link in sites-enabled stays a link.
            let path = Files.resolved(directive.file)
            var edit = try byFile[path] ?? SiteEdit(file: path, text: try Files.readText(path))
            try edit.insert(names.map { "include \(nginxFolder)/\($0);" }, into: directive)
            byFile[path] = edit
        }
        for place in places { try add(["vestibule-server.conf", "vestibule-guard.conf"], place.server) }
        if !isPrepared { try add(["vestibule-http.conf"], http) }
        edits = byFile.values.sorted { $0.file < $1.file }
    }

    // MARK: - Doing it

    /// Does what was planned, and asks nginx. What nginx refuses is taken back.
    /// - Throws: `CommandFailure` NGINX_REFUSES with nginx' words.
    func apply() throws {
        var record = InstallRecord()
        do {
            if root.isEmpty {
                record.hasMadeUser = try SystemUser.make(Self.user)
                record.member = try SystemUser.join(nginxUser, to: Self.user) ? nginxUser : nil
            }
            for file in files { try write(file, &record) }
            for edit in edits { try write(edit, &record) }
            try record.write(to: recordPath)
            _ = try NginxDump.read(conf: nginxConfig, nginx: nginx)
        } catch {
            _ = try? record.undo(recordedIn: recordPath)
            try? record.undoUsers()
            throw error
        }
    }

    private func write(_ file: File, _ record: inout InstallRecord) throws {
        try makeDirectories(above: file.path, &record)
        try Files.write(file.path, file.bytes, mode: file.mode)
        record.changes.append(.init(path: file.path, backup: nil, digest: InstallRecord.digest(file.bytes)))
    }

    private func write(_ edit: SiteEdit, _ record: inout InstallRecord) throws {
        let backup = "\(backups)/\(record.changes.count).conf"
        try makeDirectories(above: backup, &record)
        try Files.write(backup, edit.before, mode: 0o600)
        let text = Array(edit.after.utf8)
        record.changes.append(.init(path: edit.file, backup: backup, digest: InstallRecord.digest(text)))
        try Files.rewrite(edit.file, text)
    }

    private func makeDirectories(above path: String, _ record: inout InstallRecord) throws {
        var directory = ""
        for part in path.split(separator: "/").dropLast() {
            directory += "/\(part)"
            guard !Files.exists(directory) else { continue }
            try Files.makeDirectory(directory)
            record.directories.append(directory)
        }
    }
}
