// SPDX-License-Identifier: Apache-2.0
//
// Goal: `vestibule serve` tells systemd how it is, replaces workers that stand still or are asked to go, and lets a new
// program take over with its sockets and its process id.
// Method: the real program, with a datagram socket in the place of systemd's. What visitors see of it is in
// deploy/drills.

import Foundation
import Passes
import Reactor
import TestSupport
import Testing

extension Integration {
    @Suite struct SupervisorTests {
        @Test func `systemd hears that it serves, lives, reloads and stops`() throws {
            let service = try Service()
            #expect(service.hears("READY=1\nMAINPID=\(service.pid)\n"))
            #expect(service.hears("WATCHDOG=1"))
            kill(service.pid, SIGHUP)
            #expect(service.hears("RELOADING=1\nMONOTONIC_USEC="))
            #expect(service.hears("READY=1"))
            service.stop()
            #expect(service.hears("STOPPING=1"))
            #expect(service.process.wait() == 0)
            let left = try FileManager.default.contentsOfDirectory(atPath: service.directory.path)
            #expect(left.filter { $0.contains(".sock") && $0 != "notify.sock" } == [])
        }

        @Test func `a worker that stands still is killed and replaced`() throws {
            let service = try Service()
            let before = try service.workers()
            kill(before[0], SIGSTOP)
            let isReplaced = try Wait.until(seconds: 12) {
                let now = try service.workers()
                return now.count == 2 && !now.contains(before[0]) && service.areSocketsAnswered
            }
            #expect(isReplaced)
            #expect(try service.workers().contains(before[1]), "the other one was left alone")
            try service.directory.read("serve.log", onceItHolds: "stands still")
        }

        @Test func `a new program takes over in the same process with the same sockets, a bad one does not`() throws {
            let service = try Service()
            #expect(service.hears("READY=1"))
            let (before, sockets) = (try service.workers(), service.socketFiles)
            let good = service.directory.file("good")
            try FileManager.default.moveItem(atPath: service.program, toPath: good)
            try Service.copy("/bin/false", to: service.program)
            kill(service.pid, SIGUSR2)
            try service.directory.read("serve.log", onceItHolds: "upgrade refused")
            #expect(try service.workers() == before)

            // A copy, not the same file again.
            try FileManager.default.removeItem(atPath: service.program)
            try Service.copy(good, to: service.program)
            kill(service.pid, SIGUSR2)
            #expect(service.hears("RELOADING=1"))
            #expect(service.hears("READY=1\nMAINPID=\(service.pid)\nSTATUS=every worker was replaced"))
            let after = try service.workers()
            #expect(after.count == 2 && Set(after).isDisjoint(with: before))
            #expect(service.socketFiles == sockets, "the very same socket files")
            #expect(service.areSocketsAnswered)
            let running = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(service.pid)/exe")
            #expect(running == service.program)
        }

        @Test func `what is for the supervisor, sent to every process, ends no worker`() throws {
            let service = try Service()
            let before = try service.workers()
            for signal in [SIGUSR1, SIGUSR2] {
                for _ in 0..<3 { for pid in before { kill(pid, signal) } }
            }
            // A worker that was hit would be gone at once; this answer comes after the signals.
            #expect(service.areSocketsAnswered)
            kill(before[0], SIGHUP)
            try service.directory.read("worker-0.log", onceItHolds: "configuration read again")
            #expect(try service.workers() == before)
        }

        @Test func `a reload in the middle of the start of a worker does not end it`() throws {
            let service = try Service()
            for _ in 0..<5 {
                let old = try service.workers()
                kill(old[0], SIGKILL)
                // The first sign of a successor, long before it has read anything.
                var new: [Int32] = []
                try Wait.require("a successor") {
                    new = try service.workers().filter { !old.contains($0) }
                    return !new.isEmpty
                }
                kill(new[0], SIGHUP)
                kill(new[0], SIGUSR1)
                try Wait.require("it serves") { service.areSocketsAnswered }
                #expect(try service.workers().contains(new[0]))
            }
        }

        @Test func `a supervisor that is killed while it starts leaves no worker behind`() throws {
            let service = try Service()
            service.stop()
            for delay in stride(from: 0, through: 60_000, by: 4000) {
                let second = try TestProcess(
                    service.program,
                    ["serve", "--config", service.configuration],
                    log: service.directory.file("second.log")
                )
                usleep(UInt32(delay))
                second.stop(signal: SIGKILL)
                var left: [Int32] = []
                let isEmpty = try Wait.until(seconds: 8) {
                    left = try service.orphans()
                    return left.isEmpty
                }
                #expect(isEmpty, "killed after \(delay) us: \(left)")
            }
        }

        @Test func `a worker that finds its supervisor gone ends at once`() throws {
            let service = try Service()
            let words = ["worker", "--config", service.configuration, "--index", "9", "--supervisor", "1"]
            let lone = try TestProcess.output("timeout", ["10", service.program] + words)
            #expect(lone.status != 0 && lone.text.contains("SUPERVISOR_GONE"), "\(lone.text)")
        }

        @Test func `a log file begins again, and its writers go on`() throws {
            let service = try Service()
            let log = service.directory.file("worker-0.log")
            let filler = try #require(FileHandle(forWritingAtPath: log))
            try filler.seekToEnd()
            try filler.write(contentsOf: Data((String(repeating: "x", count: 5 << 20) + "last\n").utf8))
            try filler.close()
            try Wait.require("the log begins again") { service.size("worker-0.log") < 1 << 20 }
            #expect(service.size("worker-0.log.1") == 4 << 20)
            #expect(service.directory.read("worker-0.log.1").hasSuffix("last\n"))
            kill(try service.workers()[0], SIGHUP)
            kill(try service.workers()[1], SIGHUP)
            try service.directory.read("worker-0.log", onceItHolds: "configuration read again")
            #expect(service.size("worker-0.log") < 1 << 20)
        }

        @Test func `with a journal there are no log files, and the keys come from systemd`() throws {
            let service = try Service(underSystemd: true)
            let left = try FileManager.default.contentsOfDirectory(atPath: service.directory.path)
            #expect(!left.contains { $0.hasPrefix("worker-") && $0.contains(".log") })
            try service.directory.read("serve.log", onceItHolds: "worker serves")
            // What the unit's ExecReload does.
            var random = SystemRandomNumberGenerator()
            let ring = try KeyRing(keys: [SigningKey.generate(kid: "later", using: &random)])
            try service.directory.write("keys.json", String(decoding: ring.jwkSet(), as: UTF8.self))
            kill(service.pid, SIGHUP)
            try service.directory.read("serve.log", onceItHolds: "\"later\"")
        }

        @Test func `two supervisors do not serve in one directory`() throws {
            let service = try Service()
            let second = try TestProcess.output(service.program, ["serve", "--config", service.configuration])
            #expect(second.status != 0)
            #expect(second.text.contains("DIR_IN_USE"))
            #expect(service.areSocketsAnswered)
        }
    }
}

/// `vestibule serve` with two workers, its own copy of the program, a Redis, and an ear for what systemd would hear.
private final class Service {
    let directory: TemporaryDirectory
    let program: String
    let configuration: String
    let process: TestProcess
    private let redis: RedisServer
    private let ear: Int32
    private var heard: [String] = []

    /// - Parameter underSystemd: with standard error in a journal, and the keys only where systemd puts them.
    init(underSystemd: Bool = false) throws {
        directory = try TemporaryDirectory()
        redis = try RedisServer()
        program = directory.file("vestibule")
        configuration = directory.file("vestibule.yaml")
        try Service.copy(try Product.vestibule(), to: program)
        var random = SystemRandomNumberGenerator()
        let keys = try KeyRing(keys: [SigningKey.generate(kid: "k1", using: &random)])
        let folder = underSystemd ? "credentials" : "etc"
        for name in ["credentials", "etc"] { try Files.makeDirectory(directory.file(name)) }
        try directory.write("\(folder)/keys.json", String(decoding: keys.jwkSet(), as: UTF8.self))
        try directory.write(
            "vestibule.yaml",
            """
            rooms: {demo: {rate: 1}}
            redis: {socket: \(redis.socketPath)}
            keys: \(directory.file("etc/keys.json"))
            workers: 2
            run_dir: \(directory.path)

            """
        )
        ear = try Service.listen(directory.file("notify.sock"))
        process = try TestProcess(
            "env",
            [
                "NOTIFY_SOCKET=\(directory.file("notify.sock"))", "WATCHDOG_USEC=400000",
            ] + (underSystemd ? ["JOURNAL_STREAM=8:1", "CREDENTIALS_DIRECTORY=\(directory.file("credentials"))"] : [])
                + [
                    program, "serve", "--config", configuration,
                ],
            log: directory.file("serve.log")
        )
        // The supervisor's sockets accept before its workers run.
        let serves = try Wait.until(seconds: 10) {
            listen()
            return try areSocketsAnswered && workers().count == 2
        }
        guard serves else { throw TestFailure("it does not serve: \(directory.read("serve.log"))") }
    }

    /// Copies a program that is to be run. By a process of its own: a child that another test forks while this one has
    /// the copy open for writing would keep it busy (ETXTBSY, execve(2)).
    static func copy(_ program: String, to path: String) throws {
        let copied = try TestProcess.output("cp", [program, path])
        guard copied.status == 0 else { throw TestFailure(copied.text) }
    }

    private static func listen(_ path: String) throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard SocketAddress.unix(path).bind(descriptor) else { throw TestFailure("bind \(path): \(errno)") }
        return descriptor
    }

    deinit {
        process.stop()
        close(ear)
    }

    var pid: Int32 { process.pid }

    func stop() { process.stop() }

    /// Takes what has come. A queue of ten datagrams (net.unix.max_dgram_qlen) is full after two seconds of watchdogs.
    private func listen() {
        var bytes = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(ear, &bytes, bytes.count, Int32(MSG_DONTWAIT))
            guard count > 0 else { return }
            heard.append(String(decoding: bytes[..<count], as: UTF8.self))
        }
    }

    /// Waits for a message that begins so; what came before it is forgotten.
    func hears(_ text: String) -> Bool {
        Wait.until(seconds: 10) {
            listen()
            guard let found = heard.firstIndex(where: { $0.hasPrefix(text) }) else { return false }
            heard.removeSubrange(...found)
            return true
        }
    }

    func workers() throws -> [Int32] {
        try TestProcess.output("pgrep", ["-P", "\(pid)", "-f", " worker "]).text.split(separator: "\n")
            .compactMap { Int32($0) }
    }

    /// Workers of this service, with any parent.
    func orphans() throws -> [Int32] {
        try TestProcess.output("pgrep", ["-f", "worker --config \(configuration) "]).text.split(separator: "\n")
            .compactMap { Int32($0) }
    }

    /// The size of a file; 0 when it is not there.
    func size(_ name: String) -> Int {
        var status = stat()
        return stat(directory.file(name), &status) == 0 ? status.st_size : 0
    }

    /// Socket files with their inodes.
    var socketFiles: [String: UInt64] {
        var found: [String: UInt64] = [:]
        for index in 0..<2 {
            for kind in ["fcgi", "scgi"] {
                var status = stat()
                let path = directory.file("worker-\(index).\(kind).sock")
                if stat(path, &status) == 0 { found[path] = UInt64(status.st_ino) }
            }
        }
        return found
    }

    var areSocketsAnswered: Bool {
        (0..<2).allSatisfy { (try? TestSocket(path: directory.file("worker-\($0).fcgi.sock"))) != nil }
    }
}
