// SPDX-License-Identifier: Apache-2.0
//
// Log lines about peers that misbehave, at a bounded rate: a hostile peer must not fill the disk.

/// Passes on a limited number of lines a second, and says how many it kept back.
struct RejectLog {
    private let write: (String) -> Void
    private let linesPerSecond: Int
    private let prefix: String
    private var windowStart = Int.min
    private var lines = 0
    private var suppressed = 0

    init(prefix: String, linesPerSecond: Int, write: @escaping (String) -> Void) {
        self.prefix = prefix
        self.linesPerSecond = linesPerSecond
        self.write = write
    }

    /// Writes a line, or counts it. The text is made only for a line that is written.
    mutating func line(_ text: @autoclosure () -> String, nowMilliseconds: Int) {
        report(nowMilliseconds: nowMilliseconds)
        guard lines < linesPerSecond else {
            suppressed += 1
            return
        }
        lines += 1
        write("\(prefix): \(text())")
    }

    /// Starts a new second when the old one is over, and reports what it kept back.
    mutating func report(nowMilliseconds: Int) {
        guard windowStart == Int.min || nowMilliseconds - windowStart >= 1_000 else { return }
        windowStart = nowMilliseconds
        lines = 0
        if suppressed > 0 { write("\(prefix): \(suppressed) more lines like this were left out") }
        suppressed = 0
    }
}
