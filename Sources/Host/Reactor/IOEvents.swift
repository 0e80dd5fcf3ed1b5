// SPDX-License-Identifier: Apache-2.0
//
// What a descriptor can be watched for, and the handle of one watched descriptor.

internal import CLinux

/// Events of a descriptor, with the values of epoll_ctl(2).
public struct IOEvents: OptionSet, Sendable {
    /// The bits as the kernel knows them.
    public let rawValue: UInt32

    /// Creates a set from kernel bits.
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// There is something to read, or the end of the stream.
    public static let readable = IOEvents(rawValue: EPOLLIN.rawValue)
    /// There is room to write.
    public static let writable = IOEvents(rawValue: EPOLLOUT.rawValue)
    /// The peer will send no more. It may still read. Reported only when asked for.
    public static let peerClosed = IOEvents(rawValue: EPOLLRDHUP.rawValue)
    /// Both directions are closed. Always reported.
    public static let hangUp = IOEvents(rawValue: EPOLLHUP.rawValue)
    /// The descriptor failed. Always reported.
    public static let error = IOEvents(rawValue: EPOLLERR.rawValue)
    /// Report a change once instead of a state every turn. Only for asking.
    public static let edgeTriggered = IOEvents(rawValue: EPOLLET.rawValue)
}

/// A watched descriptor.
///
/// It names one period of watching, not the descriptor number: the kernel uses numbers again at once, and an
/// event that was already collected for the old one must not reach the new one.
public struct Registration: Hashable, Sendable {
    /// The descriptor.
    public let fd: Int32
    let generation: UInt32

    /// The pair as it travels through `epoll_data`.
    var packed: UInt64 { UInt64(generation) << 32 | UInt64(UInt32(bitPattern: fd)) }

    init(fd: Int32, generation: UInt32) {
        self.fd = fd
        self.generation = generation
    }

    init(packed: UInt64) {
        fd = Int32(bitPattern: UInt32(truncatingIfNeeded: packed))
        generation = UInt32(truncatingIfNeeded: packed >> 32)
    }
}
