// SPDX-License-Identifier: Apache-2.0
//
// Real programs for tests: started in a temporary directory, ended and removed when the owner goes.

public import Foundation
internal import Glibc

/// Something a test needs is missing or did not start. Tests fail with it; nothing is skipped.
public struct TestFailure: Error, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}

/// A directory that is removed with its owner. Short, because unix socket paths have 107 bytes at most.
public final class TemporaryDirectory {
    public let path: String

    public init() throws {
        var template = Array("/tmp/vst-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw TestFailure("mkdtemp failed: \(errno)") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    public func file(_ name: String) -> String { "\(path)/\(name)" }

    public func write(_ name: String, _ text: String) throws {
        try text.write(toFile: file(name), atomically: true, encoding: .utf8)
    }

    public func read(_ name: String) -> String { (try? String(contentsOfFile: file(name), encoding: .utf8)) ?? "" }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }
}

/// A child process that is ended with its owner.
public final class TestProcess {
    public let process = Process()

    public init(_ program: String, _ arguments: [String], log: String) throws {
        guard FileManager.default.createFile(atPath: log, contents: nil) else {
            throw TestFailure("cannot make \(log)")
        }
        guard let handle = FileHandle(forWritingAtPath: log) else { throw TestFailure("cannot open \(log)") }
        process.executableURL = URL(fileURLWithPath: try TestProcess.locate(program))
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = handle
        process.standardError = handle
        try TestProcess.spawning.withLock { try TestProcess.withSignalsUnblocked { try process.run() } }
    }

    /// One start at a time: Foundation closes what is open in the child when it looks, and a pipe that another thread
    /// has made since would live on in it, and its reader would wait for the end of a server.
    private static let spawning = NSLock()

    /// The threads of the tests' executor have every signal blocked, and a child inherits that: redis-server, which
    /// does not touch its mask, would never see a SIGTERM.
    private static func withSignalsUnblocked(_ body: () throws -> Void) rethrows {
        var none = sigset_t()
        var before = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try body()
    }

    public var pid: Int32 { process.processIdentifier }

    /// Ends the process and waits for it; killed after `seconds`.
    public func stop(signal: Int32 = SIGTERM, within seconds: Double = 10) {
        guard process.isRunning else { return }
        kill(pid, signal)
        if !Wait.until(seconds: seconds, { !process.isRunning }) {
            kill(pid, SIGKILL)
            process.waitUntilExit()
        }
    }

    deinit {
        stop()
    }

    public static func locate(_ program: String) throws -> String {
        if program.hasPrefix("/") { return program }
        for folder in ["/usr/sbin", "/usr/bin", "/bin", "/usr/local/bin"] {
            let path = "\(folder)/\(program)"
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        throw TestFailure("\(program) is not installed; deploy/test installs what the tests need")
    }

    /// Runs a program to its end and returns what it printed and its status.
    public static func output(
        _ program: String,
        _ arguments: [String],
        input: String = ""
    ) throws -> (status: Int32, text: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try locate(program))
        process.arguments = arguments
        let output = try spawning.withLock {
            let (output, standardInput) = (Pipe(), Pipe())
            process.standardInput = standardInput
            process.standardOutput = output
            process.standardError = output
            try TestProcess.withSignalsUnblocked { try process.run() }
            standardInput.fileHandleForWriting.write(Data(input.utf8))
            try standardInput.fileHandleForWriting.close()
            return output
        }
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }
}

/// Waiting for a condition, with a bound.
public enum Wait {
    /// Looks every few milliseconds; false when `seconds` have passed.
    @discardableResult
    public static func until(seconds: Double, _ condition: () throws -> Bool) rethrows -> Bool {
        let deadline = DispatchTime.now().uptimeNanoseconds + UInt64(seconds * 1e9)
        while true {
            if try condition() { return true }
            if DispatchTime.now().uptimeNanoseconds > deadline { return false }
            usleep(5000)
        }
    }
}

/// A private Redis on a unix socket.
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
        let socket = directory.file("redis.sock")
        let process = try TestProcess(
            "redis-server",
            ["--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", directory.path],
            log: directory.file("redis.log")
        )
        let answers = try Wait.until(seconds: 5) {
            try TestProcess.output("redis-cli", ["-s", socket, "ping"]).text.hasPrefix("PONG")
        }
        guard answers else { throw TestFailure("redis-server did not start: \(directory.read("redis.log"))") }
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
    public func command(_ words: String...) throws -> String {
        try TestProcess.output("redis-cli", ["-s", socketPath] + words).text
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }
}

/// Ports and sockets for tests.
public enum Loopback {
    /// A TCP port nobody listens on now.
    public static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw TestFailure("socket: \(errno)") }
        defer { close(descriptor) }
        var address = address(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard bound else { throw TestFailure("bind: \(errno)") }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    static func address(_ host: String = "127.0.0.1", port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port)).bigEndian
        address.sin_addr.s_addr = inet_addr(host)
        return address
    }

    /// A connected blocking socket whose reads and writes give up after `seconds`; from an address of this machine.
    static func connect(port: Int, timeoutSeconds seconds: Int, from source: String? = nil) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw TestFailure("socket: \(errno)") }
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        func call(_ function: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32, _ address: sockaddr_in) -> Bool {
            withUnsafePointer(to: address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    function(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
        }
        let isBound = source.map { call(Glibc.bind, address($0, port: 0)) } ?? true
        guard isBound, call(Glibc.connect, address(port: port)) else {
            close(descriptor)
            throw TestFailure("connect to port \(port): \(errno)")
        }
        return descriptor
    }
}

extension Loopback {
    /// Whether somebody listens on a port now.
    public static func connects(port: Int) -> Bool {
        guard let descriptor = try? connect(port: port, timeoutSeconds: 1) else { return false }
        close(descriptor)
        return true
    }
}
