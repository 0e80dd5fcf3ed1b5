// SPDX-License-Identifier: Apache-2.0
//
// What the configuration does not show: owners and modes of keys, sockets and folders, and whether nginx has loaded the
// keys that are in the file.

internal import Glibc

/// Looks at the files that a configuration names.
public struct MachineCheck {
    private let configuration: [NginxDirective]
    private let http: NginxDirective?

    public init(_ configuration: [NginxDirective]) {
        self.configuration = configuration
        http = configuration.first { $0.name == "http" }
    }

    /// What is wrong with the files, at this moment.
    /// - Parameters:
    ///   - keys: the key file, if the caller knows it; else the file that our includes name.
    ///   - pidFile: of nginx, when the configuration has no `pid`.
    public func findings(keys: String? = nil, pidFile: String = "/run/nginx.pid") -> [NginxFinding] {
        let keys = keys ?? keysFile
        var findings = keys.map { keyFindings($0) } ?? []
        findings += sockets.compactMap { socketFinding($0) }
        for folder in folders(keys) { findings += folderFindings(folder) }
        let pidFile = configuration.first { $0.name == "pid" }?.arguments.first ?? pidFile
        if let keys { findings += staleFindings(keys, pidFile) }
        return findings
    }

    // MARK: What the configuration names

    /// From `js_preload_object … from` or from `load_keys("…")`; a worker that verifies by itself needs no line.
    private var keysFile: String? {
        for directive in http?.block ?? [] where directive.isOurs {
            if directive.name == "js_preload_object", let path = directive.arguments.last { return path }
            if let code = directive.code, let call = code.firstRange(of: "load_keys(\"") {
                return String(code[call.upperBound...].prefix { $0 != "\"" })
            }
        }
        return nil
    }

    private var sockets: [String] {
        let upstreams = (http?.block ?? []).filter { $0.name == "upstream" && $0.isOurs }
        let addresses = upstreams.flatMap { $0.children("server") }.compactMap(\.arguments.first)
        return addresses.filter { $0.hasPrefix("unix:") && !$0.contains("/./") }.map { String($0.dropFirst(5)) }
    }

    /// The folders of the rendered files, the keys, the sockets and the boards.
    private func folders(_ keys: String?) -> [String] {
        let rendered = (http?.block ?? []).filter(\.isOurs).map(\.file)
        let caches = (http?.block ?? []).filter { $0.isOurs && $0.name.hasSuffix("_cache_path") }
        let all = (rendered + [keys].compactMap { $0 } + sockets + caches.compactMap(\.arguments.first)).map(parent)
        return Array(Set(all)).sorted()
    }

    private func parent(_ path: String) -> String {
        path.split(separator: "/").dropLast().map { "/\($0)" }.joined()
    }

    /// The groups that the processes of nginx, and so often every script of the site, are in.
    private var webGroups: Set<gid_t> {
        let words = configuration.first { $0.name == "user" }?.arguments ?? ["nobody"]
        var groups: Set<gid_t> = []
        if let user = words.first.flatMap({ getpwnam($0) }) { groups.insert(user.pointee.pw_gid) }
        if words.count > 1, let group = getgrnam(words[1]) { groups.insert(group.pointee.gr_gid) }
        // nginx's master reads the keys as root: root's group is nobody else's.
        return groups.subtracting([0])
    }

    // MARK: Owners and modes

    private func status(_ path: String) -> stat? {
        var status = stat()
        return stat(path, &status) == 0 ? status : nil
    }

    private func keyFindings(_ path: String) -> [NginxFinding] {
        guard let status = status(path) else {
            return [NginxFinding(.warning, file: path, line: 0, "the key file is not there: `vestibule keys add`")]
        }
        let mode = octal(status)
        if status.st_mode & 0o006 != 0 {
            let message = "everybody on this machine can use the keys (mode \(mode)): chmod 0640"
            return [NginxFinding(.open, file: path, line: 0, message)]
        }
        if status.st_mode & 0o020 != 0 {
            return [
                NginxFinding(.open, file: path, line: 0, "its group can replace the keys (mode \(mode)): chmod 0640")
            ]
        }
        if status.st_mode & 0o040 != 0 && webGroups.contains(status.st_gid) {
            let message =
                "the group of nginx, and so each script of the site, can read the keys: give the file a group "
                + "of its own (nginx's master reads it as root)"
            return [NginxFinding(.open, file: path, line: 0, message)]
        }
        return []
    }

    private func socketFinding(_ path: String) -> NginxFinding? {
        guard let status = status(path) else {
            return NginxFinding(.warning, file: path, line: 0, "no worker listens there: start `vestibule serve`")
        }
        guard status.st_mode & 0o002 != 0, self.status(parent(path)).map({ $0.st_mode & 0o001 != 0 }) ?? true else {
            return nil
        }
        let message = "everybody on this machine can speak to the worker (mode \(octal(status))): chmod 0660"
        return NginxFinding(.open, file: path, line: 0, message)
    }

    /// A folder in which others may write lets them replace what is in it, unless it is sticky, as /tmp is; but there
    /// they may make the file first.
    private func folderFindings(_ path: String) -> [NginxFinding] {
        guard let status = status(path), status.st_mode & 0o002 != 0 else { return [] }
        let message = "everybody on this machine can make or replace files here (mode \(octal(status))): chmod 0755"
        return [NginxFinding(.open, file: path, line: 0, message)]
    }

    private func octal(_ status: stat) -> String { "0" + String(status.st_mode & 0o7777, radix: 8) }

    // MARK: Keys that nginx has not loaded

    private func staleFindings(_ keys: String, _ pidFile: String) -> [NginxFinding] {
        guard let changed = status(keys).map({ ProcessTimes.milliseconds($0.st_mtim) }),
            let master = ProcessTimes.pid(inFile: pidFile), let loaded = ProcessTimes.newestChild(of: master),
            changed > loaded
        else { return [] }
        let message = "changed \((changed - loaded) / 1000) s after nginx loaded it: nginx -s reload"
        return [NginxFinding(.warning, file: keys, line: 0, message)]
    }
}

/// When processes began, from /proc.
enum ProcessTimes {
    static func pid(inFile path: String) -> pid_t? {
        text(path).flatMap { pid_t($0.prefix { $0.isNumber }) }
    }

    /// When the youngest child of a process began, in milliseconds of the Unix epoch, as exact as a tick of /proc
    /// (10 ms): nginx makes new workers at a reload. nil when there is none.
    static func newestChild(of parent: pid_t) -> Int? {
        guard let list = text("/proc/\(parent)/task/\(parent)/children") else { return nil }
        return list.split(separator: " ").compactMap { pid_t($0) }.compactMap { start(of: $0) }.max()
    }

    private static func start(of pid: pid_t) -> Int? {
        // The name of the program, in parentheses, may hold anything; 20 fields after it is the start in ticks.
        guard let stat = text("/proc/\(pid)/stat"), let end = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[end...].split(separator: " ")
        guard fields.count > 20, let ticks = Int(fields[20]) else { return nil }
        let boot = milliseconds(CLOCK_REALTIME) - milliseconds(CLOCK_BOOTTIME)
        return boot + ticks * 1000 / sysconf(Int32(_SC_CLK_TCK))
    }

    private static func milliseconds(_ clock: clockid_t) -> Int {
        var time = timespec()
        clock_gettime(clock, &time)
        return milliseconds(time)
    }

    static func milliseconds(_ time: timespec) -> Int { time.tv_sec * 1000 + time.tv_nsec / 1_000_000 }

    /// A file of /proc, or a pid file; nil when it cannot be read.
    private static func text(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }
}
