// SPDX-License-Identifier: Apache-2.0
//
// Sockets, files and a loop with an end for the reactor tests.

import Glibc
import Reactor
import TestSupport
import Testing

/// Two connected sockets.
func socketPair() -> (Int32, Int32) {
    var ends: [Int32] = [-1, -1]
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    precondition(socketpair(AF_UNIX, kind, 0, &ends) == 0)
    return (ends[0], ends[1])
}

/// Moves a descriptor to the lowest free number from `number` up, out of reach of tests that run at the same time
/// and always get low numbers.
func move(_ fd: Int32, to number: Int32) -> Int32 {
    let moved = fcntl(fd, F_DUPFD_CLOEXEC, number)
    precondition(moved >= number)
    close(fd)
    return moved
}

func send(_ fd: Int32) { precondition(write(fd, "x", 1) == 1) }

/// Connects to a unix socket; -1 with errno when that fails.
func connectUnix(_ path: String) -> Int32 {
    let fd = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    if SocketAddress.unix(path).connect(fd) { return fd }
    let error = errno
    close(fd)
    errno = error
    return -1
}

/// Runs the loop until something stops it, and fails the test when nothing does.
func run(_ loop: EventLoop, sourceLocation: SourceLocation = #_sourceLocation) {
    let limit = loop.schedule(afterMilliseconds: 5_000) {
        Issue.record("the loop was not stopped within 5 s", sourceLocation: sourceLocation)
        loop.stop()
    }
    loop.run()
    limit.cancel()
}
