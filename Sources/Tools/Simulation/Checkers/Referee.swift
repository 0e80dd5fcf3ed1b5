// SPDX-License-Identifier: Apache-2.0
//
// Watches every step of the store and every answer to a visitor, gives them to the checkers, and keeps the first
// promise that was broken. It reads the store and the answers; it changes neither, so that a run goes the same way with
// or without it.

internal import Admission
internal import WaitingRoomAPI

final class Referee {
    private let world: World
    private let tickMilliseconds: Int
    private(set) var ledger = Ledger()
    private var order = OrderChecker()
    private(set) var bound = EntryBoundChecker()
    private(set) var positions = PositionChecker()
    private var ghosts = GhostChecker()
    private var movement = LivenessChecker()
    private var rate = RateChecker()
    private var vacancy = VacancyChecker()
    private var cost = CostChecker()
    private var files = LimitsChecker()
    /// The limits in force at the last step, and its time.
    private var limits: RoomPolicy?
    private var stepMilliseconds = 0
    /// How many of this attention have waited, or were called, since a moment.
    var awaiting: (_ sinceMilliseconds: Int, Attention) -> Int = { _, _ in 0 }
    private var keys: [String: (number: Int, issued: Int, generation: Int, era: Int)] = [:]
    private var heartbeats = NumberTable<GhostChecker.LastHeartbeats>()
    private var flushMilliseconds = 0
    /// Per worker: when heartbeats in its memory were last lost or late.
    private var troubles: [Int]
    private(set) var violation: Violation?
    private var lostMilliseconds = 0
    /// When the clock was set last, a key was evicted or the room was reset: a heartbeat from before may be older, or
    /// gone, or of a place that has ended.
    private var unsafeMilliseconds = 0
    /// Entries in all.
    private(set) var entries = 0

    init(world: World, workers: Int, tickMilliseconds: Int) {
        self.world = world
        self.tickMilliseconds = tickMilliseconds
        troubles = Array(repeating: 0, count: workers)
    }

    /// The time by which buckets fill and keys expire: a step forward of the clock is time that has passed.
    private var flowMilliseconds: Int { world.now + world.skippedMilliseconds }

    func report(_ promise: Promise, _ text: String) {
        guard violation == nil else { return }
        violation = Violation(promise: promise, atMilliseconds: world.now - World.startMilliseconds, text: text)
    }

    // MARK: - The store

    func observe(_ step: StoreStep, _ room: any QueueRules) {
        stepMilliseconds = flowMilliseconds
        let isBypass = room.policy.mode == .bypass
        let waitingBefore = ledger.waitingCount
        let facts = ledger.take(step, room, nowMilliseconds: world.now, isBypass: isBypass)
        for (promise, text) in ledger.faults { report(promise, text) }
        ledger.faults = []
        if let text = order.check(
            facts,
            room,
            waitingBefore: waitingBefore,
            isBypass: isBypass
        ) {
            report(.order, text)
        }
        checkLimits(step, room)
        switch step.kind {
        case .join(let requests, let reply): checkKeys(requests, reply, facts)
        case .configure(let policy): bound.configure(policy, flowMilliseconds)
        case .reset:
            // Visitors learn of it with their next poll.
            troubleForAll(untilMilliseconds: facts.now)
            unsafeMilliseconds = facts.now
            excuseEntries(untilMilliseconds: facts.now + room.policy.abandonAfterMilliseconds)
        case .restore(_, let memory, let isNew):
            // Made by somebody who remembers nothing.
            if isNew, memory.next == 0 { bound.begin(room.policy, flowMilliseconds) }
            // A restore brings the operator's limits back.
            bound.configure(room.policy, flowMilliseconds)
            ghosts.noteRestored(room.policy, facts.now)
            excuseEntries(untilMilliseconds: facts.now + RoomMemory.holdMilliseconds)
            cost.excuse(untilMilliseconds: facts.now)
            world.note(.restored, memory.next, room.next)
        case .moved:
            ghosts.noteRestored(room.policy, facts.now)
            excuseEntries(untilMilliseconds: facts.now + RoomMemory.holdMilliseconds)
            world.note(.tookOver, room.next)
        case .tick(_, let reply):
            checkTick(facts, room)
            let holders = ledger.firstCallsCount
            if let text = vacancy.check(facts, room, tokens: reply.callTokens, holders: holders) {
                report(.rate, text)
            }
        case .stand(let claim, let reply), .enter(let claim, let reply): checkCost(claim, reply, facts)
        default: break
        }
        if facts.entries > 0 {
            entries += facts.entries
            if let text = bound.enter(facts.entries, flowMilliseconds) { report(.bound, text) }
        }
        checkEntries(facts, room)
        note(facts)
    }

    private func checkEntries(_ facts: Facts, _ room: any QueueRules) {
        let active = room.activeCount
        if let text = movement.check(facts, room.policy, active: active, isAwaited: { awaiting($0, $1) > 0 }) {
            report(.liveness, text)
        }
        let calledMilliMax = room.caps.callsPerTick * 1_000_000 / tickMilliseconds
        if let text = rate.check(
            facts,
            room.policy,
            active: active,
            calledMilliMax: calledMilliMax,
            // One alone, whose requests are lost, brings no rate: LivenessChecker looks at everybody.
            isAwaited: { awaiting($0, $1) > 1 }
        ) {
            report(.rate, text)
        }
    }

    private func excuseEntries(untilMilliseconds: Int) {
        movement.excuse(untilMilliseconds: untilMilliseconds)
        rate.excuse(untilMilliseconds: untilMilliseconds)
        vacancy.excuse(untilMilliseconds: untilMilliseconds)
    }

    private func checkLimits(_ step: StoreStep, _ room: any QueueRules) {
        switch step.kind {
        case .configure, .restore: files.forget()
        default: break
        }
        guard room.policy != limits else { return }
        limits = room.policy
        bound.configure(room.policy, flowMilliseconds)
        ghosts.noteLimits(room.policy, world.now)
        rate.excuse(untilMilliseconds: world.now)
        cost.excuse(untilMilliseconds: world.now)
        if let text = files.changed(room.policy) { report(.limits, text) }
    }

    /// The store was asked where somebody stands.
    private func checkCost(_ claim: TicketClaim, _ reply: StandingReply, _ facts: Facts) {
        guard reply.standing == .waiting, !facts.returned.contains(claim.number) else { return }
        if let text = cost.check(claim.number, nowMilliseconds: facts.now) { report(.cost, text) }
    }

    private func note(_ facts: Facts) {
        cost.note(facts)
        for number in facts.newlyIssued + facts.returned + facts.calledAtOnce {
            heartbeats.update(number) {
                $0 = GhostChecker.LastHeartbeats(last: GhostChecker.Heartbeat(milliseconds: facts.now))
            }
        }
        positions.noteReturns(facts)
        for number in facts.called + facts.calledAtOnce { world.note(.called, number) }
        for number in facts.swept { world.note(.swept, number) }
        for number in facts.lapsed { world.note(.lapsed, number) }
        for number in facts.returned { world.note(.returned, number) }
    }

    private func checkTick(_ facts: Facts, _ room: any QueueRules) {
        flushMilliseconds = GhostChecker.flushMilliseconds(room.policy, tickMilliseconds: tickMilliseconds)
        let found = ghosts.check(
            facts,
            room,
            tickMilliseconds: tickMilliseconds,
            heartbeats: { self.heartbeats.value(of: $0) },
            isExcused: { !self.isSafe($0) }
        )
        if let found { report(found.0, found.1) }
    }

    private func checkKeys(_ requests: [JoinRequest], _ reply: JoinReply, _ facts: Facts) {
        for (request, outcome) in zip(requests, reply.outcomes) {
            guard let key = request.idempotencyKey else { continue }
            let number: Int
            switch outcome {
            case .waiting(let given, _), .admitted(let given, _), .known(let given, _): number = given
            default: continue
            }
            if let known = keys[key], known.era == ledger.era, known.generation == reply.generation,
                flowMilliseconds < known.issued + 300_000
            {
                if known.number != number { report(.idempotence, "one key got \(known.number) and \(number)") }
            } else if case .known = outcome {
                // A key may live a little longer than it must.
                continue
            } else {
                keys[key] = (number, flowMilliseconds, reply.generation, ledger.era)
            }
        }
    }

    /// The store has lost its memory (nil), or has gone back to this state.
    func lost(_ room: (any QueueRules)?) {
        lostMilliseconds = world.now
        files.forget()
        cost.excuse(untilMilliseconds: world.now)
        var facts = Facts()
        facts.now = world.now
        facts.returned = ledger.lose(room)
        positions.noteReturns(facts)
        guard let room else { return bound.lose(flowMilliseconds) }
        bound.configure(room.policy, flowMilliseconds)
        ghosts.noteRestored(room.policy, world.now)
    }

    /// The clocks were set. Buckets, heartbeats and deadlines are of another time now; a step back is as a loss of what
    /// was known of passes.
    func clockStepped() {
        (lostMilliseconds, unsafeMilliseconds) = (world.now, world.now)
        ledger.loseTime()
        // A small step back makes the store's time stand still until the clock has caught up.
        let caughtUp = world.now + QueueConstants.stepBackMilliseconds
        troubleForAll(untilMilliseconds: caughtUp)
        if let limits { ghosts.noteRestored(limits, caughtUp) }
    }

    /// A key of the room is gone: the visitors it held come back with their next poll.
    func evicted(_ room: any QueueRules) {
        // Nobody notices when it happens: limits that come back from the files are in force from the last step on.
        bound.configure(room.policy, stepMilliseconds)
        lost(room)
        unsafeMilliseconds = world.now
        troubleForAll(untilMilliseconds: world.now)
        excuseEntries(untilMilliseconds: world.now + room.policy.abandonAfterMilliseconds)
    }

    /// Heartbeats in this worker's memory are lost or late.
    func trouble(worker: Int) {
        troubles[worker] = max(troubles[worker], world.now)
        excuseEntries(untilMilliseconds: world.now)
        cost.excuse(untilMilliseconds: world.now)
    }

    /// The network or the store holds everybody up until then.
    func troubleForAll(untilMilliseconds: Int) {
        excuseEntries(untilMilliseconds: untilMilliseconds)
        cost.excuse(untilMilliseconds: untilMilliseconds)
        for worker in troubles.indices { troubles[worker] = max(troubles[worker], untilMilliseconds) }
    }

    /// Whether an answer of the store was made before the clocks were set, or the like, and arrives after it.
    func isOvertaken(atMilliseconds milliseconds: Int) -> Bool { milliseconds < unsafeMilliseconds }

    /// The era of an answer of the store, which may arrive when the store has forgotten it.
    func era(atMilliseconds milliseconds: Int) -> Int { milliseconds < lostMilliseconds ? ledger.era - 1 : ledger.era }

    // MARK: - Visitors

    /// A worker has taken a poll of somebody who waits or is called.
    func heard(_ number: Int, by worker: Int) {
        let heartbeat = GhostChecker.Heartbeat(milliseconds: world.now, worker: Int32(worker))
        heartbeats.update(number) { [flushMilliseconds] in
            $0?.add(heartbeat, flushMilliseconds: flushMilliseconds)
            if $0 == nil { $0 = GhostChecker.LastHeartbeats(last: heartbeat) }
        }
    }

    func shown(_ number: Int, position: Int, look: Look, _ shown: inout PositionChecker.Shown) {
        if position < 1 { report(.position, "\(number) was shown position \(position)") }
        if let text = positions.check(number, position: position, look: look, &shown) { report(.position, text) }
    }

    /// A degraded answer's position is reckoned; it cannot be beyond all who ever came.
    func reckoned(_ position: Int, _ visitor: Int) {
        if position < 1 || position > ledger.issued {
            report(.position, "visitor \(visitor) was shown position \(position) of \(ledger.issued)")
        }
    }

    /// Whether this heartbeat has reached the store for certain, once it is old enough.
    private func isSafe(_ heartbeat: GhostChecker.Heartbeat) -> Bool {
        if heartbeat.milliseconds <= unsafeMilliseconds { return false }
        return heartbeat.worker < 0 || troubles[Int(heartbeat.worker)] < heartbeat.milliseconds - flushMilliseconds
    }

    /// Whether the last heartbeat of this number has reached the store for certain, and is not older than this.
    func isHeartbeatSafe(_ number: Int, withinMilliseconds limit: Int) -> Bool {
        guard let heartbeat = heartbeats.value(of: number)?.last else { return false }
        return isSafe(heartbeat) && world.now - heartbeat.milliseconds < limit - flushMilliseconds
    }
}
