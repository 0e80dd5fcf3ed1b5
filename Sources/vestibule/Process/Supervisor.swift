// SPDX-License-Identifier: Apache-2.0
//
// `vestibule serve`: the worker pool for production. nginx and Redis are the system's own.

import Configuration
import Glibc
import Logging
import Processes
import Reactor

final class Supervisor {
    /// How long workers may take to finish after SIGTERM.
    private static let stopMilliseconds = 8000

    private let loop: EventLoop
    private let pool: WorkerPool
    private let logger: Logger
    private let configurationPath: String
    private let pidPath: String

    init(configurationPath: String, logger: Logger) throws {
        let configuration = try LoadedConfiguration.read(configurationPath)
        _ = try LoadedConfiguration.keys(configuration.keysPath)
        _ = try LoadedConfiguration.endpoint(configuration)
        try Files.makeDirectory(configuration.runDirectory)
        self.loop = try EventLoop()
        self.logger = logger
        self.configurationPath = configurationPath
        self.pidPath = "\(configuration.runDirectory)/vestibule.pid"
        self.pool = WorkerPool(
            loop: loop,
            program: try Files.ownExecutable(),
            configurationPath: configurationPath,
            count: LoadedConfiguration.workerCount(configuration),
            logDirectory: configuration.runDirectory,
            log: { logger.warning("\($0)") }
        )
    }

    func run() throws {
        try loop.onSignal(SIGCHLD) { [pool] in
            for pid in ChildProcess.reapEnded() { _ = pool.ended(pid) }
        }
        try loop.onSignal(SIGHUP) { [weak self] in self?.reload() }
        try loop.onSignal(SIGTERM) { [weak self] in self?.stop() }
        try loop.onSignal(SIGINT) { [weak self] in self?.stop() }
        try Files.write(pidPath, "\(getpid())\n")
        try pool.start()
        logger.info("vestibule serves", metadata: ["workers": "\(pool.pids.count)"])
        loop.run()
        unlink(pidPath)
    }

    /// A configuration with an error is refused here, so that no worker ever sees it.
    private func reload() {
        do {
            let configuration = try LoadedConfiguration.read(configurationPath)
            _ = try LoadedConfiguration.keys(configuration.keysPath)
            pool.reload()
        } catch {
            logger.error("reload refused, the old configuration stays: \(error)")
        }
    }

    private func stop() {
        pool.stop()
        let deadline = loop.nowMilliseconds + Supervisor.stopMilliseconds
        loop.schedule(afterMilliseconds: 20, repeatingMilliseconds: 20) { [loop, pool] in
            if pool.isEmpty { return loop.stop() }
            if loop.nowMilliseconds > deadline { pool.stop(SIGKILL) }
        }
    }
}
