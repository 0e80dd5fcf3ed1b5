// SPDX-License-Identifier: Apache-2.0
//
// One run of the simulation. It builds the world from a scenario and a seed, lets time pass, breaks what the plan says,
// and reports. The same scenario and seed give the same run, event for event.

public import Admission
internal import Chance
public import Configuration
internal import Passes
internal import QueueClient

/// What a run came to.
public struct SimulationResult: Sendable {
    public let seed: UInt64
    /// FNV-1a over every event: the same for the same scenario and seed, whatever the machine.
    public let traceHash: UInt64
    public let violation: Violation?
    /// The room's limits at the beginning, drawn or given.
    public let policy: RoomPolicy
    public let visitors: Int
    /// How visits ended, by `Fate`.
    public let fates: [Int]
    public let virtualMilliseconds: Int
    public let events: Int
    public let polls: Int
    public let entries: Int
    public let numbersIssued: Int
    /// Times the store lost its memory.
    public let losses: Int
    public let risesByReturners: Int
    public let olderLooks: Int
    /// The last events, in words.
    public let lastEvents: [String]

    public func count(_ fate: Fate) -> Int { fates[Int(fate.rawValue)] }
}

public final class Simulation {
    private let scenario: Scenario
    private let seed: UInt64
    private let world: World
    private let host: StoreHost
    private let referee: Referee
    private let crowd: Crowd
    private let keys: KeyRing
    private let policy: RoomPolicy
    private var operations: [Scenario.Operation]
    private let plan: FaultPlan
    private var workers: [SimulatedWorker] = []
    /// Those that nginx reaches; kept, because every request asks for them.
    private var serving: [SimulatedWorker] = []
    private var losses = 0
    /// How long after its last visitor the room may take to empty: the silent are swept, calls lapse.
    private let emptyingMilliseconds: Int

    /// - Parameters:
    ///   - keptEvents: how many of the last events the result tells in words, at least 1.
    ///   - rules: the rules of the store: the product's model, or in tests a policy that is broken on purpose.
    public init(
        scenario: Scenario,
        seed: UInt64,
        keptEvents: Int = 40,
        rules: any QueueRules.Type = QueueModel.self
    ) throws {
        self.scenario = scenario
        self.seed = seed
        let world = World(seed: seed, keptEvents: keptEvents)
        self.world = world
        policy = scenario.hasDrawnLimits ? DrawnLimits.policy(&world.random) : scenario.policy
        plan = FaultPlan(scenario.faults, workers: scenario.workers, &world.random)
        operations = scenario.operations
        operations += DrawnLimits.operations(scenario, policy, &world.random)
        keys = try KeyRing(keys: [SigningKey.generate(kid: "k1", using: &world.random)])
        host = StoreHost(server: ModelServer(rules: rules) { [unowned world] in world.wall }, world: world)
        if scenario.hasSmallCaps, world.random.upTo(1) == 0 { host.server.caps = DrawnLimits.caps(&world.random) }
        if scenario.beginsBelowEdge, world.random.upTo(1) == 0 {
            host.server.distanceToEdge = 1 + world.random.upTo(99)
        }
        referee = Referee(
            world: world,
            workers: scenario.workers,
            tickMilliseconds: scenario.tickMilliseconds,
            hasFaults: scenario.faults.total > 0
        )
        let front: any Front =
            scenario.front == .api
            ? APIFront(keys: keys, world: world) : StoreFront(world: world, pollBudgetPerSecond: 20_000)
        crowd = Crowd(world: world, scenario: scenario, policy: policy, front: front, referee: referee, seed: seed)
        emptyingMilliseconds = 3 * policy.abandonAfterMilliseconds + 2 * policy.claimWindowMilliseconds + 20_000
        host.server.observe = { [referee] step, room in referee.observe(step, room) }
        crowd.workers = { [unowned self] in self.serving }
        referee.isAwaited = { [unowned crowd] in crowd.isAwaited(sinceMilliseconds: $0) }
    }

    // MARK: - The run

    /// Runs until everybody's visit has ended and the room is empty, a promise is broken, or the horizon is reached.
    public func run() -> SimulationResult {
        for index in 0..<scenario.workers { startWorker(index, joinsPool: false) }
        schedulePlan()
        crowd.gather()
        let horizon = World.startMilliseconds + scenario.horizonMilliseconds
        while referee.violation == nil {
            if world.isTurnOver { for worker in workers where worker.isAlive { worker.store.flush() } }
            guard world.step(crowd.wake) else { break }
            if crowd.unsettled == 0, isOver { break }
            if world.now > horizon {
                referee.report(.liveness, "\(crowd.unsettled) visits have not ended, \(crowd.firstUnsettled()) first")
            }
        }
        return result
    }

    /// Whether the faults have passed and the room is empty.
    private var isOver: Bool {
        guard world.now >= World.startMilliseconds + plan.endMilliseconds else { return false }
        guard let room = host.server.room(SimulatedWorker.roomID) else { return true }
        if room.waiting.count == 0, room.called.isEmpty { return true }
        let since = max(crowd.settledMilliseconds, World.startMilliseconds + plan.endMilliseconds)
        if world.now > since + emptyingMilliseconds {
            let (waiting, called) = (room.waiting.count, room.called.count)
            referee.report(.ghosts, "\(waiting) wait and \(called) are called, and nobody is left")
        }
        return false
    }

    private var result: SimulationResult {
        SimulationResult(
            seed: seed,
            traceHash: world.trace.hash,
            violation: referee.violation,
            policy: policy,
            visitors: scenario.visitors,
            fates: crowd.fates,
            virtualMilliseconds: world.now - World.startMilliseconds,
            events: world.events,
            polls: crowd.polls,
            entries: referee.entries,
            numbersIssued: referee.ledger.issued,
            losses: losses,
            risesByReturners: referee.positions.risesByReturners,
            olderLooks: referee.positions.olderLooks,
            lastEvents: world.trace.last(from: World.startMilliseconds)
        )
    }

    /// The limits of a worker's file, and its age: the scenario's, or older and different ones.
    private func file(of index: Int) -> (limits: RoomPolicy, revision: Int) {
        guard scenario.filesDiffer, index % 2 == 1 else { return (policy, 1) }
        var old = policy
        old.rateMilli *= 10
        old.burst *= 5
        old.maxActive = 0
        old.abandonAfterMilliseconds += 400
        return (old, 0)
    }

    private func startWorker(_ index: Int, joinsPool: Bool) {
        let skew = scenario.skewMilliseconds
        let worker = SimulatedWorker(
            index: index,
            world: world,
            host: host,
            keys: keys,
            file: file(of: index),
            tickMilliseconds: scenario.tickMilliseconds,
            network: (scenario.network.delayMilliseconds, scenario.network.jitterMilliseconds),
            skew: (offset: 1000 + world.random.upTo(skew), perMillion: skew > 0 ? world.random.upTo(400) - 200 : 0),
            joinsPool: joinsPool,
            trustsNews: seed % 2 == 1
        )
        if index < workers.count { workers[index] = worker } else { workers.append(worker) }
        referee.trouble(worker: index)
        worker.onServingChange = { [unowned self] in self.serving = self.workers.filter(\.isServing) }
        worker.link.onTrouble = { [referee] in referee.trouble(worker: index) }
        worker.start()
    }

    // MARK: - The plan

    private func schedulePlan() {
        for fault in plan.faults {
            let at = World.startMilliseconds + fault.atMilliseconds
            if case .rollback(let lag) = fault.kind {
                scheduleRollback(at, lag)
            } else {
                world.at(at) { [unowned self] in self.strike(fault) }
            }
        }
        for operation in operations {
            world.at(World.startMilliseconds + operation.atMilliseconds) { [unowned self] in self.operate(operation) }
        }
        // What an operator has set within a tick before a loss may be undone by it. So the operator looks once more.
        if !plan.faults.isEmpty, let last = operations.last {
            var wanted = Scenario.Operation()
            for operation in operations { wanted.limits.merge(operation.limits) { $1 } }
            let at = max(last.atMilliseconds, plan.endMilliseconds) + 5000
            world.at(World.startMilliseconds + at) { [unowned self] in self.operate(wanted) }
        }
    }

    private func strike(_ fault: Fault) {
        switch fault.kind {
        case .drop(let index): workers[index].link.drop()
        case .stall(let length):
            world.note(.stall, length)
            host.stalledUntil = max(host.stalledUntil, world.now + length)
            referee.troubleForAll(untilMilliseconds: host.stalledUntil)
        case .outage(let length, let isEmptied): goAway(length, isEmptied)
        case .flush:
            host.server.forgetScripts()
            loseEverything()
        case .rollback: break
        case .clockStep(let length):
            world.stepClock(by: length)
            referee.clockStepped()
        case .eviction(let part):
            guard let room = host.server.room(SimulatedWorker.roomID) else { return }
            world.note(.evicted, part.rawValue)
            host.server.evict(part, SimulatedWorker.roomID)
            if seed % 4 == 1 { host.server.loseIndex() }
            referee.evicted(host.server.room(SimulatedWorker.roomID) ?? room)
        case .death(let index, let rebirth):
            workers[index].die()
            referee.trouble(worker: index)
            world.after(rebirth) { [unowned self] in
                if !self.workers[index].isAlive { self.startWorker(index, joinsPool: true) }
            }
        }
    }

    private func goAway(_ length: Int, _ isEmptied: Bool) {
        world.note(.away, length)
        host.awayUntil = max(host.awayUntil, world.now + length)
        referee.troubleForAll(untilMilliseconds: host.awayUntil)
        for worker in workers { worker.link.drop() }
        if isEmptied { loseEverything() }
        // Else a network between, or a process that comes back with everything.
        if isEmptied || world.random.upTo(1) == 0 { host.replace() }
    }

    private func loseEverything() {
        world.note(.flush, 0)
        losses += 1
        host.server.loseEverything()
        referee.lost(nil)
    }

    /// The replica is as it was `lag` before; connections go over to it.
    private func scheduleRollback(_ at: Int, _ lag: Int) {
        var replica: ModelServer.Snapshot?
        world.at(at - lag) { [unowned self] in replica = self.host.server.snapshot() }
        world.at(at) { [unowned self] in
            guard let replica, !self.host.isAway else { return }
            self.world.note(.rollback, lag)
            self.losses += 1
            self.host.server.goBack(to: replica)
            self.host.replace()
            self.referee.lost(self.host.server.room(SimulatedWorker.roomID))
            for worker in self.workers { worker.link.drop() }
        }
    }

    private func operate(_ operation: Scenario.Operation) {
        if operation.isReset {
            world.note(.reset, 0)
            if !host.isAway, (try? host.server.reset(SimulatedWorker.roomID)) != nil { return }
            return world.after(500) { [unowned self] in self.operate(operation) }
        }
        let limits = operation.applied(to: host.server.room(SimulatedWorker.roomID)?.policy ?? policy)
        world.note(.configured, limits.rateMilli, limits.mode.rawValue)
        if !host.isAway, (try? host.server.configure(limits, SimulatedWorker.roomID)) != nil { return }
        // As an operator would: once more.
        world.after(500) { [unowned self] in self.operate(operation) }
    }
}
