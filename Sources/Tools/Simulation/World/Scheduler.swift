// SPDX-License-Identifier: Apache-2.0
//
// Virtual time: events in the order of their millisecond, and within a millisecond in the order in which they were
// scheduled. It imports nothing. Time never goes back, and no event is lost.

/// A bucket for each of the next 65,536 milliseconds, and a heap for what is later: a million visitors' wake-ups are
/// mostly near, and cost no comparison.
struct Scheduler {
    enum Event {
        /// A visitor acts, unless something has happened to it since (the token tells).
        case visitor(Int32, token: UInt32)
        /// Anything else, by its place in the world's table of actions.
        case action(Int32)
    }

    private struct Entry {
        let milliseconds: Int
        let sequence: UInt64
        let event: Event

        func isBefore(_ other: Entry) -> Bool {
            milliseconds != other.milliseconds ? milliseconds < other.milliseconds : sequence < other.sequence
        }
    }

    private static let span = 65_536

    private var buckets = [[Event]](repeating: [], count: Scheduler.span)
    /// Events in the buckets that were not taken.
    private var nearCount = 0
    /// The millisecond of the last event; nothing is scheduled before it.
    private var floor: Int
    /// How many were taken from the floor's bucket.
    private var taken = 0
    /// What is a span or more ahead when it is scheduled. It comes first in its millisecond: it was scheduled first.
    private var heap: [Entry] = []
    private var sequence: UInt64 = 0

    init(startMilliseconds: Int) { floor = startMilliseconds }

    /// Whether there is another event in the millisecond of the last one.
    var hasMoreInThisMillisecond: Bool {
        taken < buckets[floor % Scheduler.span].count || heap.first?.milliseconds == floor
    }

    mutating func schedule(_ event: Event, atMilliseconds milliseconds: Int) {
        if milliseconds - floor < Scheduler.span {
            buckets[milliseconds % Scheduler.span].append(event)
            nearCount += 1
        } else {
            sequence += 1
            push(Entry(milliseconds: milliseconds, sequence: sequence, event: event))
        }
    }

    mutating func popFirst() -> (milliseconds: Int, event: Event)? {
        while true {
            if let first = heap.first, first.milliseconds == floor {
                if let last = heap.popLast(), !heap.isEmpty { sink(last) }
                return (floor, first.event)
            }
            let bucket = floor % Scheduler.span
            if taken < buckets[bucket].count {
                taken += 1
                nearCount -= 1
                return (floor, buckets[bucket][taken - 1])
            }
            buckets[bucket].removeAll(keepingCapacity: true)
            taken = 0
            if nearCount > 0 {
                floor += 1
            } else if let first = heap.first {
                floor = first.milliseconds
            } else {
                return nil
            }
        }
    }

    // MARK: - The heap, with four children a node

    private mutating func push(_ entry: Entry) {
        heap.append(entry)
        var at = heap.count - 1
        while at > 0 {
            let parent = (at - 1) / 4
            guard entry.isBefore(heap[parent]) else { break }
            heap[at] = heap[parent]
            at = parent
        }
        heap[at] = entry
    }

    private mutating func sink(_ entry: Entry) {
        var at = 0
        while true {
            let firstChild = at * 4 + 1
            guard firstChild < heap.count else { break }
            var least = firstChild
            for child in firstChild..<min(firstChild + 4, heap.count) where heap[child].isBefore(heap[least]) {
                least = child
            }
            guard heap[least].isBefore(entry) else { break }
            heap[at] = heap[least]
            at = least
        }
        heap[at] = entry
    }
}
