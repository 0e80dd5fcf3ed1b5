// SPDX-License-Identifier: Apache-2.0
//
// All visitors of a run, and what each kind does next: join, poll, leave, fall silent, come back, enter. It talks to
// workers through Front only, and takes time and chance from World. What it sees it reports to the Referee.

internal import Admission
internal import Chance
internal import Configuration

final class Crowd {
    /// How long a client waits for an answer before it asks again.
    private static let patienceForAnswerMilliseconds = 3000
    private static let placesMax = 50

    private let world: World
    private let scenario: Scenario
    private let policy: RoomPolicy
    private let front: any Front
    private let referee: Referee
    private let seed: UInt64
    /// The index in the world of its first visitor.
    private let first: Int
    /// Whether an answer can fail to come.
    private let isLossy: Bool
    /// The room at the workers that nginx can reach.
    var workers: () -> [WorkerRoom] = { [] }

    private var visitors: [Visitor] = []
    private(set) var fates = [Int](repeating: 0, count: Fate.allCases.count)
    private(set) var unsettled = 0
    private(set) var polls = 0
    /// When the last visit ended.
    private(set) var settledMilliseconds = 0

    init(
        world: World,
        scenario: Scenario,
        policy: RoomPolicy,
        front: any Front,
        referee: Referee,
        seed: UInt64,
        first: Int
    ) {
        self.world = world
        self.scenario = scenario
        self.policy = policy
        self.front = front
        self.referee = referee
        self.seed = seed
        self.first = first
        isLossy = scenario.network.lossPerMille > 0 || scenario.faults.total > 0
    }

    /// Draws everybody's kind and time of arrival.
    func gather() {
        let weights = scenario.crowd.weights
        let sum = weights.reduce(0, +)
        visitors.reserveCapacity(scenario.visitors)
        for index in 0..<scenario.visitors {
            var draw = world.random.upTo(sum - 1)
            var kind = VisitorKind.patient
            for candidate in VisitorKind.allCases {
                kind = candidate
                if draw < weights[Int(candidate.rawValue)] { break }
                draw -= weights[Int(candidate.rawValue)]
            }
            visitors.append(Visitor(kind: kind))
            world.wake(Int32(first + index), token: 0, after: world.random.upTo(scenario.arrivalMilliseconds))
        }
        unsettled = scenario.visitors
    }

    /// Wakes a visitor, by the index in the world.
    func wake(_ visitor: Int, _ token: UInt32) {
        let index = visitor - first
        guard visitors[index].token == token else { return }
        switch visitors[index].phase {
        case .joining: join(index)
        case .waiting: isGone(index) ? go(index) : poll(index)
        case .sleeping:
            visitors[index].phase = .waiting
            poll(index)
        case .entering, .inside: enter(index)
        case .leaving: leave(index)
        case .ended: break
        }
    }

    private func isGone(_ index: Int) -> Bool {
        visitors[index].goesAt > 0 && visitors[index].goesAt <= world.now
    }

    /// The impatient leave, the closers and sleepers fall silent.
    private func go(_ index: Int) {
        visitors[index].goesAt = 0
        switch visitors[index].kind {
        case .impatient:
            visitors[index].phase = .leaving
            leave(index)
        case .closer: settle(index, .silent)
        default:
            visitors[index].phase = .sleeping
            let grace = policy.returnGraceMilliseconds
            let isWithin = world.random.upTo(1) == 0
            visitors[index].mustFindPlace = isWithin
            let length = isWithin ? grace / 2 : policy.abandonAfterMilliseconds + 2 * grace
            wakeLater(index, world.random.upTo(length))
        }
    }

    private func settle(_ index: Int, _ fate: Fate) {
        guard visitors[index].phase != .ended else { return }
        visitors[index].phase = .ended
        visitors[index].token &+= 1
        visitors[index].ticket = nil
        fates[Int(fate.rawValue)] += 1
        unsettled -= 1
        settledMilliseconds = world.now
    }

    private func wakeLater(_ index: Int, _ milliseconds: Int) {
        visitors[index].token &+= 1
        var wait = milliseconds
        if visitors[index].goesAt > 0 { wait = min(wait, max(0, visitors[index].goesAt - world.now)) }
        world.wake(Int32(first + index), token: visitors[index].token, after: wait)
    }

    // MARK: - Requests

    /// A worker, as nginx picks one; nil when the request is lost on the way, or when there is none.
    private func reach(_ index: Int) -> (worker: WorkerRoom, token: UInt32)? {
        visitors[index].token &+= 1
        let token = visitors[index].token
        if isLossy {
            let wait = Crowd.patienceForAnswerMilliseconds + world.random.upTo(500)
            world.wake(Int32(first + index), token: token, after: wait)
            if world.random.happens(perMille: scenario.network.lossPerMille) { return nil }
        }
        let serving = workers()
        guard !serving.isEmpty else {
            if !isLossy { world.wake(Int32(first + index), token: token, after: 1000) }
            return nil
        }
        return (serving[world.random.upTo(serving.count - 1)], token)
    }

    /// Whether an answer comes through, and still finds the visitor waiting for it.
    private func isReceived(_ index: Int, _ token: UInt32) -> Bool {
        if world.random.happens(perMille: scenario.network.lossPerMille) {
            world.note(.lost, first + index)
            return false
        }
        return visitors[index].token == token
    }

    /// Clickers ask twice at once.
    private func times(_ index: Int) -> Int { visitors[index].kind == .clicker ? 2 : 1 }

    private func join(_ index: Int) {
        guard let reached = reach(index) else { return }
        let key = scenario.front == .api || isLossy || visitors[index].kind == .clicker ? key(index) : nil
        for time in 0..<times(index) {
            let others = workers()
            let worker = time == 0 ? reached.worker : others[world.random.upTo(others.count - 1)]
            front.join(key: key, worker) { [self] ticket, answer in
                world.note(ticket == nil ? .joinRefused : .joined, first + index, ticket?.claim.number ?? 0)
                guard isReceived(index, reached.token) else { return }
                if let ticket {
                    visitors[index].ticket = ticket
                    visitors[index].shown = PositionChecker.Shown()
                    begin(index)
                }
                let look = ticket.flatMap { worker.look($0.claim) } ?? worker.mirrorLook
                receive(answer, index, look: look)
            }
        }
    }

    private func key(_ index: Int) -> String { "visitor-of-\(seed)-\(first + index)-\(visitors[index].attempt)" }

    /// A place is held: the impatient, the closers and the sleepers decide when they go.
    private func begin(_ index: Int) {
        visitors[index].phase = .waiting
        visitors[index].waitsSince = world.now
        guard visitors[index].attempt == 0 else { return }
        switch visitors[index].kind {
        case .impatient, .closer, .sleeper:
            visitors[index].goesAt = world.now + 1 + world.random.upTo(scenario.patienceMilliseconds)
        default: break
        }
    }

    private func poll(_ index: Int) {
        guard let ticket = visitors[index].ticket, let (worker, token) = reach(index) else { return }
        if visitors[index].kind == .script, world.random.upTo(9) == 0 {
            // Scripts try to enter without being called.
            return enter(index, ticket, worker, token)
        }
        polls += 1
        let look = worker.look(ticket.claim)
        front.status(ticket, worker) { [self] answer in
            switch answer {
            case .ready: referee.heard(ticket.claim.number, by: worker.index)
            // Also a degraded worker takes a heartbeat, of those it has in its mirror.
            case .waiting(_, _, let isDegraded, _) where look != nil || !isDegraded:
                referee.heard(ticket.claim.number, by: worker.index)
            default: break
            }
            guard isReceived(index, token) else { return }
            receive(answer, index, look: look ?? worker.mirrorLook)
        }
    }

    private func enter(_ index: Int) {
        guard let ticket = visitors[index].ticket, let (worker, token) = reach(index) else { return }
        for _ in 0..<times(index) { enter(index, ticket, worker, token) }
    }

    private func enter(_ index: Int, _ ticket: HeldTicket, _ worker: WorkerRoom, _ token: UInt32) {
        front.enter(ticket, worker) { [self] answer in
            if case .admitted(let pass) = answer {
                worker.noteGone()
                world.note(.entered, first + index, ticket.claim.number)
                let made = worker.storeLook.milliseconds
                if visitors[index].ticket?.claim == ticket.claim, !referee.isOvertaken(atMilliseconds: made) {
                    checkPass(pass, index, referee.era(atMilliseconds: made))
                }
            }
            guard isReceived(index, token) else { return }
            receive(answer, index, look: worker.storeLook)
        }
    }

    private func leave(_ index: Int) {
        guard let ticket = visitors[index].ticket, let (worker, token) = reach(index) else { return }
        front.leave(ticket, worker) { [self] answer in
            if answer == .ended {
                worker.noteGone()
                world.note(.left, first + index, ticket.claim.number)
            }
            guard isReceived(index, token) else { return }
            if answer == .ended { settle(index, .left) } else { wakeLater(index, 1000) }
        }
    }

    // MARK: - Answers

    private func receive(_ answer: FrontAnswer, _ index: Int, look: Look) {
        if visitors[index].phase == .inside {
            // The second enter of somebody who is inside: whatever it said, the visit is over.
            return settle(index, .entered)
        }
        switch answer {
        case .waiting(let position, let hint, let isDegraded, let isLate):
            world.note(.shown, first + index, position)
            visitors[index].phase = .waiting
            if isDegraded {
                referee.reckoned(position, index)
            } else if isLate {
                // Everybody who is yet to come goes before: the position may rise.
                visitors[index].mustFindPlace = false
                visitors[index].shown = PositionChecker.Shown()
            } else {
                visitors[index].mustFindPlace = false
                if let number = visitors[index].ticket?.claim.number {
                    referee.shown(number, position: position, look: look, &visitors[index].shown)
                }
            }
            wakeLater(index, pause(index, hint))
        case .ready:
            world.note(.ready, first + index)
            // A decliner goes on polling, and lets the call lapse.
            if visitors[index].kind == .decliner { return wakeLater(index, 1000) }
            visitors[index].mustFindPlace = false
            visitors[index].goesAt = 0
            visitors[index].phase = .entering
            let pause = world.random.upTo(min(1500, policy.claimWindowMilliseconds / 3))
            wakeLater(index, visitors[index].hasAsked ? 0 : pause)
        case .admitted:
            visitors[index].goesAt = 0
            guard visitors[index].kind == .clicker else { return settle(index, .entered) }
            // Once more a little later: it must be the same pass.
            visitors[index].phase = .inside
            wakeLater(index, 500)
        case .ended: lose(index)
        case .retry(let wait):
            world.note(.refused, first + index)
            if visitors[index].phase == .entering {
                (visitors[index].phase, visitors[index].hasAsked) = (.waiting, true)
            }
            wakeLater(index, wait + world.random.upTo(wait / 10))
        case .refused: settle(index, .refused)
        }
    }

    /// When the visitor asks again: scripts at once, hidden tabs when the browser lets them.
    private func pause(_ index: Int, _ hint: Int) -> Int {
        switch visitors[index].kind {
        case .script: 20 + world.random.upTo(100)
        case .hidden: max(hint, policy.abandonAfterMilliseconds / 2)
        default: hint
        }
    }

    /// How many of this attention have waited, or were called, since this moment.
    func awaiting(sinceMilliseconds: Int, _ attention: Attention) -> Int {
        visitors.count { visitor in
            visitor.kind.attention == attention && visitor.waitsSince < sinceMilliseconds
                && (visitor.phase == .waiting || visitor.phase == .entering)
        }
    }

    private func checkPass(_ pass: Int, _ index: Int, _ era: Int) {
        if pass == 0 { referee.report(.idempotence, "visitor \(index) got a pass that does not verify") }
        if visitors[index].pass != 0, visitors[index].passEra == era, visitors[index].pass != pass {
            referee.report(.idempotence, "visitor \(index) got two different passes for one entry")
        }
        visitors[index].pass = pass
        visitors[index].passEra = era
    }

    /// The place has ended. A visitor who still wants to enter joins again.
    private func lose(_ index: Int) {
        world.note(.gone, first + index)
        if visitors[index].kind == .decliner { return settle(index, .declined) }
        if visitors[index].mustFindPlace, let number = visitors[index].ticket?.claim.number,
            referee.isHeartbeatSafe(number, withinMilliseconds: policy.returnGraceMilliseconds)
        {
            referee.report(.keeping, "\(number) came back within the grace and has lost the place")
        }
        visitors[index].mustFindPlace = false
        visitors[index].attempt &+= 1
        guard visitors[index].attempt < Crowd.placesMax else {
            return referee.report(.liveness, "visitor \(index) has lost \(Crowd.placesMax) places")
        }
        visitors[index].pass = 0
        visitors[index].hasAsked = false
        visitors[index].ticket = nil
        visitors[index].phase = .joining
        wakeLater(index, 200)
    }

    /// Somebody who is still not settled, in words.
    func firstUnsettled() -> String {
        guard let index = visitors.firstIndex(where: { $0.phase != .ended }) else { return "nobody" }
        let visitor = visitors[index]
        return "visitor \(index) (\(visitor.kind), \(visitor.phase), number \(visitor.ticket?.claim.number ?? 0))"
    }
}
