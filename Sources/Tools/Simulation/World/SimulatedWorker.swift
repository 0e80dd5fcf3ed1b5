// SPDX-License-Identifier: Apache-2.0
//
// A simulated worker process: the real API, room and client of the product over a simulated connection. It has a clock
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
    let room: Room
    let api: WaitingRoomAPI
    let link: SimulatedLink
    let store: RedisQueueStore
    private let world: World
    private let tickMilliseconds: Int
    private let clock: () -> Int
    /// Whether others serve already.
    /// As in Worker: when it may make a room of which it knows nothing.
    private var makingDelay: MakingDelay
    private var connections = 0
    private(set) var isAlive = true
    /// Whether nginx finds its socket.
    private(set) var isServing = false {
        didSet { onServingChange() }
    }
    var onServingChange: () -> Void = {}
    private final class TickLook {
        var milliseconds = 0
    }

    /// When the tick was made whose answer is the mirror.
    private let tickLook = TickLook()
    /// The time up to which visitors were taken out of the mirror ahead of the tick.
    private var goneMilliseconds = 0

    init(
        index: Int,
        world: World,
        host: StoreHost,
        keys: KeyRing,
        file: (limits: RoomPolicy, revision: Int),
        tickMilliseconds: Int,
        network: (delay: Int, jitter: Int),
        skew: (offset: Int, perMillion: Int),
        joinsPool: Bool,
        trustsNews: Bool
    ) {
        self.index = index
        self.world = world
        self.tickMilliseconds = tickMilliseconds
        clock = { [unowned world] in
            let elapsed = world.now - World.startMilliseconds
            return elapsed + elapsed * skew.perMillion / 1_000_000 + skew.offset
        }
        link = SimulatedLink(world: world, host: host, index: index, network: network)
        store = RedisQueueStore(link: link, scripts: ModelServer.scripts)
        room = Room(id: SimulatedWorker.roomID, defaults: file.limits, revision: file.revision)
        // As with the private Redis of a demo, nobody else remembers the room when the first workers start.
        makingDelay = joinsPool ? MakingDelay() : MakingDelay(milliseconds: 0)
        room.quietMilliseconds = { [unowned world] in
            world.runMarkMilliseconds.map { RunMark.quietMilliseconds(since: $0, nowMilliseconds: world.wall) }
        }
        var environment = APIEnvironment(
            nowMilliseconds: clock,
            wallMilliseconds: { [unowned world] in world.wall },
            random: { [unowned world] in world.random.fraction() },
            staleMilliseconds: max(1000, 5 * tickMilliseconds)
        )
        // With one room the look in turn would hide what the news lack.
        if trustsNews { environment.looksInTurn = 0 }
        environment.ticked = { [unowned world, tickLook, link] _ in
            world.markRun()
            tickLook.milliseconds = link.replyMilliseconds
        }
        api = WaitingRoomAPI(
            store: store,
            rooms: [room],
            keys: keys,
            environment: environment
        )
    }

    static let roomID = "simulated"

    func start() {
        world.note(.birth, index)
        room.mayBeMade = { [world, weak self] in self?.makingDelay.isOver(nowMilliseconds: world.now) ?? false }
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
        if room.isKnown || world.now >= deadline {
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

    // MARK: - What its answers show

    /// The time of the look at the queue from which a poll of this visitor will be answered; nil when the store
    /// will be asked (then it is the time of the store's reply).
    func look(_ claim: TicketClaim) -> Look? {
        if claim.generation == room.generation, room.mirror.place(of: claim.number) != nil { return mirrorLook }
        return room.rememberedStanding(claim.number).map {
            $0.position > 0 ? Look(milliseconds: world.time(ofWall: $0.nowMilliseconds)) : mirrorLook
        }
    }

    /// The look at the queue of this worker's mirror.
    var mirrorLook: Look { Look(milliseconds: tickLook.milliseconds, aheadMilliseconds: goneMilliseconds) }

    /// The look of an answer of the store that is being handed out.
    var storeLook: Look { Look(milliseconds: link.replyMilliseconds) }

    /// A visitor entered or left through this worker: its mirror is ahead of its last tick.
    func noteGone() { goneMilliseconds = link.replyMilliseconds }

    /// Clock of this worker, for the layer below the API.
    var nowMilliseconds: Int { clock() }
}
