// SPDX-License-Identifier: Apache-2.0
//
// The marks of RunMark on disk: a file a room in the run directory, whose modification time says when a worker of this
// host last ran it, and whose text says what an operator had set. They outlive the workers and Redis, and go with a
// tmpfs when the host starts again.

import Admission
import Glibc
import Reactor

final class RunMarks {
    private let directory: String
    private let log: (String) -> Void
    /// When this worker last renewed each mark, by its monotonic clock.
    private var renewed: [String: Int] = [:]
    /// What this worker last wrote into each mark.
    private var written: [String: String] = [:]
    private var hasFailed = false

    init(directory: String, log: @escaping (String) -> Void) {
        self.directory = directory
        self.log = log
    }

    private static func path(_ room: String, in directory: String) -> String { "\(directory)/room-\(room).ran" }

    private func path(_ room: String) -> String { RunMarks.path(room, in: directory) }

    /// Forgets that a room was ever run.
    static func remove(_ room: String, in directory: String) { unlink(path(room, in: directory)) }

    /// Forgets a room that is over.
    func forget(_ room: String) {
        (renewed[room], written[room]) = (nil, nil)
        RunMarks.remove(room, in: directory)
    }

    /// Renews the mark when it is due. A failed write is logged once. The cost is a full burst after a total loss,
    /// which is not worth failing a request for.
    /// - Parameter overrides: what an operator has set, in the order of `PolicyField`.
    func renew(_ room: String, overrides: [Int?], nowMilliseconds: Int) {
        let text = zip(PolicyField.allCases, overrides).compactMap { field, value in
            value.map { "\(field.rawValue)=\($0)\n" }
        }.joined()
        let isSame = written[room] == text
        if isSame, let last = renewed[room], nowMilliseconds - last < RunMark.renewMilliseconds { return }
        renewed[room] = nowMilliseconds
        let descriptor = open(path(room), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o640)
        defer { if descriptor >= 0 { close(descriptor) } }
        var isWritten = descriptor >= 0
        if isWritten, !isSame {
            isWritten = ftruncate(descriptor, 0) == 0 && write(descriptor, text, text.utf8.count) == text.utf8.count
            written[room] = isWritten ? text : nil
        }
        isWritten = isWritten && futimens(descriptor, nil) == 0
        if !isWritten, !hasFailed {
            hasFailed = true
            log("cannot write \(path(room)): \(String(cString: strerror(errno)))")
        }
    }

    /// What an operator had set when this host last ran the room; nothing where the mark cannot be read.
    func overrides(_ room: String) -> [Int?] {
        guard let text = try? Files.readText(path(room)) else { return [] }
        var values: [PolicyField: Int] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: "=")
            guard parts.count == 2, let field = PolicyField(rawValue: String(parts[0])), let value = Int(parts[1]),
                field.bounds.contains(value)
            else { continue }
            values[field] = value
        }
        return PolicyField.allCases.map { values[$0] }
    }

    /// How long this host has not run the room, at least; nil when it never has. A mark that cannot be looked at says
    /// nothing, which counts as a moment ago.
    func quietMilliseconds(_ room: String) -> Int? {
        var file = stat()
        guard stat(path(room), &file) == 0 else { return errno == ENOENT ? nil : 0 }
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return RunMark.quietMilliseconds(
            since: file.st_mtim.tv_sec * 1000 + file.st_mtim.tv_nsec / 1_000_000,
            nowMilliseconds: now.tv_sec * 1000 + now.tv_nsec / 1_000_000
        )
    }
}
