// SPDX-License-Identifier: Apache-2.0
//
// One connection to the master that the sentinels name. A connection is ready only when its server says that it is a
// master (ROLE), on every connect; READONLY on a command ends it. When another master is named, the old connection is
// closed at once, so this process never speaks to two masters.

internal import QueueClient
internal import Reactor

final class SentinelLink: RedisLink {
    private let loop: EventLoop
    private let settings: SentinelSettings
    private let timing: RedisTiming
    private let greeting: RedisGreeting
    private let log: (String) -> Void
    private let watch: SentinelWatch
    private var connection: RedisConnection?

    var onReadyChange: ((Bool) -> Void)?

    init(
        loop: EventLoop,
        settings: SentinelSettings,
        scripts: ScriptCatalog,
        timing: RedisTiming,
        log: @escaping (String) -> Void
    ) {
        self.loop = loop
        self.settings = settings
        self.timing = timing
        self.greeting = RedisGreeting(scripts: scripts, mustBeMaster: true)
        self.log = log
        self.watch = SentinelWatch(loop: loop, settings: settings, timing: timing, log: log)
        watch.onMaster = { [weak self] master in self?.follow(master) }
    }

    var lastErrorText: String { connection?.lastErrorText ?? watch.lastErrorText }

    let isOneServer = true

    func isReady(room: String) -> Bool { connection?.isReady ?? false }

    func open() { watch.open() }

    func close() {
        watch.close()
        connection?.close()
    }

    func flush() {
        watch.flush()
        connection?.flush()
    }

    func send(_ arguments: [RedisArgument], room: String, _ completion: @escaping RedisConnection.Completion) {
        guard let connection else { return completion(.failure(.unavailable(watch.lastErrorText))) }
        connection.send(arguments) { [weak self, weak connection] result in
            if case .success(.error(let text)) = result, text.hasPrefix("READONLY") {
                connection?.renew("a replica: \(text)")
                self?.watch.askAll()
            }
            completion(result)
        }
    }

    /// Leaves the old master for the new one. Runs in a sentinel's reply, never in one of the old connection.
    private func follow(_ master: RedisHostPort) {
        let old = connection
        let wasReady = old?.isReady ?? false
        log("sentinel names \(master) as the master \(settings.name)")
        let made = RedisConnection(
            loop: loop,
            endpoint: RedisEndpoint(master, username: settings.username, password: settings.password),
            timing: timing,
            greeting: greeting,
            name: "redis \(master)",
            log: log
        )
        connection = made
        old?.onReadyChange = nil
        old?.close()
        if wasReady { onReadyChange?(false) }
        made.onReadyChange = { [weak self] isReady in
            if !isReady { self?.watch.askAll() }
            self?.onReadyChange?(isReady)
        }
        made.open()
    }
}
