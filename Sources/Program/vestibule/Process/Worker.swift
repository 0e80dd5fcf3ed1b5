// SPDX-License-Identifier: Apache-2.0
//
// One worker: an event loop with two sockets for nginx and one connection to Redis. This file only joins the parts.

import Admission
import CLinux
import Chance
import Configuration
import Gateway
import GatewayWire
import Glibc
import Logging
import Passes
import QueueClient
import Reactor
import RedisQueue
import Telemetry
import WaitingRoomAPI

extension Configuration.RoomEntry {
    /// What a worker's room is given.
    /// - Parameter revision: of the file.
    func settings(revision: Int) -> RoomSettings {
        RoomSettings(defaults: policy, revision: revision, rules: rules, outage: outage, eta: eta, web: web)
    }
}

final class Worker {
    /// How long a new worker waits for its first look at the rooms before it takes requests without it.
    private static let silentMilliseconds = 4000
    /// How long a successor waits: the worker it follows knows the rooms, so it goes only when this one does, too.
    private static let successorMilliseconds = 60_000
    /// How often the list of rooms made at run time is asked for.
    private static let roomListMilliseconds = 1000
    /// How long the last heartbeats may take to reach Redis.
    private static let flushMilliseconds = 1000

    /// How the supervisor has started this worker.
    struct Launch {
        var index = 0
        /// Row of the scoreboard.
        var row = 0
        /// The listening sockets (FastCGI, SCGI) and the lifeline are descriptors 3, 4 and 5. Else the worker makes its
        /// sockets itself, and nobody listens to its beats.
        var isInherited = false
        /// Others of the pool take requests now, and may remember the rooms.
        var joinsOthers = false
        /// No other process can remember the rooms: the Redis was started with this pool, for it alone.
        var isAlone = false
        /// Another worker serves these very sockets until this one does.
        var isSuccessor = false
    }

    private let configurationPath: String
    private let index: Int
    private let loop: EventLoop
    private let logger: Logger
    private let link: any RedisLink
    private let store: RedisQueueStore
    /// The rooms that were made at run time.
    private let roomList: RoomListWatch
    private var listed: [ListedRoom] = []
    private let templateRooms: TemplateRooms
    private let api: WaitingRoomAPI
    private let scoreboard: Scoreboard?
    private let marks: RunMarks
    private let handler: GatewayHandler
    private let sockets: (fastCGI: String, scgi: String, group: gid_t?)
    private let peers: GatewayPeers
    private let launch: Launch
    private let lifeline: WorkerLifeline?
    /// For FastCGI and for SCGI; empty before this worker serves.
    private var servers: [GatewayServer] = []
    /// What was read last.
    private var configuration: Configuration
    /// The configuration that this process started with; a reload compares what only a restart can change.
    private let started: Configuration
    /// By room: since when Redis has been found without it, while this worker does not know it either.
    private var makingDelays: [String: MakingDelay] = [:]
    private var connections = 0
    private var tickMilliseconds: Int
    private var isDraining = false
    private var servingFailure: (any Error)?

    init(configurationPath: String, launch: Launch, logger: Logger) throws {
        let index = launch.index
        let configuration = try LoadedConfiguration.read(configurationPath)
        let keys = try LoadedConfiguration.keys(of: configuration)
        let loop = try EventLoop()
        let scripts = ScriptCatalog(keyPrefix: configuration.redisPrefix)
        let site = try LoadedConfiguration.redisSite(configuration)
        let link = site.link(loop: loop, scripts: scripts) { logger.info("\($0)") }
        let store = RedisQueueStore(link: link, scripts: scripts)
        store.complain = { logger.error("\($0)") }
        let scoreboard = Scoreboard(path: configuration.scoreboardPath, row: launch.row)
        // Jitter only: one system call a poll for better chance would be a waste.
        var jitter = SplitMix64(seed: .random(in: .min ... .max))
        var environment = APIEnvironment(
            nowMilliseconds: { loop.nowMilliseconds },
            wallMilliseconds: { loop.wallMilliseconds },
            random: { jitter.fraction() },
            scoreboard: scoreboard,
            log: { logger.warning("\($0)") }
        )
        environment.secret = { UInt64.random(in: .min ... .max) }
        let marks = RunMarks(directory: configuration.runDirectory) { logger.warning("\($0)") }
        environment.ticked = { room in
            marks.renew(room.id, overrides: room.seen.last.overrides, nowMilliseconds: loop.nowMilliseconds)
        }
        let api = WaitingRoomAPI(
            store: store,
            rooms: [],
            keys: keys,
            environment: environment
        )
        self.handler = { request, exchange in api.handle(request) { exchange.respond($0) } }
        self.sockets = (
            configuration.fastCGISocket(index), configuration.scgiSocket(index),
            try LoadedConfiguration.socketGroup(configuration)
        )
        self.peers = try LoadedConfiguration.peers(configuration)
        self.launch = launch
        self.lifeline =
            launch.isInherited ? WorkerLifeline(descriptor: ChildProcess.passedDescriptorFirst + 2) : nil
        self.configurationPath = configurationPath
        self.index = index
        self.loop = loop
        self.logger = logger
        self.link = link
        self.store = store
        self.roomList = RoomListWatch(link: link, scripts: scripts)
        templateRooms = TemplateRooms(list: roomList, link: link, scripts: scripts, loop: loop)
        self.configuration = configuration
        self.api = api
        self.scoreboard = scoreboard
        self.marks = marks
        self.started = configuration
        self.tickMilliseconds = configuration.tickMilliseconds
        api.makeRoom = { [weak self] id, template, done in
            guard let self else { return done(.unavailable) }
            self.templateRooms.make(id, template, isAlone: self.isAlone, done)
        }
        apply(configuration, keys)
    }

    /// The rooms of the file, and those that were made at run time; the file comes first.
    private var roomSettings: [String: RoomSettings] {
        var rooms: [String: RoomSettings] = [:]
        for room in listed {
            guard isRoomIdentifier(room.id), let limits = RoomPolicy(pairs: room.limits),
                limits.rateComplaint(tickMilliseconds: tickMilliseconds) == nil
            else {
                logger.error("room \(room.id.prefix(64)), made at run time, has limits that cannot be read; left out")
                continue
            }
            rooms[room.id] = RoomSettings(defaults: limits, revision: room.revision)
            guard room.template != nil else { continue }
            // As this host's file says, unless it lacks the template.
            if let template = configuration.template(of: room.id) {
                rooms[room.id] = template.entry.settings(revision: configuration.revision)
            }
            rooms[room.id]?.template = room.template
            rooms[room.id]?.isEnding = room.isEnding
        }
        for room in configuration.rooms { rooms[room.id] = room.settings(revision: configuration.revision) }
        return rooms
    }

    /// Puts a configuration in force. The start, each reload and each change of the list of rooms call this, so no
    /// setting depends on which it was.
    private func apply(_ configuration: Configuration, _ keys: KeyRing) {
        self.configuration = configuration
        tickMilliseconds = configuration.tickMilliseconds
        api.keys = keys
        api.apply(
            APISettings(
                rooms: roomSettings,
                templates: configuration.templates.map { template in
                    RoomTemplate(
                        prefix: template.prefix,
                        settings: template.entry.settings(revision: configuration.revision),
                        roomsMax: template.roomsMax
                    )
                },
                staleMilliseconds: configuration.staleMilliseconds,
                prefix: Array(configuration.apiPrefix.utf8),
                gateLimit: configuration.gateLimit
            )
        )
        for room in api.rooms {
            let id = room.id
            room.mayBeMade = { [weak self] in self?.mayMake(id) ?? false }
            room.quietMilliseconds = { [marks] in marks.quietMilliseconds(id) }
            room.markedOverrides = { [marks] in marks.overrides(id) }
        }
    }

    /// Whether no other process can remember rooms that Redis does not know.
    private var isAlone: Bool { launch.isAlone && !launch.joinsOthers && connections <= 1 }

    private func mayMake(_ room: String) -> Bool {
        if templateRooms.isFresh(room) { return true }
        let whole = isAlone ? MakingDelay(milliseconds: 0) : MakingDelay()
        return makingDelays[room, default: whole].isOver(nowMilliseconds: loop.nowMilliseconds)
    }

    /// Serves until SIGTERM or SIGINT, then finishes what is under way.
    func run() throws {
        try loop.onSignal(SIGTERM) { [weak self] in self?.drain() }
        try loop.onSignal(SIGINT) { [weak self] in self?.drain() }
        try loop.onSignal(SIGHUP) { [weak self] in self?.reload() }
        // For the supervisor alone. Sent to every process of the service, they must not end all workers at once.
        for signal in WorkerPool.signalsOfSupervisor { try loop.onSignal(signal) {} }
        loop.beforeSleep { [store] in store.flush() }
        link.onReadyChange = { [weak self] ready in
            guard let self, ready else { return }
            self.scoreboard?.count(.redisConnections)
            self.connections += 1
            // Redis may have lost the rooms meanwhile, and those that remember them are still connecting.
            if self.connections > 1 { self.makingDelays = [:] }
            self.api.tickRooms(tickMilliseconds: self.tickMilliseconds)
            self.roomList.look(nowMilliseconds: self.loop.nowMilliseconds)
        }
        roomList.onChange = { [weak self] in self?.take($0) }
        loop.schedule(
            afterMilliseconds: Worker.roomListMilliseconds,
            repeatingMilliseconds: Worker.roomListMilliseconds
        ) { [weak self] in
            guard let self else { return }
            self.roomList.look(nowMilliseconds: self.loop.nowMilliseconds)
            self.templateRooms.sweep(self.api.rooms) {
                self.configuration.template(of: $0)?.forgottenAfterMilliseconds
            }
        }
        link.open()
        scheduleTick()
        lifeline?.start(on: loop)
        let patience = launch.isSuccessor ? Worker.successorMilliseconds : Worker.silentMilliseconds
        serveWhenKnowing(deadline: loop.nowMilliseconds + patience)
        loop.run()
        if let servingFailure { throw servingFailure }
        logger.info("worker ends", metadata: ["index": "\(index)"])
    }

    /// A new worker takes requests when it has its mirrors: until then the others know more. It does not wait for ever,
    /// because without Redis an answer that says so is better than none.
    private func serveWhenKnowing(deadline: Int) {
        guard roomList.isKnown && api.rooms.allSatisfy(\.isKnown) || loop.nowMilliseconds >= deadline else {
            loop.schedule(afterMilliseconds: 5) { [weak self] in self?.serveWhenKnowing(deadline: deadline) }
            return
        }
        do {
            servers = [try serve(.fastcgi, 0, sockets.fastCGI), try serve(.scgi, 1, sockets.scgi)]
            lifeline?.sayServing()
            logger.info("worker serves", metadata: ["index": "\(index)", "pid": "\(getpid())"])
        } catch {
            servingFailure = error
            loop.stop()
        }
    }

    private func serve(_ speaking: GatewayProtocol, _ offset: Int32, _ path: String) throws -> GatewayServer {
        let listener =
            launch.isInherited
            ? try Listener(inherited: ChildProcess.passedDescriptorFirst + offset)
            : try Listener.unix(path: path, group: sockets.group)
        return try GatewayServer(
            speaking,
            loop: loop,
            listener: listener,
            peers: peers,
            log: { [logger] in logger.warning("\($0)") },
            handler: handler
        )
    }

    /// Rooms were made or taken away at run time.
    private func take(_ rooms: [ListedRoom]) {
        let names = Set(rooms.map(\.id))
        for room in listed where !names.contains(room.id) {
            makingDelays[room.id] = nil
            if room.template != nil { marks.forget(room.id) }
        }
        listed = rooms
        apply(configuration, api.keys)
        logger.info("rooms made at run time: \(rooms.count)")
    }

    private func scheduleTick() {
        loop.schedule(afterMilliseconds: tickMilliseconds) { [weak self] in
            guard let self else { return }
            self.api.tickRooms(tickMilliseconds: self.tickMilliseconds)
            let rejected = self.servers.map(\.counters.rejectedConnections).reduce(0, +)
            self.scoreboard?.set(.gatewayRejected, to: Int(rejected))
            self.scheduleTick()
        }
    }

    /// Reads the configuration and the keys again. An error is logged, and all old values stay in force.
    private func reload() {
        do {
            let configuration = try LoadedConfiguration.read(configurationPath)
            let keys = try LoadedConfiguration.keys(of: configuration)
            apply(configuration, keys)
            let waiting = configuration.restartKeys(differingFrom: started)
            if !waiting.isEmpty {
                logger.warning("these keys change only at a restart: \(waiting.joined(separator: ", "))")
            }
            logger.info("configuration read again", metadata: ["keys": "\(keys.kids.joined(separator: " "))"])
        } catch {
            logger.error("configuration not taken over: \(error)")
        }
    }

    private func drain() {
        logger.info("worker drains", metadata: ["index": "\(index)"])
        guard !servers.isEmpty, !isDraining else { return loop.stop() }
        isDraining = true
        for server in servers { server.stopAccepting() }
        servers[0].drain { [self] in
            servers[1].drain { [self] in
                endWhenFlushed(deadline: loop.nowMilliseconds + Worker.flushMilliseconds)
            }
        }
        // A request that waits for Redis has its own deadline below this; nothing is worth waiting longer for.
        loop.schedule(afterMilliseconds: 5000) { [weak self] in self?.loop.stop() }
    }

    /// Heartbeats are kept for an epoch; the last ones must not end with this worker.
    private func endWhenFlushed(deadline: Int) {
        guard api.flushHeartbeats(tickMilliseconds: tickMilliseconds) || loop.nowMilliseconds >= deadline else {
            loop.schedule(afterMilliseconds: 5) { [weak self] in self?.endWhenFlushed(deadline: deadline) }
            return
        }
        link.close()
        loop.stop()
    }
}
