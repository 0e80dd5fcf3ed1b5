// SPDX-License-Identifier: Apache-2.0
//
// The model's answers about one visitor: where the visitor stands, to enter, to leave (standing.lua, visit.lua). It
// uses Admission only.

public import Admission

extension QueueModel {
    private mutating func comeBack(_ number: Int, _ now: Int) -> Standing {
        counters.returned += 1
        let place = spot(number)
        if let deadline = callAtOnce(number, place, now) { return .called(deadlineMilliseconds: deadline) }
        if waiting.count == 0 { lineMilliseconds = now }
        waiting.insert(place)
        touch(place)
        markSeen(place, now)
        return .waiting
    }

    /// The look of a visitor who was away and whose turn it is, is the call.
    private mutating func callAtOnce(_ number: Int, _ place: Int, _ now: Int) -> Int? {
        let isFirst = waiting.next(from: 0) ?? Int.max >= place
        guard policy.mode != .paused, !isHeld, heldMilliseconds == 0, isFirst, mistake != .looksDoNotCall
        else { return nil }
        let isRecalled = policy.mode == .bypass || lapses[number] != nil
        if policy.mode != .bypass {
            // The called visitors are owed their entries. Where tokens are scarce none of theirs is given away.
            let spare = entryBucket.tokens - called.count + recalled.count
            let scarce = QueueConstants.recallTokens * TokenBucket.micro
            let isScarce = policy.rateMilli * policy.claimWindowMilliseconds < scarce
            guard entryBucket.tokens >= 1, !isScarce || spare >= 1, vacancies >= 1 else { return nil }
            guard isRecalled || callTokens >= 1 else { return nil }
            if !isRecalled { takeCallTokens(1) }
        }
        if isRecalled { recalled.insert(number) }
        let deadline = now + policy.claimWindowMilliseconds
        called[number] = deadline
        return deadline
    }

    private func seenWithinGrace(_ claim: TicketClaim, _ now: Int) -> Bool {
        let from = now - policy.returnGraceMilliseconds
        if claim.issuedMilliseconds >= from { return true }
        let isYoung = now - claim.issuedMilliseconds <= QueueConstants.ticketBelievedMilliseconds
        if restoredMilliseconds >= from, claim.number >= doubtFrom, isYoung { return true }
        let current = currentEpoch(now)
        let oldest = max(from / policy.epochMilliseconds, current - RoomPolicy.epochsKept + 1)
        let places = [spot(claim.number), claim.number]
        if (min(oldest, current)...current).contains(where: { seen[$0]?.contains(places[0]) ?? false }) {
            return true
        }
        let (first, last) = (max(0, from) / goneMilliseconds, now / goneMilliseconds)
        return (first...last).contains { span in places.contains { gone[span]?.contains($0) ?? false } }
    }

    /// Where a number of this generation stands; nil when its visitor is away and may come back.
    func place(_ claim: TicketClaim, _ now: Int) -> Standing? {
        if hasMoved(claim.number) { return left.contains(claim.number) ? .left : .moved }
        if let deadline = called[claim.number] { return .called(deadlineMilliseconds: deadline) }
        if let expires = active[claim.number], expires > now { return .entered(passExpiresMilliseconds: expires) }
        if waiting.contains(spot(claim.number)) { return .waiting }
        if done.contains(claim.number) { return left.contains(claim.number) ? .left : .expired }
        return claim.number >= next || seenWithinGrace(claim, now) ? nil : .expired
    }

    /// Whether a reset has ended the ticket's generation. A ticket of a higher one proves a reset that the store has
    /// lost: it holds from now on.
    private mutating func isFenced(_ claim: TicketClaim) -> Bool {
        if claim.generation > generation { begin(generation: claim.generation) }
        return claim.generation < generation
    }

    private mutating func standing(_ claim: TicketClaim, _ now: Int) -> Standing {
        if isFenced(claim) { return .fenced }
        if let place = place(claim, now) { return place }
        if claim.number >= next { skip(claim.number, now) }
        return comeBack(claim.number, now)
    }

    /// A number that only its ticket knows, and perhaps some behind it.
    private mutating func skip(_ number: Int, _ now: Int) {
        next = RoomMemory.firstNumber(nowMilliseconds: now, atLeast: number + 1 + QueueConstants.numbersSkipped)
    }

    private func reply(_ standing: Standing, _ claim: TicketClaim, _ now: Int) -> StandingReply {
        StandingReply(
            standing: standing,
            nowMilliseconds: now,
            waiting: waiting.count,
            place: standing == .waiting ? spot(claim.number) : 0,
            isRenewable: isRenewable(standing, claim.number, now)
        )
    }

    private func isRenewable(_ standing: Standing, _ number: Int, _ now: Int) -> Bool {
        guard case .entered(let expires) = standing else { return false }
        return expires < endOfEntry(number, expires, now)
    }

    /// When an entry ends whatever is renewed.
    private func endOfEntry(_ number: Int, _ expires: Int, _ now: Int) -> Int {
        let since = began[number].flatMap { $0.keptUntil > now ? $0.milliseconds : nil }
        return (since ?? min(now, expires - policy.passLifetimeMilliseconds)) + policy.passMaxMilliseconds
    }

    /// Lengthens an entry, up to pass_max after it began. Of several requests with one pass the first does it.
    public mutating func renew(_ claim: TicketClaim, nowMilliseconds: Int) -> StandingReply {
        let now = advance(to: nowMilliseconds)
        if isFenced(claim) { return reply(.fenced, claim, now) }
        defer { save() }
        guard let expires = active[claim.number], expires > now else { return reply(.expired, claim, now) }
        let last = endOfEntry(claim.number, expires, now)
        let longer = min(now + policy.passLifetimeMilliseconds, last)
        let isShown = expires < claim.issuedMilliseconds + 1000
        guard longer > expires, isShown, heldMilliseconds == 0 else {
            return reply(.entered(passExpiresMilliseconds: expires), claim, now)
        }
        began[claim.number] = (last - policy.passMaxMilliseconds, last)
        active[claim.number] = longer
        return reply(.entered(passExpiresMilliseconds: longer), claim, now)
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
            stopWaiting(claim.number)
            answer = .entered(passExpiresMilliseconds: enter(claim.number, now))
        case .called where policy.mode == .bypass:
            uncall(claim.number, givesBack: true)
            answer = .entered(passExpiresMilliseconds: enter(claim.number, now))
        case .called(let deadline):
            let holdsPlace = mistake == .recalledHoldPlaces || !recalled.contains(claim.number)
            let hasPlace = holdsPlace || vacancies >= 1
            if entryBucket.tokens >= 1 && hasPlace {
                entryBucket.take()
                if uncall(claim.number, givesBack: false) { payForRecall() }
                answer = .entered(passExpiresMilliseconds: enter(claim.number, now))
            } else {
                called[claim.number] = max(deadline, now + heldMilliseconds + policy.claimWindowMilliseconds)
                answer = .retry(afterMilliseconds: retryMilliseconds(hasPlace: hasPlace))
            }
        default:
            break
        }
        save()
        return reply(answer, claim, now)
    }

    /// An entry whose call took no token takes it now, or when the bucket has it.
    private mutating func payForRecall() {
        if callTokens >= 1 {
            takeCallTokens(1)
        } else {
            owed = max(owed - 1, -(callMicrotokensMax / TokenBucket.micro))
        }
    }

    private mutating func stopWaiting(_ number: Int) {
        let place = spot(number)
        waiting.remove(place)
        touch(place)
    }

    /// How long nothing is admitted yet.
    var heldMilliseconds: Int { max(0, refilledMilliseconds - clockMilliseconds) }

    /// Gives the place up for good. Idempotent.
    public mutating func leave(_ claim: TicketClaim, nowMilliseconds: Int) -> StandingReply {
        let now = advance(to: nowMilliseconds)
        if isFenced(claim) {
            return reply(.fenced, claim, now)
        }
        if hasMoved(claim.number), !left.contains(claim.number) { return reply(.moved, claim, now) }
        if !left.contains(claim.number) {
            if called[claim.number] != nil { uncall(claim.number, givesBack: true) }
            if let expires = active.removeValue(forKey: claim.number), expires > now { spent[claim.number] = expires }
            if waiting.contains(spot(claim.number)) { stopWaiting(claim.number) }
            if claim.number >= next { skip(claim.number, now) }
            done.insert(claim.number)
            left.insert(claim.number)
            counters.left += 1
            save()
        }
        return reply(.left, claim, now)
    }
}
