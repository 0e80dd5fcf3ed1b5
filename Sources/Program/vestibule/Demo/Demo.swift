// SPDX-License-Identifier: Apache-2.0
//
// Starts the parts of a demo in order, waits for each, and ends all of them again whatever happens.

import Configuration
import Glibc
import Reactor

final class Demo {
    /// The contract: ready within 10 s after the build.
    private static let startMilliseconds = 10_000
    private static let stopMilliseconds = 8000

    private enum Stage {
        case redis
        case workers
        case nginx
        case serving
        case stopping
    }

    private let plan: DemoPlan
    private let loop: EventLoop
    private let pool: WorkerPool
    private var stage = Stage.redis
    private var redis: ChildProcess?
    private var backend: ChildProcess?
    private var nginx: ChildProcess?
    private var startDeadline = 0
    private var failure: CommandFailure?
    private var hasStoppedRedis = false

    init(plan: DemoPlan) throws {
        self.plan = plan
        self.loop = try EventLoop()
        self.pool = try WorkerPool(
            loop: loop,
            configuration: plan.configuration,
            configurationPath: plan.path("vestibule.yaml"),
            logDirectory: plan.directory,
            isAlone: plan.redisSocket == nil,
            log: { Demo.say($0) }
        )
    }

    private static func say(_ text: String) { Remark.say("vestibule demo: \(text)") }

    func run() throws {
        let lock = try Files.lock(plan.path("lock"), whenTaken: "another demo runs in \(plan.directory)")
        defer { close(lock) }
        defer { removeFiles() }
        try plan.checkPorts()
        try plan.writeFiles()
        try loop.onSignal(SIGCHLD) { [weak self] in self?.reap() }
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            try loop.onSignal(signal) { [weak self] in signal == SIGHUP ? self?.reload() : self?.stop() }
        }
        try loop.onSignal(SIGUSR1) { [weak self] in self?.pool.roll() }
        startDeadline = loop.nowMilliseconds + Demo.startMilliseconds
        if plan.redisSocket == nil {
            redis = try start("redis", "redis-server", [plan.path("redis.conf")], log: "redis.log")
        }
        loop.schedule(afterMilliseconds: 0, repeatingMilliseconds: 20) { [weak self] in self?.advance() }
        loop.run()
        if let failure { throw failure }
    }

    private func start(_ name: String, _ program: String, _ arguments: [String], log: String) throws -> ChildProcess {
        try ChildProcess.spawn(name: name, try Files.executable(program), arguments, logPath: plan.path(log))
    }

    // MARK: - Starting

    /// One step when the part before it answers.
    private func advance() {
        do {
            switch stage {
            case .redis:
                guard Probe.connects(unix: plan.redisSocket ?? plan.path("redis.sock")) else { break }
                try pool.start()
                if plan.backend == nil {
                    backend = try startNginx("backend", configuration: "backend.conf")
                }
                stage = .workers
            case .workers:
                guard plan.workerSockets.allSatisfy({ Probe.connects(unix: $0) }) else { break }
                nginx = try startNginx("nginx", configuration: "nginx.conf")
                stage = .nginx
            case .nginx:
                guard Probe.isReady(port: plan.port) else { break }
                stage = .serving
                pool.onChange = { [weak self] in self?.writePids() }
                writePids()
                let line = Array("ready http://127.0.0.1:\(plan.port)/\n".utf8)
                _ = write(STDOUT_FILENO, line, line.count)
            case .serving: return
            case .stopping: return finishStopping()
            }
            if stage != .serving, loop.nowMilliseconds > startDeadline {
                throw CommandFailure(
                    "START_TIMED_OUT",
                    "\(stage) did not answer within 10 s; see the logs in \(plan.directory)"
                )
            }
        } catch {
            fail(error as? CommandFailure ?? CommandFailure("START_FAILED", "\(error)"))
        }
    }

    private func startNginx(_ name: String, configuration: String) throws -> ChildProcess {
        try start(
            name,
            "nginx",
            ["-p", plan.directory, "-e", plan.path("\(name)-error.log"), "-c", plan.path(configuration)],
            log: "\(name)-error.log"
        )
    }

    private func fail(_ reason: CommandFailure) {
        if failure == nil { failure = reason }
        stop()
    }

    private func writePids() {
        func number(_ child: ChildProcess?) -> String { child.map { "\($0.pid)" } ?? "null" }
        let sockets = (0..<plan.workerCount).map { "\"\(plan.configuration.fastCGISocket($0))\"" }
        let text = """
            {"supervisor": \(getpid()), "redis": \(number(redis)), "nginx": \(number(nginx)), \
            "backend": \(number(backend)), "workers": [\(pool.pids.map { "\($0)" }.joined(separator: ", "))], \
            "fastcgi_sockets": [\(sockets.joined(separator: ", "))]}

            """
        do { try Files.write(plan.path("pids.json"), text) } catch { Demo.say("\(error)") }
    }

    // MARK: - Running

    private func reap() {
        for (pid, _) in ChildProcess.reapEnded() where !pool.ended(pid) {
            for (child, name) in [(redis, "redis"), (nginx, "nginx"), (backend, "backend")] where child?.pid == pid {
                if stage == .stopping { continue }
                if stage == .serving {
                    Demo.say("\(name) (pid \(pid)) has ended; it is not started again")
                } else {
                    fail(CommandFailure("START_FAILED", "\(name) ended at once; see the logs in \(plan.directory)"))
                }
            }
            if redis?.pid == pid { redis = nil }
            if nginx?.pid == pid { nginx = nil }
            if backend?.pid == pid { backend = nil }
        }
    }

    /// SIGHUP: keys and configuration again, in the workers and in nginx.
    private func reload() {
        pool.reload()
        nginx?.signal(SIGHUP)
    }

    // MARK: - Stopping

    private func stop() {
        guard stage != .stopping else { return }
        stage = .stopping
        startDeadline = loop.nowMilliseconds + Demo.stopMilliseconds
        // nginx first, so that no request meets a worker that is gone.
        nginx?.signal(SIGTERM)
        backend?.signal(SIGTERM)
        pool.stop()
    }

    private func finishStopping() {
        let isLate = loop.nowMilliseconds > startDeadline
        if isLate {
            nginx?.signal(SIGKILL)
            backend?.signal(SIGKILL)
            pool.stop(SIGKILL)
        }
        guard nginx == nil, backend == nil, pool.isEmpty else { return }
        guard let redis else { return loop.stop() }
        if isLate {
            redis.signal(SIGKILL)
        } else if !hasStoppedRedis {
            redis.signal(SIGTERM)
        }
        hasStoppedRedis = true
    }

    private func removeFiles() {
        if plan.isTemporary && failure == nil {
            let problem = try? ChildProcess.run("/bin/rm", ["-rf", "--", plan.directory], logPath: "/dev/null")
            if let problem { Demo.say(problem) }
            return
        }
        var names = ["pids.json", "backend.sock", "lock"]
        if plan.redisSocket == nil { names.append("redis.sock") }
        for name in names { unlink(plan.path(name)) }
    }
}
