// SPDX-License-Identifier: Apache-2.0
//
// Fifteen minutes of entries, second by second, and the sums over the windows of the ETA.

/// A ring of entries per second. Seconds are those of Redis TIME.
public struct EntryHistory: Sendable {
    /// The longest window, in seconds.
    public static let seconds = 900

    private var ring = [Int32](repeating: 0, count: EntryHistory.seconds)
    private var stamps = [Int](repeating: -1, count: EntryHistory.seconds)
    /// The latest second recorded; -1 before the first.
    public private(set) var latestSecond = -1

    public init() {}

    /// Sets (not adds) the entries of a second: the store sends the whole count again while a second is under way.
    public mutating func record(second: Int, entries: Int) {
        guard second >= 0, latestSecond < 0 || second > latestSecond - EntryHistory.seconds else { return }
        let slot = second % EntryHistory.seconds
        ring[slot] = Int32(clamping: entries)
        stamps[slot] = second
        latestSecond = max(latestSecond, second)
    }

    /// Entries in one second; 0 where none are known.
    public func entries(at second: Int) -> Int {
        guard second >= 0 else { return 0 }
        let slot = second % EntryHistory.seconds
        return stamps[slot] == second ? Int(ring[slot]) : 0
    }

    /// Entries in the `length` seconds that end with `second` (included). `length` is cut to 1...900.
    public func entries(inLast length: Int, endingAt second: Int) -> Int {
        var sum = 0
        for s in (second - min(max(1, length), EntryHistory.seconds) + 1)...second where s >= 0 {
            let slot = s % EntryHistory.seconds
            if stamps[slot] == s { sum += Int(ring[slot]) }
        }
        return sum
    }
}
