// SPDX-License-Identifier: Apache-2.0
//
// The book of every number: where it stands. It is kept apart from the store, from the steps that the store shows, and
// is compared with the store after each step. From the difference it finds out what a tick did (called, swept, lapsed),
// and hands these facts to the other checkers. It reads the store through QueueRules and changes nothing there. A
// number moves only along the arrows of the vocabulary, and every number is in exactly one place.

internal import Admission

/// Where a number stands in the book.
enum Place: Equatable {
    case waiting
    case called
    /// `era` counts the losses of memory before the entry.
    case entered(passEnd: Int, era: Int)
    case left
    /// Silent for too long, while waiting or called.
    case abandoned
    /// Waited or was called in a memory that the store has lost.
    case forgotten
}

/// What a step came to.
struct Facts {
    var now = 0
    /// What the store's clock showed.
    var storeNow = 0
    var called: [Int] = []
    /// The last place in the line from which a tick called.
    var lastCalledPlace = 0
    /// Called by their own look, without a tick, and the places in the line where they would wait.
    var calledAtOnce: [Int] = []
    var calledAtOncePlaces: [Int] = []
    var swept: [Int] = []
    var lapsed: [Int] = []
    /// How many of those lapsed for the first time.
    var firstLapses = 0
    /// Numbers that wait again: returners, and those a restore brought back.
    var returned: [Int] = []
    /// Entries that count against the bound.
    var entries = 0
    var newlyIssued: [Int] = []
    var admitted: [Int] = []
}

struct Ledger {
    private var places = NumberTable<Place>()
    private var waiting = 0
    private var calledNumbers: Set<Int> = []
    /// Lapsed calls of each number, in this memory of the store.
    private var lapses: [Int: Int] = [:]
    /// Passes of entries that the store forgot: a second failover may bring them back.
    private var forgottenPasses: [Int: Int] = [:]
    /// How many are inside as the store has it: an entry that is repeated adds nobody.
    private var active = 0
    private var entered = 0
    private var left = 0
    private var abandoned = 0
    private var forgotten = 0
    private(set) var issued = 0
    /// Losses of memory so far: what was known before one may be forgotten after it.
    private(set) var era = 0
    private var generation = 0
    /// The era of the last loss of memory; what began later was the loss of a time.
    private var memoryEra = 0
    var faults: [(Promise, String)] = []

    var waitingCount: Int { waiting }
    /// How many are called who have let no call lapse.
    var firstCallsCount: Int { calledNumbers.count { lapses[$0] == nil } }

    private mutating func fault(_ promise: Promise, _ text: String) { faults.append((promise, text)) }

    private mutating func count(_ place: Place, _ number: Int, _ change: Int) {
        switch place {
        case .waiting: waiting += change
        case .called: if change > 0 { calledNumbers.insert(number) } else { calledNumbers.remove(number) }
        case .entered: entered += change
        case .left: left += change
        case .abandoned: abandoned += change
        case .forgotten: forgotten += change
        }
    }

    private mutating func move(_ number: Int, to place: Place) {
        var before: Place?
        places.update(number) {
            before = $0
            $0 = place
        }
        if let before {
            count(before, number, -1)
        } else {
            issued += 1
        }
        count(place, number, 1)
    }

    // MARK: - Steps

    mutating func take(_ step: StoreStep, _ room: any QueueRules, nowMilliseconds: Int, isBypass: Bool) -> Facts {
        var facts = Facts()
        facts.now = nowMilliseconds
        facts.storeNow = step.nowMilliseconds
        learn(room.generation, step.kind)
        switch step.kind {
        case .join(_, let reply): joined(reply, &facts, isBypass)
        case .stand(let claim, let reply): stood(claim, reply, &facts)
        case .enter(let claim, let reply):
            claimed(claim, reply, &facts, isBypass, isRepeated: room.activeCount == active)
        case .leave(let claim, let reply): if reply.standing == .left { move(claim.number, to: .left) }
        case .tick(let before, _): ticked(before, room, &facts)
        case .restore(let before, _, _):
            facts.returned = Ledger.numbers(waiting: room.waiting, notIn: before)
            _ = resume(room)
        // No scenario draws places.
        case .configure, .moved, .draw: break
        case .reset: forget()
        }
        active = room.activeCount
        compare(room)
        return facts
    }

    /// A ticket of a later generation proves a reset that the store has lost.
    private mutating func learn(_ now: Int, _ kind: StoreStep.Kind) {
        defer { generation = now }
        guard generation > 0, now > generation else { return }
        switch kind {
        case .reset, .restore, .moved: break
        default: forget()
        }
    }

    private mutating func joined(_ reply: JoinReply, _ facts: inout Facts, _ isBypass: Bool) {
        for outcome in reply.outcomes {
            switch outcome {
            case .waiting(let number, _):
                issue(number, &facts)
                move(number, to: .waiting)
            case .admitted(let number, let end):
                issue(number, &facts)
                move(number, to: .entered(passEnd: end, era: era))
                facts.admitted.append(number)
                if !isBypass { facts.entries += 1 }
            default: break
            }
        }
    }

    private mutating func issue(_ number: Int, _ facts: inout Facts) {
        if let place = places.value(of: number) {
            fault(.numbering, "number \(number) was issued before and is \(place)")
        }
        facts.newlyIssued.append(number)
    }

    private mutating func stood(_ claim: TicketClaim, _ reply: StandingReply, _ facts: inout Facts) {
        let number = claim.number
        let place = places.value(of: number)
        switch (reply.standing, place) {
        case (.waiting, .waiting): break
        case (.waiting, .entered(let end, let since)) where since == era && end > facts.storeNow:
            fault(.conservation, "\(number) entered in this memory of the store, and waits again")
            move(number, to: .waiting)
        case (.waiting, .called):
            fault(.conservation, "\(number) is called, and waits")
        case (.waiting, .left?):
            fault(.conservation, "\(number) left, and waits again")
            move(number, to: .waiting)
        case (.waiting, let place):
            // Some worker may bring the entry back that this memory of the store lacks.
            if case .entered(let end, _) = place { forgottenPasses[number] = end }
            facts.returned.append(number)
            move(number, to: .waiting)
        case (.called, .called), (.retry, .called): break
        case (.called, let place), (.retry, let place): callAtOnce(number, from: place, &facts)
        case (.entered(let end), .entered(let known, let since)) where end != known && since == era:
            fault(.idempotence, "\(number) has a pass until \(known), and is told of one until \(end)")
        default: break
        }
    }

    private mutating func claimed(
        _ claim: TicketClaim,
        _ reply: StandingReply,
        _ facts: inout Facts,
        _ isBypass: Bool,
        isRepeated: Bool
    ) {
        guard case .entered(let end) = reply.standing else { return stood(claim, reply, &facts) }
        let number = claim.number
        switch places.value(of: number) {
        case .entered(let known, let since) where end == known || since == era && known > facts.storeNow:
            if end != known { fault(.idempotence, "\(number) entered twice: passes until \(known) and \(end)") }
            return
        // The clock was set back, and the pass ends as if it began then; also an entry that a worker has brought back.
        case .entered(_, let since) where since < era && isRepeated:
            return move(number, to: .entered(passEnd: end, era: era))
        case .called: break
        case .waiting where isBypass: break
        case .forgotten where forgottenPasses[number].map { $0 == end || isRepeated } ?? false:
            return move(number, to: .entered(passEnd: end, era: era))
        case let place where place == .abandoned || place == .forgotten || place == nil || isOfLostMemory(place):
            callAtOnce(number, from: place, &facts)
        case let place: fault(.conservation, "\(number) enters and is \(place.map { "\($0)" } ?? "unknown")")
        }
        move(number, to: .entered(passEnd: end, era: era))
        if !isBypass { facts.entries += 1 }
    }

    /// Whether this is an entry that the store may have forgotten.
    private func isOfLostMemory(_ place: Place?) -> Bool {
        if case .entered(_, let since) = place { since < memoryEra } else { false }
    }

    /// A visitor who was away, and whose look was the call.
    private mutating func callAtOnce(_ number: Int, from place: Place?, _ facts: inout Facts) {
        switch place {
        case .abandoned, .forgotten, nil: break
        // Some worker may bring the entry back that this memory of the store lacks.
        case .entered(let end, let since) where since < memoryEra: forgottenPasses[number] = end
        default: fault(.conservation, "\(number) is told of a call, but is \(place.map { "\($0)" } ?? "unknown")")
        }
        let isLate = lapses[number, default: 0] >= QueueConstants.lapsesBeforeLate
        facts.calledAtOnce.append(number)
        facts.calledAtOncePlaces.append(isLate ? number + RankIndex.lateOffset : number)
        move(number, to: .called)
    }

    /// Visitors who wait here and not there, whichever part of the line they wait in.
    private static func numbers(waiting: RankIndex, notIn other: RankIndex) -> [Int] {
        waiting.numbers(notIn: other).map { $0 % RankIndex.lateOffset }
    }

    private mutating func ticked(_ before: RankIndex, _ room: any QueueRules, _ facts: inout Facts) {
        let called = room.called
        for number in calledNumbers where called[number] == nil { facts.lapsed.append(number) }
        facts.lapsed.sort()
        for number in facts.lapsed {
            move(number, to: .abandoned)
            if room.policy.mode != .bypass { lapses[number, default: 0] += 1 }
            if lapses[number] == 1 { facts.firstLapses += 1 }
        }
        for place in before.numbers(notIn: room.waiting) {
            let number = place % RankIndex.lateOffset
            if called[number] != nil {
                facts.called.append(number)
                facts.lastCalledPlace = place
                move(number, to: .called)
            } else {
                facts.swept.append(number)
                move(number, to: .abandoned)
            }
        }
        if let number = Ledger.numbers(waiting: room.waiting, notIn: before).first {
            fault(.conservation, "\(number) waits after a tick, and did not before")
        }
    }

    private mutating func compare(_ room: any QueueRules) {
        if waiting != room.waiting.count {
            fault(.conservation, "\(room.waiting.count) wait in the store, \(waiting) in the book")
        }
        if calledNumbers.count != room.called.count {
            fault(.conservation, "\(room.called.count) are called in the store, \(calledNumbers.count) in the book")
        }
        let sum = waiting + calledNumbers.count + entered + left + abandoned + forgotten
        if sum != issued { fault(.conservation, "\(issued) numbers, \(sum) visitors") }
    }

    // MARK: - Losses

    /// The clock was set: passes and lapses are of another time.
    mutating func loseTime() { era += 1 }

    /// The store has lost its memory, or has gone back to `room`. Returns who waits again by that.
    mutating func lose(_ room: (any QueueRules)?) -> [Int] {
        era += 1
        memoryEra = era
        lapses = [:]
        active = room?.activeCount ?? 0
        guard let room else {
            forget()
            return []
        }
        return resume(room)
    }

    /// Brings the book to what the store knows now. Returns who waits again.
    private mutating func resume(_ room: any QueueRules) -> [Int] {
        var back: [Int] = []
        let called = room.called
        for (number, place) in places.all {
            let now: Place
            if room.waiting.place(of: number) != nil {
                now = .waiting
            } else if called[number] != nil {
                now = .called
            } else if place == .waiting || place == .called {
                now = .forgotten
            } else {
                continue
            }
            if now != place {
                if case .entered(let end, _) = place { forgottenPasses[number] = end }
                move(number, to: now)
                if now == .waiting { back.append(number) }
            }
        }
        // What an earlier memory issued and this one has again.
        for found in Ledger.numbers(waiting: room.waiting, notIn: RankIndex()) where places.value(of: found) == nil {
            move(found, to: .waiting)
            back.append(found)
        }
        return back.sorted()
    }

    private mutating func forget() {
        for (number, place) in places.all where place == .waiting || place == .called {
            move(number, to: .forgotten)
        }
    }
}
