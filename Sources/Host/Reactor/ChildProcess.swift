// SPDX-License-Identifier: Apache-2.0
//
// Starting and ending other programs. A child has its own process group, so that Ctrl-C reaches only the parent, which
// then ends the children in order.
// Why no library: Process is a part of Foundation, which Sources must not import, and hands no descriptors on beyond
// the first three; swift-subprocess is asynchronous, and the loop has no tasks.

public import Glibc

/// A program this one has started.
public struct ChildProcess: Sendable {
    public let name: String
    public let pid: pid_t

    /// A child that a predecessor of this program has started: exec(3) keeps children.
    public init(name: String, pid: pid_t) {
        self.name = name
        self.pid = pid
    }

    /// The program this process runs, also after its file has been replaced.
    public static let thisProgram = "/proc/self/exe"
    /// Where passed descriptors begin in a child: after standard input, output and error.
    public static let passedDescriptorFirst: Int32 = 3

    /// Starts a program.
    /// - Parameters:
    ///   - logPath: where its standard output and error go, appended; nil leaves it this program's own.
    ///   - environment: `NAME=value`, put in front of this program's own: the first of a name counts.
    ///   - shownAs: its argument 0, for ps; the program by default.
    ///   - blocking: signals that wait in the child until it has taken care of them.
    ///   - passing: descriptors it gets as 3, 4, 5 ..., whatever their numbers are here. At most 16.
    public static func spawn(
        name: String,
        _ program: String,
        _ arguments: [String],
        logPath: String?,
        environment: [String] = [],
        shownAs: String? = nil,
        blocking: [Int32] = [],
        passing: [Int32] = []
    ) throws -> ChildProcess {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        if let logPath {
            posix_spawn_file_actions_addopen(&actions, 1, logPath, O_WRONLY | O_CREAT | O_APPEND, 0o640)
            posix_spawn_file_actions_adddup2(&actions, 1, 2)
        }
        let copies = try passing.map { try copyBeyondPassed($0) }
        defer { for copy in copies { close(copy) } }
        for (offset, copy) in copies.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, copy, passedDescriptorFirst + Int32(offset))
        }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // The loop blocks the signals it reads; the child must start without that.
        var blocked = sigset_t()
        sigemptyset(&blocked)
        for signal in blocking { sigaddset(&blocked, signal) }
        posix_spawnattr_setsigmask(&attributes, &blocked)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes,
            Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP)
        )

        var pointers: [UnsafeMutablePointer<CChar>?] = ([shownAs ?? program] + arguments).map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup($0) }
        defer { for variable in variables[..<environment.count] { free(variable) } }
        var inherited = environ
        while let variable = inherited.pointee {
            variables.append(variable)
            inherited += 1
        }
        variables.append(nil)
        var pid: pid_t = 0
        let result = posix_spawn(&pid, program, &actions, &attributes, pointers, variables)
        guard result == 0 else {
            throw CommandFailure("START_FAILED", "cannot start \(program): \(String(cString: strerror(result)))")
        }
        return ChildProcess(name: name, pid: pid)
    }

    /// A copy with a high number, so that no copy stands where the child gets another one.
    private static func copyBeyondPassed(_ descriptor: Int32) throws -> Int32 {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, passedDescriptorFirst + 16)
        guard copy >= 0 else {
            throw CommandFailure("START_FAILED", "cannot pass a descriptor: \(String(cString: strerror(errno)))")
        }
        return copy
    }

    /// Sends a signal.
    public func signal(_ number: Int32) { kill(pid, number) }

    /// Runs a program to its end; nil when it succeeded, else its status and where to look.
    public static func run(_ program: String, _ arguments: [String], logPath: String) throws -> String? {
        let child = try spawn(name: program, program, arguments, logPath: logPath)
        var status: Int32 = 0
        while waitpid(child.pid, &status, 0) < 0 && errno == EINTR {}
        return status == 0 ? nil : "\(program) ended with status \(status >> 8 & 0xff), see \(logPath)"
    }

    /// Runs a program to its end and reads what it printed, standard output and error in one.
    /// - Parameter limit: bytes that are read; more is FILE_TOO_LARGE.
    public static func output(
        _ program: String,
        _ arguments: [String],
        upTo limit: Int = Files.byteCountMax
    ) throws -> (isSuccess: Bool, text: String) {
        let directory = try Files.makeTemporaryDirectory("vestibule-output")
        let log = "\(directory)/log"
        defer {
            unlink(log)
            rmdir(directory)
        }
        let isSuccess = try run(program, arguments, logPath: log) == nil
        return (isSuccess, String(decoding: try Files.read(log, upTo: limit), as: UTF8.self))
    }

    /// Children of this process that have ended since the last call, and whether their status was 0.
    public static func reapEnded() -> [(pid: pid_t, isSuccess: Bool)] {
        var ended: [(pid: pid_t, isSuccess: Bool)] = []
        var status: Int32 = 0
        while true {
            let pid = waitpid(-1, &status, WNOHANG)
            guard pid > 0 else { return ended }
            ended.append((pid, status == 0))
        }
    }
}
