// SPDX-License-Identifier: Apache-2.0
//
// `vestibule serve`: the worker pool for production. nginx and Redis are the system's own.

import Configuration
import Glibc
import Logging
import Reactor

final class Supervisor {
    /// How long workers may take to finish after SIGTERM.
    private static let stopMilliseconds = 8000
    /// systemd hears READY by then, also when a worker cannot start: what serves, serves.
    private static let readyMilliseconds = 6000

    private let loop: EventLoop
    private let pool: WorkerPool
    private let logger: Logger
    private let notifier = ServiceNotifier()
    private let configurationPath: String
    private let pidPath: String
    private let lock: Int32
    private let isTakingOver: Bool
    private var replacement: Replacement

    init(configurationPath: String, logger: Logger) throws {
        let configuration = try LoadedConfiguration.read(configurationPath)
        _ = try LoadedConfiguration.keys(of: configuration)
        _ = try LoadedConfiguration.redisSite(configuration)
        try Files.makeDirectory(configuration.runDirectory)
        lock = try Files.lock(
            "\(configuration.runDirectory)/vestibule.lock",
            whenTaken: "another vestibule serves in \(configuration.runDirectory)"
        )
        let inheritance = Inheritance.take()
        isTakingOver = inheritance != nil
        self.loop = try EventLoop()
        self.logger = logger
        self.configurationPath = configurationPath
        self.pidPath = "\(configuration.runDirectory)/vestibule.pid"
        self.replacement = Replacement(
            program: try Files.ownExecutable(),
            configurationPath: configurationPath,
            logPath: "\(configuration.runDirectory)/upgrade.log"
        )
        self.pool = try WorkerPool(
            loop: loop,
            configuration: configuration,
            configurationPath: configurationPath,
            logDirectory: WorkerLog.directory(configuration.runDirectory),
            inheritance: inheritance,
            log: { logger.warning("\($0)") }
        )
    }

    func run() throws {
        try loop.onSignal(SIGCHLD) { [weak self] in self?.reap() }
        try loop.onSignal(SIGHUP) { [weak self] in self?.reload() }
        try loop.onSignal(SIGUSR1) { [weak self] in self?.roll() }
        try loop.onSignal(SIGUSR2) { [weak self] in self?.upgrade() }
        try loop.onSignal(SIGTERM) { [weak self] in self?.stop() }
        try loop.onSignal(SIGINT) { [weak self] in self?.stop() }
        try Files.write(pidPath, "\(getpid())\n")
        pool.onRolled = { [weak self] isComplete in self?.rolled(isComplete) }
        try pool.start()
        // A child that ended between two programs has sent its signal to neither.
        reap()
        logger.info("vestibule serves", metadata: ["workers": "\(pool.count)", "takes_over": "\(isTakingOver)"])
        notifier.keepWatchdogQuiet(on: loop)
        if !isTakingOver { sayReady(deadline: loop.nowMilliseconds + Supervisor.readyMilliseconds) }
        loop.run()
        unlink(pidPath)
        close(lock)
    }

    private func sayReady(deadline: Int) {
        guard pool.isServing || loop.nowMilliseconds >= deadline else {
            loop.schedule(afterMilliseconds: 20) { [weak self] in self?.sayReady(deadline: deadline) }
            return
        }
        notifier.ready("\(pool.count) workers")
    }

    private func reap() {
        for (pid, isSuccess) in ChildProcess.reapEnded() where !pool.ended(pid) {
            guard replacement.wasChecked(by: pid) else { continue }
            if isSuccess { handOver() } else { logger.error("upgrade refused: \(replacement.refusal)") }
        }
    }

    /// A configuration with an error is refused here, so that no worker ever sees it.
    private func reload() {
        notifier.reloading()
        do {
            let configuration = try LoadedConfiguration.read(configurationPath)
            _ = try LoadedConfiguration.keys(of: configuration)
            pool.reload()
        } catch {
            logger.error("reload refused, the old configuration stays: \(error)")
        }
        notifier.ready("\(pool.count) workers")
    }

    private func roll() {
        notifier.reloading()
        pool.roll()
    }

    private func rolled(_ isComplete: Bool) {
        let status = isComplete ? "every worker was replaced" : "not every worker could be replaced, the old ones stay"
        logger.info("\(status)", metadata: ["workers": "\(pool.pids.map { "\($0)" }.joined(separator: " "))"])
        notifier.ready(status)
    }

    // MARK: - A new program

    /// Asks the program that is now at our path whether it can work with this configuration, and hands over if so.
    private func upgrade() {
        do { try replacement.check() } catch { logger.error("upgrade refused: \(error)") }
    }

    private func handOver() {
        logger.info("another program takes over", metadata: ["program": "\(replacement.program)"])
        notifier.reloading()
        // Returns only when it failed; then everything goes on as it was.
        let problem = replacement.run(leaving: pool.legacy)
        notifier.ready("\(pool.count) workers")
        logger.error("upgrade failed: \(problem)")
    }

    private func stop() {
        notifier.stopping()
        pool.stop()
        let deadline = loop.nowMilliseconds + Supervisor.stopMilliseconds
        loop.schedule(afterMilliseconds: 20, repeatingMilliseconds: 20) { [loop, pool] in
            if pool.isEmpty { return loop.stop() }
            if loop.nowMilliseconds > deadline { pool.stop(SIGKILL) }
        }
    }
}
