// SPDX-License-Identifier: Apache-2.0
//
// A listening socket, made here or inherited, and how connections are taken from it.

internal import CLinux
internal import Glibc

/// A non-blocking listening socket.
public final class Listener {
    /// Connections taken in one turn, so that a flood of them leaves time for those already open.
    private static let acceptsPerTurn = 64
    /// Connections the kernel keeps waiting, capped by net.core.somaxconn (4096 since Linux 5.4). A full unix backlog
    /// makes connect(2) fail at once, which nginx counts as a failed peer.
    private static let backlog: Int32 = 4_096
    /// Pause after running out of descriptors or memory, since the waiting connection would be reported again at once.
    private static let pauseMilliseconds = 100

    /// The descriptor; -1 after ``close()``.
    public private(set) var fd: Int32
    /// The TCP port; 0 for a unix socket.
    public let port: UInt16
    /// The file this object made, with its identity, so that close does not unlink a successor's socket.
    private var file: (path: String, device: dev_t, inode: ino_t)?
    private var registration: Registration?
    private weak var loop: EventLoop?

    /// Takes over a socket that is already listening, from a supervisor or socket activation.
    public init(inherited fd: Int32) throws(SystemError) {
        var listening: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) == 0 else {
            throw SystemError.current("inherit listener \(fd)")
        }
        guard listening == 1 else { throw SystemError(errno: EINVAL, operation: "inherit listener \(fd)") }
        let flags = fcntl(fd, F_GETFL)
        guard flags >= 0, fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0, fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 else {
            throw SystemError.current("inherit listener \(fd)")
        }
        self.fd = fd
        port = Self.boundPort(fd)
    }

    /// As the other, and takes over the socket file at `path` too: ``close()`` unlinks it.
    public convenience init(inherited fd: Int32, file path: String) throws(SystemError) {
        try self.init(inherited: fd)
        takeFile(path)
    }

    deinit {
        close()
    }

    private func takeFile(_ path: String) {
        var status = stat()
        if stat(path, &status) == 0 { file = (path, status.st_dev, status.st_ino) }
    }

    /// Gives the socket file another name, in one step: connections to it reach this socket from now on. A file
    /// of that name is replaced.
    public func rename(to path: String) throws(SystemError) {
        try Self.checkLength(path)
        guard let file else { throw SystemError(errno: ENOENT, operation: "rename to \(path)") }
        guard Glibc.rename(file.path, path) == 0 else { throw SystemError.current("rename to \(path)") }
        self.file?.path = path
    }

    /// Listens on a unix stream socket.
    ///
    /// A socket file that nobody answers on is replaced. If a server answers on it, the file stays and the call fails
    /// with EADDRINUSE.
    ///
    /// - Parameters:
    ///   - path: at most 107 bytes (unix(7)).
    ///   - mode: permissions of the file. libfcgi trusts its peer, so only nginx's group should connect.
    ///   - group: the group that gets the file.
    public static func unix(path: String, mode: UInt32 = 0o660, group: UInt32? = nil) throws(SystemError) -> Listener {
        try checkLength(path)
        let address = SocketAddress.unix(path)
        var status = stat()
        if lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK {
            guard try !answers(address) else { throw SystemError(errno: EADDRINUSE, operation: "bind \(path)") }
            unlink(path)
        }
        let fd = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | socketFlags, 0)
        guard fd >= 0 else { throw SystemError.current("socket") }
        // No moment at which anybody else could connect: the mode is narrowed before listen(2).
        guard address.bind(fd), chmod(path, mode) == 0, group.map({ chown(path, UInt32.max, $0) }) ?? 0 == 0 else {
            throw closing(fd, "bind \(path)")
        }
        guard listen(fd, backlog) == 0 else { throw closing(fd, "listen \(path)") }
        let listener = try Listener(inherited: fd)
        listener.takeFile(path)
        return listener
    }

    /// Listens on 127.0.0.1. Port 0 takes a free one, see ``port``.
    public static func loopback(port: UInt16) throws(SystemError) -> Listener {
        let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | socketFlags, 0)
        guard fd >= 0 else { throw SystemError.current("socket") }
        var yes: Int32 = 1
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard SocketAddress.port(Int(port)).bind(fd) else { throw closing(fd, "bind 127.0.0.1:\(port)") }
        guard listen(fd, backlog) == 0 else { throw closing(fd, "listen 127.0.0.1:\(port)") }
        return try Listener(inherited: fd)
    }

    /// Starts taking connections. Each comes as a non-blocking, close-on-exec descriptor that `handler` owns.
    public func start(on loop: EventLoop, handler: @escaping (Int32) -> Void) throws(SystemError) {
        precondition(registration == nil, "a listener serves one loop")
        self.loop = loop
        registration = try loop.add(fd: fd, events: .readable) { [unowned self] _ in self.accept(handler) }
    }

    /// Stops taking connections and closes the socket. Unlinks the socket file if it is still the one made here.
    public func close() {
        guard fd >= 0 else { return }
        if let registration { loop?.remove(registration) }
        registration = nil
        Glibc.close(fd)
        fd = -1
        if let file {
            var status = stat()
            if stat(file.path, &status) == 0, status.st_dev == file.device, status.st_ino == file.inode {
                unlink(file.path)
            }
        }
        file = nil
    }

    private func accept(_ handler: (Int32) -> Void) {
        for _ in 0..<Self.acceptsPerTurn {
            guard fd >= 0 else { return }
            let connection = accept4(fd, nil, nil, Self.socketFlags)
            if connection >= 0 {
                handler(connection)
                continue
            }
            switch errno {
            // The peer gave up while it waited, or a signal came: the next one may be fine.
            case ECONNABORTED, EINTR, EPROTO: continue
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: pause()
            default: break
            }
            return
        }
    }

    private func pause() {
        guard let registration, let loop else { return }
        // Both calls can fail only for a registration that is gone, and then there is nothing to pause.
        try? loop.modify(registration, events: [])
        loop.schedule(afterMilliseconds: Self.pauseMilliseconds) { [weak self] in
            guard let self, let registration = self.registration else { return }
            try? loop.modify(registration, events: .readable)
        }
    }

    private static let socketFlags = Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)

    private static func checkLength(_ path: String) throws(SystemError) {
        guard SocketAddress.fits(path) else {
            throw SystemError(errno: ENAMETOOLONG, operation: "unix socket path \(path)")
        }
    }

    /// Whether a connection is taken. Only a refusal counts as nobody; anything unclear counts as somebody.
    private static func answers(_ address: SocketAddress) throws(SystemError) -> Bool {
        let fd = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | socketFlags, 0)
        guard fd >= 0 else { throw SystemError.current("socket") }
        defer { Glibc.close(fd) }
        return address.connect(fd) || (errno != ECONNREFUSED && errno != ENOENT)
    }

    private static func closing(_ fd: Int32, _ operation: String) -> SystemError {
        let error = SystemError.current(operation)
        Glibc.close(fd)
        return error
    }

    private static func boundPort(_ fd: Int32) -> UInt16 {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(fd, $0, &length) }
        }
        return result == 0 && address.sin_family == sa_family_t(AF_INET) ? UInt16(bigEndian: address.sin_port) : 0
    }
}
