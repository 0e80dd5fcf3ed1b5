// SPDX-License-Identifier: Apache-2.0
//
// Ports and sockets of tests: the one place that finds free ports, and sends and receives bytes.

internal import Glibc
internal import Reactor
internal import Synchronization

/// A connected stream socket whose reads and writes block, but give up after a time. Closed with its owner.
/// Not for use from several threads.
public final class TestSocket {
    public let descriptor: Int32
    /// Received, but belonging to a later answer.
    public var pending: [UInt8] = []

    /// Connects to a unix socket.
    public convenience init(path: String, timeoutSeconds: Int = 5) throws {
        try self.init(AF_UNIX, timeoutSeconds)
        guard SocketAddress.unix(path).connect(descriptor) else {
            throw TestFailure("connect to \(path): errno \(errno)")
        }
    }

    /// Connects to a port of 127.0.0.1.
    /// - Parameter source: the address it comes from, one of 127.0.0.0/8; nil leaves it to the system.
    public convenience init(port: Int, timeoutSeconds: Int = 5, from source: String? = nil) throws {
        try self.init(AF_INET, timeoutSeconds)
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        let isBound = source.map { SocketAddress.port(0, of: $0).bind(descriptor) } ?? true
        guard isBound, SocketAddress.port(port).connect(descriptor) else {
            throw TestFailure("connect to port \(port): errno \(errno)")
        }
    }

    private init(_ family: Int32, _ timeoutSeconds: Int) throws {
        // Closed in children: a server that a test starts must not keep the connections of another test open.
        descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw TestFailure("socket: errno \(errno)") }
        var limit = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    deinit { close(descriptor) }

    /// Sends everything; false when the peer is gone or takes nothing for as long as the socket waits.
    @discardableResult
    public func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return false }
            sent += count
        }
        return true
    }

    /// Appends the next bytes. Throws at the end of the stream, and when nothing comes.
    public func fill(_ buffer: inout [UInt8]) throws {
        let (count, error) = append(to: &buffer)
        guard count > 0 else { throw TestFailure(count == 0 ? "the server closed the connection" : "recv: \(error)") }
    }

    /// The next bytes; empty at the end of the stream; nil when nothing came in time.
    public func receive() -> [UInt8]? {
        var bytes: [UInt8] = []
        let (count, error) = append(to: &bytes)
        return count < 0 && error == EAGAIN ? nil : bytes
    }

    /// What recv(2) returned, and the reason for a failure.
    private func append(to buffer: inout [UInt8]) -> (count: Int, error: Int32) {
        var (count, error) = (0, Int32(0))
        // Not filled with zeros first: in a debug build that takes longer than the answer.
        buffer += [UInt8](unsafeUninitializedCapacity: 65_536) { bytes, initialized in
            count = recv(descriptor, bytes.baseAddress, bytes.count, 0)
            error = errno
            initialized = max(0, count)
        }
        return (count, error)
    }

    /// Whether the server has closed the connection by now. What it has sent is left to be read.
    public var isClosedByPeer: Bool {
        var byte: UInt8 = 0
        let count = recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT) | Int32(MSG_PEEK))
        return count == 0 || (count < 0 && errno != EAGAIN)
    }
}

/// Ports of 127.0.0.1.
public enum Loopback {
    /// What this process has given out: no two tests get the same port.
    private static let given = Mutex<Set<Int>>([])

    /// The file whose byte n is locked by the process of tests that holds port n (fcntl(2), record locks). It stays
    /// open: the locks go when the process ends, however it ends, and its children do not inherit them.
    private static let reservations = open(
        "/tmp/vestibule-test-ports-\(geteuid())",
        O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
        0o600
    )

    private static func reserve(_ port: Int) -> Bool {
        var lock = flock(l_type: Int16(F_WRLCK), l_whence: Int16(SEEK_SET), l_start: off_t(port), l_len: 1, l_pid: 0)
        return fcntl(reservations, F_SETLK, &lock) == 0
    }

    /// A TCP port nobody listens on now, and which no other test gets, in this process or in another, until this one
    /// ends: a server may be started on it later, or never.
    ///
    /// It lies below the ports that the system gives to clients (32,768 and up, ip(7)): one of those can be taken by
    /// any outgoing connection before the server that it was found for binds it. So does the port 10,000 above it,
    /// which is free as well, because a node of a Redis Cluster listens there for the others.
    public static func freePort() throws -> Int {
        for _ in 0..<1000 {
            let port = Int.random(in: 12_000..<22_000)
            guard given.withLock({ $0.insert(port).inserted }), reserve(port) else { continue }
            if try isFree(port), try isFree(port + 10_000) { return port }
        }
        throw TestFailure("no free port")
    }

    private static func isFree(_ port: Int) throws -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw TestFailure("socket: errno \(errno)") }
        defer { close(descriptor) }
        return SocketAddress.port(port).bind(descriptor)
    }

    /// Whether somebody listens on a port now.
    public static func connects(port: Int) -> Bool { (try? TestSocket(port: port, timeoutSeconds: 1)) != nil }
}
