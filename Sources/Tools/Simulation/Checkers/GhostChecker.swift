// SPDX-License-Identifier: Apache-2.0
//
// Checks that a visitor who is gone does not block the line, and that a visitor who is there is not swept.
//
// The promise: a visitor who is silent for abandon_after is swept, and nobody who was silent for less than three
// quarters of it. A swept visitor comes back with the next poll. Exceptions that the checker allows:
// - A heartbeat given within two ticks around the edge of an epoch may count for either epoch.
// - A heartbeat that its worker has not flushed yet does not count; a worker flushes once in an epoch.
// - After a gap in the ticks, a restore, or a change of the epoch's length nobody is swept for abandon_after.
// It may read the rules of the store, and changes nothing.

internal import Admission

struct GhostChecker {
    /// A heartbeat of a visitor, and the worker that took it; -1 is the store.
    struct Heartbeat {
        var milliseconds = 0
        var worker: Int32 = -1
    }

    /// The last heartbeat, and the last that was flushed when a later came.
    struct LastHeartbeats {
        var last: Heartbeat
        var flushed: Heartbeat?

        mutating func add(_ heartbeat: Heartbeat, flushMilliseconds: Int) {
            if heartbeat.milliseconds - last.milliseconds >= flushMilliseconds || last.worker < 0 { flushed = last }
            last = heartbeat
        }
    }

    private var tickedMilliseconds = 0
    private var epochMilliseconds = 0
    /// Until then the sweep may hold.
    private var heldUntil = 0
    /// A restore counts as a tick, and lapses nothing.
    private var restoredMilliseconds = 0
    /// Since when each tick has ended as many calls as one can, and has left some; nil when the last has not.
    private var pileSince: Int?
    /// More calls than one tick ends are gone after this time: each tick is followed by the next at once.
    private static let pileMilliseconds = 3000

    /// The room was made, mended, or taken over.
    mutating func noteRestored(_ policy: RoomPolicy, _ now: Int) {
        restoredMilliseconds = now
        hold(policy, now)
    }

    /// Limits have changed between two ticks; perhaps they are back before the next one.
    mutating func noteLimits(_ policy: RoomPolicy, _ now: Int) {
        if policy.epochMilliseconds != epochMilliseconds { hold(policy, now) }
        epochMilliseconds = policy.epochMilliseconds
    }

    private mutating func hold(_ policy: RoomPolicy, _ now: Int) {
        heldUntil = max(heldUntil, now + policy.abandonAfterMilliseconds + 2 * policy.epochMilliseconds)
    }

    /// How long a heartbeat may stay in a worker's memory, and how imprecise its epoch is.
    static func flushMilliseconds(_ policy: RoomPolicy, tickMilliseconds: Int) -> Int {
        policy.epochMilliseconds + 2 * tickMilliseconds
    }

    /// A tick: `heartbeats` finds the last heartbeats of a number.
    /// `isExcused` says whether heartbeats of that visitor may have been lost since.
    mutating func check(
        _ facts: Facts,
        _ room: any QueueRules,
        tickMilliseconds: Int,
        heartbeats: (Int) -> LastHeartbeats?,
        isExcused: (Heartbeat) -> Bool
    ) -> (Promise, String)? {
        let (policy, now) = (room.policy, facts.now)
        notePile(facts, room, tickMilliseconds)
        if now - tickedMilliseconds > max(policy.epochMilliseconds, 5000)
            || policy.epochMilliseconds != epochMilliseconds
        {
            hold(policy, now)
            epochMilliseconds = policy.epochMilliseconds
        }
        tickedMilliseconds = now
        let flush = GhostChecker.flushMilliseconds(policy, tickMilliseconds: tickMilliseconds)
        for number in facts.swept {
            guard let known = heartbeats(number) else { continue }
            let isFlushed = known.last.worker < 0 || now - known.last.milliseconds >= flush
            guard let heartbeat = isFlushed ? known.last : known.flushed, !isExcused(heartbeat) else { continue }
            let silent = now - heartbeat.milliseconds
            if silent < policy.epochMilliseconds * 3 - 2 * tickMilliseconds {
                return (.keeping, "\(number) is swept \(silent) ms after a heartbeat")
            }
        }
        if now > heldUntil, let head = room.waiting.next(from: 0),
            let heartbeat = heartbeats(head % RankIndex.lateOffset)?.last, !isExcused(heartbeat)
        {
            let silent = now - heartbeat.milliseconds
            if silent > policy.abandonAfterMilliseconds + policy.epochMilliseconds + flush + 3 * tickMilliseconds {
                return (.ghosts, "\(head) is first in the line and silent for \(silent) ms")
            }
        }
        let late = room.called.first { $0.value <= facts.storeNow - tickMilliseconds }
        let isPiled = pileSince.map { now - $0 <= GhostChecker.pileMilliseconds } ?? false
        if now - restoredMilliseconds > tickMilliseconds, !isPiled, let late {
            return (.ghosts, "the call of \(late.key) is open \(facts.storeNow - late.value) ms after its deadline")
        }
        return nil
    }

    private mutating func notePile(_ facts: Facts, _ room: any QueueRules, _ tickMilliseconds: Int) {
        let isCapped = facts.lapsed.count >= room.caps.lapsesPerTick
        let isPile = isCapped && room.called.contains { $0.value <= facts.storeNow }
        let isGap = facts.now - tickedMilliseconds > 2 * tickMilliseconds
        if !isPile { pileSince = nil } else if pileSince == nil || isGap { pileSince = facts.now }
    }
}
