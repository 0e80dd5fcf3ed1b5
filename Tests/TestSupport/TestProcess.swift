// SPDX-License-Identifier: Apache-2.0
//
// Programs and files of a test: started in a temporary directory, ended and removed when their owner goes. Every test
// starts its programs here, over the product's own ChildProcess. Not with Foundation.Process: the threads of the tests'
// executor block every signal, a child of it inherits that, and a child that keeps its mask never sees a SIGTERM.

internal import Foundation
public import Glibc
internal import Reactor

/// Something a test needs is missing or did not start. Tests fail with it; nothing is skipped.
public struct TestFailure: Error, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}

/// A directory that is removed with its owner. Short, because unix socket paths have 107 bytes at most.
public final class TemporaryDirectory: Sendable {
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

    /// What is in the file so far, even in the middle of a character; empty when there is no such file.
    public func read(_ name: String) -> String {
        String(decoding: FileManager.default.contents(atPath: file(name)) ?? Data(), as: UTF8.self)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }
}

/// A child process that is ended with its owner.
public final class TestProcess {
    private let child: ChildProcess
    private var endedWith: Int32?

    /// - Parameter log: where its standard output and error go; what the file held before is gone.
    public init(_ program: String, _ arguments: [String], log: String) throws {
        let isMade = FileManager.default.createFile(atPath: log, contents: nil)
        guard isMade else { throw TestFailure("cannot make \(log)") }
        child = try ChildProcess.spawn(name: program, TestProcess.locate(program), arguments, logPath: log)
    }

    public var pid: Int32 { child.pid }

    public var isRunning: Bool { exitStatus(waiting: false) == nil }

    /// Waits for the end. The exit status, or minus the signal that ended it.
    @discardableResult
    public func wait() -> Int32 { exitStatus(waiting: true) ?? -1 }

    private func exitStatus(waiting: Bool) -> Int32? {
        if let endedWith { return endedWith }
        var (status, ended): (Int32, pid_t) = (0, -1)
        repeat { ended = waitpid(pid, &status, waiting ? 0 : WNOHANG) } while ended < 0 && errno == EINTR
        if ended == 0 { return nil }
        endedWith = status & 0x7f == 0 ? status >> 8 & 0xff : -(status & 0x7f)
        return endedWith
    }

    /// Ends the process and waits for it; killed after `seconds`.
    public func stop(signal: Int32 = SIGTERM, within seconds: Double = 10) {
        guard isRunning else { return }
        child.signal(signal)
        if !Wait.until(seconds: seconds, { !isRunning }) {
            child.signal(SIGKILL)
            wait()
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
    public static func output(_ program: String, _ arguments: [String]) throws -> (status: Int32, text: String) {
        let directory = try TemporaryDirectory()
        let status = try TestProcess(program, arguments, log: directory.file("output")).wait()
        return (status, directory.read("output"))
    }

    /// What a command of redis-cli answers, without the line break at its end.
    public static func redisCLI(_ words: [String]) throws -> String {
        try output("redis-cli", words).text.trimmingCharacters(in: .whitespacesAndNewlines)
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

    /// The same for what must come true: a failure that names it when it does not.
    public static func require(
        _ what: @autoclosure () -> String,
        seconds: Double = 10,
        _ condition: () throws -> Bool
    ) throws {
        guard try until(seconds: seconds, condition) else {
            throw TestFailure("not within \(seconds) s: \(what())")
        }
    }
}
