// SPDX-License-Identifier: Apache-2.0
//
// Starting, losing and replacing the workers of a pool.

import Configuration
import Glibc
import Reactor

extension WorkerPool {
    /// libfcgi allocates two blocks of 8 KiB for each request; glibc keeps no freed blocks of that size at hand unless
    /// it is set to (malloc(3), glibc.malloc.tcache_max), and splitting and joining them was a twentieth of a poll.
    private static let allocator = "GLIBC_TUNABLES=glibc.malloc.tcache_max=16384"

    // MARK: - Starting

    func start(_ slot: WorkerSlot) throws {
        try slot.open()
        let (lifeline, writer) = try SupervisorLifeline.pair(on: loop)
        defer { close(writer) }
        // A row that the worker before does not write any more, or not at the same time.
        let row = slot.server?.row == slot.index ? slot.index + Configuration.workersMax : slot.index
        var arguments = ["worker", "--config", configurationPath, "--index", "\(slot.index)", "--row", "\(row)"]
        arguments += ["--inherited", "--supervisor", "\(getpid())"]
        if slots.contains(where: \.isServing) { arguments.append("--joins-others") }
        if isAlone { arguments.append("--alone") }
        if slot.current != nil { arguments.append("--successor") }
        let child = try ChildProcess.spawn(
            name: "worker \(slot.index)",
            ChildProcess.thisProgram,
            arguments,
            logPath: WorkerLog.path(slot.index, in: logDirectory),
            environment: [WorkerPool.allocator],
            shownAs: "vestibule",
            // A reload or a roll must not end a worker that has only just begun.
            blocking: WorkerPool.signalsOfSupervisor + [SIGHUP],
            passing: slot.descriptors + [writer]
        )
        let worker = RunningWorker(
            child: child,
            row: row,
            lifeline: lifeline,
            startedMilliseconds: loop.nowMilliseconds
        )
        slot.previous = slot.current
        slot.current = worker
        try listen(to: worker, in: slot)
    }

    func listen(to worker: RunningWorker, in slot: WorkerSlot) throws {
        try worker.lifeline.listen(
            onBeat: { [weak worker] in worker?.noteBeat() },
            onServing: { [weak self, weak worker, weak slot] in
                if let self, let worker, let slot { self.serves(worker, slot) }
            }
        )
    }

    private func serves(_ worker: RunningWorker, _ slot: WorkerSlot) {
        guard worker.state == .starting, !isStopping else { return }
        worker.state = .serving
        slot.orphanedMilliseconds = nil
        do { try slot.show() } catch { log("worker \(slot.index) has no socket: \(error)") }
        if slot.current === worker, let previous = slot.previous {
            slot.previous = nil
            slot.draining.append(previous)
            previous.drain()
        }
        onChange?()
    }

    // MARK: - Losing

    /// Takes note of an ended process; returns whether it was a worker.
    func ended(_ pid: pid_t) -> Bool {
        guard let slot = slots.first(where: { $0.workers.contains { $0.child.pid == pid } }) else { return false }
        if let index = slot.draining.firstIndex(where: { $0.child.pid == pid }) {
            slot.draining.remove(at: index).lifeline.stop()
            if rolling.first == slot.index, slot.draining.isEmpty { rollOn() }
        } else if let previous = slot.previous, previous.child.pid == pid {
            previous.lifeline.stop()
            slot.previous = nil
            noteOrphaned(slot)
        } else if let current = slot.current {
            current.lifeline.stop()
            slot.current = slot.previous
            slot.previous = nil
            lost(current, slot)
        }
        onChange?()
        return true
    }

    private func lost(_ worker: RunningWorker, _ slot: WorkerSlot) {
        if isStopping { return }
        if slot.current != nil {
            log("the new worker \(slot.index) (pid \(worker.child.pid)) did not come to serve; the old ones stay")
            return endRoll(isComplete: false)
        }
        if loop.nowMilliseconds - worker.startedMilliseconds >= WorkerPool.stableMilliseconds {
            slot.delayMilliseconds = 0
        }
        let delay = slot.delayMilliseconds
        let next = max(WorkerPool.delayFirstMilliseconds, delay * 2)
        slot.delayMilliseconds = min(next, WorkerPool.delayLastMilliseconds)
        log("worker \(slot.index) (pid \(worker.child.pid)) ended; starting it again in \(delay) ms")
        noteOrphaned(slot)
        // Sockets that are out of sight already have nobody left: a request that still waits there must go elsewhere.
        if slot.areHidden { slot.close() }
        loop.schedule(afterMilliseconds: delay) { [weak self] in self?.restart(slot) }
        if rolling.first == slot.index { rollOn() }
    }

    private func restart(_ slot: WorkerSlot) {
        guard !isStopping, slot.current == nil else { return }
        do {
            try start(slot)
            onChange?()
        } catch {
            log("worker \(slot.index) cannot be started: \(error)")
            loop.schedule(afterMilliseconds: WorkerPool.delayLastMilliseconds) { [weak self] in self?.restart(slot) }
        }
    }

    /// Nobody takes this slot's requests: they wait in the backlog, but not for long.
    private func noteOrphaned(_ slot: WorkerSlot) {
        guard slot.orphanedMilliseconds == nil, !slot.isServing else { return }
        let since = loop.nowMilliseconds
        slot.orphanedMilliseconds = since
        loop.schedule(afterMilliseconds: WorkerSlot.backlogMilliseconds) { [weak self, weak slot] in
            guard let self, let slot, slot.orphanedMilliseconds == since, !self.isStopping else { return }
            self.log(
                "worker \(slot.index) has not come back within \(WorkerSlot.backlogMilliseconds) ms; "
                    + "hiding its sockets so that nginx uses another worker"
            )
            do {
                if slot.current == nil { slot.close() } else { try slot.hide() }
            } catch {
                self.log("socket \(slot.index) cannot be hidden: \(error)")
            }
        }
    }

    // MARK: - Replacing

    /// Replaces every worker, one after the other: the successor gets its mirror and takes requests, then the old one
    /// finishes what it has and ends. Both hold the same listening sockets. Does nothing while a roll is under way.
    func roll() {
        guard rolling.isEmpty, !isStopping else { return }
        rolling = slots.map(\.index)
        replaceFirst()
    }

    private func rollOn() {
        guard !rolling.isEmpty else { return }
        rolling.removeFirst()
        replaceFirst()
    }

    private func replaceFirst() {
        guard let index = rolling.first else { return endRoll(isComplete: true) }
        let slot = slots[index]
        if index >= count { return retire(slot) }
        // A slot in a crash loop gets its new worker by itself.
        guard slot.current != nil, slot.previous == nil else { return rollOn() }
        do { try start(slot) } catch {
            log("worker \(index) cannot be replaced: \(error)")
            return endRoll(isComplete: false)
        }
        let successor = slot.current
        loop.schedule(afterMilliseconds: WorkerPool.successorMilliseconds) { [weak self, weak slot, weak successor] in
            guard let self, let slot, let successor, slot.previous != nil, slot.current === successor else { return }
            self.log("the new worker \(slot.index) does not serve after 20 s; killing it")
            successor.child.signal(SIGKILL)
        }
        onChange?()
    }

    /// Ends a slot that the configuration does not ask for any more.
    private func retire(_ slot: WorkerSlot) {
        slot.close()
        slot.draining += [slot.previous, slot.current].compactMap(\.self)
        slot.previous = nil
        slot.current = nil
        for worker in slot.draining { worker.drain() }
        if slot.draining.isEmpty { rollOn() }
    }

    private func endRoll(isComplete: Bool) {
        rolling = []
        slots.removeAll { $0.index >= count && $0.workers.isEmpty }
        onRolled?(isComplete)
    }
}
