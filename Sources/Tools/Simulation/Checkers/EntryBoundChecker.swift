// SPDX-License-Identifier: Apache-2.0
//
// Checks the bound on entries, over all windows at once. Entries in every window of t seconds stay within burst + rate
// * t exactly when a bucket of that size, refilled at that rate and drained by the entries, never goes below empty. So
// this checker keeps one bucket. It uses the limits and counts of entries, and nothing of the store.
//
// It keeps to these rules:
// - After a change of the limits the bound of a window is the sum of its parts.
// - After a restore from a worker's memory, a failover, or a restart from a file the bound holds on, because the store
//   starts with empty buckets.
// - After the loss of all memories it holds on too, because the store starts with what has flowed since the host ran
//   the room (RunMark). From the loss on, the limits are those of the file again.

internal import Admission

struct EntryBoundChecker {
    private var policy: RoomPolicy?
    private var level = 0
    private var refilledMilliseconds = 0
    /// The lowest the bucket ever was, in entries.
    private(set) var lowest = Int.max

    private var capacity: Int { (policy?.burst ?? 0) * TokenBucket.micro }

    private mutating func refill(_ now: Int) {
        guard let policy, now > refilledMilliseconds else { return }
        level = min(capacity, level + (now - refilledMilliseconds) * policy.rateMilli)
        refilledMilliseconds = now
    }

    /// The store has lost everything, and with it what an operator had set.
    mutating func lose(_ now: Int) { refill(now) }

    /// A room begins that nobody remembers: the first one with its burst.
    mutating func begin(_ policy: RoomPolicy, _ now: Int) {
        let isFirst = self.policy == nil
        self.policy = policy
        if isFirst {
            refilledMilliseconds = now
            level = capacity
        }
        refill(now)
        level = min(level, capacity)
    }

    mutating func configure(_ policy: RoomPolicy, _ now: Int) {
        refill(now)
        self.policy = policy
        level = min(level, capacity)
    }

    mutating func enter(_ entries: Int, _ now: Int) -> String? {
        guard policy != nil else { return entries > 0 ? "entries before there was a room" : nil }
        refill(now)
        level -= entries * TokenBucket.micro
        lowest = min(lowest, level)
        guard level < 0 else { return nil }
        let over = (-level + TokenBucket.micro - 1) / TokenBucket.micro
        level = 0
        return "\(over) more than burst + rate * t entered in a window that ends now"
    }
}
