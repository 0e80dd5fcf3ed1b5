// SPDX-License-Identifier: Apache-2.0
//
// The whole product for a test: `vestibule demo` as a user starts it, in a directory of its own.

internal import Foundation
public import StrictJSON

/// A running demo. It is stopped with its owner.
public final class DemoStack {
    public let directory: TemporaryDirectory
    public private(set) var port = 0
    public private(set) var tlsPort = 0
    public private(set) var process: TestProcess

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
        (process, port, tlsPort) = try DemoStack.start(arguments, directory)
        let (process, log) = (process, { directory.read("demo.log") })
        let isReady = Wait.until(seconds: 15) { log().contains("ready http://") || !process.isRunning }
        guard isReady, process.isRunning else { throw TestFailure("demo did not start: \(log())") }
    }

    /// A free port can be somebody else's a moment later: the demo then says so, and others are tried.
    private static func start(
        _ arguments: [String],
        _ directory: TemporaryDirectory
    ) throws -> (process: TestProcess, port: Int, tlsPort: Int) {
        let log = directory.file("demo.log")
        for _ in 0..<5 {
            let (port, tlsPort) = (try Loopback.freePort(), try Loopback.freePort())
            let ports = ["--port", "\(port)", "--tls-port", "\(tlsPort)"]
            let process = try TestProcess(try Product.vestibule(), arguments + ports, log: log)
            Wait.until(seconds: 15) { !directory.read("demo.log").isEmpty || !process.isRunning }
            if !directory.read("demo.log").contains("PORT_IN_USE") { return (process, port, tlsPort) }
        }
        throw TestFailure("no two free ports in five attempts")
    }

    public func client(timeoutSeconds: Int = 10) -> HTTPClient {
        HTTPClient(port: port, timeoutSeconds: timeoutSeconds)
    }

    public var pids: JSONValue {
        (try? JSONValue(parsing: Array(directory.read("pids.json").utf8))) ?? .null
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

    /// Lines of the backend's log so far.
    public var backendLines: [Substring] { directory.read("backend.log").split(separator: "\n") }

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
