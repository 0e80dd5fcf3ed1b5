// SPDX-License-Identifier: Apache-2.0
//
// The model's tick: lapses calls, ends passes, sweeps the silent, calls forward, and brings one worker up to date
// (tick.lua).

extension QueueModel {
    /// Moves the room forward and answers what the worker lacks. The caller has looked at `knowsLess(than:)`.
    public mutating func tick(_ request: TickRequest, nowMilliseconds: Int) -> TickReply {
        let now = advance(to: nowMilliseconds)
        markSeen(request.heartbeats, epoch: request.heartbeatEpoch, now)
        if (now - tickedMilliseconds) * 2 >= request.tickMilliseconds {
            lapse(now)
            endPasses(now)
            startEpoch(now)
            callForward(now)
            forgetOldFlow(now)
            tickedMilliseconds = now
            save()
        }
        return snapshot(request, now)
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
        if !polled.isEmpty {
            let current = currentEpoch(max(nowMilliseconds, clockMilliseconds))
            seen[max(current - 1, min(current, epoch)), default: []].formUnion(polled)
        }
        var request = TickRequest()
        request.generation = generation
        request.version = Int.max
        request.entered = -1
        request.flowSecond = max(0, nowMilliseconds / 1000 - 1)
        request.tickMilliseconds = tickMilliseconds
        return tick(request, nowMilliseconds: nowMilliseconds)
    }

    /// Signs of life count for the epoch they were given in, at most one before the current: a flush just after an
    /// epoch's end must not make its visitors look alive for an epoch longer.
    private mutating func markSeen(_ heartbeats: [(chunk: Int, bitmap: [UInt8])], epoch: Int, _ now: Int) {
        let beaten = max(currentEpoch(now) - 1, min(currentEpoch(now), epoch))
        for (chunk, bitmap) in heartbeats {
            seen[beaten, default: []].formUnion(Heartbeats.numbers(chunk: chunk, bitmap: bitmap))
        }
    }

    /// Calls not claimed in time give their token back; the visitor may return within the grace, as if seen
    /// just now.
    private mutating func lapse(_ now: Int) {
        if called.isEmpty { return }
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

    private mutating func endPasses(_ now: Int) {
        guard soonestPassEndMilliseconds <= now else { return }
        active = active.filter { $0.value > now }
        soonestPassEndMilliseconds = active.values.min() ?? Int.max
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

    /// Calls in strict number order while there are tokens and room; chunks that are used up are removed.
    private mutating func callForward(_ now: Int) {
        guard policy.mode == .open || policy.mode == .closed else { return }
        var budget = min(callBucket.tokens, vacancies, QueueModel.callsPerTickMax, waiting.count)
        guard budget > 0 else { return }
        for chunk in chunkVersions.keys.sorted() {
            let end = (chunk + 1) * RankIndex.chunkSize
            while budget > 0, let number = waiting.next(from: chunk * RankIndex.chunkSize), number < end {
                waiting.remove(number)
                touch(number)
                called[number] = now + policy.claimWindowMilliseconds
                callBucket.take()
                budget -= 1
            }
            if budget == 0 { break }
            if end < next { dropChunk(chunk) }
        }
        waiting.keep(only: chunkVersions.keys.sorted())
    }

    private mutating func forgetOldFlow(_ now: Int) {
        let oldest = now / 1000 - 901
        guard let first = flow.keys.min(), first < oldest else { return }
        flow = flow.filter { $0.key >= oldest }
    }

    private func snapshot(_ request: TickRequest, _ now: Int) -> TickReply {
        var reply = TickReply()
        reply.version = version
        reply.incarnation = incarnation
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
        if counters.entered != request.entered {
            for second in max(request.flowSecond, now / 1000 - 900)...max(request.flowSecond, now / 1000) {
                if let entries = flow[second] { reply.flow.append((second, entries)) }
            }
        }
        // Another generation, or gone back without losing a number: the worker needs every bitmap again.
        let wantsNone = request.version == Int.max
        let isSuperseded = request.generation != generation || version < request.version
        let known = wantsNone ? version : isSuperseded ? 0 : request.version
        if version != known {
            for (chunk, changed) in chunkVersions.sorted(by: { $0.key < $1.key }) {
                let bitmap = changed > known ? waiting.bitmap(chunk: chunk) ?? [] : nil
                reply.chunks.append((index: chunk, bitmap: bitmap))
            }
        }
        return reply
    }
}
