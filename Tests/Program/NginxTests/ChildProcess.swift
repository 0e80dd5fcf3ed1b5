// SPDX-License-Identifier: Apache-2.0
//
// Starting programs for the tests, and ending exactly those again.

// Not Foundation.Process: tests run on Dispatch's threads, which block every signal, its children inherit that, and
// then a program that does not set its own mask (python3) cannot be ended with SIGTERM.

import Foundation
import Glibc

struct CommandResult {
    let status: Int32
    let output: String
}

/// A program that was started and must be waited for.
final class ChildProcess {
    private let identifier: pid_t
    private var exitStatus: Int32?

    /// Starts a program with standard output and standard error in a file.
    init(_ path: String, _ arguments: [String], output: URL) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output.path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var noSignals = sigset_t()
        sigemptyset(&noSignals)
        posix_spawnattr_setsigmask(&attributes, &noSignals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var pointers: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
        var environment: [UnsafeMutablePointer<CChar>?] = [strdup("PATH=/usr/sbin:/usr/bin:/bin"), nil]
        defer { (pointers + environment).forEach { free($0) } }
        var identifier: pid_t = 0
        guard posix_spawn(&identifier, path, &actions, &attributes, &pointers, &environment) == 0 else {
            throw TimedOut(waitingFor: "the start of \(path)")
        }
        self.identifier = identifier
    }

    /// Waits for the end; gives the exit status, or minus the signal that ended it.
    @discardableResult
    func wait() -> Int32 {
        if let exitStatus { return exitStatus }
        var status: Int32 = 0
        while waitpid(identifier, &status, 0) == -1 && errno == EINTR {}
        let result = status & 0x7F == 0 ? status >> 8 & 0xFF : -(status & 0x7F)
        exitStatus = result
        return result
    }

    /// Ends the program and waits until it is gone.
    func end() {
        guard exitStatus == nil else { return }
        kill(identifier, SIGTERM)
        wait()
    }
}

/// Runs a program to its end; standard error comes with standard output.
@discardableResult
func run(_ path: String, _ arguments: [String]) throws -> CommandResult {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("vestibule-\(UUID().uuidString).out")
    defer { try? FileManager.default.removeItem(at: file) }
    let status = try ChildProcess(path, arguments, output: file).wait()
    return CommandResult(status: status, output: String(decoding: try Data(contentsOf: file), as: UTF8.self))
}

struct TimedOut: Error { let waitingFor: String }

/// Looks every few milliseconds whether a condition has come true, for ten seconds.
func wait(for what: String, until isTrue: () throws -> Bool) throws {
    for _ in 0..<2_000 {
        if try isTrue() { return }
        usleep(5_000)
    }
    throw TimedOut(waitingFor: what)
}

/// Ports of 127.0.0.1 that nobody listens on, all different.
func freePorts(_ count: Int) throws -> [UInt16] {
    var descriptors: [Int32] = []
    defer { descriptors.forEach { close($0) } }
    return try (0..<count).map { _ in
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        descriptors.append(descriptor)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutableBytes(of: &address) { bytes in
            let pointer = bytes.assumingMemoryBound(to: sockaddr.self).baseAddress!
            return bind(descriptor, pointer, length) == 0 && getsockname(descriptor, pointer, &length) == 0
        }
        guard bound else { throw TimedOut(waitingFor: "a free port") }
        return UInt16(bigEndian: address.sin_port)
    }
}
