// SPDX-License-Identifier: Apache-2.0
//
// Keeps the workers running: one process each, started again with a growing delay when one dies.

import Configuration
import Glibc
import Processes
import Reactor

final class WorkerPool {
    private static let delayFirstMilliseconds = 100
    private static let delayLastMilliseconds = 5000
    /// A worker that ran for so long starts again at once.
    private static let stableMilliseconds = 10_000

    private struct Slot {
        var child: ChildProcess?
        var startedMilliseconds = 0
        var delayMilliseconds = WorkerPool.delayFirstMilliseconds
    }

    private let loop: EventLoop
    private let program: String
    private let configurationPath: String
    private let logDirectory: String
    private let log: (String) -> Void
    private var slots: [Slot]
    private var isStopping = false

    /// Called when the set of process ids has changed.
    var onChange: (() -> Void)?

    /// - Parameter logDirectory: worker-N.log files go here.
    init(
        loop: EventLoop,
        program: String,
        configurationPath: String,
        count: Int,
        logDirectory: String,
        log: @escaping (String) -> Void
    ) {
        self.loop = loop
        self.program = program
        self.configurationPath = configurationPath
        self.logDirectory = logDirectory
        self.log = log
        self.slots = Array(repeating: Slot(), count: count)
    }

    var pids: [pid_t] { slots.compactMap { $0.child?.pid } }

    func start() throws {
        for index in slots.indices { try start(index) }
        onChange?()
    }

    /// libfcgi allocates two blocks of 8 KiB for each request; glibc keeps no freed blocks of that size at hand unless
    /// told to (malloc(3), glibc.malloc.tcache_max), and splitting and joining them was a twentieth of a poll.
    private static let allocator = "GLIBC_TUNABLES=glibc.malloc.tcache_max=16384"

    private func start(_ index: Int) throws {
        slots[index].child = try ChildProcess.spawn(
            name: "worker \(index)",
            program,
            ["worker", "--config", configurationPath, "--index", "\(index)"],
            logPath: "\(logDirectory)/worker-\(index).log",
            environment: [WorkerPool.allocator]
        )
        slots[index].startedMilliseconds = loop.nowMilliseconds
    }

    /// Takes note of an ended process; returns whether it was a worker.
    func ended(_ pid: pid_t) -> Bool {
        guard let index = slots.firstIndex(where: { $0.child?.pid == pid }) else { return false }
        slots[index].child = nil
        if isStopping { return true }
        if loop.nowMilliseconds - slots[index].startedMilliseconds >= WorkerPool.stableMilliseconds {
            slots[index].delayMilliseconds = WorkerPool.delayFirstMilliseconds
        }
        let delay = slots[index].delayMilliseconds
        slots[index].delayMilliseconds = min(delay * 2, WorkerPool.delayLastMilliseconds)
        log("worker \(index) (pid \(pid)) ended; starting it again in \(delay) ms")
        loop.schedule(afterMilliseconds: delay) { [weak self] in self?.restart(index) }
        onChange?()
        return true
    }

    private func restart(_ index: Int) {
        guard !isStopping else { return }
        do {
            try start(index)
            onChange?()
        } catch {
            log("worker \(index) cannot be started: \(error)")
            loop.schedule(afterMilliseconds: WorkerPool.delayLastMilliseconds) { [weak self] in self?.restart(index) }
        }
    }

    /// Tells every worker to read its configuration and keys again.
    func reload() {
        for slot in slots { slot.child?.signal(SIGHUP) }
    }

    /// Ends the workers; they finish what they have. `isEmpty` is true when all are gone.
    func stop(_ signal: Int32 = SIGTERM) {
        isStopping = true
        for slot in slots { slot.child?.signal(signal) }
    }

    var isEmpty: Bool { slots.allSatisfy { $0.child == nil } }
}
