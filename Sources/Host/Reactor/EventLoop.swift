// SPDX-License-Identifier: Apache-2.0
//
// The loop of a worker: one thread, one epoll, no locks. A turn is: wait, run the handlers of the descriptors
// that are ready, run the timers that are due, run the hooks before sleeping.
//
// Why not SwiftNIO: libfcgi and hiredis own and close their descriptors, libfcgi may only be called when the whole
// request can be read (so the loop must peek at it first), and one thread needs no queue of tasks.

internal import CLinux
internal import Glibc

/// An epoll loop for one thread.
///
/// Create it in the thread (and after the fork) that runs it. Nothing in it may be called from another thread.
public final class EventLoop {
    private struct Slot {
        var generation: UInt32 = 0
        var handler: ((IOEvents) -> Void)?
    }

    /// Events collected in one call. More wait for the next turn, so timers are never starved.
    private static let eventsPerTurn = 256

    private let epoll: Int32
    /// Indexed by descriptor; the kernel always gives the lowest free number, so it stays dense.
    private var slots: [Slot] = []
    private let collected: UnsafeMutablePointer<epoll_event>
    private let timers = TimerQueue()
    private var hooks: [() -> Void] = []
    private var signals: SignalSource?
    private var isStopping = false

    /// Milliseconds of the monotonic clock, read once a turn.
    public private(set) var nowMilliseconds = 0
    /// Milliseconds since 1970, read once a turn. Only for people and protocols; it can jump.
    public private(set) var wallMilliseconds = 0

    /// Creates a loop and makes the process ignore SIGPIPE, since a write to a closed peer is an ordinary
    /// error here.
    public init() throws(SystemError) {
        epoll = epoll_create1(Int32(bitPattern: UInt32(EPOLL_CLOEXEC)))
        guard epoll >= 0 else { throw SystemError.current("epoll_create1") }
        collected = .allocate(capacity: Self.eventsPerTurn)
        signal(SIGPIPE, SIG_IGN)
        readClocks()
    }

    deinit {
        collected.deallocate()
        close(epoll)
    }

    /// Watches a descriptor.
    ///
    /// - Throws: EEXIST when the descriptor is being watched already, and what epoll_ctl(2) reports.
    public func add(
        fd: Int32,
        events: IOEvents,
        handler: @escaping (IOEvents) -> Void
    ) throws(SystemError) -> Registration {
        guard fd >= 0 else { throw SystemError(errno: EBADF, operation: "watch descriptor \(fd)") }
        while slots.count <= Int(fd) { slots.append(Slot()) }
        guard slots[Int(fd)].handler == nil else {
            throw SystemError(errno: EEXIST, operation: "watch descriptor \(fd)")
        }
        let registration = Registration(fd: fd, generation: slots[Int(fd)].generation &+ 1)
        try control(EPOLL_CTL_ADD, registration, events)
        slots[Int(fd)] = Slot(generation: registration.generation, handler: handler)
        return registration
    }

    /// Changes what a descriptor is watched for. It also makes an edge-triggered descriptor report its state again.
    public func modify(_ registration: Registration, events: IOEvents) throws(SystemError) {
        guard isCurrent(registration) else {
            throw SystemError(errno: ENOENT, operation: "modify descriptor \(registration.fd)")
        }
        try control(EPOLL_CTL_MOD, registration, events)
    }

    /// Stops watching. Call it before the descriptor is closed. Does nothing the second time.
    ///
    /// Safe inside any handler: events that were collected for it in this turn are dropped.
    public func remove(_ registration: Registration) {
        guard isCurrent(registration) else { return }
        slots[Int(registration.fd)].handler = nil
        var event = epoll_event()
        epoll_ctl(epoll, EPOLL_CTL_DEL, registration.fd, &event)
    }

    /// Stops watching a descriptor that somebody else has closed already: libfcgi and hiredis close their own.
    ///
    /// The kernel has forgotten it by then, and its number may already belong to another file, so no system call is
    /// made.
    public func forget(_ registration: Registration) {
        guard isCurrent(registration) else { return }
        slots[Int(registration.fd)].handler = nil
    }

    /// Runs an action after a time of the cached clock, in the turn that first sees the time pass.
    ///
    /// - Parameters:
    ///   - afterMilliseconds: 0 or less means the next turn.
    ///   - repeatingMilliseconds: the period of further runs; missed ones are skipped. At least 1.
    @discardableResult
    public func schedule(
        afterMilliseconds: Int,
        repeatingMilliseconds: Int? = nil,
        _ action: @escaping () -> Void
    ) -> Timer {
        timers.add(
            deadline: nowMilliseconds + max(0, afterMilliseconds),
            repeating: repeatingMilliseconds.map { max(1, $0) },
            action: action
        )
    }

    /// Adds an action for the end of every turn, in the order of adding. Batches of work are flushed here.
    public func beforeSleep(_ hook: @escaping () -> Void) {
        hooks.append(hook)
    }

    /// Handles a signal in the loop, between other handlers.
    ///
    /// The signal is blocked in the calling thread, which must be the thread of the loop, and read from a signalfd, so
    /// it never interrupts a system call. A library that installs signal handlers, as libfcgi does, therefore does no
    /// harm.
    /// Children inherit the blocked mask: reset it between fork and exec.
    public func onSignal(_ signal: Int32, _ handler: @escaping () -> Void) throws(SystemError) {
        if signals == nil { signals = try SignalSource(loop: self) }
        try signals?.handle(signal, handler)
    }

    /// Runs turns until ``stop()``.
    public func run() {
        readClocks()
        while !isStopping { turn() }
        // What the last turn produced still has to be flushed.
        runHooks()
        isStopping = false
    }

    /// Makes ``run()`` return at the end of the current turn, or at once if it is not running yet.
    public func stop() {
        isStopping = true
    }

    private func turn() {
        runHooks()
        // A hook may stop the loop too.
        if isStopping { return }
        let count = epoll_wait(epoll, collected, Int32(Self.eventsPerTurn), sleepMilliseconds())
        readClocks()
        // EINTR is the only error possible here; it means an empty turn.
        for index in 0..<Int(max(0, count)) {
            let registration = Registration(packed: collected[index].data.u64)
            // An earlier handler of this turn may have removed it, or even reused its descriptor.
            guard isCurrent(registration), let handler = slots[Int(registration.fd)].handler else { continue }
            handler(IOEvents(rawValue: collected[index].events))
        }
        timers.runDue(now: nowMilliseconds)
    }

    private func runHooks() {
        var index = 0
        while index < hooks.count {
            hooks[index]()
            index += 1
        }
    }

    private func sleepMilliseconds() -> Int32 {
        guard let deadline = timers.nextDeadline() else { return -1 }
        return Int32(clamping: max(0, deadline - Self.milliseconds(CLOCK_MONOTONIC)))
    }

    private func isCurrent(_ registration: Registration) -> Bool {
        let index = Int(registration.fd)
        return index < slots.count && slots[index].handler != nil
            && slots[index].generation == registration.generation
    }

    private func control(_ operation: Int32, _ registration: Registration, _ events: IOEvents) throws(SystemError) {
        var event = epoll_event()
        event.events = events.rawValue
        event.data.u64 = registration.packed
        guard epoll_ctl(epoll, operation, registration.fd, &event) == 0 else {
            throw SystemError.current("epoll_ctl on descriptor \(registration.fd)")
        }
    }

    private func readClocks() {
        nowMilliseconds = Self.milliseconds(CLOCK_MONOTONIC)
        wallMilliseconds = Self.milliseconds(CLOCK_REALTIME)
    }

    private static func milliseconds(_ clock: clockid_t) -> Int {
        var time = timespec()
        clock_gettime(clock, &time)
        return time.tv_sec * 1_000 + time.tv_nsec / 1_000_000
    }
}
