// SPDX-License-Identifier: Apache-2.0
//
// A private Redis on a unix socket, which keeps nothing on disk.

public import Glibc

/// A running redis-server. It is stopped with its owner.
public final class RedisServer {
    public let directory: TemporaryDirectory
    public let socketPath: String
    private var process: TestProcess

    public init() throws {
        directory = try TemporaryDirectory()
        socketPath = directory.file("redis.sock")
        process = try RedisServer.start(directory)
    }

    private static func start(_ directory: TemporaryDirectory) throws -> TestProcess {
        try start(socket: directory.file("redis.sock"), in: directory, log: "redis.log")
    }

    /// A redis-server on a socket, from the moment on at which it answers.
    public static func start(socket: String, in directory: TemporaryDirectory, log: String) throws -> TestProcess {
        let process = try TestProcess(
            "redis-server",
            ["--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", directory.path],
            log: directory.file(log)
        )
        try Wait.require("redis-server answers: \(directory.read(log))", seconds: 5) {
            try TestProcess.redisCLI(["-s", socket, "ping"]) == "PONG"
        }
        return process
    }

    public var pid: Int32 { process.pid }

    public func stop(signal: Int32 = SIGTERM) { process.stop(signal: signal) }

    // Before the directory goes.
    deinit {
        stop()
    }

    /// Starts it again, empty.
    public func restart() throws { process = try RedisServer.start(directory) }

    /// One command through redis-cli.
    @discardableResult
    public func command(_ words: String...) throws -> String { try TestProcess.redisCLI(["-s", socketPath] + words) }
}
