// SPDX-License-Identifier: Apache-2.0
//
// Mistakes, one a type, each named after what goes wrong.

import Admission
import Simulation

/// Idempotency keys are ignored.
enum KeysIgnored: Flaw {
    static func join(_ model: inout QueueModel, _ batch: [JoinRequest], _ now: Int) -> JoinReply {
        model.join(batch.map { JoinRequest(kind: $0.kind) }, nowMilliseconds: now)
    }
}

/// A repeated enter gives another pass.
enum PassEachTime: Flaw {
    static func enter(_ model: inout QueueModel, _ claim: TicketClaim, _ now: Int) -> StandingReply {
        let isInside = model.active[claim.number] != nil
        var reply = model.enter(claim, nowMilliseconds: now)
        if isInside, case .entered(let end) = reply.standing {
            reply.standing = .entered(passExpiresMilliseconds: end + 1000)
        }
        return reply
    }
}

/// Twice as many tokens come in as were set.
enum DoubleRefill: Flaw {
    static func limits(_ policy: RoomPolicy) -> RoomPolicy {
        var policy = policy
        policy.rateMilli *= 2
        return policy
    }
}

/// Nobody is ever swept.
enum NoSweep: Flaw {
    static func tick(_ model: inout QueueModel, _ request: TickRequest, _ now: Int) -> TickReply {
        var request = request
        for chunk in model.waiting.chunkIndexes {
            if let bitmap = model.waiting.bitmap(chunk: chunk) { request.heartbeats.append((chunk, bitmap)) }
        }
        request.heartbeatEpoch = .max
        return model.tick(request, nowMilliseconds: now)
    }
}

/// Heartbeats are not written down.
enum DeafTick: Flaw {
    static func tick(_ model: inout QueueModel, _ request: TickRequest, _ now: Int) -> TickReply {
        var request = request
        request.heartbeats = []
        return model.tick(request, nowMilliseconds: now)
    }
}

/// A paused room goes on calling.
enum PauseIgnored: Flaw {
    static func limits(_ policy: RoomPolicy) -> RoomPolicy {
        var policy = policy
        if policy.mode == .paused { policy.mode = .open }
        return policy
    }
}

/// A visitor who leaves gets the answer "left", and goes on waiting.
enum LeaveForgotten: Flaw {
    static func leave(_ model: inout QueueModel, _ claim: TicketClaim, _ now: Int) -> StandingReply {
        var reply = model.stand(claim, nowMilliseconds: now)
        reply.standing = .left
        return reply
    }
}

/// A visitor who joins is shown a place five before the true one.
enum PositionInvented: Flaw {
    static func join(_ model: inout QueueModel, _ batch: [JoinRequest], _ now: Int) -> JoinReply {
        var reply = model.join(batch, nowMilliseconds: now)
        reply.outcomes = reply.outcomes.map { outcome in
            guard case .waiting(let number, let position) = outcome else { return outcome }
            return .waiting(number: number, position: max(1, position - 5))
        }
        return reply
    }
}

/// Lapsed calls are not counted: a visitor who declines returns to the front each time, and holds a token and a place.
enum LapsesForgotten: Flaw {
    static func tick(_ model: inout QueueModel, _ request: TickRequest, _ now: Int) -> TickReply {
        let reply = model.tick(request, nowMilliseconds: now)
        model.forgetLapses()
        return reply
    }
}

/// A room in bypass goes on calling nobody.
enum BypassIgnored: Flaw {
    static func limits(_ policy: RoomPolicy) -> RoomPolicy {
        var policy = policy
        if policy.mode == .bypass { policy.mode = .paused }
        return policy
    }
}

/// The called never get in.
enum DoorStuck: Flaw {
    static func enter(_ model: inout QueueModel, _ claim: TicketClaim, _ now: Int) -> StandingReply {
        var reply = model.stand(claim, nowMilliseconds: now)
        if case .called = reply.standing { reply.standing = .retry(afterMilliseconds: 1000) }
        return reply
    }
}

/// A failover goes unnoticed: the store was so before `arrive` was made.
enum FailoverUnnoticed: Flaw {
    static func arrive(_ model: inout QueueModel, _ server: Int, _ now: Int) {}
}

/// A restore forgets who waits, and the first to come is first.
enum BitmapsForgotten: Flaw {
    static func remembered(_ memory: RoomMemory) -> RoomMemory {
        var memory = memory
        memory.chunks = []
        memory.next = 0
        return memory
    }
}

/// A room that nobody remembers begins with its burst each time, as it was before there were marks of the last run.
enum TotalLossUnnoticed: Flaw {
    static func remembered(_ memory: RoomMemory) -> RoomMemory {
        var memory = memory
        // The bucket holds no more than the burst of it.
        if memory.next == 0 { memory.firstTokens = 1_000_000 }
        return memory
    }
}
