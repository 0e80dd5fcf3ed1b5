// SPDX-License-Identifier: Apache-2.0
//
// The whole product for a test: `vestibule demo` as a user starts it, in a directory of its own.

internal import Foundation
public import StrictJSON

/// A running demo. It is stopped with its owner.
public final class DemoStack {
    public let directory: TemporaryDirectory
    public let port: Int
    public let tlsPort: Int
    public let process: TestProcess

    /// - Parameters:
    ///   - rooms: YAML below `rooms:`; room demo must be in it, or gets the defaults.
    ///   - options: further options of `vestibule demo`.
    ///   - kept: a directory that has seen a demo before; nil makes one.
    public init(
        rooms: String? = nil,
        tick: String = "200ms",
        workers: Int = 2,
        options: [String] = [],
        in kept: TemporaryDirectory? = nil
    ) throws {
        let directory = try kept ?? TemporaryDirectory()
        var arguments = ["demo", "--dir", directory.path, "--workers", "\(workers)"] + options
        if let rooms {
            try directory.write("test.yaml", "rooms:\n\(rooms)\ntick: \(tick)\n")
            arguments += ["--config", directory.file("test.yaml")]
        }
        self.directory = directory
        (port, tlsPort) = (try Loopback.freePort(), try Loopback.freePort())
        arguments += ["--port", "\(port)", "--tls-port", "\(tlsPort)"]
        let process = try TestProcess(try Product.vestibule(), arguments, log: directory.file("demo.log"))
        self.process = process
        let log = { directory.read("demo.log") }
        let isReady = Wait.until(seconds: 15) { log().contains("ready http://") || !process.isRunning }
        guard isReady, process.isRunning else { throw TestFailure("demo did not start: \(log())") }
    }

    public func client(timeoutSeconds: Int = 10) -> HTTPClient {
        HTTPClient(port: port, timeoutSeconds: timeoutSeconds)
    }

    public var pids: JSONValue {
        (try? JSONValue(parsing: Array(directory.read("pids.json").utf8))) ?? .null
    }

    /// A process of the demo. Waits for its line in pids.json, because signals to process 0 would reach the tests
    /// themselves.
    public func processID(_ name: String) throws -> Int32 {
        var pid: Int32 = 0
        try Wait.require("pids.json names \(name)") {
            pid = Int32(pids[name]?.integerValue ?? 0)
            return pid > 0
        }
        return pid
    }

    public var redisSocket: String { directory.file("redis.sock") }

    @discardableResult
    public func redis(_ words: String...) throws -> String {
        try TestProcess.redisCLI(["-s", redisSocket] + words)
    }

    /// `vestibule room ...` against this demo.
    @discardableResult
    public func room(_ words: String...) throws -> (status: Int32, text: String) {
        try TestProcess.output(
            try Product.vestibule(),
            ["room"] + words + ["--config", directory.file("vestibule.yaml")]
        )
    }

    /// The requests that the backend has answered by now, one line each.
    public func backendLines() throws -> [Substring] {
        try directory.backendLog(markedOver: TestSocket(path: directory.file("backend.sock"))).split(separator: "\n")
    }

    /// What is in the log of each of the first two workers, once it holds a text.
    public func workerLogs(onceTheyHold text: String) throws -> [String] {
        try (0..<2).map { try directory.read("worker-\($0).log", onceItHolds: text) }
    }

    /// Has nginx read its files again.
    public func reloadNginx() throws {
        try reloadNginx { kill(try processID("nginx"), SIGHUP) }
    }

    /// Does what makes nginx read its files again, and returns when every nginx worker is a new one: until then an old
    /// one may take the next connection.
    public func reloadNginx(by request: () throws -> Void) throws {
        let before = try nginxWorkers()
        try request()
        let isDone = try Wait.until(seconds: 10) {
            let now = try nginxWorkers()
            return now.count == before.count && now.isDisjoint(with: before)
        }
        guard isDone else { throw TestFailure("nginx did not reload: \(directory.read("nginx-error.log"))") }
    }

    private func nginxWorkers() throws -> Set<Substring> {
        let words = ["-P", "\(try processID("nginx"))", "-f", "nginx: worker process"]
        return Set(try TestProcess.output("pgrep", words).text.split(separator: "\n"))
    }

    public func stop() { process.stop() }

    // Before the directory goes: what still runs would write into it again.
    deinit {
        stop()
    }
}

/// What SwiftPM has built beside the tests.
public enum Product {
    public static func vestibule() throws -> String {
        try ProcessInfo.processInfo.environment["VESTIBULE_BINARY"] ?? program("vestibule")
    }

    /// A program of this package, built with the tests.
    public static func program(_ name: String) throws -> String {
        var folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        for _ in 0..<4 {
            let candidate = folder.appendingPathComponent(name).path
            if FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
            folder.deleteLastPathComponent()
        }
        throw TestFailure("the program \(name) is not beside the tests (\(CommandLine.arguments[0]))")
    }
}
