// SPDX-License-Identifier: Apache-2.0
//
// Asks every sentinel who the master is, over and over: twice a second, at once on a new connection, and whenever
// somebody has reason to doubt. Of the answers the one with the highest configuration epoch counts, so a sentinel that
// was cut off and still names the old master is outvoted by any that knows better, now or before.
//
// Why no subscription to +switch-master: a message can be missed, an answer cannot, and a sentinel learns of a failover
// that another one has led only from that one's hello, up to two seconds later. Asking all of them takes half a second.

internal import QueueClient
internal import Reactor

/// A master under the name that the sentinels know, and where the sentinels are.
public struct SentinelSettings: Sendable {
    public var name: String
    public var sentinels: [RedisHostPort]
    /// What the sentinels themselves ask for (`requirepass` in sentinel.conf); nil for nothing.
    public var sentinelPassword: String?
    /// ACL user and password at the master.
    public var username: String?
    public var password: String?
    /// How often the sentinels are asked.
    public var askMilliseconds = 500

    public init(
        name: String,
        sentinels: [RedisHostPort],
        sentinelPassword: String? = nil,
        username: String? = nil,
        password: String? = nil
    ) {
        self.name = name
        self.sentinels = sentinels
        self.sentinelPassword = sentinelPassword
        self.username = username
        self.password = password
    }
}

final class SentinelWatch {
    /// What a sentinel has said.
    private struct View {
        let epoch: Int
        let master: RedisHostPort
    }

    private let loop: EventLoop
    private let settings: SentinelSettings
    private var connections: [RedisConnection] = []
    private var views: [View?]
    private var timer: Timer?
    private(set) var lastErrorText = "no sentinel has answered yet"

    /// The highest configuration epoch that was followed.
    private var followedEpoch = 0

    /// The master, when one is known.
    private(set) var master: RedisHostPort?
    /// Called when another master is named.
    var onMaster: ((RedisHostPort) -> Void)?

    init(loop: EventLoop, settings: SentinelSettings, timing: RedisTiming, log: @escaping (String) -> Void) {
        self.loop = loop
        self.settings = settings
        self.views = Array(repeating: nil, count: settings.sentinels.count)
        var timing = timing
        timing.connectMilliseconds = min(timing.connectMilliseconds, 500)
        timing.commandMilliseconds = min(timing.commandMilliseconds, 500)
        timing.backoffLastMilliseconds = min(timing.backoffLastMilliseconds, 1000)
        connections = settings.sentinels.map { address in
            RedisConnection(
                loop: loop,
                endpoint: RedisEndpoint(address, password: settings.sentinelPassword),
                timing: timing,
                name: "sentinel \(address)",
                log: log
            )
        }
    }

    func open() {
        for index in connections.indices {
            connections[index].onReadyChange = { [weak self] isReady in
                if isReady { self?.ask(index) }
            }
            connections[index].open()
        }
        timer = loop.schedule(
            afterMilliseconds: settings.askMilliseconds,
            repeatingMilliseconds: settings.askMilliseconds
        ) { [weak self] in self?.askAll() }
    }

    func close() {
        timer?.cancel()
        for connection in connections { connection.close() }
    }

    func flush() {
        for connection in connections { connection.flush() }
    }

    func askAll() {
        for index in connections.indices { ask(index) }
    }

    private func ask(_ index: Int) {
        // One question at a time: a sentinel that hangs is not asked again before its deadline.
        guard connections[index].isReady, connections[index].inFlight == 0 else { return }
        let name = RedisArgument(settings.name)
        var epoch: Int?
        // Both, because the sentinel that leads a failover gives the new address only by the second command until every
        // replica has it, and the epoch only by the first.
        connections[index].send(["SENTINEL", "MASTER", name]) { result in
            epoch = (try? result.get()).flatMap { SentinelWatch.epoch($0) }
        }
        connections[index].send(["SENTINEL", "GET-MASTER-ADDR-BY-NAME", name]) { [weak self] result in
            self?.answered(index, epoch: epoch, result)
        }
    }

    private func answered(_ index: Int, epoch: Int?, _ result: Result<RedisReply, RedisFailure>) {
        // What it said last may be old by the time it answers again.
        views[index] = nil
        switch result {
        case .success(.error(let text)): lastErrorText = "sentinel \(settings.sentinels[index]): \(text)"
        case .success(.null): lastErrorText = "sentinel \(settings.sentinels[index]) knows no master \(settings.name)"
        case .failure(let failure): lastErrorText = "sentinel \(settings.sentinels[index]): \(failure)"
        case .success(let reply):
            if let epoch, let address = SentinelWatch.address(reply) {
                views[index] = View(epoch: epoch, master: address)
            } else {
                lastErrorText = "sentinel \(settings.sentinels[index]) names no numeric address: \(reply)"
            }
        }
        decide()
    }

    /// Nobody goes back to an older epoch because those who know the newer one are silent for a moment. Where all of
    /// them have been set up anew, their epochs begin again.
    private func decide() {
        let known = views.compactMap(\.self)
        guard let best = known.max(by: { $0.epoch < $1.epoch }) else { return }
        guard best.epoch >= followedEpoch || known.count == views.count else { return }
        followedEpoch = best.epoch
        guard best.master != master else { return }
        master = best.master
        onMaster?(best.master)
    }

    /// `config-epoch` in a flat list of names and values.
    private static func epoch(_ reply: RedisReply) -> Int? {
        guard let list = reply.arrayValue,
            let at = list.firstIndex(of: .bytes(Array("config-epoch".utf8))), at + 1 < list.count
        else { return nil }
        return list[at + 1].integerValue
    }

    private static func address(_ reply: RedisReply) -> RedisHostPort? {
        guard let parts = reply.arrayValue, parts.count == 2, let host = parts[0].bytesValue,
            let port = parts[1].integerValue
        else { return nil }
        return RedisHostPort(numeric: String(decoding: host, as: UTF8.self), port: port)
    }
}
