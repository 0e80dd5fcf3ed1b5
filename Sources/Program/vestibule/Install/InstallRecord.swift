// SPDX-License-Identifier: Apache-2.0
//
// What an installation did, kept in a file, so that it can be taken back to the byte.

import Glibc
import Passes
import Reactor
import StrictJSON

/// Files made, files changed and directories made, in order.
struct InstallRecord {
    struct Change {
        var path: String
        /// The file as it was, in a file of its own; nil for a file that was made.
        var backup: String?
        /// Says whether somebody has changed the file since.
        var digest: String
    }

    var changes: [Change] = []
    var directories: [String] = []
    var hasMadeUser = false
    /// The user of nginx, when it was made a member of our group.
    var member: String?

    init() {}

    static func path(root: String) -> String { "\(root)/etc/vestibule/install.json" }

    static func digest(_ bytes: [UInt8]) -> String {
        Base64URL.encodeString(MessageAuthentication.hmacSHA256(key: Array("vestibule install".utf8), message: bytes))
    }

    func write(to path: String) throws {
        let list = changes.map { change in
            JSONValue.members([
                ("path", .string(change.path)), ("backup", change.backup.map { .string($0) } ?? .null),
                ("digest", .string(change.digest)),
            ])
        }
        let whole = JSONValue.members([
            ("changes", .array(list)), ("directories", .array(directories.map { .string($0) })),
            ("user", .bool(hasMadeUser)), ("member", member.map { .string($0) } ?? .null),
        ])
        try Files.write(path, whole.text + "\n", mode: 0o600)
    }

    /// - Throws: `CommandFailure` NOT_INSTALLED or RECORD_INVALID.
    init(reading path: String) throws {
        guard Files.exists(path) else {
            throw CommandFailure("NOT_INSTALLED", "\(path) is not there: nothing was installed, or by hand")
        }
        let invalid = CommandFailure("RECORD_INVALID", "\(path) is not a record of vestibule install")
        guard let value = try? JSONValue(parsing: try Files.read(path)),
            case .array(let list)? = value["changes"], case .array(let made)? = value["directories"]
        else { throw invalid }
        for entry in list {
            guard let path = entry["path"]?.stringValue, let digest = entry["digest"]?.stringValue else {
                throw invalid
            }
            changes.append(Change(path: path, backup: entry["backup"]?.stringValue, digest: digest))
        }
        directories = made.compactMap(\.stringValue)
        hasMadeUser = value["user"]?.boolValue == true
        member = value["member"]?.stringValue
    }

    /// Whether the file is as the installation left it.
    static func isUntouched(_ change: Change) -> Bool {
        (try? Files.read(change.path, upTo: 256 << 20)).map { digest($0) == change.digest } ?? false
    }

    /// Takes back what was done to the users of the system.
    func undoUsers() throws {
        if let member { try SystemUser.leave(member, group: Installation.user) }
        if hasMadeUser { try SystemUser.remove(Installation.user) }
    }

    /// Takes the changes back, the last one first, and then the record itself. What somebody has changed since stays,
    /// and is named.
    /// - Parameters:
    ///   - path: of the record.
    ///   - keeping: files that stay although they were made here.
    /// - Returns: the files that stayed.
    func undo(recordedIn path: String, keeping: Set<String> = []) throws -> [String] {
        var stayed: [String] = []
        for change in changes.reversed() {
            guard !keeping.contains(change.path), InstallRecord.isUntouched(change) else {
                stayed.append(change.path)
                continue
            }
            if let backup = change.backup {
                try Files.rewrite(change.path, try Files.read(backup))
                unlink(backup)
            } else {
                unlink(change.path)
            }
        }
        unlink(path)
        for directory in directories.reversed() { rmdir(directory) }
        return stayed
    }
}
