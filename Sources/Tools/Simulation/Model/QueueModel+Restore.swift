// SPDX-License-Identifier: Apache-2.0
//
// How the model loses and regains memory: whether it knows less than a worker, and how a room is made or mended from
// what a worker remembers (restore.lua; in prelude.lua the move to another server, and knows_less). It uses Admission
// only. A restore may be repeated, and may come from several workers; a visitor who has entered does not wait again.

public import Admission

extension QueueModel {
    /// Whether this store knows less of the room than a worker does: it went back to an older state (a lagging
    /// replica), or lost everything and somebody without a memory of the room has made it anew.
    public func knowsLess(thanGeneration known: Int, next knownNext: Int, incarnation knownIncarnation: Int) -> Bool {
        if knownNext == 0 || generation > known { return false }
        return generation < known || incarnation != knownIncarnation || next < knownNext
    }

    /// Comes before every call. A state that another server has written (a failover to a replica, a restart from a
    /// file) may lack what was written last: numbers that visitors hold, and entries. So numbers go on behind every one
    /// that can have been issued meanwhile, the buckets start empty and are held for a while, nobody is swept for
    /// abandonAfter, and a new incarnation makes every worker bring what it remembers. A clock that was ahead and was
    /// set right is as another server.
    public mutating func arrive(at server: Int, nowMilliseconds: Int) {
        let wentBack = nowMilliseconds < clockMilliseconds - QueueConstants.stepBackMilliseconds
        guard self.server != server || wentBack else { return }
        // What had expired does not come back with the old time.
        if wentBack { forgetEnded(clockMilliseconds) }
        // Another server has a clock of its own.
        clockMilliseconds = min(clockMilliseconds, nowMilliseconds)
        tickedMilliseconds = min(tickedMilliseconds, nowMilliseconds)
        let now = advance(to: nowMilliseconds, opensDoors: false)
        self.server = server
        version = max(version + 1, QueueModel.stamp(nowMilliseconds))
        for chunk in chunkVersions.keys { chunkVersions[chunk] = version }
        if restoredMilliseconds < now - policy.returnGraceMilliseconds { doubtFrom = next }
        next = RoomMemory.firstNumber(nowMilliseconds: nowMilliseconds, atLeast: next + RoomMemory.gap)
        holdAdmission(now)
        incarnation = version
        isRemembered = true
        restoredMilliseconds = now
        holdEpoch = currentEpoch(now) + RoomPolicy.epochsKept
        openedMilliseconds = min(openedMilliseconds, now)
        lineMilliseconds = min(lineMilliseconds, now)
        guard wentBack else { return }
        joinKeys = joinKeys.filter { if case .person = $0.key { true } else { false } }
        doubtFrom = 0
        end(callsBy: now + policy.claimWindowMilliseconds, passesBy: now + policy.passLifetimeMilliseconds)
    }

    /// What lies beyond is of a clock that was ahead.
    private mutating func end(callsBy deadline: Int, passesBy end: Int) {
        called = called.mapValues { min($0, deadline) }
        active = active.mapValues { min($0, end) }
        soonestPassEndMilliseconds = active.values.min() ?? Int.max
    }

    /// Makes a room that the store does not have (`existing` nil), or mends a room that went back.
    /// Doing it twice, or with the memories of several workers, changes nothing more.
    /// - Parameters:
    ///   - defaults: the limits of the configuration file.
    ///   - firstNumber: where a room begins that nobody remembers; nil takes it from the clock.
    ///   - server: names the server that holds the room.
    public init(
        restoring memory: RoomMemory,
        onto found: QueueModel?,
        defaults: RoomPolicy,
        firstNumber: Int? = nil,
        server: Int,
        nowMilliseconds now: Int
    ) {
        let generation = max(1, memory.generation)
        let existing = found.flatMap { $0.hasState ? $0 : nil }
        let isSame = existing.map { $0.incarnation == memory.incarnation } ?? false
        if let existing {
            let knowsAll = isSame && existing.generation == generation && existing.next >= memory.next
            // A higher generation is a reset: what the worker remembers has ended.
            if existing.generation > generation || memory.next == 0 || knowsAll {
                self = existing
                return
            }
        }
        let first = firstNumber ?? RoomMemory.firstNumber(nowMilliseconds: now)
        self = found ?? QueueModel(policy: defaults, firstNumber: first, nowMilliseconds: now)
        if found == nil { file = defaults }
        if existing == nil { beginState(first, now) }
        if !isConfigured { take(memory.overrides) }
        self.generation = generation
        // Beyond what this worker knows from before the loss, so that it takes the bitmaps as they are now. The clock
        // does not say enough: it may have been set back.
        version = max((existing?.version ?? 0) + 1, memory.version + 1, QueueModel.stamp(now))
        // A visitor who has entered holds a pass, and must not enter a second time.
        merge(memory.entries, latestEnd: now + memory.passMilliseconds, now)
        // A state that is gone knew no clock: calls and passes that are left may be of a clock that was ahead.
        if existing == nil { end(callsBy: now + memory.claimMilliseconds, passesBy: now + memory.passMilliseconds) }
        // What this store remembers of an older generation was ended by a reset.
        if let existing, existing.generation < generation { endPlaces() }
        merge(memory.chunks)
        if memory.next > 0 { next = QueueModel.next(behind: memory, existing, isSame: isSame, now) }
        // A room that was there starts with empty buckets and is held: what was admitted just before the loss still
        // counts against the bound. Once only, though several workers bring their memories. One that nobody remembers
        // begins with its burst, or with less when the host knows that it ran the room just now.
        owed = 0
        turns = []
        if memory.next == 0 {
            callBucket = TokenBucket(microtokens: memory.firstTokens * TokenBucket.micro)
            entryBucket = callBucket
            refilledMilliseconds = now
        } else if isRemembered && !isSame {
            prolongHold(now)
        } else {
            holdAdmission(now)
        }
        clockMilliseconds = now
        tickedMilliseconds = now
        epochMilliseconds = memory.epochMilliseconds
        epoch = now / memory.epochMilliseconds
        holdEpoch = memory.next > 0 ? epoch + RoomPolicy.epochsKept : 0
        openedMilliseconds = memory.openedMilliseconds
        restoredMilliseconds = now
        isRemembered = memory.next > 0
        self.server = server
    }

    /// Where numbers go on. From the clock also where a worker remembers: others may remember more, and come later.
    /// They find a state that began so, and raise it only for numbers beyond. What is skipped is never less than the
    /// gap: so a worker can tell it from numbers that were issued since its last look.
    private static func next(behind memory: RoomMemory, _ existing: QueueModel?, isSame: Bool, _ now: Int) -> Int {
        if let existing, !isSame, memory.next + RoomMemory.gap <= existing.next { return existing.next }
        let known = max(memory.next, existing?.next ?? 0)
        return RoomMemory.firstNumber(nowMilliseconds: now, atLeast: known + RoomMemory.gap)
    }

    private mutating func holdAdmission(_ now: Int) {
        callBucket = TokenBucket(microtokens: 0)
        entryBucket = callBucket
        owed = 0
        turns = []
        refilledMilliseconds = now + RoomMemory.holdMilliseconds
    }

    private mutating func prolongHold(_ now: Int) {
        refilledMilliseconds = RoomMemory.heldMilliseconds(
            heldUntil: refilledMilliseconds,
            incarnation: incarnation,
            nowMilliseconds: now
        )
    }

    private mutating func take(_ remembered: [Int?]) {
        guard remembered.contains(where: { $0 != nil }) else { return }
        overrides = remembered
        isConfigured = true
        mergeLimits()
    }

    /// A visitor who has entered through a worker is inside, whatever this store knows. The clock by which the pass was
    /// given may have been ahead. Of several ends the latest holds, in any order of the workers. A visitor who
    /// has left stays outside.
    private mutating func merge(_ entries: [RememberedEntry], latestEnd: Int, _ now: Int) {
        for entry in entries {
            let (number, expires) = (entry.number, min(entry.passExpiresMilliseconds, latestEnd))
            let isNew = done.insert(number).inserted
            if expires > now, isNew || entry.isRenewed && !left.contains(number) {
                active[number] = max(active[number] ?? 0, expires)
                soonestPassEndMilliseconds = min(soonestPassEndMilliseconds, expires)
            }
            guard isNew else { continue }
            called[number] = nil
            recalled.remove(number)
            for place in [number, number + RankIndex.lateOffset] {
                let chunk = place / RankIndex.chunkSize
                if chunkVersions[chunk] != nil { waiting.remove(place) }
            }
        }
    }

    /// A visitor who waits in a worker's mirror waits again, but not after an entry, a leave or a call in between.
    private mutating func merge(_ chunks: [(index: Int, bitmap: [UInt8])]) {
        for (index, bitmap) in chunks {
            for place in Heartbeats.numbers(chunk: index, bitmap: bitmap) {
                let number = place % RankIndex.lateOffset
                if place != number {
                    lapses[number] = max(lapses[number] ?? 0, QueueConstants.lapsesBeforeLate)
                    waiting.remove(number)
                }
                if !done.contains(number), place == spot(number) { waiting.insert(place) }
            }
            chunkVersions[index] = version
        }
        // Also those that this worker does not bring.
        for chunk in chunkVersions.keys { chunkVersions[chunk] = version }
        // Those called last, whom an older mirror may still show.
        let newest = called.sorted { ($0.value, $0.key) > ($1.value, $1.key) }.prefix(caps.calledPerRestore)
        for (number, _) in newest {
            waiting.remove(number)
            waiting.remove(number + RankIndex.lateOffset)
        }
    }
}
