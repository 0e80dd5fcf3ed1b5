// SPDX-License-Identifier: Apache-2.0
//
// Redis Cluster: a room is one slot, so each command goes to the one master that owns it. The slot map comes from
// CLUSTER SLOTS: at the start, every few seconds, and soon after anything that shows it to be old. MOVED changes it at
// once and the command is repeated; ASK repeats it once, behind ASKING. A slot that is being moved, and a cluster that
// is down, count as away.

internal import QueueClient
internal import Reactor

/// Some nodes of a Cluster; the others are found through them.
public struct ClusterSettings: Sendable {
    public var nodes: [RedisHostPort]
    /// ACL user and password, the same at every node.
    public var username: String?
    public var password: String?

    public init(nodes: [RedisHostPort], username: String? = nil, password: String? = nil) {
        self.nodes = nodes
        self.username = username
        self.password = password
    }
}

final class ClusterLink: RedisLink {
    /// Redirections that one command follows.
    static let redirectionsMax = 5
    /// The map is asked for this often when nothing is known to be wrong, and when something is.
    private static let calmMilliseconds = 5000
    private static let anxiousMilliseconds = 100

    private let loop: EventLoop
    private let settings: ClusterSettings
    private let timing: RedisTiming
    private let greeting: RedisGreeting
    private let log: (String) -> Void
    private var map = SlotMap()
    private var nodes: [RedisHostPort: ClusterNode] = [:]
    /// Slots by room; the rooms are those of the configuration.
    private var slots: [String: Int] = [:]
    private var lastAsked = 0
    private var askedMilliseconds: Int?
    /// A question for the slot map is under way.
    private var isLearning = false
    private var isMapOld = true
    private var timer: Timer?

    private(set) var lastErrorText = "no node of the cluster has answered yet"
    var onReadyChange: ((Bool) -> Void)?

    init(
        loop: EventLoop,
        settings: ClusterSettings,
        scripts: ScriptCatalog,
        timing: RedisTiming,
        log: @escaping (String) -> Void
    ) {
        self.loop = loop
        self.settings = settings
        self.timing = timing
        self.greeting = RedisGreeting(scripts: scripts)
        self.log = log
    }

    func open() {
        for address in settings.nodes { _ = node(address) }
        timer = loop.schedule(
            afterMilliseconds: ClusterLink.anxiousMilliseconds,
            repeatingMilliseconds: ClusterLink.anxiousMilliseconds
        ) { [weak self] in self?.askIfDue() }
    }

    func close() {
        timer?.cancel()
        for node in nodes.values { node.close() }
    }

    func flush() {
        for node in nodes.values { node.connection.flush() }
    }

    // MARK: - Commands

    /// Rooms are in different slots.
    let isOneServer = false

    func isReady(room: String) -> Bool { owner(of: room)?.connection.isReady ?? false }

    func send(_ arguments: [RedisArgument], room: String, _ completion: @escaping RedisConnection.Completion) {
        guard let owner = owner(of: room) else {
            isMapOld = true
            if !map.masters.isEmpty { lastErrorText = "no node of the cluster owns the slot of room \(room)" }
            return completion(.failure(.unavailable(lastErrorText)))
        }
        guard owner.connection.isReady else {
            isMapOld = true
            lastErrorText = "\(owner.address): \(owner.connection.lastErrorText)"
            return completion(.failure(.unavailable(lastErrorText)))
        }
        owner.connection.send(arguments) { [weak self] result in
            self?.received(result, from: owner.address, arguments, redirections: 0, completion)
        }
    }

    private func received(
        _ result: Result<RedisReply, RedisFailure>,
        from address: RedisHostPort,
        _ arguments: [RedisArgument],
        redirections: Int,
        _ completion: @escaping RedisConnection.Completion
    ) {
        guard case .success(.error(let text)) = result else { return completion(result) }
        if text.hasPrefix("CLUSTERDOWN") || text.hasPrefix("READONLY") { isMapOld = true }
        guard let redirection = Redirection(text, from: address) else { return completion(result) }
        guard redirections < ClusterLink.redirectionsMax else {
            return completion(.failure(.unavailable("redirected more than \(ClusterLink.redirectionsMax) times")))
        }
        let (target, isAsking) =
            switch redirection {
            case .moved(let slot, let to): (took(slot, to), false)
            case .ask(let to): (to, true)
            }
        node(target).send(arguments, isAsking: isAsking) { [weak self] result in
            self?.received(result, from: target, arguments, redirections: redirections + 1, completion)
        }
    }

    private func took(_ slot: Int, _ address: RedisHostPort) -> RedisHostPort {
        map.assign(slot...slot, to: address)
        isMapOld = true
        return address
    }

    // MARK: - Nodes

    private func owner(of room: String) -> ClusterNode? {
        let slot = slots[room] ?? SlotMap.slot(of: room)
        slots[room] = slot
        return map[slot].map { node($0) }
    }

    /// The node at an address; connects to it when it is new.
    private func node(_ address: RedisHostPort) -> ClusterNode {
        if let known = nodes[address] { return known }
        let connection = RedisConnection(
            loop: loop,
            endpoint: RedisEndpoint(address, username: settings.username, password: settings.password),
            timing: timing,
            greeting: greeting,
            name: "redis \(address)",
            log: log
        )
        let patience = timing.connectMilliseconds
        let made = ClusterNode(address, loop: loop, connection: connection, patienceMilliseconds: patience)
        nodes[address] = made
        connection.onReadyChange = { [weak self, weak made] isReady in
            guard let self else { return }
            if isReady {
                made?.becameReady()
                self.askIfDue()
            } else {
                self.isMapOld = true
            }
            self.onReadyChange?(isReady)
        }
        connection.open()
        return made
    }

    // MARK: - The map

    private func askIfDue() {
        let now = loop.nowMilliseconds
        let wait = isMapOld ? ClusterLink.anxiousMilliseconds : ClusterLink.calmMilliseconds
        guard !isLearning, now - (askedMilliseconds ?? now - wait) >= wait else { return }
        // Another node each time, because a node that was cut off keeps an old map.
        let ready = nodes.values.filter(\.connection.isReady).sorted { "\($0.address)" < "\($1.address)" }
        guard !ready.isEmpty else { return }
        lastAsked = (lastAsked + 1) % ready.count
        let asked = ready[lastAsked]
        askedMilliseconds = now
        isLearning = true
        asked.connection.send(["CLUSTER", "SLOTS"]) { [weak self] result in
            self?.isLearning = false
            self?.learn(result, from: asked.address)
        }
    }

    private func learn(_ result: Result<RedisReply, RedisFailure>, from address: RedisHostPort) {
        guard case .success(let reply) = result else { return }
        guard let found = SlotMap(reply, asked: address.host) else {
            lastErrorText = "\(address) has no slot map: \(reply)"
            return
        }
        let isFirst = map.masters.isEmpty
        map = found
        // A node of a used room that is away: its replica may take over any moment.
        let owners = slots.values.compactMap { map[$0] }
        isMapOld = owners.count < slots.count || owners.contains { !node($0).connection.isReady }
        forgetUnused(owners)
        if isFirst { onReadyChange?(true) }
    }

    /// Closes what neither owns a room nor is named in the configuration.
    private func forgetUnused(_ owners: [RedisHostPort]) {
        let kept = Set(owners).union(settings.nodes)
        for (address, node) in nodes where !kept.contains(address) && node.isIdle {
            nodes[address] = nil
            // Not inside a reply of this very connection: hiredis would still use it.
            loop.schedule(afterMilliseconds: 0) { node.close() }
        }
    }
}
