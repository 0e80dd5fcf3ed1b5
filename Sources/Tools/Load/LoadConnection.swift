// SPDX-License-Identifier: Apache-2.0
//
// One kept connection to 127.0.0.1 with at most one request in flight. It connects again by itself when it is closed.

internal import CLinux
internal import Glibc
internal import Reactor

/// A request that has been handed to a connection.
struct SentRequest {
    var due: DueRequest
    var sentMicroseconds: Int
}

/// Why a connection has no answer for a request.
enum ConnectionFailure: String {
    case refused = "connection refused"
    case handshake = "TLS handshake failed"
    case closed = "connection closed"
    case timedOut = "no answer in time"
    case malformed = "not an HTTP answer"
}

final class LoadConnection {
    /// Longer answers are errors: the product's are below 4 KiB, backends may send more.
    private static let answerByteCountMax = 262_144

    /// Its place among the connections of the run.
    let index: UInt32
    private let loop: EventLoop
    private let port: Int
    /// Strong, and so is the loop's hold on this object: reference counts of weak kinds cost a twentieth of a request.
    /// The owner closes every connection at the end of its run, which unties the knot.
    private let owner: LoadRun
    private let tls: TLSClient?
    private var session: TLSSession?
    private var registration: Registration?
    private var isConnected = false
    /// Whether this connection has answered before: only then may a close without an answer be the end of a kept
    /// connection that crossed our request.
    private var hasAnswered = false
    private var request: SentRequest?
    private var parser = AnswerParser()
    private var output = UnsafeMutableRawBufferPointer.allocate(byteCount: RequestWriter.byteCountMax, alignment: 8)
    private var outputLength = 0
    private var outputSent = 0
    private var input = UnsafeMutableRawBufferPointer.allocate(byteCount: 8192, alignment: 8)
    private var inputLength = 0

    init(index: UInt32, loop: EventLoop, port: Int, tls: TLSClient?, owner: LoadRun) {
        self.index = index
        self.loop = loop
        self.tls = tls
        self.port = port
        self.owner = owner
    }

    deinit {
        output.deallocate()
        input.deallocate()
    }

    // MARK: - Opening and closing

    /// Starts to connect; the owner hears when the connection can be used.
    func open() {
        let flags = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(AF_INET, flags, 0)
        guard descriptor >= 0 else { return owner.connectionFailed(self, .refused, nil) }
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        guard SocketAddress.port(port).connect(descriptor) || errno == EINPROGRESS,
            let registration = try? loop.add(
                fd: descriptor,
                events: .writable,
                handler: { self.handle($0) }
            )
        else {
            Glibc.close(descriptor)
            return owner.connectionFailed(self, .refused, nil)
        }
        self.registration = registration
    }

    /// Closes without a word to the owner.
    func close() {
        guard let registration else { return }
        loop.remove(registration)
        session = nil
        Glibc.close(registration.fd)
        self.registration = nil
        isConnected = false
        hasAnswered = false
        request = nil
    }

    private func fail(_ failure: ConnectionFailure) {
        let lost = request
        let isCrossed = failure == .closed && hasAnswered && inputLength == 0
        close()
        if let lost, isCrossed { return owner.requestCrossedClose(self, lost) }
        owner.connectionFailed(self, failure, lost)
    }

    // MARK: - Requests

    /// Gives up on a request that was sent before a time.
    func expire(sentBeforeMicroseconds limit: Int) {
        if let request, request.sentMicroseconds < limit { fail(.timedOut) }
    }

    /// Sends a request. The connection is idle; `write` fills the buffer and returns the length.
    func send(_ request: SentRequest, _ write: (UnsafeMutableRawBufferPointer) -> Int) {
        self.request = request
        parser.reset()
        inputLength = 0
        outputSent = 0
        outputLength = write(output)
        flush()
    }

    private func flush() {
        guard let registration, let base = output.baseAddress else { return }
        switch transmit(registration.fd, base + outputSent, outputLength - outputSent) {
        case .done(let count):
            outputSent += count
            if outputSent < outputLength { watch([.readable, .writable]) }
        case .wantsRead: watch(.readable)
        case .wantsWrite: watch([.readable, .writable])
        case .failed: fail(.closed)
        }
    }

    private func transmit(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> TLSSession.Outcome {
        if let session { return session.send(bytes, count) }
        let sent = Glibc.send(descriptor, bytes, count, Int32(MSG_NOSIGNAL))
        if sent >= 0 { return .done(sent) }
        return errno == EAGAIN || errno == EINTR ? .wantsWrite : .failed
    }

    private func take(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer, _ count: Int) -> TLSSession.Outcome {
        if let session { return session.receive(bytes, count) }
        let received = recv(descriptor, bytes, count, 0)
        if received > 0 { return .done(received) }
        return received < 0 && (errno == EAGAIN || errno == EINTR) ? .wantsRead : .failed
    }

    private func watch(_ events: IOEvents) {
        // Failing is impossible for a registration that is current.
        if let registration { try? loop.modify(registration, events: events) }
    }

    // MARK: - Events

    private func handle(_ events: IOEvents) {
        guard isConnected else { return connected() }
        if outputSent < outputLength {
            flush()
            if outputSent == outputLength { watch(.readable) }
        }
        if !events.isDisjoint(with: [.readable, .hangUp, .error]) { receive() }
    }

    /// Goes on with connecting: TCP first, then the handshake.
    private func connected() {
        guard let registration else { return }
        if session == nil {
            var problem: Int32 = 0
            var length = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(registration.fd, SOL_SOCKET, SO_ERROR, &problem, &length)
            guard problem == 0 else { return fail(.refused) }
            if let tls {
                session = tls.session(on: registration.fd)
                guard session != nil else { return fail(.handshake) }
            }
        }
        switch session?.handshake() ?? .done(0) {
        case .done:
            watch(.readable)
            isConnected = true
            owner.connectionIsIdle(self)
        case .wantsRead: watch(.readable)
        case .wantsWrite: watch(.writable)
        case .failed: fail(.handshake)
        }
    }

    /// Takes what has come. TLS may hold bytes that the descriptor no longer shows, so it is read until it is empty.
    private func receive() {
        repeat {
            guard let registration else { return }
            if inputLength == input.count { growInput() }
            guard let base = input.baseAddress, inputLength < input.count else { return fail(.malformed) }
            switch take(registration.fd, base + inputLength, input.count - inputLength) {
            case .wantsRead: return
            case .wantsWrite: return watch([.readable, .writable])
            case .failed: return fail(.closed)
            case .done(let count): inputLength += count
            }
            // Nothing in flight: the server sends what nobody asked for.
            guard let request else { return fail(.malformed) }
            let received = UnsafeRawBufferPointer(rebasing: input[..<inputLength])
            switch parser.parse(received) {
            case .incomplete: continue
            case .malformed: return fail(.malformed)
            case .complete(let frame): return complete(request, frame, received)
            }
        } while session != nil
    }

    private func complete(_ answered: SentRequest, _ frame: AnswerFrame, _ received: UnsafeRawBufferPointer) {
        request = nil
        hasAnswered = true
        owner.answered(answered, frame.status, UnsafeRawBufferPointer(rebasing: received[frame.body]))
        if frame.closes {
            close()
            open()
        } else {
            owner.connectionIsIdle(self)
        }
    }

    private func growInput() {
        guard input.count < LoadConnection.answerByteCountMax else { return }
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: input.count * 2, alignment: 8)
        larger.copyMemory(from: UnsafeRawBufferPointer(input))
        input.deallocate()
        input = larger
    }
}
