// SPDX-License-Identifier: Apache-2.0
//
// A simulated worker process: the real API, rooms and client of the product over a simulated connection. It has a clock
// of its own, ticks, can die, and starts again without a memory. It makes no system call; time and chance come from
// World.

internal import Admission
internal import Chance
internal import Passes
internal import QueueClient
internal import WaitingRoomAPI

final class SimulatedWorker {
    /// As in Worker: how long a new worker waits for its first look.
    private static let silentMilliseconds = 4000

    let index: Int
    /// What visitors reach of it, a room each.
    let rooms: [WorkerRoom]
    let link: SimulatedLink
    let store: RedisQueueStore
    private let api: WaitingRoomAPI
    private let world: World
    private let tickMilliseconds: Int
    /// As in Worker: when it may make a room of which it knows nothing.
    private var makingDelay: MakingDelay
    private var connections = 0
    private(set) var isAlive = true
    /// Whether nginx finds its socket.
    private(set) var isServing = false {
        didSet { onServingChange() }
    }
    var onServingChange: () -> Void = {}

    init(
        index: Int,
        world: World,
        host: StoreHost,
        keys: KeyRing,
        files: [(room: String, limits: RoomPolicy, revision: Int)],
        tickMilliseconds: Int,
        network: (delay: Int, jitter: Int),
        skew: (offset: Int, perMillion: Int),
        joinsPool: Bool,
        trustsNews: Bool
    ) {
        self.index = index
        self.world = world
        self.tickMilliseconds = tickMilliseconds
        let clock = { [unowned world] in
            let elapsed = world.now - World.startMilliseconds
            return elapsed + elapsed * skew.perMillion / 1_000_000 + skew.offset
        }
        link = SimulatedLink(world: world, host: host, index: index, network: network)
        let store = RedisQueueStore(link: link, scripts: ModelServer.scripts)
        self.store = store
        // As with the private Redis of a demo, nobody else remembers the room when the first workers start.
        makingDelay = joinsPool ? MakingDelay() : MakingDelay(milliseconds: 0)
        let looks = Dictionary(uniqueKeysWithValues: files.map { ($0.room, TickLook()) })
        var environment = APIEnvironment(
            nowMilliseconds: clock,
            wallMilliseconds: { [unowned world] in world.wall },
            random: { [unowned world] in world.random.fraction() },
            staleMilliseconds: max(1000, 5 * tickMilliseconds)
        )
        // With one room the look in turn would hide what the news lack.
        if trustsNews { environment.looksInTurn = 0 }
        environment.ticked = { [unowned world, link] room in
            world.markRun(room.id)
            looks[room.id]?.milliseconds = link.replyMilliseconds
        }
        let rooms = files.map { Room(id: $0.room, defaults: $0.limits, revision: $0.revision) }
        for room in rooms {
            room.quietMilliseconds = { [unowned world, id = room.id] in
                world.runMarks[id].map { RunMark.quietMilliseconds(since: $0, nowMilliseconds: world.wall) }
            }
        }
        let api = WaitingRoomAPI(store: store, rooms: rooms, keys: keys, environment: environment)
        self.api = api
        self.rooms = rooms.map { [link] room in
            WorkerRoom(
                index: index,
                room: room,
                api: api,
                store: store,
                world: world,
                clock: clock,
                tickLook: looks[room.id] ?? TickLook(),
                replyMilliseconds: { link.replyMilliseconds }
            )
        }
    }

    func start() {
        world.note(.birth, index)
        for own in rooms {
            own.room.mayBeMade = { [world, weak self] in self?.makingDelay.isOver(nowMilliseconds: world.now) ?? false }
        }
        link.onReadyChange = { [weak self] isReady in
            guard let self, isReady else { return }
            self.connections += 1
            if self.connections > 1 { self.makingDelay = MakingDelay() }
            self.tick()
        }
        link.open()
        scheduleTick()
        let deadline = world.now + SimulatedWorker.silentMilliseconds
        serveWhenKnowing(deadline)
    }

    private func serveWhenKnowing(_ deadline: Int) {
        guard isAlive else { return }
        if rooms.allSatisfy(\.room.isKnown) || world.now >= deadline {
            isServing = true
        } else {
            world.after(5) { [weak self] in self?.serveWhenKnowing(deadline) }
        }
    }

    private func scheduleTick() {
        world.after(tickMilliseconds) { [weak self] in
            guard let self, self.isAlive else { return }
            self.tick()
            self.scheduleTick()
        }
    }

    private func tick() {
        link.checkDeadline()
        api.tickRooms(tickMilliseconds: tickMilliseconds)
    }

    /// The process is killed: mirror, heartbeats and requests under way are lost.
    func die() {
        isAlive = false
        isServing = false
        link.close()
        world.note(.death, index)
    }
}
