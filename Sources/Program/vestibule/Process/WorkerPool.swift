// SPDX-License-Identifier: Apache-2.0
//
// Keeps the workers running: one process a slot, started again with a growing delay when one dies, killed when its loop
// stands still, replaced one after the other without a refused connection. WorkerPool+Processes.swift has the steps.

import Configuration
import Glibc
import Reactor

final class WorkerPool {
    static let delayFirstMilliseconds = 100
    static let delayLastMilliseconds = 5000
    /// A worker that ran for this time starts again at once: what waits in its backlog should not wait for long, and a
    /// start every two seconds is nothing for a machine.
    static let stableMilliseconds = 2000
    /// A successor that does not serve by then is given up, and its predecessor stays.
    static let successorMilliseconds = 20_000
    private static let checkMilliseconds = 1000
    /// What only the supervisor acts on: a roll, a replacement, the end of a child.
    static let signalsOfSupervisor = [SIGUSR1, SIGUSR2]

    let loop: EventLoop
    let configurationPath: String
    let logDirectory: String?
    let log: (String) -> Void
    /// How many workers there should be; slots beyond it, from a predecessor's configuration, end with a roll.
    let count: Int
    var slots: [WorkerSlot]
    /// The Redis was started with this pool, for it alone.
    let isAlone: Bool
    private let inheritance: Inheritance?
    private(set) var isStopping = false
    /// Slots whose workers are still to be replaced; the first is being replaced.
    var rolling: [Int] = []

    /// Called when the set of process ids has changed.
    var onChange: (() -> Void)?
    /// Called at the end of a roll; false when a successor did not come to serve, and the old workers stay.
    var onRolled: ((Bool) -> Void)?

    /// - Parameters:
    ///   - logDirectory: worker-N.log files go here; nil: what the workers say goes where this process's words go.
    ///   - isAlone: the Redis was started with this pool, for it alone: no other process can remember a room.
    ///   - inheritance: sockets and workers of the program that this one replaces.
    init(
        loop: EventLoop,
        configuration: Configuration,
        configurationPath: String,
        logDirectory: String?,
        isAlone: Bool = false,
        inheritance: Inheritance? = nil,
        log: @escaping (String) -> Void
    ) throws {
        self.loop = loop
        self.configurationPath = configurationPath
        self.logDirectory = logDirectory
        self.isAlone = isAlone
        self.inheritance = inheritance
        self.log = log
        count = LoadedConfiguration.workerCount(configuration)
        let group = try LoadedConfiguration.socketGroup(configuration)
        let inherited = (inheritance?.sockets.map(\.index) ?? []) + (inheritance?.workers.map(\.index) ?? [])
        slots = (0..<max(count, 1 + (inherited.max() ?? -1))).map { index in
            WorkerSlot(
                index: index,
                paths: [configuration.fastCGISocket(index), configuration.scgiSocket(index)],
                group: group
            )
        }
    }

    /// The workers that take requests, or will first.
    var pids: [pid_t] { slots.compactMap { $0.server?.child.pid } }
    /// Whether every slot has a worker that takes requests.
    var isServing: Bool { slots.prefix(count).allSatisfy(\.isServing) }
    var isEmpty: Bool { slots.allSatisfy(\.workers.isEmpty) }

    func start() throws {
        if let inheritance { try adopt(inheritance) }
        for slot in slots.prefix(count) where slot.current == nil { try start(slot) }
        loop.schedule(
            afterMilliseconds: WorkerPool.checkMilliseconds,
            repeatingMilliseconds: WorkerPool.checkMilliseconds
        ) { [weak self] in
            self?.endStuckWorkers()
            self?.boundLogs()
        }
        onChange?()
        if inheritance != nil { roll() }
    }

    /// Tells every worker to read its configuration and keys again.
    func reload() {
        for worker in slots.flatMap(\.workers) { worker.child.signal(SIGHUP) }
    }

    /// Ends the workers; they finish what they have. `isEmpty` is true when all are gone.
    func stop(_ signal: Int32 = SIGTERM) {
        isStopping = true
        rolling = []
        for slot in slots {
            slot.close()
            for worker in slot.workers { worker.child.signal(signal) }
        }
    }

    private func endStuckWorkers() {
        guard !isStopping else { return }
        for slot in slots {
            for worker in slot.workers where worker.isStuckAfterCheck() {
                log("worker \(slot.index) (pid \(worker.child.pid)) stands still; killing it")
                worker.child.signal(SIGKILL)
            }
        }
    }

    private func boundLogs() {
        for path in slots.compactMap({ WorkerLog.path($0.index, in: logDirectory) }) {
            do { try WorkerLog.bound(path) } catch { log("\(path) cannot be bounded: \(error)") }
        }
    }

    // MARK: - Taking over from another program

    /// What the program that replaces this one needs.
    var legacy: Inheritance {
        var legacy = Inheritance()
        for slot in slots {
            if !slot.descriptors.isEmpty {
                legacy.sockets.append(
                    .init(index: slot.index, areHidden: slot.areHidden, descriptors: slot.descriptors)
                )
            }
            for worker in slot.workers {
                legacy.workers.append(
                    .init(
                        index: slot.index,
                        pid: worker.child.pid,
                        row: worker.row,
                        lifeline: worker.lifeline.descriptor,
                        state: worker.state
                    )
                )
            }
        }
        return legacy
    }

    private func adopt(_ inheritance: Inheritance) throws {
        for sockets in inheritance.sockets {
            try slots[sockets.index].adopt(descriptors: sockets.descriptors, areHidden: sockets.areHidden)
        }
        for heir in inheritance.workers {
            let slot = slots[heir.index]
            let worker = RunningWorker(
                child: ChildProcess(name: "worker \(heir.index)", pid: heir.pid),
                row: heir.row,
                lifeline: SupervisorLifeline(descriptor: heir.lifeline, loop: loop),
                startedMilliseconds: loop.nowMilliseconds
            )
            worker.state = heir.state
            if heir.state == .draining {
                slot.draining.append(worker)
            } else if slot.current == nil {
                slot.current = worker
            } else {
                // Two at once: a roll was under way. One is enough.
                slot.draining.append(worker)
                worker.drain()
            }
            try listen(to: worker, in: slot)
        }
    }
}
