// SPDX-License-Identifier: Apache-2.0
//
// One pending wake-up for each of a million visitors: a hashed timer wheel (Varghese and Lauck, 1987) with one slot per
// millisecond. Setting and firing are O(1), and a wake-up costs 8 bytes and no allocation.
// Why no library: a heap (swift-collections) costs O(log n) per change, and its entries cannot be moved in place.

/// A visitor whose time has come.
public struct WakeUp: Equatable, Sendable {
    /// The index of the visitor.
    public let visitor: UInt32
    /// When it was due, milliseconds from the start of the run.
    public let dueMilliseconds: Int

    /// Describes a wake-up.
    public init(visitor: UInt32, dueMilliseconds: Int) {
        self.visitor = visitor
        self.dueMilliseconds = dueMilliseconds
    }
}

/// The wake-ups of visitors 0..<count, at most one each.
public struct TimerWheel {
    /// A power of two. Wake-ups beyond one turn (65.5 s) stay in their slot and are looked at once a turn.
    public static let slotCount = 65_536
    private static let none = UInt32.max

    /// First visitor of each slot's list.
    private var heads: [UInt32]
    /// Next visitor in the same slot.
    private var nexts: [UInt32]
    private var dues: [UInt32]
    private var reachedMilliseconds = -1
    /// Visitors with a wake-up set.
    public private(set) var count = 0

    /// Makes a wheel at time 0 for `visitorCount` visitors.
    public init(visitorCount: Int) {
        precondition(visitorCount < Int(TimerWheel.none), "visitors are numbered with 32 bits")
        heads = [UInt32](repeating: TimerWheel.none, count: TimerWheel.slotCount)
        nexts = [UInt32](repeating: TimerWheel.none, count: visitorCount)
        dues = [UInt32](repeating: 0, count: visitorCount)
    }

    /// Wakes a visitor at a time in milliseconds from the start of the run, or in the next millisecond when that has
    /// passed. The visitor must not have a wake-up already.
    public mutating func set(_ visitor: UInt32, atMilliseconds: Int) {
        let due = max(atMilliseconds, reachedMilliseconds + 1)
        dues[Int(visitor)] = UInt32(clamping: due)
        let slot = due & (TimerWheel.slotCount - 1)
        nexts[Int(visitor)] = heads[slot]
        heads[slot] = visitor
        count += 1
    }

    /// Appends every visitor who is due at or before a time and forgets the wake-ups. Time never goes back. Within one
    /// millisecond the order is that of setting.
    public mutating func advance(toMilliseconds now: Int, into woken: inout [WakeUp]) {
        while reachedMilliseconds < now {
            reachedMilliseconds += 1
            let slot = reachedMilliseconds & (TimerWheel.slotCount - 1)
            if heads[slot] != TimerWheel.none { empty(slot, &woken) }
        }
    }

    private mutating func empty(_ slot: Int, _ woken: inout [WakeUp]) {
        // The list has the latest first: turning it around keeps the order of setting, also for those who stay.
        var ordered = TimerWheel.none
        var visitor = heads[slot]
        while visitor != TimerWheel.none {
            let next = nexts[Int(visitor)]
            nexts[Int(visitor)] = ordered
            ordered = visitor
            visitor = next
        }
        heads[slot] = TimerWheel.none
        while ordered != TimerWheel.none {
            let visitor = ordered
            ordered = nexts[Int(visitor)]
            if Int(dues[Int(visitor)]) <= reachedMilliseconds {
                count -= 1
                woken.append(WakeUp(visitor: visitor, dueMilliseconds: Int(dues[Int(visitor)])))
            } else {
                nexts[Int(visitor)] = heads[slot]
                heads[slot] = visitor
            }
        }
    }
}
