// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes what libfcgi makes of the requests that the guard lets through: the real server on a loop of its own, over
// real sockets, one request after the other. An accepted request is answered and read right. Any other is closed, in
// time.

import Gateway
import GatewayWire
import Glibc
import Reactor

final class LibraryTarget: FuzzTarget {
    private static let hangMilliseconds = 5000

    private(set) var deepInputs = 0

    private let loop: EventLoop
    private let server: GatewayServer
    private let path: String
    private let seen = Seen()
    private var fd: Int32 = -1
    private var registration: Registration?
    private var received: [UInt8] = []
    private var isOver = false
    /// Whether the request asked for the connection to be closed after its answer.
    private var endsAfterAnswer = false
    private var buffer = [UInt8](repeating: 0, count: 65_536)

    private final class Seen {
        var request: GatewayRequest?
    }

    init() throws {
        loop = try EventLoop()
        path = "/tmp/vestibule-fuzz-\(getpid()).sock"
        let listener = try Listener.unix(path: path)
        server = try GatewayServer(.fastcgi, loop: loop, listener: listener, log: { _ in }) {
            [seen] request, exchange in
            seen.request = request
            exchange.respond(GatewayResponse(status: 200, contentType: "text/plain", body: Array("seen".utf8)))
        }
    }

    deinit {
        disconnect()
        unlink(path)
    }

    func run(_ chance: inout Chance) throws {
        var bytes = FastCGIGuardTarget.input(&chance)
        if bytes.isEmpty { bytes = [1] }
        // More than any request has, and less than a socket takes at once.
        bytes.removeLast(max(0, bytes.count - 150_000))
        var inspection = FastCGIGuard(limits: GatewayLimits())
        let expected = bytes.withUnsafeBufferPointer { inspection.inspect($0) }
        if fd < 0 { try connect() }
        seen.request = nil
        received = []
        isOver = false
        endsAfterAnswer = bytes.count > 10 && bytes[10] & 1 == 0
        try send(bytes)
        // Nothing more will come: half a request is then over at once, not at its deadline.
        if expected == .incomplete { shutdown(fd, Int32(SHUT_WR)) }
        let timer = loop.schedule(afterMilliseconds: Self.hangMilliseconds) { [loop] in loop.stop() }
        loop.run()
        timer.cancel()
        guard isOver else { throw Finding("neither answered nor closed in \(Self.hangMilliseconds) ms", bytes) }
        guard case .complete = expected, let plain = FastCGIForm.read(bytes, GatewayLimits()) else {
            guard seen.request == nil, received.isEmpty else { throw Finding("\(expected), yet served", bytes) }
            return
        }
        guard let request = seen.request, received.dropFirst(8).starts(with: "Status: 200 OK".utf8) else {
            throw Finding("a whole request was not answered", bytes)
        }
        guard FastCGIForm.asCStrings(plain).agrees(with: request) else {
            throw Finding("libfcgi read something else", bytes)
        }
        deepInputs += 1
    }

    private func connect() throws {
        fd = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard SocketAddress.unix(path).connect(fd) else { throw Finding("connect: errno \(errno)") }
        registration = try loop.add(fd: fd, events: [.readable, .peerClosed, .edgeTriggered]) { [unowned self] _ in
            self.read()
        }
    }

    private func disconnect() {
        guard fd >= 0 else { return }
        if let registration { loop.remove(registration) }
        registration = nil
        close(fd)
        fd = -1
    }

    private func send(_ bytes: [UInt8]) throws {
        let count = bytes.withUnsafeBytes { Glibc.send(fd, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        guard count == bytes.count else { throw Finding("send took \(count) of \(bytes.count): errno \(errno)") }
    }

    private func read() {
        while fd >= 0 {
            let count = recv(fd, &buffer, buffer.count, 0)
            guard count > 0 else {
                if count == 0 || errno != EAGAIN {
                    disconnect()
                    isOver = true
                    loop.stop()
                }
                return
            }
            received += buffer[..<count]
            // The answer ends with an end record of 16 bytes.
            if !endsAfterAnswer, received.count >= 16, received[received.count - 15] == 3 {
                isOver = true
                loop.stop()
            }
        }
    }
}
