// SPDX-License-Identifier: Apache-2.0
//
// What happened in a run: a hash over all events, and the last few events in words. It imports nothing. Two runs of one
// seed have the same hash; if they have not, something outside of the seed has entered.

/// The kinds of events in a trace. Their order is part of the hash.
enum TraceMark: UInt8 {
    case joined, joinRefused, shown, ready, entered, left, gone, refused, lost
    case called, swept, lapsed, returned, restored, tookOver, configured
    case connectionLost, connected, stall, away, back, flush, rollback, death, birth, clockStep, evicted, reset
}

struct Trace {
    private struct Line {
        var milliseconds = 0
        var mark = TraceMark.joined
        var subject = 0
        var value = 0
    }

    /// How many events are kept to be put in words.
    private let kept: Int

    /// FNV-1a over 64-bit words.
    private(set) var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    private(set) var count = 0
    private var lines: [Line]

    init(kept: Int) {
        self.kept = kept
        lines = Array(repeating: Line(), count: kept)
    }

    mutating func note(_ milliseconds: Int, _ mark: TraceMark, _ subject: Int, _ value: Int = 0) {
        mix(UInt64(bitPattern: Int64(milliseconds)))
        mix(UInt64(mark.rawValue))
        mix(UInt64(bitPattern: Int64(subject)))
        mix(UInt64(bitPattern: Int64(value)))
        lines[count % kept] = Line(milliseconds: milliseconds, mark: mark, subject: subject, value: value)
        count += 1
    }

    private mutating func mix(_ word: UInt64) { hash = (hash ^ word) &* 0x0000_0100_0000_01b3 }

    /// The last events, oldest first; times count from the beginning of the run.
    func last(from start: Int) -> [String] {
        (max(0, count - kept)..<count).map { index in
            let line = lines[index % kept]
            return "\(Trace.seconds(line.milliseconds - start)) \(line.mark) \(line.subject) \(line.value)"
        }
    }

    /// "12.345 s", without Foundation.
    static func seconds(_ milliseconds: Int) -> String {
        let fraction = String(milliseconds % 1000 + 1000).dropFirst()
        return "\(milliseconds / 1000).\(fraction) s"
    }
}
