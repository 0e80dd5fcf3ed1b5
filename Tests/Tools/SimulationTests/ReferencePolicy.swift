// SPDX-License-Identifier: Apache-2.0
//
// The reference's policy, as it is: a window of 100 at the head from which the first to ask is called, no token for
// the first ten, heartbeats that only their owner checks, and two sorted sets that are not changed together.

import Admission
import Simulation

protocol ReferenceWindow {
    /// From how many at the head somebody is called.
    static var window: Int { get }
    /// How many at the head need no token.
    static var freeRanks: Int { get }
}

/// As the reference has it.
enum WideWindow: ReferenceWindow {
    static let window = 100
    static let freeRanks = 10
}

/// Without the two flaws of the window, so that the others come to light.
enum NarrowWindow: ReferenceWindow {
    static let window = 1
    static let freeRanks = 0
}

struct ReferencePolicy<Window: ReferenceWindow>: QueueRules {
    var caps = QueueCaps()
    var policy: RoomPolicy
    var generation = 1
    var incarnation = 1
    var next: Int
    /// The sorted set of the queue.
    var waiting = RankIndex()
    /// The sorted set of heartbeats: number to time of the last one.
    private var heartbeats: [Int: Int] = [:]
    var called: [Int: Int] = [:]
    private var active: [Int: Int] = [:]
    var activeCount: Int { active.count }
    private var tokens: TokenBucket
    private var refilledMilliseconds: Int
    private var version = 1

    private init(_ policy: RoomPolicy, _ now: Int) {
        self.policy = policy
        next = RoomMemory.firstNumber(nowMilliseconds: now)
        tokens = TokenBucket(microtokens: policy.burst * TokenBucket.micro)
        refilledMilliseconds = now
    }

    func knowsLess(thanGeneration known: Int, next: Int, incarnation: Int) -> Bool { false }
    mutating func arrive(at server: Int, nowMilliseconds: Int) {}
    mutating func adopt(_ limits: RoomPolicy, revision: Int, nowMilliseconds: Int) {}

    private mutating func refill(_ now: Int) {
        tokens.refill(
            elapsedMilliseconds: now - refilledMilliseconds,
            rateMilli: policy.rateMilli,
            microtokensMax: policy.burst * TokenBucket.micro
        )
        refilledMilliseconds = max(now, refilledMilliseconds)
    }

    mutating func join(_ batch: [JoinRequest], nowMilliseconds now: Int) -> JoinReply {
        let outcomes = batch.map { _ -> JoinOutcome in
            let number = next
            next += 1
            waiting.insert(number)
            heartbeats[number] = now
            return .waiting(number: number, position: waiting.count)
        }
        version += 1
        return JoinReply(nowMilliseconds: now, generation: 1, waiting: waiting.count, outcomes: outcomes)
    }

    private func reply(_ standing: Standing, _ claim: TicketClaim, _ now: Int) -> StandingReply {
        StandingReply(
            standing: standing,
            nowMilliseconds: now,
            waiting: waiting.count,
            place: standing == .waiting ? claim.number : 0
        )
    }

    mutating func stand(_ claim: TicketClaim, nowMilliseconds now: Int) -> StandingReply {
        if let deadline = called[claim.number] { return reply(.called(deadlineMilliseconds: deadline), claim, now) }
        if let end = active[claim.number] { return reply(.entered(passExpiresMilliseconds: end), claim, now) }
        guard waiting.contains(claim.number) else { return reply(.expired, claim, now) }
        heartbeats[claim.number] = now
        return reply(.waiting, claim, now)
    }

    mutating func enter(_ claim: TicketClaim, nowMilliseconds now: Int) -> StandingReply {
        refill(now)
        guard let deadline = called[claim.number] else { return stand(claim, nowMilliseconds: now) }
        // The first ten pass without a token.
        if waiting.rank(claim.number) >= Window.freeRanks {
            guard tokens.tokens >= 1 else { return reply(.retry(afterMilliseconds: 500), claim, now) }
            tokens.take()
        }
        called[claim.number] = nil
        active[claim.number] = max(deadline, now + policy.passLifetimeMilliseconds)
        return reply(.entered(passExpiresMilliseconds: active[claim.number] ?? now), claim, now)
    }

    mutating func leave(_ claim: TicketClaim, nowMilliseconds now: Int) -> StandingReply {
        // Out of one sorted set; the other one is cleaned by another process, some day.
        heartbeats[claim.number] = nil
        called[claim.number] = nil
        return reply(.left, claim, now)
    }

    mutating func tick(_ request: TickRequest, nowMilliseconds now: Int) -> TickReply {
        refill(now)
        for (chunk, bitmap) in request.heartbeats {
            for number in Heartbeats.numbers(chunk: chunk, bitmap: bitmap) where heartbeats[number] != nil {
                heartbeats[number] = now
            }
        }
        // The visitor of the window that asked last; any other would do.
        var number = waiting.next(from: 0)
        var inWindow: [Int] = []
        while let found = number, inWindow.count < Window.window {
            inWindow.append(found)
            number = waiting.next(from: found + 1)
        }
        let budget = min(max(tokens.tokens - called.count, Window.freeRanks - called.count), inWindow.count)
        if budget > 0 {
            for number in inWindow.suffix(budget) {
                waiting.remove(number)
                called[number] = now + policy.claimWindowMilliseconds
            }
            version += 1
        }
        return snapshot(now)
    }

    private func snapshot(_ now: Int) -> TickReply {
        var reply = TickReply()
        reply.nowMilliseconds = now
        reply.generation = generation
        reply.incarnation = incarnation
        reply.version = version
        reply.next = next
        reply.waiting = waiting.count
        reply.called = called.count
        reply.policy = policy
        reply.overrides = RoomPolicy.noOverrides
        reply.chunks = waiting.chunkIndexes.map { (index: $0, bitmap: waiting.bitmap(chunk: $0)) }
        return reply
    }

    mutating func configure(_ policy: RoomPolicy, nowMilliseconds now: Int) {
        refill(now)
        self.policy = policy
    }

    mutating func reset(nowMilliseconds: Int) -> Int { generation }

    static func restored(
        _ memory: RoomMemory,
        onto existing: (any QueueRules)?,
        defaults: RoomPolicy,
        firstNumber: Int?,
        server: Int,
        nowMilliseconds now: Int
    ) -> any QueueRules {
        existing ?? ReferencePolicy<Window>(defaults, now)
    }
}
