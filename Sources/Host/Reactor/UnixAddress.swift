// SPDX-License-Identifier: Apache-2.0
//
// The address of a unix socket, and whether somebody listens there.

internal import CLinux
internal import Glibc

/// A path as a socket address.
struct UnixAddress {
    private var address = sockaddr_un()
    private let path: String

    /// - Throws: ENAMETOOLONG when the path does not fit with its NUL (unix(7): 108 bytes).
    init(_ path: String) throws(SystemError) {
        self.path = path
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard !bytes.isEmpty, bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw SystemError(errno: ENAMETOOLONG, operation: "unix socket path \(path)")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    }

    var isSocketFile: Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
    }

    /// Whether a connection is taken. Only a refusal counts as nobody; anything unclear counts as somebody.
    func answers() throws(SystemError) -> Bool {
        let flags = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let fd = socket(AF_UNIX, flags, 0)
        guard fd >= 0 else { throw SystemError.current("socket") }
        defer { close(fd) }
        return withSocketAddress { connect(fd, $0, $1) } == 0 || (errno != ECONNREFUSED && errno != ENOENT)
    }

    func bind(_ fd: Int32) -> Bool {
        withSocketAddress { Glibc.bind(fd, $0, $1) } == 0
    }

    private func withSocketAddress(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
