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
    /// The limits of the first room at the beginning, drawn or given.
    public let policy: RoomPolicy
    /// In all rooms.
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
    private let rooms: [SimulatedRoom]
    private let keys: KeyRing
    private let plan: FaultPlan
    private var workers: [SimulatedWorker] = []
    private var losses = 0

    /// - Parameters:
    ///   - keptEvents: how many of the last events the result tells in words, at least 1.
    ///   - rules: the rules of the store: the product's model, or in tests a policy that is broken on purpose.
    ///   - caps: of the calls on the rooms; nil for those of the product, or of the scenario.
    ///   - mixUp: a mistake of the store: what is meant for one room reaches another.
    public init(
        scenario: Scenario,
        seed: UInt64,
        keptEvents: Int = 40,
        rules: any QueueRules.Type = QueueModel.self,
        caps: QueueCaps? = nil,
        mixUp: RoomMixUp? = nil
    ) throws {
        self.scenario = scenario
        self.seed = seed
        let world = World(seed: seed, keptEvents: keptEvents)
        self.world = world
        let policy = scenario.hasDrawnLimits ? DrawnLimits.policy(&world.random) : scenario.policy
        plan = FaultPlan(scenario.faults, workers: scenario.workers, &world.random)
        let operations = DrawnLimits.operations(scenario, policy, &world.random)
        let keys = try KeyRing(keys: [SigningKey.generate(kid: "k1", using: &world.random)])
        self.keys = keys
        host = StoreHost(server: ModelServer(rules: rules) { [unowned world] in world.wall }, world: world)
        if scenario.hasSmallCaps, world.random.upTo(1) == 0 { host.server.caps = DrawnLimits.caps(&world.random) }
        if let caps { host.server.caps = caps }
        host.server.mixUp = mixUp
        if scenario.beginsBelowEdge, world.random.upTo(1) == 0 {
            host.server.distanceToEdge = 1 + world.random.upTo(99)
        }
        var rooms = [Simulation.room(0, scenario, policy, operations, keys, world)]
        for index in 1..<max(1, scenario.rooms) {
            let policy = scenario.hasDrawnLimits ? DrawnLimits.policy(&world.random) : scenario.policy
            let operations = DrawnLimits.operations(scenario, policy, &world.random)
            rooms.append(Simulation.room(index, scenario, policy, operations, keys, world))
        }
        self.rooms = rooms
        let referees = Dictionary(uniqueKeysWithValues: rooms.map { ($0.id, $0.referee) })
        host.server.observe = { id, step, room in referees[id]?.observe(step, room) }
    }

    private static func room(
        _ index: Int,
        _ scenario: Scenario,
        _ policy: RoomPolicy,
        _ operations: [Scenario.Operation],
        _ keys: KeyRing,
        _ world: World
    ) -> SimulatedRoom {
        let id = index == 0 ? SimulatedRoom.firstID : "\(SimulatedRoom.firstID)-\(index + 1)"
        let referee = Referee(world: world, workers: scenario.workers, tickMilliseconds: scenario.tickMilliseconds)
        let front: any Front =
            scenario.front == .api
            ? APIFront(keys: keys, world: world, room: id) : StoreFront(world: world, pollBudgetPerSecond: 20_000)
        let crowd = Crowd(
            world: world,
            scenario: scenario,
            policy: policy,
            front: front,
            referee: referee,
            seed: world.seed,
            first: index * scenario.visitors
        )
        return SimulatedRoom(
            id: id,
            policy: policy,
            operations: scenario.operations + operations,
            crowd: crowd,
            referee: referee
        )
    }

    // MARK: - The run

    /// Runs until everybody's visit has ended and the rooms are empty, a promise is broken, or the horizon is reached.
    public func run() -> SimulationResult {
        for index in 0..<scenario.workers { startWorker(index, joinsPool: false) }
        schedulePlan()
        for room in rooms { room.crowd.gather() }
        let horizon = World.startMilliseconds + scenario.horizonMilliseconds
        let crowds = rooms.map(\.crowd)
        let size = scenario.visitors
        while violation == nil {
            if world.isTurnOver { for worker in workers where worker.isAlive { worker.store.flush() } }
            guard world.step({ crowds[$0 / size].wake($0, $1) }) else { break }
            if isOver { break }
            if world.now > horizon {
                for room in rooms where room.crowd.unsettled > 0 {
                    let (unsettled, first) = (room.crowd.unsettled, room.crowd.firstUnsettled())
                    room.referee.report(.liveness, "\(unsettled) visits have not ended, \(first) first")
                }
            }
        }
        return result
    }

    /// The first promise that was broken in any room.
    private var violation: Violation? {
        for room in rooms where room.referee.violation != nil { return room.referee.violation }
        return nil
    }

    /// Whether the faults have passed and the rooms are empty.
    private var isOver: Bool {
        guard rooms.allSatisfy({ $0.crowd.unsettled == 0 }) else { return false }
        let quiet = World.startMilliseconds + plan.endMilliseconds
        guard world.now >= quiet else { return false }
        return rooms.allSatisfy { $0.isOver(host.server.room($0.id), nowMilliseconds: world.now, quietSince: quiet) }
    }

    private func sum(_ count: (SimulatedRoom) -> Int) -> Int { rooms.reduce(0) { $0 + count($1) } }

    private var result: SimulationResult {
        SimulationResult(
            seed: seed,
            traceHash: world.trace.hash,
            violation: violation,
            policy: rooms[0].policy,
            visitors: scenario.visitors * rooms.count,
            fates: Fate.allCases.map { fate in sum { $0.crowd.fates[Int(fate.rawValue)] } },
            virtualMilliseconds: world.now - World.startMilliseconds,
            events: world.events,
            polls: sum { $0.crowd.polls },
            entries: sum { $0.referee.entries },
            numbersIssued: sum { $0.referee.ledger.issued },
            losses: losses,
            risesByReturners: sum { $0.referee.positions.risesByReturners },
            olderLooks: sum { $0.referee.positions.olderLooks },
            lastEvents: world.trace.last(from: World.startMilliseconds)
        )
    }

    /// The limits of a worker's file, and its age: the scenario's, or older and different ones.
    private func file(of index: Int, _ policy: RoomPolicy) -> (limits: RoomPolicy, revision: Int) {
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
            files: rooms.map { room in
                let file = file(of: index, room.policy)
                return (room.id, file.limits, file.revision)
            },
            tickMilliseconds: scenario.tickMilliseconds,
            network: (scenario.network.delayMilliseconds, scenario.network.jitterMilliseconds),
            skew: (offset: 1000 + world.random.upTo(skew), perMillion: skew > 0 ? world.random.upTo(400) - 200 : 0),
            joinsPool: joinsPool,
            trustsNews: seed % 2 == 1
        )
        if index < workers.count { workers[index] = worker } else { workers.append(worker) }
        for room in rooms { room.referee.trouble(worker: index) }
        worker.onServingChange = { [unowned self] in
            let serving = self.workers.filter(\.isServing)
            for (place, room) in self.rooms.enumerated() { room.serving = serving.map { $0.rooms[place] } }
        }
        worker.link.onTrouble = { [rooms] in for room in rooms { room.referee.trouble(worker: index) } }
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
        for room in rooms { scheduleOperations(room) }
    }

    private func scheduleOperations(_ room: SimulatedRoom) {
        for operation in room.operations {
            let at = World.startMilliseconds + operation.atMilliseconds
            world.at(at) { [unowned self] in self.operate(operation, room) }
        }
        // What an operator has set within a tick before a loss may be undone by it. So the operator looks once more.
        if !plan.faults.isEmpty, let last = room.operations.last {
            var wanted = Scenario.Operation()
            for operation in room.operations { wanted.limits.merge(operation.limits) { $1 } }
            let at = max(last.atMilliseconds, plan.endMilliseconds) + 5000
            world.at(World.startMilliseconds + at) { [unowned self] in self.operate(wanted, room) }
        }
    }

    private func strike(_ fault: Fault) {
        switch fault.kind {
        case .drop(let index): workers[index].link.drop()
        case .stall(let length):
            world.note(.stall, length)
            host.stalledUntil = max(host.stalledUntil, world.now + length)
            for room in rooms { room.referee.troubleForAll(untilMilliseconds: host.stalledUntil) }
        case .outage(let length, let isEmptied): goAway(length, isEmptied)
        case .flush:
            host.server.forgetScripts()
            loseEverything()
        case .rollback: break
        case .clockStep(let length):
            world.stepClock(by: length)
            for room in rooms { room.referee.clockStepped() }
        case .eviction(let part): evict(part)
        case .death(let index, let rebirth):
            workers[index].die()
            for room in rooms { room.referee.trouble(worker: index) }
            world.after(rebirth) { [unowned self] in
                if !self.workers[index].isAlive { self.startWorker(index, joinsPool: true) }
            }
        }
    }

    /// Of one room, whichever it is.
    private func evict(_ part: MemoryPart) {
        let own = rooms.count > 1 ? rooms[world.random.upTo(rooms.count - 1)] : rooms[0]
        guard let room = host.server.room(own.id) else { return }
        world.note(.evicted, part.rawValue)
        host.server.evict(part, own.id)
        if seed % 4 == 1 { host.server.loseIndex() }
        own.referee.evicted(host.server.room(own.id) ?? room)
    }

    private func goAway(_ length: Int, _ isEmptied: Bool) {
        world.note(.away, length)
        host.awayUntil = max(host.awayUntil, world.now + length)
        for room in rooms { room.referee.troubleForAll(untilMilliseconds: host.awayUntil) }
        for worker in workers { worker.link.drop() }
        if isEmptied { loseEverything() }
        // Else a network between, or a process that comes back with everything.
        if isEmptied || world.random.upTo(1) == 0 { host.replace() }
    }

    private func loseEverything() {
        world.note(.flush, 0)
        losses += 1
        host.server.loseEverything()
        for room in rooms { room.referee.lost(nil) }
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
            for room in self.rooms { room.referee.lost(self.host.server.room(room.id)) }
            for worker in self.workers { worker.link.drop() }
        }
    }

    private func operate(_ operation: Scenario.Operation, _ room: SimulatedRoom) {
        if operation.isReset {
            world.note(.reset, 0)
            if !host.isAway, (try? host.server.reset(room.id)) != nil { return }
            return world.after(500) { [unowned self] in self.operate(operation, room) }
        }
        let limits = operation.applied(to: host.server.room(room.id)?.policy ?? room.policy)
        world.note(.configured, limits.rateMilli, limits.mode.rawValue)
        if !host.isAway, (try? host.server.configure(limits, room.id)) != nil { return }
        // As an operator would: once more.
        world.after(500) { [unowned self] in self.operate(operation, room) }
    }
}
