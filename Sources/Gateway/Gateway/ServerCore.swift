// SPDX-License-Identifier: Apache-2.0
//
// What both servers share: taking connections up to a bound, deadlines, counters, draining, and the
// buffers that are used again for every request.

internal import CLinux
internal import GatewayWire
internal import Glibc
internal import Reactor

/// A connection as the core sees it.
protocol GatewayConnection: GatewayAnswerSink {
    var core: ServerCore { get }
    /// When ``expire()`` is due, on the clock of the loop.
    var deadlineMilliseconds: Int { get }
    /// Ends what has taken too long.
    func expire()
    /// Closes the connection if no request is on it.
    func closeIfIdle()
    /// Closes the connection, whatever is on it. Does nothing the second time.
    func close()
}

extension GatewayConnection {
    func dropped(serial: UInt64) {
        guard isOpen(serial: serial) else { return }
        core.counters.droppedExchanges += 1
        core.note("a handler let a request go without an answer")
        answer(.failure(500, code: "INTERNAL", message: "The request was not answered."), serial: serial)
    }

    /// Ends a request whose answer has taken too long.
    func expireAnswer(serial: UInt64) {
        core.counters.expiredAnswers += 1
        core.note("no answer after \(core.limits.answerMilliseconds) ms")
        answer(.failure(503, code: "BUSY", message: "No answer in time."), serial: serial)
    }

    /// Ends a connection whose request has not come whole in time.
    func expirePartialRequest() {
        core.counters.expiredPartialRequests += 1
        core.note("connection closed: request not whole after \(core.limits.partialRequestMilliseconds) ms")
        close()
    }

    /// Closes a connection on which something came that is no request.
    func reject(_ reason: RejectReason) {
        core.counters[rejected: reason] += 1
        core.note("connection closed: \(reason.text)")
        close()
    }

    /// Ends a connection whose peer is gone before the answer.
    func abandon() {
        core.counters.abandonedRequests += 1
        close()
    }
}

/// The common part of a gateway server.
final class ServerCore {
    let loop: EventLoop
    let limits: GatewayLimits
    let handler: GatewayHandler
    var counters = GatewayCounters()
    /// Filled for every request, read by the handler.
    var request = GatewayRequest()
    /// The serialized answer on its way out.
    var output = ByteWriter(capacity: 16_384)
    /// Input of whichever connection is being read; holds the largest request and one byte more, so that a
    /// byte too many is seen.
    let scratch: UnsafeMutableBufferPointer<UInt8>
    private(set) var isDraining = false

    private let listener: Listener
    private var connections: [Int32: any GatewayConnection] = [:]
    private var door: PeerDoor
    private var log: RejectLog
    private var sweep: Timer?
    private var drained: (() -> Void)?

    init(
        name: String,
        loop: EventLoop,
        listener: Listener,
        limits: GatewayLimits,
        door: PeerDoor,
        log: @escaping (String) -> Void,
        handler: @escaping GatewayHandler
    ) {
        self.loop = loop
        self.listener = listener
        self.limits = limits
        self.door = door
        self.handler = handler
        self.log = RejectLog(prefix: name, linesPerSecond: limits.logLinesPerSecond, write: log)
        scratch = .allocate(capacity: limits.envelopeBytes + 1)
    }

    deinit {
        scratch.deallocate()
    }

    /// Starts taking connections; `open` makes one of a descriptor, which it then owns also when it throws.
    func start(open: @escaping (ServerCore, Int32) throws(SystemError) -> any GatewayConnection) throws(SystemError) {
        try listener.start(on: loop) { fd in
            self.counters.acceptedConnections += 1
            guard self.connections.count < self.limits.connections else {
                self.counters.refusedConnections += 1
                self.note("connection refused: \(self.limits.connections) are open")
                close(fd)
                return
            }
            if let refusal = self.door.refusal(of: fd, nowMilliseconds: self.loop.nowMilliseconds) {
                self.counters.refusedPeers += 1
                if let text = refusal.text { self.note(text) }
                close(fd)
                return
            }
            do {
                self.connections[fd] = try open(self, fd)
                self.counters.openConnections += 1
                self.startSweep()
            } catch {
                self.door.closed(fd)
                self.counters.failedConnections += 1
                self.note("connection not opened: \(error)")
            }
        }
    }

    /// Writes a log line about a peer, at a bounded rate.
    func note(_ text: @autoclosure () -> String) {
        log.line(text(), nowMilliseconds: loop.nowMilliseconds)
    }

    /// Serializes an answer into ``output``; an answer that is too large becomes a 500.
    func render(_ response: GatewayResponse) {
        output.clear()
        response.serialize(into: &output)
        guard output.count > limits.responseBytes else { return }
        counters.oversizedResponses += 1
        note("answer of \(output.count) bytes replaced: the bound is \(limits.responseBytes)")
        output.clear()
        GatewayResponse.failure(500, code: "INTERNAL", message: "The answer is too large.").serialize(into: &output)
    }

    /// Forgets a connection whose descriptor is closed, or is about to be in the same step.
    func closed(_ fd: Int32) {
        guard connections.removeValue(forKey: fd) != nil else { return }
        door.closed(fd)
        counters.openConnections -= 1
        finishDrainIfEmpty()
    }

    func stopAccepting() {
        listener.close()
    }

    func drain(_ completion: @escaping () -> Void) {
        stopAccepting()
        isDraining = true
        drained = completion
        for connection in Array(connections.values) { connection.closeIfIdle() }
        finishDrainIfEmpty()
    }

    private func finishDrainIfEmpty() {
        guard connections.isEmpty else { return }
        sweep?.cancel()
        sweep = nil
        guard isDraining, let completion = drained else { return }
        drained = nil
        // In a later turn, so that it never runs inside a handler that is still at work.
        loop.schedule(afterMilliseconds: 0, completion)
    }

    /// One timer looks at all deadlines: it costs a few nanoseconds a connection, while a timer for each
    /// request would cost two heap operations on every one.
    private func startSweep() {
        guard sweep == nil else { return }
        let period = min(250, max(10, limits.partialRequestMilliseconds / 8))
        sweep = loop.schedule(afterMilliseconds: period, repeatingMilliseconds: period) { [unowned self] in
            let now = self.loop.nowMilliseconds
            self.log.report(nowMilliseconds: now)
            for connection in Array(self.connections.values) where connection.deadlineMilliseconds <= now {
                connection.expire()
            }
        }
    }
}
