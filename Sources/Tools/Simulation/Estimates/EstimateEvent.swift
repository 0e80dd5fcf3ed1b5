// SPDX-License-Identifier: Apache-2.0
//
// One event in virtual time, for the comparison of estimators: the real QueueModel, ticks of 200 ms, and visitors who
// poll, leave, forget and come back. It has no network and no faults, because it only asks when visitors are called. It
// uses Admission and a seeded generator; the same seed gives the same event, whatever the estimators do.

internal import Admission
internal import Chance

/// A waiting room full of simulated people.
struct EstimateEvent {
    private enum Kind {
        case staying
        case leaving
        case closing
        case hidden
        case botSilent
        case botPolling
    }

    private enum Action {
        case poll
        case leave
        case close
        case endSession
    }

    static let tickMilliseconds = 200
    /// The clock starts here, as Unix time does.
    static let startMilliseconds = 1_800_000_000_000

    let scenario: EstimateScenario
    private(set) var model: QueueModel
    private(set) var history = EntryHistory()
    private(set) var nowMilliseconds = EstimateEvent.startMilliseconds
    /// By number: when the head of the line passed it, in milliseconds; 0 before that.
    private(set) var passedMilliseconds: [Int] = [0]
    /// By number: whether the head found a person there who was called.
    private(set) var wasCalled: [Bool] = [false]
    private var kinds: [Kind] = [.staying]
    private var issued: [Int] = [0]
    private var isGone: [Bool] = [false]
    private var agenda: [[(number: Int, action: Action)]] = []
    private var polled: [Int] = []
    private var head = 1
    private var changes = 0
    private var random: SplitMix64

    init(_ scenario: EstimateScenario, seed: UInt64) {
        self.scenario = scenario
        self.random = SplitMix64(seed: seed)
        self.model = QueueModel(
            policy: scenario.policy,
            firstNumber: 1,
            nowMilliseconds: EstimateEvent.startMilliseconds
        )
        agenda = Array(repeating: [], count: scenario.lengthSeconds * 1000 / EstimateEvent.tickMilliseconds + 2)
    }

    var second: Double { Double(nowMilliseconds - EstimateEvent.startMilliseconds) / 1000 }
    var isOver: Bool { Int(second) >= scenario.lengthSeconds }
    func isBot(_ number: Int) -> Bool { kinds[number] == .botSilent || kinds[number] == .botPolling }

    /// Moves on by a tick. `wait` is what the page would show: it paces the polls.
    mutating func step(_ wait: (Int) -> WaitEstimate?) -> TickReply {
        nowMilliseconds += EstimateEvent.tickMilliseconds
        if changes < scenario.changes.count, scenario.changes[changes].second <= second {
            var policy = model.policy
            scenario.changes[changes].change(&policy)
            model.configure(policy, nowMilliseconds: nowMilliseconds)
            changes += 1
        }
        arrive()
        act(wait)
        let reply = model.tick(
            seen: polled,
            epoch: nowMilliseconds / model.policy.epochMilliseconds,
            tickMilliseconds: EstimateEvent.tickMilliseconds,
            nowMilliseconds: nowMilliseconds
        )
        polled.removeAll(keepingCapacity: true)
        for (second, entries) in reply.flow.suffix(3) { history.record(second: second, entries: entries) }
        pass()
        return reply
    }

    private var slot: Int { (nowMilliseconds - EstimateEvent.startMilliseconds) / EstimateEvent.tickMilliseconds }

    private mutating func schedule(_ number: Int, _ action: Action, afterSeconds seconds: Double) {
        let at = slot + max(1, Int(min(seconds, 1e6) * 1000) / EstimateEvent.tickMilliseconds)
        if at < agenda.count { agenda[at].append((number, action)) }
    }

    private mutating func arrive() {
        let share = Double(EstimateEvent.tickMilliseconds) / 1000
        for _ in 0..<random.poisson(scenario.perSecond(at: second) * share) { join(person()) }
        if let flood = scenario.flood, second >= flood.startSeconds,
            second < flood.startSeconds + flood.lengthSeconds
        {
            for _ in 0..<random.poisson(flood.perSecond * share) {
                join(random.fraction() < flood.silent ? .botSilent : .botPolling)
            }
        }
    }

    private mutating func person() -> Kind {
        let (people, dice) = (scenario.people, random.fraction())
        if dice < people.leaving { return .leaving }
        if dice < people.leaving + people.closing { return .closing }
        return dice < people.leaving + people.closing + people.hidden ? .hidden : .staying
    }

    private mutating func join(_ kind: Kind) {
        let reply = model.join([JoinRequest(kind: .join)], nowMilliseconds: nowMilliseconds)
        let number: Int
        var isWaiting = true
        switch reply.outcomes[0] {
        case .waiting(let issued, _): number = issued
        case .admitted(let issued, _): (number, isWaiting) = (issued, false)
        default: return
        }
        passedMilliseconds.append(isWaiting ? 0 : nowMilliseconds)
        wasCalled.append(!isWaiting)
        kinds.append(kind)
        issued.append(nowMilliseconds)
        isGone.append(false)
        guard isWaiting else { return visit(number) }
        switch kind {
        case .leaving: schedule(number, .leave, afterSeconds: random.exponential(mean: scenario.people.patienceSeconds))
        case .closing: schedule(number, .close, afterSeconds: random.exponential(mean: scenario.people.patienceSeconds))
        default: break
        }
        if kind != .botSilent { schedule(number, .poll, afterSeconds: 1 + random.fraction()) }
    }

    private mutating func visit(_ number: Int) {
        if let sessions = scenario.sessions, random.fraction() < sessions.share {
            schedule(number, .endSession, afterSeconds: random.exponential(mean: sessions.meanSeconds))
        }
    }

    private mutating func act(_ wait: (Int) -> WaitEstimate?) {
        let due = agenda[slot]
        agenda[slot] = []
        for (number, action) in due {
            switch action {
            case .poll: poll(number, wait)
            case .close: isGone[number] = true
            case .leave, .endSession:
                if action == .leave, passedMilliseconds[number] != 0 { continue }
                isGone[number] = true
                _ = model.leave(claim(number), nowMilliseconds: nowMilliseconds)
            }
        }
    }

    private func claim(_ number: Int) -> TicketClaim {
        TicketClaim(generation: model.generation, number: number, issuedMilliseconds: issued[number])
    }

    private mutating func poll(_ number: Int, _ wait: (Int) -> WaitEstimate?) {
        if isGone[number] { return }
        if let (place, position) = model.waiting.place(of: number) {
            polled.append(place)
            if kinds[number] == .hidden { return schedule(number, .poll, afterSeconds: 60) }
            let soonest = model.policy.rateMilli > 0 ? position * 1000 / model.policy.rateMilli : Int.max
            let hint = PollPacing.hintMilliseconds(
                etaSeconds: wait(position).map { min($0.seconds, soonest) },
                position: position,
                waiting: model.waiting.punctualCount,
                budgetPerSecond: 20_000,
                policy: model.policy,
                jitter: random.fraction()
            )
            return schedule(number, .poll, afterSeconds: Double(hint) / 1000)
        }
        if kinds[number] == .botPolling { return schedule(number, .poll, afterSeconds: 5) }
        switch model.enter(claim(number), nowMilliseconds: nowMilliseconds).standing {
        case .entered:
            isGone[number] = true
            visit(number)
        case .retry(let milliseconds): schedule(number, .poll, afterSeconds: Double(milliseconds) / 1000)
        case .waiting:
            // Missed the call and is back at the front: half of them now keep the tab in view.
            if random.fraction() < 0.5 { kinds[number] = .staying }
            schedule(number, .poll, afterSeconds: kinds[number] == .hidden ? 60 : 1)
        default: isGone[number] = true
        }
    }

    /// Notes whom the head has passed in this tick.
    private mutating func pass() {
        let front = model.waiting.punctualHead ?? model.next
        while head < front, head < passedMilliseconds.count {
            if passedMilliseconds[head] == 0 {
                passedMilliseconds[head] = nowMilliseconds
                wasCalled[head] = model.called[head] != nil
            }
            head += 1
        }
    }
}
