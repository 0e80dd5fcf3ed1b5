// SPDX-License-Identifier: Apache-2.0
//
// Who is gone does not block the line, and who is there is not taken for gone.
//
// Promised: whoever is silent for three quarters to the whole of abandon_after is swept. Precision: a sign of life
// given within two ticks around an epoch's edge may count for either, and one that its worker has not flushed yet (it
// does so once an epoch) does not count. Whoever is swept so comes back with the next poll. After a gap in the ticks, a
// restore, or a change of the epoch's length nobody is swept for abandon_after.

internal import Admission

struct GhostChecker {
    /// A sign of life of a visitor, and the worker that took it; -1 is the store.
    struct Sign {
        var milliseconds = 0
        var worker: Int32 = -1
    }

    /// The last sign, and the last one that was flushed by the time of a later one.
    struct Signs {
        var last: Sign
        var flushed: Sign?

        mutating func add(_ sign: Sign, flushMilliseconds: Int) {
            if sign.milliseconds - last.milliseconds >= flushMilliseconds || last.worker < 0 { flushed = last }
            last = sign
        }
    }

    private var tickedMilliseconds = 0
    private var epochMilliseconds = 0
    /// Until then the sweep may hold.
    private var heldUntil = 0
    /// A restore counts as a tick, and lapses nothing.
    private var restoredMilliseconds = 0
    private static let lapsesPerTick = 256

    /// The room was made, mended, or taken over.
    mutating func noteRestored(_ policy: RoomPolicy, _ now: Int) {
        restoredMilliseconds = now
        hold(policy, now)
    }

    private mutating func hold(_ policy: RoomPolicy, _ now: Int) {
        heldUntil = max(heldUntil, now + policy.abandonAfterMilliseconds + 2 * policy.epochMilliseconds)
    }

    /// How long a sign may stay in a worker's memory, and how imprecise its epoch is.
    static func flushMilliseconds(_ policy: RoomPolicy, tickMilliseconds: Int) -> Int {
        policy.epochMilliseconds + 2 * tickMilliseconds
    }

    /// A tick: `signs` finds the signs of life of a number.
    /// `isExcused` says whether signs of that visitor may have been lost since.
    mutating func check(
        _ facts: Facts,
        _ room: any QueueRules,
        tickMilliseconds: Int,
        signs: (Int) -> Signs?,
        isExcused: (Sign) -> Bool
    ) -> (Promise, String)? {
        let (policy, now) = (room.policy, facts.now)
        if now - tickedMilliseconds > max(policy.epochMilliseconds, 5000)
            || policy.epochMilliseconds != epochMilliseconds
        {
            hold(policy, now)
            epochMilliseconds = policy.epochMilliseconds
        }
        tickedMilliseconds = now
        let flush = GhostChecker.flushMilliseconds(policy, tickMilliseconds: tickMilliseconds)
        for number in facts.swept {
            guard let signs = signs(number) else { continue }
            let isFlushed = signs.last.worker < 0 || now - signs.last.milliseconds >= flush
            guard let sign = isFlushed ? signs.last : signs.flushed, !isExcused(sign) else { continue }
            let silent = now - sign.milliseconds
            if silent < policy.epochMilliseconds * 3 - 2 * tickMilliseconds {
                return (.keeping, "\(number) is swept \(silent) ms after a sign of life")
            }
        }
        if now > heldUntil, let head = room.waiting.next(from: 0),
            let sign = signs(head % RankIndex.lateOffset)?.last, !isExcused(sign)
        {
            let silent = now - sign.milliseconds
            if silent > policy.abandonAfterMilliseconds + policy.epochMilliseconds + flush + 3 * tickMilliseconds {
                return (.ghosts, "\(head) is first in the line and silent for \(silent) ms")
            }
        }
        let late = room.called.first { $0.value <= now - tickMilliseconds }
        if now - restoredMilliseconds > tickMilliseconds, facts.lapsed.count < GhostChecker.lapsesPerTick, let late {
            return (.ghosts, "the call of \(late.key) is open \(now - late.value) ms after its deadline")
        }
        return nil
    }
}
