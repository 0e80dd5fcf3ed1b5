// SPDX-License-Identifier: Apache-2.0
//
// The user as which the workers run: one of its own, so that no other program of the host can read the keys.

import Glibc
import Reactor

enum SystemUser {
    static func groupID(_ name: String) -> gid_t? { getgrnam(name)?.pointee.gr_gid }

    /// Makes user and group unless they are there. Whether it was made.
    static func make(_ name: String) throws -> Bool {
        if getpwnam(name) != nil { return false }
        let words = ["--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", name]
        try run("useradd", words)
        return true
    }

    static func remove(_ name: String) throws { try run("userdel", [name]) }

    private static func run(_ program: String, _ words: [String]) throws {
        let (isSuccess, text) = try ChildProcess.output(try Files.executable(program), words)
        guard isSuccess else { throw CommandFailure("USER_REFUSED", "\(program): \(text)") }
    }
}
