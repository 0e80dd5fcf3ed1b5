// SPDX-License-Identifier: Apache-2.0
//
// Where the workers write. A journal takes their lines and bounds them; without one each has a file in the run
// directory, which is a tmpfs on most hosts: it must not grow without end.

import Glibc
import Reactor

enum WorkerLog {
    /// A log that has grown beyond this begins again; what it held is kept until the next time, as `.1`.
    static let byteCountMax = 4 << 20

    /// The directory for the logs; nil when standard error goes to the journal already (systemd.exec(5)).
    static func directory(_ runDirectory: String) -> String? {
        getenv("JOURNAL_STREAM") == nil ? runDirectory : nil
    }

    static func path(_ index: Int, in directory: String?) -> String? {
        directory.map { "\($0)/worker-\(index).log" }
    }

    /// Begins a log again that has become too long. Its writers go on: they append.
    static func bound(_ path: String) throws {
        var status = stat()
        guard stat(path, &status) == 0, status.st_size > byteCountMax else { return }
        try Files.write("\(path).1", try Files.readEnd(path, byteCountMax), mode: 0o640)
        truncate(path, 0)
    }
}
