// SPDX-License-Identifier: Apache-2.0
//
// Whose processes may connect. A peer speaks for visitors: it can claim any address and fill the sockets. The group of
// a socket is not enough to keep others out, because on many hosts every script of the site runs as nginx's user.

internal import CLinux
internal import Glibc
internal import Reactor

/// The processes that a server takes connections from.
public struct GatewayPeers: Sendable {
    /// Users by number; nil takes everybody who can open the socket.
    let users: Set<UInt32>?
    let masterFile: String?

    /// Everybody whom the mode of the socket lets connect.
    public static let all = GatewayPeers(users: nil, masterFile: nil)

    private init(users: Set<UInt32>?, masterFile: String?) {
        (self.users, self.masterFile) = (users, masterFile)
    }

    /// Root, the user of this process, and `users`.
    ///
    /// - Parameter masterFile: the pid file of nginx. If given, processes of `users` are welcome only when they are
    ///   children of that process, or of the one in the same file with `.oldbin` at its end, which an nginx that is
    ///   being replaced has.
    public init(users: Set<UInt32>, masterFile: String?) {
        self.init(users: Optional(users), masterFile: masterFile)
    }
}

/// Decides about each connection as it comes.
struct PeerDoor {
    /// Why a connection is not taken; without a text when it has been said before.
    struct Refusal {
        var text: String?
    }

    /// The time for which a process that was found to be nginx's is not looked up again.
    private static let knownMilliseconds = 1000
    /// Processes that are remembered, and users that a log line has named. With more, it begins again.
    private static let knownMax = 1024

    private let peers: GatewayPeers
    private let processConnectionsMax: Int
    /// The process behind each open connection of a named user.
    private var processes: [Int32: Int32] = [:]
    private var connections: [Int32: Int] = [:]
    private var knownUntil: [Int32: Int] = [:]
    private var named: Set<String> = []

    init(_ peers: GatewayPeers, processConnectionsMax: Int) {
        self.peers = peers
        self.processConnectionsMax = processConnectionsMax
    }

    /// Nil when the connection is welcome; it then counts until ``closed(_:)``.
    mutating func refusal(of fd: Int32, nowMilliseconds: Int) -> Refusal? {
        guard let users = peers.users else { return nil }
        var peer = linux_peer()
        guard linux_peer_of(fd, &peer) == 0 else { return refused("a peer without a name") }
        // Both could end this process, and need no door.
        if peer.user == 0 || peer.user == geteuid() { return nil }
        guard users.contains(peer.user) else {
            return refused("user \(peer.user) may not connect; nginx.users of the configuration names who may")
        }
        guard isOfMaster(peer.process, nowMilliseconds) else {
            return refused(
                "a process of user \(peer.user) that is no worker of the nginx in \(peers.masterFile ?? "-")"
            )
        }
        guard connections[peer.process, default: 0] < processConnectionsMax else {
            return refused("process \(peer.process) has \(processConnectionsMax) connections")
        }
        processes[fd] = peer.process
        connections[peer.process, default: 0] += 1
        return nil
    }

    /// Forgets a connection.
    mutating func closed(_ fd: Int32) {
        guard let process = processes.removeValue(forKey: fd), let count = connections[process] else { return }
        connections[process] = count > 1 ? count - 1 : nil
    }

    /// Each reason is said once: what it names does not change by being said a thousand times.
    private mutating func refused(_ reason: String) -> Refusal {
        if named.count >= PeerDoor.knownMax { named = [] }
        return Refusal(text: named.insert(reason).inserted ? "connection refused: \(reason)" : nil)
    }

    private mutating func isOfMaster(_ process: Int32, _ now: Int) -> Bool {
        guard let file = peers.masterFile else { return true }
        if let until = knownUntil[process], now < until { return true }
        guard process > 0, let parent = ProcessFamily.parent(of: process) else { return false }
        let isChild = [file, "\(file).oldbin"].contains { ProcessFamily.pid(inFile: $0) == parent }
        if knownUntil.count >= PeerDoor.knownMax { knownUntil = [:] }
        knownUntil[process] = isChild ? now + PeerDoor.knownMilliseconds : nil
        return isChild
    }
}
