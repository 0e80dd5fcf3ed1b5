// SPDX-License-Identifier: Apache-2.0
//
// The place of one worker in the pool: its two listening sockets, which outlive the processes that serve them, and the
// processes themselves: one, or for a while two when a successor takes over.
//
// The supervisor owns the sockets. While a worker is being replaced, connections wait in the kernel's backlog, and
// nobody is refused. They must not wait for long for a worker that cannot start, since nginx would hold its clients
// until fastcgi_read_timeout (5 s): after `backlogMilliseconds` without a worker the sockets are taken away, the kernel
// resets what waits, and nginx asks another worker or answers its static page at once. The next sockets get the names
// of the old ones when a worker has said that it serves, in one step by rename(2).

import Glibc
import Reactor

final class WorkerSlot {
    /// A worker starts in 30 to 100 ms on an idle machine; this leaves room for a busy one, and is well below nginx's
    /// read timeout of 5 s.
    static let backlogMilliseconds = 1500
    /// The name of sockets nobody serves yet ends with this.
    static let hiddenSuffix = ".new"

    private struct Socket {
        var listener: Listener
        let path: String
        var isHidden: Bool
    }

    let index: Int
    private let paths: [String]
    private let group: gid_t?
    private var sockets: [Socket] = []
    /// The newest worker.
    var current: RunningWorker?
    /// The worker that serves until `current` does.
    var previous: RunningWorker?
    /// Told to end.
    var draining: [RunningWorker] = []
    var delayMilliseconds = 0
    /// When the slot lost its last worker that served; nil while there is one.
    var orphanedMilliseconds: Int?

    /// - Parameter paths: the sockets for FastCGI and for SCGI, in this order.
    init(index: Int, paths: [String], group: gid_t?) {
        self.index = index
        self.paths = paths
        self.group = group
    }

    var workers: [RunningWorker] { [previous, current].compactMap(\.self) + draining }
    /// The worker that takes requests, or will first.
    var server: RunningWorker? { previous ?? current }
    var isServing: Bool { workers.contains { $0.state == .serving } }
    /// Descriptors of the listening sockets; empty when the slot has none.
    var descriptors: [Int32] { sockets.map(\.listener.fd) }
    var areHidden: Bool { sockets.contains(where: \.isHidden) }

    /// Makes the sockets when there are none.
    func open() throws {
        guard sockets.isEmpty else { return }
        sockets = try paths.map { path in
            let hidden = path + WorkerSlot.hiddenSuffix
            return Socket(listener: try Listener.unix(path: hidden, group: group), path: path, isHidden: true)
        }
    }

    /// Takes over sockets of a predecessor.
    func adopt(descriptors: [Int32], areHidden: Bool) throws {
        guard descriptors.count == paths.count else { return }
        sockets = try zip(paths, descriptors).map { path, descriptor in
            let file = areHidden ? path + WorkerSlot.hiddenSuffix : path
            return Socket(
                listener: try Listener(inherited: descriptor, file: file),
                path: path,
                isHidden: areHidden
            )
        }
    }

    /// Gives the sockets their names: somebody serves them.
    func show() throws {
        for index in sockets.indices where sockets[index].isHidden {
            try sockets[index].listener.rename(to: sockets[index].path)
            sockets[index].isHidden = false
        }
    }

    /// Takes the names away while a worker is on its way: nobody new comes, and who waits is served when it is there.
    func hide() throws {
        for index in sockets.indices where !sockets[index].isHidden {
            try sockets[index].listener.rename(to: sockets[index].path + WorkerSlot.hiddenSuffix)
            sockets[index].isHidden = true
        }
    }

    /// Closes and unlinks the sockets. What waits in the backlog is reset, unless a draining worker still holds them.
    func close() {
        for socket in sockets { socket.listener.close() }
        sockets = []
    }
}
