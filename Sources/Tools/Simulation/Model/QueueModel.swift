// SPDX-License-Identifier: Apache-2.0
//
// The queue in memory: the executable specification of the scripts in QueueClient/Lua. No process of the product calls
// it: there the scripts decide. Both run one conformance suite, and a differential test replays random histories on
// both; the simulation and the tests use it as the store. It may use the values of Admission, and nothing else.

public import Admission

/// One room. Time is an argument; nothing here reads a clock or a random number.
public struct QueueModel {
    /// The limits in force: those of the configuration file, and over them what an operator has set.
    public internal(set) var policy: RoomPolicy
    /// What an operator has set, in the order of `RoomPolicy.scriptArguments`.
    public internal(set) var overrides: [Int?] = Array(repeating: nil, count: 9)

    public internal(set) var generation = 1
    /// Grows with every change of a waiting bitmap; a worker that compares versions takes the changed chunks in.
    public internal(set) var version: Int
    public internal(set) var next: Int
    public internal(set) var waiting = RankIndex()
    /// Number to claim deadline.
    public internal(set) var called: [Int: Int] = [:]
    /// Number to pass expiry. Like the sorted set, it keeps ended ones until a tick removes them.
    public internal(set) var active: [Int: Int] = [:]
    public internal(set) var counters = RoomCounters()
    public internal(set) var openedMilliseconds = 0
    /// Names this memory of the store: another one means that it was lost and made anew.
    public internal(set) var incarnation: Int

    var done: Set<Int> = []
    var left: Set<Int> = []
    /// Per epoch: who polled.
    var seen: [Int: Set<Int>] = [:]
    /// Per span of two epochs: whose last sign of life was in it, of those who lost their place by silence or by a
    /// lapsed call.
    var gone: [Int: Set<Int>] = [:]
    var joinKeys: [JoinRequest.Key: NamedTicket] = [:]
    var flow: [Int: Int] = [:]
    /// Live chunk of the waiting bitmap to the version of its last change.
    var chunkVersions: [Int: Int] = [:]
    private var isTouched = false
    var callBucket: TokenBucket
    var entryBucket: TokenBucket
    var refilledMilliseconds: Int
    var clockMilliseconds: Int
    var tickedMilliseconds: Int
    var epoch: Int
    var epochMilliseconds: Int
    var holdEpoch = 0
    /// No pass ends sooner, so that a tick need not look at each.
    var soonestPassEndMilliseconds = Int.max
    /// When the room was made or restored: for a grace after it, tickets are believed about places it does not know.
    var restoredMilliseconds: Int
    /// Numbers from here on were perhaps issued by a server whose last steps this state lacks.
    var doubtFrom = 0
    /// Number to the end of the pass that a visitor who left still holds.
    var spent: [Int: Int] = [:]
    /// Which server has written this state.
    var server = 0
    /// Whether a worker's memory of the room has been merged in.
    var isRemembered = false

    /// A new room with full buckets. `firstNumber` is what the first joiner gets.
    public init(policy: RoomPolicy, firstNumber: Int, nowMilliseconds now: Int) {
        self.policy = policy
        self.next = firstNumber
        self.version = QueueModel.stamp(now)
        self.incarnation = QueueModel.stamp(now)
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
    mutating func advance(to nowMilliseconds: Int) -> Int {
        let now = max(nowMilliseconds, clockMilliseconds)
        clockMilliseconds = now
        let elapsed = max(0, now - refilledMilliseconds)
        callBucket.refill(elapsedMilliseconds: elapsed, rateMilli: policy.rateMilli, microtokensMax: callMicrotokensMax)
        entryBucket.refill(
            elapsedMilliseconds: elapsed,
            rateMilli: policy.rateMilli,
            microtokensMax: policy.burst * TokenBucket.micro
        )
        // Later than now: held.
        refilledMilliseconds = max(now, refilledMilliseconds)
        return now
    }

    /// Calls come with the ticks: the bucket holds at least a second of the rate, or it would overflow in between. The
    /// entry bucket alone bounds the entries.
    var callMicrotokensMax: Int { max(policy.burst * TokenBucket.micro, policy.rateMilli * 1000) }

    func currentEpoch(_ now: Int) -> Int { now / policy.epochMilliseconds }

    mutating func markSeen(_ number: Int, _ now: Int) {
        seen[currentEpoch(now), default: []].insert(number)
    }

    /// Redis's clock in microseconds, as restore.lua takes it for versions and incarnations.
    static func stamp(_ nowMilliseconds: Int) -> Int { nowMilliseconds * 1000 }

    /// Marks the chunk of a number as changed, so that the next tick sends it to every worker.
    mutating func touch(_ number: Int) {
        chunkVersions[number / RankIndex.chunkSize] = version + 1
        isTouched = true
    }

    /// Takes a used-up chunk away, which is a change, too.
    mutating func dropChunk(_ chunk: Int) {
        chunkVersions[chunk] = nil
        isTouched = true
    }

    /// Ends a step: whatever it touched is one version.
    mutating func save() {
        if isTouched { version += 1 }
        isTouched = false
    }

    var goneMilliseconds: Int { 2 * policy.epochMilliseconds }

    /// What has expired in Redis.
    mutating func forgetOldSigns(_ now: Int) {
        seen = seen.filter { $0.key > currentEpoch(now) - RoomPolicy.epochsKept }
        spent = spent.filter { $0.value > now }
        let from = max(0, now - policy.returnGraceMilliseconds)
        gone = gone.filter { $0.key >= from / goneMilliseconds }
    }

    var vacancies: Int {
        policy.maxActive == 0 ? Int.max : max(0, policy.maxActive - called.count - active.count)
    }

    private mutating func enter(_ number: Int, _ now: Int) -> Int {
        let expires = now + policy.passLifetimeMilliseconds
        active[number] = expires
        soonestPassEndMilliseconds = min(soonestPassEndMilliseconds, expires)
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
        save()
        return JoinReply(
            nowMilliseconds: now,
            generation: generation,
            waiting: waiting.count,
            outcomes: outcomes
        )
    }

    private mutating func joinOne(_ request: JoinRequest, _ now: Int, _ admissible: inout Int) -> JoinOutcome {
        if let key = request.key, let known = ticket(of: key, now) {
            return .known(number: known.number, issuedMilliseconds: known.issuedMilliseconds)
        }
        if request.kind == .gate && policy.mode == .bypass { return .bypassed }
        if policy.mode == .closed { return .closed }
        if request.kind == .gate && admissible < 1 { return .noRoom }
        if admissible < 1 && waiting.count >= policy.capacity { return .full }

        let number = next
        next += 1
        counters.joined += 1
        if openedMilliseconds == 0 { openedMilliseconds = now }
        if let key = request.key {
            joinKeys[key] = NamedTicket(
                claim: TicketClaim(generation: generation, number: number, issuedMilliseconds: now),
                usedMilliseconds: now
            )
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
        touch(number)
        markSeen(number, now)
        return .waiting(number: number, position: waiting.count)
    }

    // MARK: - One visitor (standing.lua, visit.lua)

    private mutating func waitAgain(_ number: Int, _ now: Int) -> Standing {
        waiting.insert(number)
        touch(number)
        markSeen(number, now)
        counters.returned += 1
        return .waiting
    }

    private func seenWithinGrace(_ claim: TicketClaim, _ now: Int) -> Bool {
        let from = now - policy.returnGraceMilliseconds
        if claim.issuedMilliseconds >= from { return true }
        if restoredMilliseconds >= from, claim.number >= doubtFrom { return true }
        let current = currentEpoch(now)
        let oldest = max(from / policy.epochMilliseconds, current - RoomPolicy.epochsKept + 1)
        if (min(oldest, current)...current).contains(where: { seen[$0]?.contains(claim.number) ?? false }) {
            return true
        }
        let (first, last) = (max(0, from) / goneMilliseconds, now / goneMilliseconds)
        return (first...last).contains { gone[$0]?.contains(claim.number) ?? false }
    }

    /// Where a number of this generation stands; nil when its visitor is away and may come back.
    func place(_ claim: TicketClaim, _ now: Int) -> Standing? {
        if let deadline = called[claim.number] { return .called(deadlineMilliseconds: deadline) }
        if let expires = active[claim.number], expires > now { return .entered(passExpiresMilliseconds: expires) }
        if waiting.contains(claim.number) { return .waiting }
        if done.contains(claim.number) { return left.contains(claim.number) ? .left : .expired }
        return claim.number >= next || seenWithinGrace(claim, now) ? nil : .expired
    }

    private mutating func standing(_ claim: TicketClaim, _ now: Int) -> Standing {
        if claim.generation < generation { return .fenced }
        if let place = place(claim, now) { return place }
        if claim.number >= next { next = claim.number + 1 + QueueConstants.numbersSkipped }
        return waitAgain(claim.number, now)
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
        save()
        return reply(answer, claim, now)
    }

    /// Claims a call. Repeating it gives the same pass expiry.
    public mutating func enter(_ claim: TicketClaim, nowMilliseconds: Int) -> StandingReply {
        let now = advance(to: nowMilliseconds)
        var answer = standing(claim, now)
        switch answer {
        case .waiting where policy.mode == .bypass:
            waiting.remove(claim.number)
            touch(claim.number)
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
                called[claim.number] = max(deadline, now + heldMilliseconds + policy.claimWindowMilliseconds)
                answer = .retry(afterMilliseconds: retryMilliseconds)
            }
        default:
            break
        }
        save()
        return reply(answer, claim, now)
    }

    /// How long nothing is admitted yet.
    private var heldMilliseconds: Int { max(0, refilledMilliseconds - clockMilliseconds) }

    /// Not the time of the next token: all who were called would ask for it at once. Half of the time in which they can
    /// all enter keeps the bucket busy without a rush.
    private var retryMilliseconds: Int {
        let wait = entryBucket.millisecondsUntilToken(rateMilli: policy.rateMilli)
        guard policy.rateMilli > 0 else { return wait }
        let token = wait + heldMilliseconds
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
            if let expires = active.removeValue(forKey: claim.number), expires > now { spent[claim.number] = expires }
            if waiting.contains(claim.number) {
                waiting.remove(claim.number)
                touch(claim.number)
            }
            if claim.number >= next { next = claim.number + 1 + QueueConstants.numbersSkipped }
            done.insert(claim.number)
            left.insert(claim.number)
            counters.left += 1
            save()
        }
        return reply(.left, claim, now)
    }

    // MARK: - Operators (configure.lua, reset.lua)

    /// Changes the limits; what the old ones earned until now is credited first.
    public mutating func configure(_ policy: RoomPolicy, nowMilliseconds: Int) {
        _ = advance(to: nowMilliseconds)
        self.policy = policy
        overrides = policy.scriptArguments
    }

    /// Ends the generation: everybody who waits or was called loses the place. Numbers go on.
    public mutating func reset(nowMilliseconds: Int) -> Int {
        let now = advance(to: nowMilliseconds)
        generation = max(generation + 1, now / 1000)
        endPlaces()
        isTouched = true
        openedMilliseconds = 0
        save()
        return generation
    }

    /// Nobody waits or is called any more.
    mutating func endPlaces() {
        waiting.removeAll()
        chunkVersions = [:]
        called = [:]
    }
}
