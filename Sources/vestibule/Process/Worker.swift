// SPDX-License-Identifier: Apache-2.0
//
// One worker: an event loop with two sockets for nginx and one connection to Redis. This file only joins the parts.

import Admission
import CLinux
import Configuration
import Gateway
import GatewayWire
import Glibc
import Logging
import Passes
import Processes
import Reactor
import RedisQueue
import Telemetry
import WaitingRoomAPI

final class Worker {
    /// How long a new worker waits for its first look at the rooms before it takes requests without it.
    private static let silentMilliseconds = 4000
    /// How long a worker that joins a running pool leaves it to the others to restore a room that Redis has lost:
    /// longer than their slowest reconnection (a backoff of 1.5 s) and a tick.
    private static let deferMilliseconds = 2500

    private let configurationPath: String
    private let index: Int
    private let loop: EventLoop
    private let logger: Logger
    private let connection: RedisConnection
    private let store: RedisQueueStore
    private let api: WaitingRoomAPI
    private let scoreboard: Scoreboard?
    private let handler: GatewayHandler
    private let sockets: (fastCGI: String, scgi: String, group: gid_t?)
    private var servers: (fastCGI: FastCGIServer, scgi: SCGIServer)?
    private var tickMilliseconds: Int
    private var servingFailure: (any Error)?

    init(configurationPath: String, index: Int, logger: Logger) throws {
        let configuration = try LoadedConfiguration.read(configurationPath)
        let keys = try LoadedConfiguration.keys(configuration.keysPath)
        let loop = try EventLoop()
        let scripts = ScriptCatalog()
        let connection = RedisConnection(
            loop: loop,
            endpoint: try LoadedConfiguration.endpoint(configuration),
            greeting: QueueScript.allCases.map { ["SCRIPT", "LOAD", RedisArgument(scripts.source(of: $0))] }
        ) { logger.info("\($0)") }
        let store = RedisQueueStore(connection: connection, scripts: scripts)
        let scoreboard = Scoreboard(path: configuration.scoreboardPath, row: index)
        // Counters of earlier ticks mean that the pool has been running: others may remember the rooms.
        let others = (scoreboard?.total(.ticks) ?? 0) > 0
        let mayMakeAt = loop.nowMilliseconds + (others ? Worker.deferMilliseconds : 0)
        // Jitter only: one system call a poll for better chance would be a waste.
        var jitter = Jitter(seed: .random(in: .min ... .max))
        var environment = APIEnvironment(
            nowMilliseconds: { loop.nowMilliseconds },
            wallSeconds: { loop.wallMilliseconds / 1000 },
            random: { jitter.next() },
            scoreboard: scoreboard,
            staleMilliseconds: max(1000, 5 * configuration.tickMilliseconds),
            log: { logger.warning("\($0)") }
        )
        environment.pollBudgetPerSecond = configuration.pollBudgetPerSecond
        let api = WaitingRoomAPI(
            store: store,
            rooms: configuration.rooms.map { entry in
                let room = Room(id: entry.id, defaults: entry.policy)
                room.eta = entry.eta
                room.mayBeMade = { loop.nowMilliseconds >= mayMakeAt }
                return room
            },
            keys: keys,
            environment: environment
        )
        self.handler = { request, exchange in api.handle(request) { exchange.respond($0) } }
        self.sockets = (
            configuration.fastCGISocket(index), configuration.scgiSocket(index),
            try configuration.socketGroup.map { try Worker.groupID($0) }
        )
        self.configurationPath = configurationPath
        self.index = index
        self.loop = loop
        self.logger = logger
        self.connection = connection
        self.store = store
        self.api = api
        self.scoreboard = scoreboard
        self.tickMilliseconds = configuration.tickMilliseconds
    }

    private static func groupID(_ name: String) throws -> gid_t {
        guard let entry = getgrnam(name) else {
            throw CommandFailure("GROUP_UNKNOWN", "socket_group \(name) is not a group of this system")
        }
        return entry.pointee.gr_gid
    }

    /// Serves until SIGTERM or SIGINT, then finishes what is under way.
    func run() throws {
        // A worker without its supervisor would be a process that nobody ends.
        linux_die_with_parent(SIGTERM)
        try loop.onSignal(SIGTERM) { [weak self] in self?.drain() }
        try loop.onSignal(SIGINT) { [weak self] in self?.drain() }
        try loop.onSignal(SIGHUP) { [weak self] in self?.reload() }
        loop.beforeSleep { [store] in store.flush() }
        connection.onReadyChange = { [weak self] ready in
            guard let self, ready else { return }
            self.scoreboard?.count(.redisConnections)
            self.api.tickRooms(tickMilliseconds: self.tickMilliseconds)
        }
        connection.open()
        scheduleTick()
        serveWhenKnowing(deadline: loop.nowMilliseconds + Worker.silentMilliseconds)
        loop.run()
        if let servingFailure { throw servingFailure }
        logger.info("worker ends", metadata: ["index": "\(index)"])
    }

    /// A new worker takes requests when it has its mirrors: until then the others know more. It does not wait for ever,
    /// because without Redis an answer that says so is better than none.
    private func serveWhenKnowing(deadline: Int) {
        guard api.rooms.allSatisfy(\.isKnown) || loop.nowMilliseconds >= deadline else {
            loop.schedule(afterMilliseconds: 5) { [weak self] in self?.serveWhenKnowing(deadline: deadline) }
            return
        }
        do {
            servers = (
                try FastCGIServer(
                    loop: loop,
                    listener: try Listener.unix(path: sockets.fastCGI, group: sockets.group),
                    log: { [logger] in logger.warning("\($0)") },
                    handler: handler
                ),
                try SCGIServer(
                    loop: loop,
                    listener: try Listener.unix(path: sockets.scgi, group: sockets.group),
                    log: { [logger] in logger.warning("\($0)") },
                    handler: handler
                )
            )
            logger.info("worker serves", metadata: ["index": "\(index)", "pid": "\(getpid())"])
        } catch {
            servingFailure = error
            loop.stop()
        }
    }

    private func scheduleTick() {
        loop.schedule(afterMilliseconds: tickMilliseconds) { [weak self] in
            guard let self else { return }
            self.api.tickRooms(tickMilliseconds: self.tickMilliseconds)
            if let servers = self.servers {
                let counts = [servers.fastCGI.counters, servers.scgi.counters].map(\.rejectedConnections)
                self.scoreboard?.set(.gatewayRejected, to: Int(counts[0] + counts[1]))
            }
            self.scheduleTick()
        }
    }

    /// Reads rooms, tick and keys again. What is wrong is logged, and the old values stay in force.
    private func reload() {
        do {
            let configuration = try LoadedConfiguration.read(configurationPath)
            let keys = try LoadedConfiguration.keys(configuration.keysPath)
            api.keys = keys
            api.replaceRooms(configuration.rooms.map { ($0.id, $0.policy) })
            for entry in configuration.rooms { api.room(entry.id)?.eta = entry.eta }
            tickMilliseconds = configuration.tickMilliseconds
            logger.info("configuration read again", metadata: ["keys": "\(keys.kids.joined(separator: " "))"])
        } catch {
            logger.error("configuration not taken over: \(error)")
        }
    }

    private func drain() {
        logger.info("worker drains", metadata: ["index": "\(index)"])
        guard let servers else { return loop.stop() }
        servers.fastCGI.stopAccepting()
        servers.scgi.stopAccepting()
        servers.fastCGI.drain { [connection, loop] in
            servers.scgi.drain {
                connection.close()
                loop.stop()
            }
        }
        // A request that waits for Redis has its own deadline below this; nothing is worth waiting longer for.
        loop.schedule(afterMilliseconds: 5000) { [weak self] in self?.loop.stop() }
    }
}
