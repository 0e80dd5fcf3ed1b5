// SPDX-License-Identifier: Apache-2.0
//
// A worker's connection to the simulated store, below the client that ships. Like TCP it keeps the order both ways. It
// has delays, breaks that lose requests or only their replies, deadlines, and it connects again. It stands where
// RedisConnection stands in the product, and knows nothing of what the commands mean. Time and chance come from World.

internal import Chance
internal import QueueClient

/// The store's side of the network: whether it is there, and whether it answers.
final class StoreHost {
    let server: ModelServer
    private let world: World
    var awayUntil = 0
    var isAway: Bool { awayUntil > world.now }
    /// Until then requests wait in its socket.
    var stalledUntil = 0
    /// Differs for each server process: what was sent to an earlier one never arrives.
    private(set) var process = 1

    init(server: ModelServer, world: World) {
        self.server = server
        self.world = world
    }

    /// Another process is in its place; the caller decides what state it has.
    func replace() {
        process += 1
        server.restart()
    }
}

final class SimulatedLink: RedisLink {
    /// As in RedisTiming.
    private static let commandMilliseconds = 1500
    private static let backoffFirstMilliseconds = 50
    private static let backoffLastMilliseconds = 1000

    private struct Pending {
        let deadline: Int
        let completion: RedisCompletion
    }

    private let world: World
    private let host: StoreHost
    private let network: (delay: Int, jitter: Int)
    private let index: Int

    private var isUp = false
    private var isClosed = false
    /// Differs for each connection that was made: a reply to an earlier one is dropped.
    private var life = 0
    /// The life whose requests that were on their way when it ended still reach the store; -1: none.
    private var lateLife = -1
    /// When the last request arrives, and when the last reply does: none overtakes another.
    private var arrival = 0
    private var reply = 0
    private var pending: [Pending] = []
    private var pendingHead = 0
    private var backoff = SimulatedLink.backoffFirstMilliseconds
    /// The store's time at which the reply was made that is being handed out.
    private(set) var replyMilliseconds = 0
    private(set) var lastErrorText = "not connected yet"
    var onReadyChange: ((Bool) -> Void)?
    /// Runs when a connection has broken, or has been made: what was on its way is lost or late.
    var onTrouble: () -> Void = {}

    init(world: World, host: StoreHost, index: Int, network: (delay: Int, jitter: Int)) {
        self.world = world
        self.host = host
        self.index = index
        self.network = network
    }

    // MARK: - Connection

    func open() {
        if isClosed || isUp { return }
        guard !host.isAway else { return retry() }
        isUp = true
        life += 1
        arrival = world.now
        reply = world.now
        backoff = SimulatedLink.backoffFirstMilliseconds
        host.server.loadScripts()
        world.note(.connected, index, life)
        onTrouble()
        onReadyChange?(true)
    }

    private func retry() {
        let wait = backoff + world.random.upTo(backoff / 2)
        backoff = min(backoff * 2, SimulatedLink.backoffLastMilliseconds)
        world.after(wait) { [weak self] in self?.open() }
    }

    /// The connection breaks. Whether what is on its way still takes effect is a matter of chance.
    func drop(_ failure: RedisFailure = .unavailable("the connection broke")) {
        guard isUp else { return }
        isUp = false
        lastErrorText = "the connection broke"
        lateLife = world.random.upTo(1) == 0 ? life : -1
        world.note(.connectionLost, index, life)
        onTrouble()
        let failed = pending[pendingHead...]
        pending = []
        pendingHead = 0
        for request in failed { request.completion(.failure(failure)) }
        onReadyChange?(false)
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
    }

    /// A late reply breaks the connection, because replies are matched by their order.
    func checkDeadline() {
        if isUp, pendingHead < pending.count, pending[pendingHead].deadline <= world.now { drop(.timedOut) }
    }

    // MARK: - Commands

    var isOneServer: Bool { true }
    func isReady(room: String) -> Bool { isUp }

    func flush() {}

    func send(_ arguments: [RedisArgument], room: String, _ completion: @escaping RedisCompletion) {
        // A worker that died answers nobody.
        if isClosed { return }
        guard isUp else { return completion(.failure(.unavailable(lastErrorText))) }
        pending.append(Pending(deadline: world.now + SimulatedLink.commandMilliseconds, completion: completion))
        arrival = max(arrival, world.now + delay())
        let (sentLife, process) = (life, host.process)
        world.at(arrival) { [self] in arrive(arguments, room, sentLife, process) }
    }

    private func delay() -> Int { network.delay + world.random.upTo(network.jitter) }

    /// A request reaches the store, or waits there, or is lost.
    private func arrive(_ arguments: [RedisArgument], _ room: String, _ sentLife: Int, _ process: Int) {
        let isCurrent = isUp && life == sentLife
        guard isCurrent || lateLife == sentLife, !host.isAway, host.process == process else { return }
        guard host.stalledUntil <= world.now else {
            return world.at(host.stalledUntil) { [self] in arrive(arguments, room, sentLife, process) }
        }
        let made = world.now
        let answer = host.server.answer(arguments, room: room)
        reply = max(reply, made + delay())
        world.at(reply) { [self] in
            guard isUp, life == sentLife else { return }
            replyMilliseconds = made
            receive(answer)
        }
    }

    private func receive(_ answer: RedisReply) {
        let next = pending[pendingHead]
        pendingHead += 1
        if pendingHead == pending.count || pendingHead > 256 {
            pending.removeFirst(pendingHead)
            pendingHead = 0
        }
        next.completion(.success(answer))
    }
}
