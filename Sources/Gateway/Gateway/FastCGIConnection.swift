// SPDX-License-Identifier: Apache-2.0
//
// One FastCGI connection through libfcgi, without ever waiting in it:
//
//     idle --bytes--> partial --whole--> busy --answer--> idle        any --error, bound--> closed
//                                          busy --large answer--> writing --last piece--> idle
//
// The descriptor stays non-blocking. libfcgi takes EAGAIN for an error, so it is called only when it cannot happen or
// must end the connection: it reads when FastCGIGuard has seen a whole request, and an answer fits in the empty send
// buffer of a peer that has read the answers before; a large one (/metrics of many rooms) goes in pieces, each when the
// peer has read most of the one before. A peer that does not read loses its connection; nothing waits for it.

internal import CFastCGI
internal import CLinux
internal import GatewayWire
internal import Glibc
internal import Reactor

final class FastCGIConnection: GatewayConnection {
    private enum State {
        case idle
        case partial
        case busy
        case writing
        case closed
    }

    private static let events: IOEvents = [.readable, .peerClosed, .edgeTriggered]

    /// Peeks at an incomplete request that happen at once; later ones are delayed. nginx sends a request in one piece,
    /// so more of them are rare.
    private static let promptLooks = 8
    private static let firstPauseMilliseconds = 5
    private static let longestPauseMilliseconds = 200

    let core: ServerCore
    private let fd: Int32
    /// On the heap, because the streams of libfcgi keep a pointer back to it.
    private let library: UnsafeMutablePointer<FCGX_Request>
    private let sendBuffer: SendBuffer
    private var registration: Registration?
    private var inspection: FastCGIGuard
    private var state = State.idle
    private var serial: UInt64 = 0
    private var looks = 0
    private var pause: Timer?
    private var hasInputWhileBusy = false
    /// What a large answer has left to send.
    private var unsent: ArraySlice<UInt8> = []
    private(set) var deadlineMilliseconds: Int

    /// Takes over a connected descriptor; closes it when it throws.
    init(core: ServerCore, fd: Int32) throws(SystemError) {
        self.core = core
        self.fd = fd
        sendBuffer = SendBuffer(fd: fd)
        inspection = FastCGIGuard(limits: core.limits)
        deadlineMilliseconds = core.loop.nowMilliseconds + core.limits.idleMilliseconds
        library = .allocate(capacity: 1)
        library.initialize(to: FCGX_Request())
        // -1: libfcgi must never accept by itself.
        FCGX_InitRequest(library, -1, 0)
        library.pointee.ipcFd = fd
        // Without this FCGX_Accept_r begins by closing the connection.
        library.pointee.keepConnection = 1
        do {
            // Edge-triggered: a request that is only looked at stays in the kernel and would be reported every turn.
            registration = try core.loop.add(fd: fd, events: Self.events) { events in
                self.ready(events)
            }
        } catch {
            Glibc.close(fd)
            throw error
        }
    }

    deinit {
        library.deallocate()
    }

    // MARK: Input

    private func ready(_ events: IOEvents) {
        let isGone = events.contains(.hangUp) || events.contains(.error)
        if state == .busy {
            // Not read before the answer: libfcgi would drop it. nginx never sends it so early.
            hasInputWhileBusy = true
            if isGone { abandon() }
            return
        }
        if state == .writing {
            if events.contains(.readable) || events.contains(.peerClosed) { hasInputWhileBusy = true }
            if isGone { close() } else if events.contains(.writable) { writePiece() }
            return
        }
        // In a pause the timer looks; the end of the peer is worth a look at once.
        if pause != nil, !isGone, !events.contains(.peerClosed) { return }
        look(isLast: isGone || events.contains(.peerClosed))
        if isGone, state == .busy { abandon() }
    }

    /// Looks at the bytes that have arrived, and serves the request if they are one.
    private func look(isLast: Bool) {
        pause?.cancel()
        pause = nil
        let count = recv(fd, core.scratch.baseAddress, core.scratch.count, Int32(MSG_PEEK))
        guard count > 0 else {
            let isWaiting = count < 0 && errno == EAGAIN
            if !isWaiting || isLast || (core.isDraining && state == .idle) { close() }
            return
        }
        switch inspection.inspect(UnsafeBufferPointer(rebasing: core.scratch[..<count])) {
        case .complete: serve(isLast: isLast)
        case .reject(let reason): reject(reason)
        case .incomplete where isLast: close()
        case .incomplete: waitForMore()
        }
    }

    private func waitForMore() {
        if state == .idle {
            state = .partial
            deadlineMilliseconds = core.loop.nowMilliseconds + core.limits.partialRequestMilliseconds
        }
        looks += 1
        // Every look copies the whole request again, so a peer that sends single bytes gets its looks ever more
        // rarely: at most about 30 in two seconds, whatever it does.
        guard looks > Self.promptLooks else { return }
        let doublings = min(looks - Self.promptLooks - 1, 6)
        let wait = min(Self.firstPauseMilliseconds << doublings, Self.longestPauseMilliseconds)
        pause = core.loop.schedule(afterMilliseconds: wait) { [weak self] in
            guard let self, self.state == .partial else { return }
            self.look(isLast: false)
        }
    }

    /// - Parameter isLast: the peer has closed its side, and no event will tell of that again.
    private func serve(isLast: Bool) {
        library.pointee.detached = 1
        guard FCGX_Accept_r(library) == 0 else {
            // libfcgi has closed the descriptor.
            core.counters.failedConnections += 1
            core.note("connection closed: libfcgi did not take the request")
            forget()
            return
        }
        readParameters(into: &core.request)
        guard readBody() else {
            core.counters.failedConnections += 1
            core.note("connection closed: libfcgi did not read the body")
            close()
            return
        }
        inspection.reset()
        looks = 0
        state = .busy
        serial += 1
        // So that the end is looked at after the answer: the connection would stay open, of no use to anybody.
        hasInputWhileBusy = isLast
        deadlineMilliseconds = core.loop.nowMilliseconds + core.limits.answerMilliseconds
        core.counters.requests += 1
        core.handler(core.request, GatewayExchange(sink: self, serial: serial))
    }

    /// Copies the known parameters. Entries are `NAME=value` with a NUL at the end.
    private func readParameters(into request: inout GatewayRequest) {
        request.reset()
        var entry = library.pointee.envp
        while let text = entry?.pointee {
            entry = entry?.advanced(by: 1)
            guard let mark = strchr(text, 0x3D) else { continue }
            let nameBytes = text.distance(to: mark)
            let value = mark.advanced(by: 1)
            let valueBytes = strlen(value)
            text.withMemoryRebound(to: UInt8.self, capacity: nameBytes + 1 + valueBytes) { bytes in
                _ = request.set(
                    UnsafeBufferPointer(start: bytes, count: nameBytes),
                    value: UnsafeBufferPointer(start: bytes + nameBytes + 1, count: valueBytes)
                )
            }
        }
    }

    /// Reads the body to its end, for a GET too: what is left of the request would be taken for the next one.
    private func readBody() -> Bool {
        let capacity = core.scratch.count
        var count = capacity
        while count == capacity {
            count = core.scratch.withMemoryRebound(to: CChar.self) {
                Int(FCGX_GetStr($0.baseAddress, Int32(clamping: capacity), library.pointee.in))
            }
            if count > 0 { core.request.appendBody(UnsafeBufferPointer(rebasing: core.scratch[..<count])) }
        }
        return FCGX_GetError(library.pointee.in) == 0
    }

    // MARK: Answer

    func isOpen(serial: UInt64) -> Bool {
        state == .busy && serial == self.serial
    }

    func answer(_ response: GatewayResponse, serial: UInt64) {
        guard isOpen(serial: serial) else { return }
        core.render(response)
        guard core.output.count > sendBuffer.largestResponse else {
            core.output.withBytes { put($0) }
            return finish()
        }
        unsent = core.output.array[...]
        state = .writing
        writePiece()
    }

    /// PutStr takes an Int32; the response bound is far below.
    private func put(_ bytes: UnsafeBufferPointer<UInt8>) {
        bytes.withMemoryRebound(to: CChar.self) {
            _ = FCGX_PutStr($0.baseAddress, Int32(clamping: $0.count), library.pointee.out)
        }
    }

    /// Sends as much as fits for certain. The kernel reports a socket as writable when three quarters of its buffer are
    /// free, and half of the largest answer occupies half of it.
    private func writePiece() {
        unsent.prefix(sendBuffer.largestResponse / 2).withUnsafeBufferPointer { put($0) }
        unsent = unsent.dropFirst(sendBuffer.largestResponse / 2)
        guard !unsent.isEmpty else { return finish() }
        guard FCGX_FFlush(library.pointee.out) == 0 else {
            core.counters.failedConnections += 1
            core.note("connection closed: a large answer was not taken")
            return close()
        }
        deadlineMilliseconds = core.loop.nowMilliseconds + core.limits.partialRequestMilliseconds
        watch(Self.events.union(.writable))
    }

    private func watch(_ events: IOEvents) {
        guard let registration else { return }
        do {
            try core.loop.modify(registration, events: events)
        } catch {
            core.counters.failedConnections += 1
            core.note("connection closed: \(error)")
            close()
        }
    }

    /// Ends the answer, which libfcgi has, and makes the connection ready for the next request.
    private func finish() {
        let wasLarge = state == .writing
        unsent = []
        let isLast = core.isDraining
        if isLast { library.pointee.keepConnection = 0 }
        // Detached: libfcgi closes without waiting up to two seconds for the peer to close first.
        library.pointee.detached = 1
        FCGX_Finish_r(library)
        guard library.pointee.ipcFd >= 0 else {
            // nginx has read an answer before it sends the next request: a full buffer means that nobody reads.
            if !isLast {
                core.counters.stalledPeers += 1
                core.note("connection closed: the peer does not read its answers")
            }
            forget()
            return
        }
        state = .idle
        deadlineMilliseconds = core.loop.nowMilliseconds + core.limits.idleMilliseconds
        if wasLarge { watch(Self.events) }
        if hasInputWhileBusy { lookLater() }
    }

    /// Its event was used up while the answer was pending. A turn later, so that a handler is never entered from an
    /// answer.
    private func lookLater() {
        core.loop.schedule(afterMilliseconds: 0) { [weak self] in
            guard let self, self.state == .idle else { return }
            self.look(isLast: false)
        }
    }

    // MARK: Ends

    func expire() {
        switch state {
        case .idle:
            core.counters.expiredIdleConnections += 1
            close()
        case .partial: expirePartialRequest()
        case .busy: expireAnswer(serial: serial)
        case .writing:
            core.counters.stalledPeers += 1
            core.note("connection closed: the peer does not read a large answer")
            close()
        case .closed: break
        }
    }

    func closeIfIdle() {
        // A look first: a request that has just arrived is still served.
        if state == .idle { look(isLast: false) }
    }

    func close() {
        guard state != .closed else { return }
        if let registration { core.loop.remove(registration) }
        library.pointee.detached = 1
        FCGX_Free(library, 1)
        forget()
    }

    /// Ends the connection after libfcgi has closed its descriptor.
    private func forget() {
        guard state != .closed else { return }
        state = .closed
        pause?.cancel()
        if let registration { core.loop.forget(registration) }
        core.closed(fd)
    }
}
