// SPDX-License-Identifier: Apache-2.0
//
// Faults that the rules once had, one a type, put back.

import Admission
import Simulation

/// The workers' mirrors learn nobody: each poll of a visitor who waits goes to the store.
enum MirrorUntaught: Flaw {
    static func tick(_ model: inout QueueModel, _ request: TickRequest, _ now: Int) -> TickReply {
        var reply = model.tick(request, nowMilliseconds: now)
        reply.chunks = []
        return reply
    }
}

/// Tokens come half as fast as the limits say.
enum HalfRate: Flaw {
    static func limits(_ policy: RoomPolicy) -> RoomPolicy {
        var policy = policy
        policy.rateMilli /= 2
        return policy
    }
}

/// The limits travel with the caller.
enum LimitsOfTheCaller: Flaw {
    static func revision(_ revision: Int, known: Int) -> Int { known + 1 }
}

/// The store's time never goes back.
enum ClockFrozen: Flaw {
    static func arrive(_ model: inout QueueModel, _ server: Int, _ now: Int) {
        model.arrive(at: server, nowMilliseconds: max(now, model.clockMilliseconds))
    }
}

/// Entries that a worker brings back last as long as the clock was ahead by which they were made.
enum EntriesOfTheOldClock: Flaw {
    static func remembered(_ memory: RoomMemory) -> RoomMemory {
        var memory = memory
        memory.passMilliseconds = 1 << 40
        return memory
    }
}

/// Counters are kept and not derived: when the bitmaps are gone nobody finds out.
enum CountsKept: Flaw {
    static func evict(_ model: inout QueueModel, _ part: MemoryPart) {
        if part == .waiting { model.loseWaiting() } else { model.evict(part) }
    }
}

/// A visitor who missed a call because the tab was hidden is put back in the line at the next look, and the call that
/// follows is missed as well.
enum LooksDoNotCall: Flaw {
    static var mistake: QueueMistake? { .looksDoNotCall }
}

/// Visitors who let a call lapse hold a place of max_active with the next one, too.
enum RecalledHoldPlaces: Flaw {
    static var mistake: QueueMistake? { .recalledHoldPlaces }
}

/// A room with a burst of one lets in three quarters of its rate.
enum TurnsAreNotGiven: Flaw {
    static var mistake: QueueMistake? { .turnsAreNotGiven }
}

/// Tokens of lapsed calls are lost when the bucket is full, though people wait.
enum ReturnedTokensAreCapped: Flaw {
    static var mistake: QueueMistake? { .returnedTokensAreCapped }
}
