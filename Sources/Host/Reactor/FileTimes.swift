// SPDX-License-Identifier: Apache-2.0
//
// When files were changed. Beside Files.swift, because the members of `stat` come with CLinux.

internal import CLinux
internal import Glibc

extension Files {
    /// When a file was changed last, in milliseconds since 1970. Throws `CommandFailure` when it is not there.
    public static func changedMilliseconds(_ path: String) throws -> Int {
        var status = stat()
        guard stat(path, &status) == 0 else { throw failure("looked at", path) }
        return status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1_000_000
    }
}
