// SPDX-License-Identifier: Apache-2.0
//
// The address of a socket, for every part that listens or connects.

internal import CLinux
internal import Glibc

/// Where a stream socket listens or connects to.
public enum SocketAddress {
    /// A path of 1 to 107 bytes (unix(7): 108 with its NUL).
    case unix(String)
    /// A port, 0 to 65,535, of an IPv4 address.
    case port(Int, of: String = "127.0.0.1")

    /// Connects a socket to it; whether that succeeded. The reason for a failure is in errno: ENAMETOOLONG for a path
    /// that does not fit.
    public func connect(_ descriptor: Int32) -> Bool { apply(Glibc.connect, descriptor) }

    /// Binds a socket to it, and says the same.
    public func bind(_ descriptor: Int32) -> Bool { apply(Glibc.bind, descriptor) }

    private func apply(
        _ function: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32,
        _ descriptor: Int32
    ) -> Bool {
        func call<Address>(_ address: Address) -> Bool {
            withUnsafePointer(to: address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    function(descriptor, $0, socklen_t(MemoryLayout<Address>.size)) == 0
                }
            }
        }
        switch self {
        case .unix(let path):
            guard Self.fits(path) else {
                errno = ENAMETOOLONG
                return false
            }
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
            return call(address)
        case .port(let port, let host):
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(port).bigEndian
            address.sin_addr.s_addr = inet_addr(host)
            return call(address)
        }
    }

    /// A blocking socket that is connected to it, and whose calls give up after a time; nil when nobody answers there.
    public func connected(timeoutMilliseconds: Int) -> Int32? {
        let family = if case .unix = self { AF_UNIX } else { AF_INET }
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        var limit = timeval(tv_sec: timeoutMilliseconds / 1000, tv_usec: timeoutMilliseconds % 1000 * 1000)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        if connect(descriptor) { return descriptor }
        close(descriptor)
        return nil
    }

    /// Whether a path is short enough for a unix socket.
    static func fits(_ path: String) -> Bool {
        (1..<MemoryLayout.size(ofValue: sockaddr_un().sun_path)).contains(path.utf8.count)
    }
}
