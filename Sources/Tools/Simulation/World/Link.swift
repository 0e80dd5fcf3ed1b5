// SPDX-License-Identifier: Apache-2.0
//
// A worker's connection to the simulated store: in order both ways like TCP, with delays, breaks that lose requests or
// only their replies, deadlines, and the remedies of ScriptCaller when the store has lost the room.

internal import Admission
internal import WaitingRoomAPI

/// The store's side of the network: whether it is there, and whether it answers.
final class StoreHost {
    let server: ModelServer
    private let world: World
    var awayUntil = 0
    var isAway: Bool { awayUntil > world.now }
    /// Until then requests wait in its socket.
    var stalledUntil = 0
    /// Another one for each process: what was sent to an earlier one never arrives.
    private(set) var process = 1

    /// Another process is in its place, with what state the caller says.
    func replace() {
        process += 1
        server.restart()
    }

    init(server: ModelServer, world: World) {
        self.server = server
        self.world = world
    }
}

final class Link: QueueStore {
    /// As in RedisConnection.Timing.
    private static let commandMilliseconds = 1500
    private static let backoffFirstMilliseconds = 50
    private static let backoffLastMilliseconds = 1000
    private static let joinsPerCallMax = 512

    private let world: World
    private let host: StoreHost
    private let network: (delay: Int, jitter: Int)
    private let index: Int

    private(set) var isUp = false
    private var isClosed = false
    /// Another one for each connection that was made; replies to an earlier one find nobody.
    private(set) var life = 0
    /// Whether requests of the last life that were on their way when it ended still reach the store.
    private var lateLife = -1
    private var arrival = 0
    private var reply = 0
    private var nextID = 0
    private var pending: [(id: Int, deadline: Int, fail: (StoreFailure) -> Void)] = []
    private var pendingHead = 0
    private var backoff = Link.backoffFirstMilliseconds
    private var joins: [(request: JoinRequest, completion: (Result<JoinAnswer, StoreFailure>) -> Void)] = []
    private var joinRoom: Room?
    /// The store's time of the reply that is being handed out.
    private(set) var replyMilliseconds = 0
    /// Runs when a connection has been made.
    var onUp: () -> Void = {}
    /// Runs when a connection has broken, or has been made: what was on its way is lost or late.
    var onTrouble: () -> Void = {}

    init(world: World, host: StoreHost, index: Int, network: (delay: Int, jitter: Int)) {
        self.world = world
        self.host = host
        self.index = index
        self.network = network
    }

    // MARK: - Connection

    func open() { connect() }

    private func connect() {
        if isClosed || isUp { return }
        guard !host.isAway else { return retry() }
        isUp = true
        life += 1
        arrival = world.now
        reply = world.now
        backoff = Link.backoffFirstMilliseconds
        world.note(.connected, index, life)
        onTrouble()
        onUp()
    }

    private func retry() {
        let wait = backoff + world.random.upTo(backoff / 2)
        backoff = min(backoff * 2, Link.backoffLastMilliseconds)
        world.after(wait) { [weak self] in self?.connect() }
    }

    /// The connection breaks. Whether what is on its way still takes effect is a matter of chance.
    func drop() {
        guard isUp else { return }
        isUp = false
        lateLife = world.random.upTo(1) == 0 ? life : -1
        world.note(.connectionLost, index, life)
        onTrouble()
        let failed = pending[pendingHead...]
        pending = []
        pendingHead = 0
        let queued = joins
        joins = []
        for request in failed { request.fail(.unavailable("the connection broke")) }
        for join in queued { join.completion(.failure(.unavailable("the connection broke"))) }
        retry()
    }

    /// The worker dies: nobody waits for an answer any more.
    func close() {
        isClosed = true
        isUp = false
        lateLife = world.random.upTo(1) == 0 ? life : -1
        life += 1
        pending = []
        pendingHead = 0
        joins = []
    }

    private func delay() -> Int { network.delay + world.random.upTo(network.jitter) }

    /// Sends a call; `completion` runs once, unless this worker dies first.
    private func send<Value>(
        _ execute: @escaping (ModelServer) -> Served<Value>,
        _ completion: @escaping (Result<Served<Value>, StoreFailure>) -> Void
    ) {
        guard isUp else { return completion(.failure(.unavailable("no connection"))) }
        nextID += 1
        let id = nextID
        let (sentLife, process) = (life, host.process)
        pending.append((id, world.now + Link.commandMilliseconds, { completion(.failure($0)) }))
        arrival = max(arrival, world.now + delay())
        world.at(arrival) { [self] in
            self.arrive(sentLife, process) {
                let served = execute(self.host.server)
                self.reply = max(self.reply, self.world.now + self.delay())
                self.world.at(self.reply) {
                    guard self.isUp, self.life == sentLife else { return }
                    self.settle(id)
                    completion(.success(served))
                }
            }
        }
    }

    /// A request reaches the store, or waits there, or is lost.
    private func arrive(_ sentLife: Int, _ process: Int, _ execute: @escaping () -> Void) {
        let isCurrent = isUp && life == sentLife
        guard isCurrent || lateLife == sentLife, !host.isAway, host.process == process else { return }
        guard host.stalledUntil <= world.now else {
            world.at(host.stalledUntil) { [self] in self.arrive(sentLife, process, execute) }
            return
        }
        execute()
    }

    private func settle(_ id: Int) {
        while pendingHead < pending.count, pending[pendingHead].id <= id { pendingHead += 1 }
        if pendingHead > 256, pendingHead * 2 > pending.count {
            pending.removeFirst(pendingHead)
            pendingHead = 0
        }
    }

    /// A reply that is late breaks the connection, because replies are matched by their order.
    func checkDeadline() {
        if isUp, pendingHead < pending.count, pending[pendingHead].deadline <= world.now { drop() }
    }

    // MARK: - Calls

    /// The call, and after a restore once more (ScriptCaller). `prepare` takes what the worker knows when it is sent.
    private func call<Value>(
        _ room: Room,
        mayRestore: Bool = true,
        _ prepare: @escaping () -> (ModelServer) -> Served<Value>,
        _ completion: @escaping (Result<Value, StoreFailure>) -> Void
    ) {
        send(prepare()) { [weak self] result in
            guard let self else { return }
            switch result {
            case .failure(let failure): completion(.failure(failure))
            case .success(.reply(let value)): completion(.success(value))
            case .success(.noState), .success(.rollback):
                guard mayRestore else { return completion(.failure(.unavailable("NOSTATE"))) }
                self.restore(room) { failure in
                    if let failure { return completion(.failure(failure)) }
                    self.call(room, mayRestore: false, prepare, completion)
                }
            }
        }
    }

    private func restore(_ room: Room, _ completion: @escaping (StoreFailure?) -> Void) {
        guard room.next > 0 || room.mayBeMade() else {
            return completion(.unavailable("a worker that remembers the room comes first"))
        }
        let (memory, id, defaults) = (room.memory, room.id, room.defaults)
        send({ .reply($0.restore(memory, id, defaults: defaults)) }) { result in
            switch result {
            case .failure(let failure): completion(failure)
            case .success(.reply(let incarnation)):
                room.noteRestored(incarnation)
                completion(nil)
            case .success: completion(.unavailable("no reply"))
            }
        }
    }

    /// Sends the joins of this turn, as RedisQueueStore.flush does.
    func flush() {
        guard !joins.isEmpty, let room = joinRoom else { return }
        let queued = joins
        joins = []
        var start = 0
        while start < queued.count {
            let batch = queued[start..<min(start + Link.joinsPerCallMax, queued.count)]
            start += Link.joinsPerCallMax
            let requests = batch.map(\.request)
            let prepare = {
                let known = KnownRoom(room)
                return { (server: ModelServer) in server.join(requests, room.id, known) }
            }
            call(room, prepare) { [weak self] result in
                switch result {
                case .failure(let failure): for join in batch { join.completion(.failure(failure)) }
                case .success(let reply):
                    self?.replyMilliseconds = reply.nowMilliseconds
                    for (join, answer) in zip(batch, reply.answers) {
                        room.noteEntry(answer.outcome)
                        join.completion(.success(answer))
                    }
                }
            }
        }
    }

    // MARK: - QueueStore

    func join(_ request: JoinRequest, room: Room, _ completion: @escaping (Result<JoinAnswer, StoreFailure>) -> Void) {
        guard isUp else { return completion(.failure(.unavailable("no connection"))) }
        joinRoom = room
        joins.append((request, completion))
    }

    private func visit(
        _ room: Room,
        _ execute: @escaping (ModelServer) -> Served<StandingReply>,
        _ completion: @escaping (Result<StandingReply, StoreFailure>) -> Void
    ) {
        call(room, { execute }) { [weak self] result in
            if case .success(let reply) = result { self?.replyMilliseconds = reply.nowMilliseconds }
            completion(result)
        }
    }

    func stand(_ claim: TicketClaim, room: Room, _ done: @escaping (Result<StandingReply, StoreFailure>) -> Void) {
        visit(room, { $0.stand(claim, room.id) }, done)
    }

    func enter(_ claim: TicketClaim, room: Room, _ done: @escaping (Result<StandingReply, StoreFailure>) -> Void) {
        visit(room, { $0.enter(claim, room.id) }) { result in
            if case .success(let reply) = result { room.noteEntry(reply, of: claim.number) }
            done(result)
        }
    }

    func leave(_ claim: TicketClaim, room: Room, _ done: @escaping (Result<StandingReply, StoreFailure>) -> Void) {
        visit(room, { $0.leave(claim, room.id) }, done)
    }

    func tick(_ request: TickRequest, room: Room, _ done: @escaping (Result<TickReply, StoreFailure>) -> Void) {
        let prepare = {
            let known = KnownRoom(room)
            return { (server: ModelServer) in server.tick(request, room.id, known) }
        }
        call(room, prepare, done)
    }
}
