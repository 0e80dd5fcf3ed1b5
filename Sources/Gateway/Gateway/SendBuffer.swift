// SPDX-License-Identifier: Apache-2.0
//
// How much a socket takes without waiting: an answer in one go, or a piece of a large one.

internal import Glibc

/// The kernel's send buffer of one connection.
struct SendBuffer {
    /// Asked for; the kernel grants up to net.core.wmem_max (212,992 by default) and doubles it, see socket(7).
    private static let wantedBytes: Int32 = 262_144
    /// Room left for the records around an answer.
    private static let reservedBytes = 32_768

    private let capacity: Int

    init(fd: Int32) {
        var wanted = Self.wantedBytes
        var length = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &wanted, length)
        var granted: Int32 = 0
        getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &granted, &length)
        capacity = Int(granted)
    }

    /// Bytes of the largest answer that fits in the empty buffer.
    ///
    /// The kernel charges what a buffer occupies, not what it holds: libfcgi's records of 8,192 bytes are charged
    /// 16,640 on a unix socket, which is the factor of two.
    var largestResponse: Int { max(0, capacity - Self.reservedBytes) / 2 }
}
