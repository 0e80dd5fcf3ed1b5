// SPDX-License-Identifier: Apache-2.0
//
// A gateway server on an event loop. See FastCGIConnection and SCGIConnection for how one request is served.

public import GatewayWire
public import Reactor

/// What nginx speaks to a server.
public enum GatewayProtocol: String, Sendable {
    /// Many requests on a connection, through libfcgi.
    ///
    /// The peer must be nginx, or speak like it: one request at a time on a connection, request whole before its answer
    /// is expected. Anything else is closed with a log line, and never holds up other connections.
    case fastcgi
    /// One request a connection. `GatewayLimits.idleMilliseconds` does not apply: a silent connection has
    /// `partialRequestMilliseconds`.
    case scgi
}

/// Serves requests on one listener, in the thread of one loop. It stays alive, kept by its loop, until it is drained.
public final class GatewayServer {
    private let core: ServerCore

    /// Starts serving.
    ///
    /// - Parameters:
    ///   - listener: taken over; closed when the server stops accepting.
    ///   - peers: whose processes may connect.
    ///   - log: gets lines about misbehaving peers, at a bounded rate and without anything a visitor sent.
    ///   - handler: called once for every request.
    public init(
        _ speaking: GatewayProtocol,
        loop: EventLoop,
        listener: Listener,
        limits: GatewayLimits = GatewayLimits(),
        peers: GatewayPeers = .all,
        log: @escaping (String) -> Void,
        handler: @escaping GatewayHandler
    ) throws(SystemError) {
        let name = speaking.rawValue
        core = ServerCore(
            name: name,
            loop: loop,
            listener: listener,
            limits: limits,
            door: PeerDoor(peers, processConnectionsMax: limits.connectionsOfProcess),
            log: log,
            handler: handler
        )
        switch speaking {
        case .fastcgi:
            FastCGILibrary.start
            try core.start { (core, fd) throws(SystemError) in try FastCGIConnection(core: core, fd: fd) }
        case .scgi:
            try core.start { (core, fd) throws(SystemError) in try SCGIConnection(core: core, fd: fd) }
        }
    }

    /// What has been counted so far.
    public var counters: GatewayCounters { core.counters }

    /// Closes the listener. Open connections go on.
    public func stopAccepting() {
        core.stopAccepting()
    }

    /// Closes the listener and the idle connections, finishes the requests in flight, then calls `completion` once.
    ///
    /// It takes at most `answerMilliseconds` or `partialRequestMilliseconds`, whichever is longer. A request that nginx
    /// sends on an idle connection at the moment it is closed is sent by nginx to another worker if it may be repeated.
    public func drain(_ completion: @escaping () -> Void) {
        core.drain(completion)
    }
}
