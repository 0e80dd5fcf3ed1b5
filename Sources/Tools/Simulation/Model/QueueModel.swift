// SPDX-License-Identifier: Apache-2.0
//
// The queue in memory: the executable specification of the scripts in QueueClient/Lua. No process of the product calls
// it, because there the scripts decide. Both pass one conformance suite, and a differential test replays random
// histories on both. The simulation and the tests use the model as their store. It uses the values of Admission, and
// nothing else.

public import Admission

/// One room. Time is an argument; nothing here reads a clock or a random number.
public struct QueueModel {
    /// The limits in force: those of the newest configuration file, and over them what an operator has set.
    public internal(set) var policy: RoomPolicy
    /// What the newest configuration file says, and when that was changed; below 0: no file was brought yet.
    var file: RoomPolicy
    public internal(set) var revision = -1
    /// Whether an operator's limits were set, or brought back, in this memory of the store.
    var isConfigured = false
    /// What an operator has set, in the order of `RoomPolicy.scriptArguments`.
    public internal(set) var overrides = RoomPolicy.noOverrides

    /// Of the calls on this room.
    public var caps = QueueCaps()
    /// For tests: a fault that the rules once had, put back.
    public var mistake: QueueMistake?

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

    public internal(set) var hasState = true

    /// The operator's message to visitors.
    var notice = ""
    public internal(set) var draw = RoomDraw()
    /// When a worker has asked for the registrations last.
    var drawClaimedMilliseconds = 0
    /// As it was asked for; `policy.mode` is closed behind the room's end.
    var askedMode: RoomMode

    var done: Set<Int> = []
    var left: Set<Int> = []
    /// Per epoch: who polled.
    var seen: [Int: Set<Int>] = [:]
    /// Per span of two epochs: whose last heartbeat was in it, of those who lost their place by silence or by a
    /// lapsed call.
    var gone: [Int: Set<Int>] = [:]
    var joinKeys: [JoinRequest.Key: NamedTicket] = [:]
    var flow: [Int: Int] = [:]
    /// Number to lapsed calls, of those who had any (the bits of lapsed1 and lapsed2).
    var lapses: [Int: Int] = [:]
    /// Called visitors who lapsed before: they took no token and hold no place of max_active.
    var recalled: Set<Int> = []
    /// Tokens that lapsed calls gave back, while people wait; below zero, tokens that the call bucket has still to pay.
    var owed = 0
    /// The times, yet to come, at which called visitors who found no token of the entry bucket will ask again.
    var turns: [Int] = []
    /// Live chunk of the waiting bitmap to the version of its last change.
    var chunkVersions: [Int: Int] = [:]
    private var isTouched = false
    var callBucket: TokenBucket
    var entryBucket: TokenBucket
    var refilledMilliseconds: Int
    public internal(set) var clockMilliseconds: Int
    var tickedMilliseconds: Int
    /// When the line last began: nobody waited before.
    var lineMilliseconds = 0
    var epoch: Int
    var epochMilliseconds: Int
    var holdEpoch = 0
    /// No pass ends sooner, so that a tick need not look at each.
    var soonestPassEndMilliseconds = Int.max
    /// When the room was made or restored: for a grace after it, tickets are believed about places it does not know.
    var restoredMilliseconds: Int
    /// Numbers from here on were perhaps issued by a server whose last steps this state lacks.
    var doubtFrom = 0
    /// How many times longer than asked for a visitor may be silent, while a large crowd waits.
    var patience = 1
    /// It was changed, and counts from the next call on.
    var isLimitsChangeDue = false
    var askedAbandonMilliseconds: Int
    /// Number to the end of the pass that a visitor who left still holds.
    var spent: [Int: Int] = [:]
    /// Of renewed entries: when each began, and until when Redis keeps that.
    var began: [Int: (milliseconds: Int, keptUntil: Int)] = [:]
    /// Which server has written this state.
    var server = 0
    /// Whether a worker's memory of the room has been merged in.
    var isRemembered = false

    /// A new room with full buckets. `firstNumber` is what the first joiner gets.
    public init(policy: RoomPolicy, firstNumber: Int, nowMilliseconds now: Int) {
        self.policy = policy
        self.file = policy
        self.askedAbandonMilliseconds = policy.abandonAfterMilliseconds
        self.askedMode = policy.mode
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
    /// - Parameter opensDoors: a call has begun, and its caller's limits are known.
    mutating func advance(to nowMilliseconds: Int, opensDoors: Bool = true) -> Int {
        if isLimitsChangeDue { mergeLimits() }
        let now = max(nowMilliseconds, clockMilliseconds)
        clockMilliseconds = now
        let elapsed = max(0, now - refilledMilliseconds)
        turns.removeAll { $0 <= now }
        callBucket.refill(
            elapsedMilliseconds: isCrowded ? 0 : elapsed,
            rateMilli: policy.rateMilli,
            microtokensMax: callMicrotokensMax
        )
        entryBucket.refill(
            elapsedMilliseconds: elapsed,
            rateMilli: policy.rateMilli,
            microtokensMax: policy.burst * TokenBucket.micro
        )
        // Later than now: held.
        refilledMilliseconds = max(now, refilledMilliseconds)
        // Since the last sweep heartbeats may have been noted in epochs of another length, also when the limits are
        // back by now: the next sweep finds out by a length of 0.
        if policy.epochMilliseconds != epochMilliseconds { epochMilliseconds = 0 }
        let isOver = policy.closesMilliseconds > 0 && now >= policy.closesMilliseconds
        policy.mode = askedMode == .open && isOver ? .closed : askedMode
        if opensDoors { openDoors(now) }
        return now
    }

    /// Calls come with the ticks: the bucket holds at least a second of the rate beside a token that is not whole yet,
    /// or it would overflow in between. The entry bucket alone bounds the entries.
    var callMicrotokensMax: Int {
        let part = mistake == .turnsAreNotGiven ? 0 : TokenBucket.micro
        return max(policy.burst * TokenBucket.micro, policy.rateMilli * 1000 + part)
    }

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
        began = began.filter { $0.value.keptUntil > now }
        let from = max(0, now - policy.returnGraceMilliseconds)
        gone = gone.filter { $0.key >= from / goneMilliseconds }
    }

    var vacancies: Int {
        let holdNone = mistake == .recalledHoldPlaces ? 0 : recalled.count
        return policy.maxActive == 0 ? Int.max : max(0, policy.maxActive - called.count + holdNone - active.count)
    }

    /// Tokens for calls: those of the bucket and those that came back, less those that are owed.
    var callTokens: Int { callBucket.tokens + owed }

    /// Takes tokens for calls, those that came back first.
    mutating func takeCallTokens(_ count: Int) {
        let back = min(count, max(0, owed))
        owed -= back
        callBucket.take(count - back)
    }

    /// Takes a visitor out of those who are called. Returns whether it had lapsed before.
    @discardableResult
    mutating func uncall(_ number: Int, givesBack: Bool) -> Bool {
        called[number] = nil
        let wasRecalled = recalled.remove(number) != nil
        guard givesBack && !wasRecalled else { return wasRecalled }
        if mistake == .returnedTokensAreCapped {
            callBucket.giveBack(microtokensMax: callMicrotokensMax)
        } else {
            owed += 1
        }
        return wasRecalled
    }

    /// Where a visitor waits: at the own number, or behind every number after two lapses.
    func spot(_ number: Int) -> Int {
        (lapses[number] ?? 0) >= QueueConstants.lapsesBeforeLate ? number + RankIndex.lateOffset : number
    }

    mutating func enter(_ number: Int, _ now: Int) -> Int {
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
        } else if policy.mode == .open, waiting.count == 0, !isHeld {
            admissible = min(spareTokens, vacancies)
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

    /// The called visitors come first: each of them is owed an entry.
    private var spareTokens: Int { min(callTokens, entryBucket.tokens - called.count) }

    /// A token of both buckets, and nothing else, for a request that no person has sent.
    private mutating func pass() -> JoinOutcome {
        switch policy.mode {
        case .bypass: return .bypassed
        case .closed, .ended: return .closed
        case .paused: return .noRoom
        case .open:
            guard !isHeld, waiting.count == 0, spareTokens >= 1 else { return .noRoom }
            takeCallTokens(1)
            entryBucket.take()
            return .passed
        }
    }

    private mutating func joinOne(_ request: JoinRequest, _ now: Int, _ admissible: inout Int) -> JoinOutcome {
        if request.kind == .passage {
            let outcome = pass()
            if outcome == .passed { admissible = min(admissible, spareTokens) }
            return outcome
        }
        if let key = request.key, let known = ticket(of: key, now) {
            return .known(number: known.number, issuedMilliseconds: known.issuedMilliseconds)
        }
        if request.kind == .gate && policy.mode == .bypass { return .bypassed }
        if policy.mode == .closed || policy.mode == .ended { return .closed }
        if request.kind == .gate && admissible < 1 { return .noRoom }
        if draw.state == .registering, next - draw.first >= QueueConstants.registeredMax { return .full }
        if admissible < 1 && waiting.count >= policy.capacity { return .full }

        let number = next
        next += 1
        counters.joined += 1
        if openedMilliseconds == 0 { openedMilliseconds = now }
        if let key = request.key {
            joinKeys[key] = NamedTicket(
                claim: TicketClaim(
                    generation: generation,
                    number: number,
                    issuedMilliseconds: TicketClaim.issueTime(nowMilliseconds: now, key: key)
                ),
                usedMilliseconds: now
            )
        }
        if admissible >= 1 {
            if policy.mode != .bypass {
                admissible -= 1
                takeCallTokens(1)
                entryBucket.take()
            }
            return .admitted(number: number, passExpiresMilliseconds: enter(number, now))
        }
        if waiting.count == 0 { lineMilliseconds = now }
        waiting.insert(number)
        touch(number)
        markSeen(number, now)
        return .waiting(number: number, position: waiting.count)
    }

    // MARK: - Operators (configure.lua, reset.lua)

    /// Changes the limits; what the old ones earned until now is credited first.
    public mutating func configure(_ policy: RoomPolicy, nowMilliseconds: Int) {
        _ = advance(to: nowMilliseconds)
        overrides = policy.scriptArguments
        isConfigured = true
        mergeLimits()
    }

    /// Takes over the limits of a caller's file when it is newer than every other. What the old ones earned until now
    /// is credited first.
    public mutating func adopt(_ limits: RoomPolicy, revision: Int, nowMilliseconds: Int) {
        // A caller without a file sees its own limits only where no file was brought.
        guard revision > self.revision || self.revision < 0 else { return }
        _ = advance(to: nowMilliseconds, opensDoors: false)
        file = limits
        self.revision = max(revision, self.revision)
        mergeLimits()
    }

    mutating func mergeLimits() {
        isLimitsChangeDue = false
        let values = zip(overrides, file.scriptArguments).map { $0 ?? $1 }
        policy = RoomPolicy(scriptArguments: values) ?? policy
        askedMode = policy.mode
        // File and overrides may not fit each other: one bitmap is kept for each epoch of the grace.
        let graceMax = RoomPolicy.gracePerAbandon * policy.abandonAfterMilliseconds
        policy.returnGraceMilliseconds = min(policy.returnGraceMilliseconds, graceMax)
        askedAbandonMilliseconds = policy.abandonAfterMilliseconds
        policy.abandonAfterMilliseconds = min(
            RoomPolicy.patienceMillisecondsMax,
            policy.abandonAfterMilliseconds * patience
        )
    }

    /// Ends the generation: everybody who waits or was called loses the place. Numbers go on.
    public mutating func reset(nowMilliseconds: Int) -> Int {
        let now = advance(to: nowMilliseconds)
        begin(generation: max(generation + 1, now / 1000))
        save()
        return generation
    }

    /// Ends the generation before. Passes stay.
    mutating func begin(generation: Int) {
        self.generation = generation
        endPlaces()
        owed = 0
        turns = []
        draw.state = .none
        isTouched = true
        openedMilliseconds = 0
    }

    /// Nobody waits or is called any more.
    mutating func endPlaces() {
        waiting.removeAll()
        chunkVersions = [:]
        called = [:]
        recalled = []
    }
}
