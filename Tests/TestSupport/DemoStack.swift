// SPDX-License-Identifier: Apache-2.0
//
// The whole product for a test: `vestibule demo` as a user starts it, in a directory of its own.

internal import Foundation
internal import Glibc
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
    public init(rooms: String? = nil, tick: String = "200ms", workers: Int = 2, options: [String] = []) throws {
        directory = try TemporaryDirectory()
        port = try Loopback.freePort()
        tlsPort = try Loopback.freePort()
        var arguments = [
            "demo", "--port", "\(port)", "--tls-port", "\(tlsPort)", "--dir", directory.path, "--workers", "\(workers)",
        ]
        if let rooms {
            try directory.write("test.yaml", "rooms:\n\(rooms)\ntick: \(tick)\n")
            arguments += ["--config", directory.file("test.yaml")]
        }
        process = try TestProcess(try Product.vestibule(), arguments + options, log: directory.file("demo.log"))
        let isReady = Wait.until(seconds: 15) {
            directory.read("demo.log").contains("ready http://") || !process.process.isRunning
        }
        guard isReady, process.process.isRunning else {
            throw TestFailure("demo did not start: \(directory.read("demo.log"))")
        }
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
        try TestProcess.output("redis-cli", ["-s", redisSocket] + words).text
            .trimmingCharacters(in: .whitespacesAndNewlines)
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
}

/// What SwiftPM has built beside the tests.
public enum Product {
    public static func vestibule() throws -> String {
        if let named = ProcessInfo.processInfo.environment["VESTIBULE_BINARY"] { return named }
        var folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        for _ in 0..<4 {
            let candidate = folder.appendingPathComponent("vestibule").path
            if FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
            folder.deleteLastPathComponent()
        }
        throw TestFailure("the program vestibule is not beside the tests (\(CommandLine.arguments[0]))")
    }
}
