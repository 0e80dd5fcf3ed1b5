// SPDX-License-Identifier: Apache-2.0
//
// One SCGI connection, which carries one request:
//
//     reading --whole--> busy --answer--> writing --all sent--> closed        any --error, bound--> closed

internal import GatewayWire
internal import Glibc
internal import Reactor

final class SCGIConnection: GatewayConnection {
    private enum State {
        case reading
        case busy
        case writing
        case closed
    }

    private static let serial: UInt64 = 1

    let core: ServerCore
    private let fd: Int32
    private let decoder: SCGIDecoder
    private var registration: Registration?
    private var state = State.reading
    /// The start of a request that did not come in one piece; empty otherwise.
    private var received: [UInt8] = []
    /// The end of an answer that the peer has not read yet.
    private var unsent: ArraySlice<UInt8> = []
    private(set) var deadlineMilliseconds: Int

    /// Takes over a connected descriptor; closes it when it throws.
    init(core: ServerCore, fd: Int32) throws(SystemError) {
        self.core = core
        self.fd = fd
        decoder = SCGIDecoder(limits: core.limits)
        deadlineMilliseconds = core.loop.nowMilliseconds + core.limits.partialRequestMilliseconds
        do {
            // Edge-triggered, for all its life: no further system call changes what is watched.
            let events: IOEvents = [.readable, .writable, .peerClosed, .edgeTriggered]
            registration = try core.loop.add(fd: fd, events: events) { self.ready($0) }
        } catch {
            Glibc.close(fd)
            throw error
        }
    }

    private func ready(_ events: IOEvents) {
        switch state {
        case .reading:
            receive()
        case .writing:
            send()
        case .busy, .closed:
            break
        }
        if state == .busy, events.contains(.hangUp) || events.contains(.error) { abandon() }
    }

    // MARK: Input

    /// Reads until the request is whole or the peer has nothing more for now.
    private func receive() {
        while state == .reading {
            let count = recv(fd, core.scratch.baseAddress, core.scratch.count, 0)
            guard count > 0 else {
                // The end of the peer in the middle of a request, or an error; not worth a log line, as visitors
                // who go away cause it.
                if count == 0 || errno != EAGAIN { close() }
                return
            }
            take(UnsafeBufferPointer(rebasing: core.scratch[..<count]))
        }
    }

    private func take(_ bytes: UnsafeBufferPointer<UInt8>) {
        core.request.reset()
        let outcome: FrameOutcome
        if received.isEmpty {
            outcome = decoder.decode(bytes, into: &core.request)
            if outcome == .incomplete { received.append(contentsOf: bytes) }
        } else {
            received.append(contentsOf: bytes)
            outcome = received.withUnsafeBufferPointer { decoder.decode($0, into: &core.request) }
        }
        switch outcome {
        case .incomplete: break
        case .reject(let reason): reject(reason)
        case .complete: serve()
        }
    }

    private func serve() {
        received = []
        state = .busy
        deadlineMilliseconds = core.loop.nowMilliseconds + core.limits.answerMilliseconds
        core.counters.requests += 1
        core.handler(core.request, GatewayExchange(sink: self, serial: Self.serial))
    }

    // MARK: Answer

    func isOpen(serial: UInt64) -> Bool {
        state == .busy
    }

    func answer(_ response: GatewayResponse, serial: UInt64) {
        guard state == .busy else { return }
        core.render(response)
        state = .writing
        deadlineMilliseconds = core.loop.nowMilliseconds + core.limits.partialRequestMilliseconds
        let sent = core.output.withBytes { Glibc.send(fd, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        if sent == core.output.count || (sent < 0 && errno != EAGAIN) {
            close()
        } else {
            unsent = core.output.array[max(0, sent)...]
        }
    }

    private func send() {
        while !unsent.isEmpty {
            let sent = unsent.withUnsafeBytes { Glibc.send(fd, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard sent > 0 else {
                if errno != EAGAIN { close() }
                return
            }
            unsent = unsent.dropFirst(sent)
        }
        close()
    }

    // MARK: Ends

    func expire() {
        switch state {
        case .reading: expirePartialRequest()
        case .busy: expireAnswer(serial: Self.serial)
        case .writing:
            core.counters.stalledPeers += 1
            core.note("connection closed: the peer does not read its answer")
            close()
        case .closed: break
        }
    }

    /// A connection without a byte yet may still carry a request that nginx has counted as sent, so it keeps its
    /// deadline.
    func closeIfIdle() {}

    func close() {
        guard state != .closed else { return }
        state = .closed
        unsent = []
        received = []
        if let registration { core.loop.remove(registration) }
        Glibc.close(fd)
        core.closed(fd)
    }
}
