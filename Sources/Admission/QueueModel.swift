// SPDX-License-Identifier: Apache-2.0
//
// The queue in memory: the executable specification of the scripts in RedisQueue/Lua. Both run one conformance suite,
// and a differential test replays random histories on both. The simulator uses it as the store.

/// One room. Time is an argument; nothing here reads a clock or a random number.
public struct QueueModel {
    /// Numbers skipped when a ticket proves that numbers were issued which the room has forgotten (GAP in prelude.lua).
    static let restoreGap = 1000
    static let joinKeyLifetimeMilliseconds = 300_000
    static let lapsesPerTickMax = 256
    static let callsPerTickMax = 1000

    public var policy: RoomPolicy

    public private(set) var generation = 1
    /// Grows with every tick: a worker that compares versions takes each snapshot in.
    private var version = 0
    public private(set) var next: Int
    public private(set) var waiting = RankIndex()
    /// Number to claim deadline.
    public private(set) var called: [Int: Int] = [:]
    /// Number to pass expiry. Like the sorted set, it keeps ended ones until a tick removes them.
    public private(set) var active: [Int: Int] = [:]
    public private(set) var counters = RoomCounters()
    public private(set) var openedMilliseconds = 0

    private var done: Set<Int> = []
    private var left: Set<Int> = []
    /// Per epoch: who polled.
    private var seen: [Int: Set<Int>] = [:]
    /// Per span of two epochs: whose last sign of life was in it, of those who lost their place by silence or by a
    /// lapsed call.
    private var gone: [Int: Set<Int>] = [:]
    private var joinKeys: [String: (number: Int, issued: Int, generation: Int)] = [:]
    private var flow: [Int: Int] = [:]
    private var callBucket: TokenBucket
    private var entryBucket: TokenBucket
    private var refilledMilliseconds: Int
    private var clockMilliseconds: Int
    private var tickedMilliseconds: Int
    private var epoch: Int
    private var epochMilliseconds: Int
    private var holdEpoch = 0
    /// When the room was made: for a grace after it, tickets are believed about places the room does not know.
    private let restoredMilliseconds: Int

    /// A new room with full buckets. `firstNumber` is what the first joiner gets.
    public init(policy: RoomPolicy, firstNumber: Int, nowMilliseconds now: Int) {
        self.policy = policy
        self.next = firstNumber
        self.callBucket = TokenBucket(microtokens: policy.burst * TokenBucket.micro)
        self.entryBucket = callBucket
        self.refilledMilliseconds = now
        self.clockMilliseconds = now
        self.tickedMilliseconds = now
        self.restoredMilliseconds = now
        self.epochMilliseconds = policy.epochMilliseconds
        self.epoch = now / policy.epochMilliseconds
    }

    // MARK: - Shared steps (prelude.lua)

    /// Takes the time in, never backwards, and refills the buckets.
    private mutating func advance(to nowMilliseconds: Int) -> Int {
        let now = max(nowMilliseconds, clockMilliseconds)
        clockMilliseconds = now
        let elapsed = now - refilledMilliseconds
        callBucket.refill(elapsedMilliseconds: elapsed, rateMilli: policy.rateMilli, microtokensMax: callMicrotokensMax)
        entryBucket.refill(
            elapsedMilliseconds: elapsed,
            rateMilli: policy.rateMilli,
            microtokensMax: policy.burst * TokenBucket.micro
        )
        refilledMilliseconds = now
        return now
    }

    /// Calls come with the ticks: the bucket holds at least a second of the rate, or it would overflow in between. The
    /// entry bucket alone bounds the entries.
    private var callMicrotokensMax: Int { max(policy.burst * TokenBucket.micro, policy.rateMilli * 1000) }

    private func currentEpoch(_ now: Int) -> Int { now / policy.epochMilliseconds }

    private mutating func markSeen(_ number: Int, _ now: Int) {
        seen[currentEpoch(now), default: []].insert(number)
    }

    /// Signs of life count for the epoch they were given in, at most one before the current.
    private mutating func markSeen(_ numbers: [Int], epoch: Int, _ now: Int) {
        guard !numbers.isEmpty else { return }
        seen[max(currentEpoch(now) - 1, min(currentEpoch(now), epoch)), default: []].formUnion(numbers)
    }

    private var goneMilliseconds: Int { 2 * policy.epochMilliseconds }

    /// What has expired in Redis.
    private mutating func forgetOldSigns(_ now: Int) {
        seen = seen.filter { $0.key > currentEpoch(now) - RoomPolicy.epochsKept }
        let from = max(0, now - policy.returnGraceMilliseconds)
        gone = gone.filter { $0.key >= from / goneMilliseconds }
    }

    private var vacancies: Int {
        policy.maxActive == 0 ? Int.max : max(0, policy.maxActive - called.count - active.count)
    }

    private mutating func enter(_ number: Int, _ now: Int) -> Int {
        let expires = now + policy.passLifetimeMilliseconds
        active[number] = expires
        done.insert(number)
        flow[now / 1000, default: 0] += 1
        counters.entered += 1
        return expires
    }

    // MARK: - Joins (join.lua)

    public mutating func join(_ batch: [JoinRequest], nowMilliseconds: Int) -> JoinReply {
        let now = advance(to: nowMilliseconds)
        var admissible = 0
        if policy.mode == .bypass {
            admissible = Int.max
        } else if policy.mode == .open, waiting.count == 0 {
            admissible = min(callBucket.tokens, entryBucket.tokens, vacancies)
        }
        let outcomes = batch.map { joinOne($0, now, &admissible) }
        return JoinReply(
            nowMilliseconds: now,
            generation: generation,
            waiting: waiting.count,
            outcomes: outcomes
        )
    }

    private mutating func joinOne(_ request: JoinRequest, _ now: Int, _ admissible: inout Int) -> JoinOutcome {
        if let key = request.idempotencyKey, let known = joinKeys[key],
            known.issued + QueueModel.joinKeyLifetimeMilliseconds > now, known.generation == generation
        {
            return .known(number: known.number, issuedMilliseconds: known.issued)
        }
        if request.kind == .gate && policy.mode == .bypass { return .bypassed }
        if policy.mode == .closed { return .closed }
        if request.kind == .gate && admissible < 1 { return .noRoom }
        if admissible < 1 && waiting.count >= policy.capacity { return .full }

        let number = next
        next += 1
        counters.joined += 1
        if openedMilliseconds == 0 { openedMilliseconds = now }
        if let key = request.idempotencyKey {
            joinKeys[key] = (number, now, generation)
        }
        if admissible >= 1 {
            if policy.mode != .bypass {
                admissible -= 1
                callBucket.take()
                entryBucket.take()
            }
            return .admitted(number: number, passExpiresMilliseconds: enter(number, now))
        }
        waiting.insert(number)
        markSeen(number, now)
        return .waiting(number: number, position: waiting.count)
    }

    // MARK: - One visitor (standing.lua, visit.lua)

    private mutating func waitAgain(_ number: Int, _ now: Int) -> Standing {
        waiting.insert(number)
        markSeen(number, now)
        counters.returned += 1
        return .waiting
    }

    private func seenWithinGrace(_ claim: TicketClaim, _ now: Int) -> Bool {
        let from = now - policy.returnGraceMilliseconds
        if claim.issuedMilliseconds >= from || restoredMilliseconds >= from { return true }
        let current = currentEpoch(now)
        let oldest = max(from / policy.epochMilliseconds, current - RoomPolicy.epochsKept + 1)
        if (min(oldest, current)...current).contains(where: { seen[$0]?.contains(claim.number) ?? false }) {
            return true
        }
        let (first, last) = (max(0, from) / goneMilliseconds, now / goneMilliseconds)
        return (first...last).contains { gone[$0]?.contains(claim.number) ?? false }
    }

    private mutating func standing(_ claim: TicketClaim, _ now: Int) -> Standing {
        if claim.generation < generation { return .fenced }
        if let deadline = called[claim.number] { return .called(deadlineMilliseconds: deadline) }
        if let expires = active[claim.number], expires > now { return .entered(passExpiresMilliseconds: expires) }
        if waiting.contains(claim.number) { return .waiting }
        if done.contains(claim.number) { return left.contains(claim.number) ? .left : .expired }
        if claim.number >= next {
            next = claim.number + 1 + QueueModel.restoreGap
            return waitAgain(claim.number, now)
        }
        return seenWithinGrace(claim, now) ? waitAgain(claim.number, now) : .expired
    }

    private func reply(_ standing: Standing, _ claim: TicketClaim, _ now: Int) -> StandingReply {
        StandingReply(
            standing: standing,
            nowMilliseconds: now,
            waiting: waiting.count,
            position: standing == .waiting ? waiting.position(claim.number) ?? 0 : 0
        )
    }

    /// Where the visitor stands; a returner within the grace waits again at the original number.
    public mutating func stand(_ claim: TicketClaim, nowMilliseconds: Int) -> StandingReply {
        let now = advance(to: nowMilliseconds)
        let answer = standing(claim, now)
        return reply(answer, claim, now)
    }

    /// Claims a call. Repeating it gives the same pass expiry.
    public mutating func enter(_ claim: TicketClaim, nowMilliseconds: Int) -> StandingReply {
        let now = advance(to: nowMilliseconds)
        var answer = standing(claim, now)
        switch answer {
        case .waiting where policy.mode == .bypass:
            waiting.remove(claim.number)
            answer = .entered(passExpiresMilliseconds: enter(claim.number, now))
        case .called where policy.mode == .bypass:
            called[claim.number] = nil
            answer = .entered(passExpiresMilliseconds: enter(claim.number, now))
        case .called(let deadline):
            if entryBucket.tokens >= 1 {
                entryBucket.take()
                called[claim.number] = nil
                answer = .entered(passExpiresMilliseconds: enter(claim.number, now))
            } else {
                called[claim.number] = max(deadline, now + policy.claimWindowMilliseconds)
                answer = .retry(afterMilliseconds: retryMilliseconds)
            }
        default:
            break
        }
        return reply(answer, claim, now)
    }

    /// Not the time of the next token: all who were called would ask for it at once. Half of the time in which they can
    /// all enter keeps the bucket busy without a rush.
    private var retryMilliseconds: Int {
        let token = entryBucket.millisecondsUntilToken(rateMilli: policy.rateMilli)
        guard policy.rateMilli > 0 else { return token }
        let half = called.count * TokenBucket.micro / (2 * policy.rateMilli)
        return max(token, min(half, policy.claimWindowMilliseconds / 2))
    }

    /// Gives the place up for good. Idempotent.
    public mutating func leave(_ claim: TicketClaim, nowMilliseconds: Int) -> StandingReply {
        let now = advance(to: nowMilliseconds)
        if claim.generation < generation {
            return reply(.fenced, claim, now)
        }
        if !left.contains(claim.number) {
            if called.removeValue(forKey: claim.number) != nil {
                callBucket.giveBack(microtokensMax: callMicrotokensMax)
            }
            active[claim.number] = nil
            waiting.remove(claim.number)
            if claim.number >= next { next = claim.number + 1 + QueueModel.restoreGap }
            done.insert(claim.number)
            left.insert(claim.number)
            counters.left += 1
        }
        return reply(.left, claim, now)
    }

    // MARK: - Ticks (tick.lua)

    /// Moves the room forward: lapses calls, ends passes, sweeps, calls.
    /// - Parameters:
    ///   - polled: the numbers that polled in `epoch` and were not reported yet.
    public mutating func tick(
        seen polled: [Int],
        epoch polledEpoch: Int,
        tickMilliseconds: Int,
        nowMilliseconds: Int
    ) -> TickReply {
        let now = advance(to: nowMilliseconds)
        markSeen(polled, epoch: polledEpoch, now)
        if (now - tickedMilliseconds) * 2 >= tickMilliseconds {
            lapse(now)
            active = active.filter { $0.value > now }
            startEpoch(now)
            callForward(now)
            flow = flow.filter { $0.key >= now / 1000 - 901 }
            tickedMilliseconds = now
        }
        return snapshot(now)
    }

    private mutating func lapse(_ now: Int) {
        let late = called.filter { $0.value <= now }
            .sorted { ($0.value, $0.key) < ($1.value, $1.key) }
            .prefix(QueueModel.lapsesPerTickMax)
        for (number, _) in late {
            called[number] = nil
            gone[now / goneMilliseconds, default: []].insert(number)
            counters.lapsed += 1
        }
        callBucket.giveBack(late.count, microtokensMax: callMicrotokensMax)
    }

    private mutating func startEpoch(_ now: Int) {
        let current = currentEpoch(now)
        guard current != epoch else { return }
        let gap = max(policy.epochMilliseconds, 5000)
        if policy.epochMilliseconds != epochMilliseconds || now - tickedMilliseconds > gap {
            holdEpoch = current + RoomPolicy.epochsKept
        }
        if current >= holdEpoch { sweep(current) }
        epoch = current
        epochMilliseconds = policy.epochMilliseconds
        forgetOldSigns(now)
    }

    private mutating func sweep(_ current: Int) {
        let kept = (0..<RoomPolicy.epochsKept).map { seen[current - $0] ?? [] }
        let silentFrom = (current - RoomPolicy.epochsKept + 1) * policy.epochMilliseconds
        let span = max(0, (silentFrom - 1) / goneMilliseconds)
        var number = waiting.next(from: 0)
        while let visitor = number {
            if !kept.contains(where: { $0.contains(visitor) }) {
                waiting.remove(visitor)
                gone[span, default: []].insert(visitor)
                counters.abandoned += 1
            }
            number = waiting.next(from: visitor + 1)
        }
    }

    private mutating func callForward(_ now: Int) {
        guard policy.mode == .open || policy.mode == .closed else { return }
        var budget = min(callBucket.tokens, vacancies, QueueModel.callsPerTickMax)
        while budget > 0, let number = waiting.next(from: 0) {
            waiting.remove(number)
            called[number] = now + policy.claimWindowMilliseconds
            callBucket.take()
            budget -= 1
        }
    }

    private mutating func snapshot(_ now: Int) -> TickReply {
        version += 1
        var reply = TickReply()
        reply.version = version
        reply.incarnation = 1
        reply.overrides = Array(repeating: nil, count: 9)
        reply.nowMilliseconds = now
        reply.generation = generation
        reply.next = next
        reply.waiting = waiting.count
        reply.called = called.count
        reply.active = active.count
        reply.openedMilliseconds = openedMilliseconds
        reply.counters = counters
        reply.policy = policy
        reply.flow = flow.sorted { $0.key < $1.key }.map { (second: $0.key, entries: $0.value) }
        reply.chunks = waiting.chunkIndexes.map { (index: $0, bitmap: waiting.bitmap(chunk: $0)) }
        return reply
    }

    // MARK: - Operators (configure.lua, reset.lua)

    /// Changes the limits; what the old ones earned until now is credited first.
    public mutating func configure(_ policy: RoomPolicy, nowMilliseconds: Int) {
        _ = advance(to: nowMilliseconds)
        self.policy = policy
    }

    /// Ends the generation: everybody who waits or was called loses the place. Numbers go on.
    public mutating func reset(nowMilliseconds: Int) -> Int {
        let now = advance(to: nowMilliseconds)
        generation = max(generation + 1, now / 1000)
        waiting.removeAll()
        called = [:]
        openedMilliseconds = 0
        return generation
    }
}
