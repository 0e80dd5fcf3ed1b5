// SPDX-License-Identifier: Apache-2.0
//
// Another program in the place of this one, as nginx does it on SIGUSR2, but in the same process: exec(3) keeps the
// process id (systemd notices nothing), the listening sockets and the workers, which are its children still.

import Glibc
import Reactor

struct Replacement {
    /// Where this program was started from; by the time of a replacement another file is there.
    let program: String
    let configurationPath: String
    let logPath: String
    private var checker: ChildProcess?

    init(program: String, configurationPath: String, logPath: String) {
        self.program = program
        self.configurationPath = configurationPath
        self.logPath = logPath
    }

    var refusal: String { "\(program) check-config failed, see \(logPath)" }

    /// Starts the new program's own check of the configuration: after exec there would be no way back.
    mutating func check() throws {
        guard checker == nil else { return }
        checker = try ChildProcess.spawn(
            name: "check",
            program,
            ["check-config", "--config", configurationPath],
            logPath: logPath
        )
    }

    /// Whether the process that has ended was the check.
    mutating func wasChecked(by pid: pid_t) -> Bool {
        guard checker?.pid == pid else { return false }
        checker = nil
        return true
    }

    /// Becomes the new program. Returns only when that fails, and says why.
    func run(leaving legacy: Inheritance) -> String {
        for descriptor in legacy.descriptors { _ = fcntl(descriptor, F_SETFD, 0) }
        setenv(Inheritance.variable, legacy.text, 1)
        let words = [program, "serve", "--config", configurationPath]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
        arguments.append(nil)
        defer { for argument in arguments { free(argument) } }
        execv(program, arguments)
        let problem = String(cString: strerror(errno))
        unsetenv(Inheritance.variable)
        for descriptor in legacy.descriptors { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        return "\(program): \(problem)"
    }
}
