// SPDX-License-Identifier: Apache-2.0
//
// The model's tick: it lapses calls, ends passes, sweeps silent visitors, calls the next in order, and brings one
// worker up to date (tick.lua). It uses Admission only.

public import Admission

extension QueueModel {
    /// Moves the room forward and answers what the worker lacks. The caller has looked at `knowsLess(than:)`.
    public mutating func tick(_ request: TickRequest, nowMilliseconds: Int) -> TickReply {
        let now = advance(to: nowMilliseconds)
        for (chunk, bitmap) in request.heartbeats {
            markSeen(Heartbeats.numbers(chunk: chunk, bitmap: bitmap), epoch: request.heartbeatEpoch, now)
        }
        let isBehind = move(now, tickMilliseconds: request.tickMilliseconds)
        var reply = state(now)
        reply.lapsesLeft = isBehind ? 1 : 0
        if counters.entered != request.entered {
            let second = now / 1000
            reply.flow = entries(from: max(request.flowSecond, second - 900), to: max(request.flowSecond, second))
        }
        reply.chunks = chunks(since: request)
        return reply
    }

    /// A tick of the only worker, who looks at the room itself and not at the bitmaps of the reply.
    /// - Parameter polled: the numbers that polled in `epoch` and were not reported yet.
    /// - Returns: the state, with the entries of this second and the one before.
    public mutating func tick(
        seen polled: [Int],
        epoch: Int,
        tickMilliseconds: Int,
        nowMilliseconds: Int
    ) -> TickReply {
        let now = advance(to: nowMilliseconds)
        markSeen(polled, epoch: epoch, now)
        let isBehind = move(now, tickMilliseconds: tickMilliseconds)
        var reply = state(now)
        reply.lapsesLeft = isBehind ? 1 : 0
        reply.flow = entries(from: max(0, now / 1000 - 1), to: now / 1000)
        return reply
    }

    /// What a tick does to the room, unless the last one was less than half a tick ago, and was not behind.
    /// - Returns: whether more calls have lapsed than it could end.
    private mutating func move(_ now: Int, tickMilliseconds: Int) -> Bool {
        guard (now - tickedMilliseconds) * 2 >= tickMilliseconds else { return false }
        let isBehind = lapse(now)
        endPasses(now)
        startEpoch(now)
        callForward(now)
        settleTokens()
        forgetOldFlow(now)
        tickedMilliseconds = isBehind ? now - tickMilliseconds : now
        save()
        return isBehind
    }

    /// Heartbeats count for the epoch they were given in, at most one before the current: a flush just after an
    /// epoch's end must not make its visitors look alive for an epoch longer.
    private mutating func markSeen(_ numbers: [Int], epoch: Int, _ now: Int) {
        guard !numbers.isEmpty else { return }
        let beaten = max(currentEpoch(now) - 1, min(currentEpoch(now), epoch))
        seen[beaten, default: []].formUnion(numbers)
    }

    /// Calls not claimed in time give their token back; the visitor may return within the grace, as if seen
    /// just now. Each lapse is counted, but while everybody may pass: the third ends the place.
    /// - Returns: whether some are left.
    private mutating func lapse(_ now: Int) -> Bool {
        if called.isEmpty { return false }
        let late = called.filter { $0.value <= now }.sorted { ($0.value, $0.key) < ($1.value, $1.key) }
        for (number, _) in late.prefix(caps.lapsesPerTick) {
            uncall(number, givesBack: true)
            counters.lapsed += 1
            if policy.mode != .bypass {
                lapses[number, default: 0] += 1
                if lapses[number, default: 0] >= QueueConstants.lapsesBeforeEnd {
                    done.insert(number)
                    continue
                }
            }
            gone[now / goneMilliseconds, default: []].insert(number)
        }
        return late.count > caps.lapsesPerTick
    }

    private mutating func endPasses(_ now: Int) {
        guard soonestPassEndMilliseconds <= now else { return }
        let over = active.filter { $0.value <= now }
            .sorted { ($0.value, $0.key) < ($1.value, $1.key) }
            .prefix(caps.passesPerTick)
        for (number, _) in over { active[number] = nil }
        soonestPassEndMilliseconds = active.values.min() ?? Int.max
    }

    private mutating func startEpoch(_ now: Int) {
        let current = currentEpoch(now)
        guard current != epoch else { return }
        // Where nobody waited there may be no ticks, and no heartbeats are missing.
        let gap = waiting.count > 0 ? now - max(tickedMilliseconds, lineMilliseconds) : 0
        if policy.epochMilliseconds != epochMilliseconds || gap > max(policy.epochMilliseconds, 5000) {
            holdEpoch = current + RoomPolicy.epochsKept
        }
        if current >= holdEpoch { sweep(current) }
        dropEmptyChunks()
        epoch = current
        epochMilliseconds = policy.epochMilliseconds
        forgetOldSigns(now)
        bePatient(now)
    }

    /// The next tick finds epochs of another length, and sweeps nobody for as long as one may be silent then. What was
    /// noted of those who went before is in epochs of the old length: tickets are believed for a grace.
    private mutating func bePatient(_ now: Int) {
        let times = RoomPolicy.patience(
            waiting: waiting.count,
            pollBudget: policy.pollBudget,
            abandonMilliseconds: askedAbandonMilliseconds,
            now: patience
        )
        guard times != patience else { return }
        patience = times
        (restoredMilliseconds, doubtFrom) = (now, 0)
        isLimitsChangeDue = true
    }

    /// Chunks in which nobody waits are removed, but the newest.
    private mutating func dropEmptyChunks() {
        for chunk in chunkVersions.keys.sorted()
        where chunk < (next - 1) / RankIndex.chunkSize
            || chunk >= QueueConstants.lateChunks
        {
            let first = chunk * RankIndex.chunkSize
            if waiting.next(from: first).map({ $0 >= first + RankIndex.chunkSize }) ?? true { dropChunk(chunk) }
        }
        waiting.keep(only: chunkVersions.keys.sorted())
    }

    private mutating func sweep(_ current: Int) {
        let kept = (0..<RoomPolicy.epochsKept).compactMap { seen[current - $0] }
        let silentFrom = (current - RoomPolicy.epochsKept + 1) * policy.epochMilliseconds
        let span = max(0, (silentFrom - 1) / goneMilliseconds)
        var number = waiting.next(from: 0)
        while let visitor = number {
            if !kept.contains(where: { $0.contains(visitor) }) {
                waiting.remove(visitor)
                touch(visitor)
                gone[span, default: []].insert(visitor)
                counters.abandoned += 1
            }
            number = waiting.next(from: visitor + 1)
        }
    }

    /// How many are called at once. A room in bypass calls without tokens a part of those who wait, with each tick.
    private var callBudget: Int {
        if policy.mode == .paused || isHeld || waiting.count == 0 { return 0 }
        if policy.mode == .bypass {
            let parts = QueueConstants.bypassParts
            return max(QueueConstants.bypassCallsMin, (waiting.count + parts - 1) / parts)
        }
        return min(callTokens, vacancies)
    }

    /// Calls in strict number order while there are tokens and room; chunks that are used up are removed. Visitors who
    /// lapsed before are called as their numbers come, and count against neither.
    private mutating func callForward(_ now: Int) {
        let budget = callBudget
        guard budget > 0 else { return }
        var (firstCalls, calls) = (0, 0)
        for chunk in chunkVersions.keys.sorted() {
            let end = (chunk + 1) * RankIndex.chunkSize
            while firstCalls < budget, calls < caps.callsPerTick,
                let place = waiting.next(from: chunk * RankIndex.chunkSize), place < end
            {
                waiting.remove(place)
                touch(place)
                let number = place % RankIndex.lateOffset
                called[number] = now + policy.claimWindowMilliseconds
                calls += 1
                let isRecalled = policy.mode == .bypass || lapses[number] != nil
                if isRecalled { recalled.insert(number) }
                if policy.mode == .bypass || !isRecalled { firstCalls += 1 }
            }
            if firstCalls >= budget || calls >= caps.callsPerTick { break }
            if end < next || chunk >= QueueConstants.lateChunks { dropChunk(chunk) }
        }
        if policy.mode != .bypass { takeCallTokens(firstCalls) }
        waiting.keep(only: chunkVersions.keys.sorted())
    }

    /// The bucket pays what is owed to it. What came back stays beyond its capacity only while somebody waits for it.
    private mutating func settleTokens() {
        if owed < 0 {
            let paid = min(-owed, callBucket.tokens)
            callBucket.take(paid)
            owed += paid
        } else if owed > 0, waiting.count == 0 {
            callBucket.giveBack(owed, microtokensMax: callMicrotokensMax)
            owed = 0
        }
    }

    private mutating func forgetOldFlow(_ now: Int) {
        let oldest = now / 1000 - 901
        guard let first = flow.keys.min(), first < oldest else { return }
        flow = flow.filter { $0.key >= oldest }
    }

    /// The state without its history and bitmaps.
    private func state(_ now: Int) -> TickReply {
        var reply = TickReply()
        reply.version = version
        reply.incarnation = incarnation
        reply.revision = revision
        reply.askedAbandonMilliseconds = askedAbandonMilliseconds
        reply.callTokens = max(0, callTokens)
        reply.overrides = overrides
        reply.nowMilliseconds = now
        reply.generation = generation
        reply.next = next
        reply.head = waiting.next(from: 0) ?? next
        reply.waiting = waiting.count
        reply.called = called.count
        reply.active = active.count
        reply.openedMilliseconds = openedMilliseconds
        reply.counters = counters
        reply.policy = policy
        reply.notice = notice
        reply.draw = shownDraw
        return reply
    }

    private func entries(from first: Int, to last: Int) -> [(second: Int, entries: Int)] {
        (first...last).compactMap { second in flow[second].map { (second, $0) } }
    }

    /// Every live chunk when anything changed since the worker's look, and the bits of those that did.
    private func chunks(since request: TickRequest) -> [(index: Int, bitmap: [UInt8]?)] {
        // Another generation, or gone back without losing a number: the worker needs every bitmap again.
        let isSuperseded = request.generation != generation || version < request.version
        let known = isSuperseded ? 0 : request.version
        guard version != known else { return [] }
        return chunkVersions.sorted { $0.key < $1.key }.map { chunk, changed in
            (index: chunk, bitmap: changed > known ? waiting.bitmap(chunk: chunk) ?? [] : nil)
        }
    }
}
