// SPDX-License-Identifier: Apache-2.0
//
// The user as which the workers run: one of its own, so that no other program of the host can read the keys.

import Glibc
import Reactor

enum SystemUser {
    /// Makes user and group unless they are there. Whether it was made.
    static func make(_ name: String) throws -> Bool {
        if getpwnam(name) != nil { return false }
        let words = ["--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", name]
        try run("useradd", words)
        return true
    }

    static func remove(_ name: String) throws { try run("userdel", [name]) }

    /// Adds a user to a group, unless it is a member. Whether it was added.
    static func join(_ user: String, to group: String) throws -> Bool {
        guard let entry = getgrnam(group)?.pointee, let member = getpwnam(user)?.pointee else { return false }
        var count: Int32 = 256
        var groups = [gid_t](repeating: 0, count: Int(count))
        getgrouplist(user, member.pw_gid, &groups, &count)
        if groups.prefix(Int(max(0, count))).contains(entry.gr_gid) { return false }
        try run("usermod", ["--append", "--groups", group, user])
        return true
    }

    static func leave(_ user: String, group: String) throws { try run("gpasswd", ["--delete", user, group]) }

    private static func run(_ program: String, _ words: [String]) throws {
        let (isSuccess, text) = try ChildProcess.output(try Files.executable(program), words)
        guard isSuccess else { throw CommandFailure("USER_REFUSED", "\(program): \(text)") }
    }
}
