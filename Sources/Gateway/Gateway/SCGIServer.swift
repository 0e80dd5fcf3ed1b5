// SPDX-License-Identifier: Apache-2.0
//
// The SCGI server: the same handler as behind FastCGI, one request a connection. See SCGIConnection.

public import GatewayWire
public import Reactor

/// Serves SCGI requests on one listener, in the thread of one loop.
///
/// A server stays alive, kept by its loop, until it is drained.
public final class SCGIServer {
    private let core: ServerCore

    /// Starts serving.
    ///
    /// - Parameters:
    ///   - listener: taken over; closed when the server stops accepting.
    ///   - limits: `idleMilliseconds` does not apply: a silent connection has `partialRequestMilliseconds`.
    ///   - log: gets lines about misbehaving peers, at a bounded rate and without anything a visitor sent.
    ///   - handler: called once for every request.
    public init(
        loop: EventLoop,
        listener: Listener,
        limits: GatewayLimits = GatewayLimits(),
        log: @escaping (String) -> Void,
        handler: @escaping GatewayHandler
    ) throws(SystemError) {
        core = ServerCore(name: "scgi", loop: loop, listener: listener, limits: limits, log: log, handler: handler)
        try core.start { (core, fd) throws(SystemError) in try SCGIConnection(core: core, fd: fd) }
    }

    /// What has been counted so far.
    public var counters: GatewayCounters { core.counters }

    /// Closes the listener. Open connections go on.
    public func stopAccepting() {
        core.stopAccepting()
    }

    /// Closes the listener, finishes the requests that have begun, then calls `completion` once.
    public func drain(_ completion: @escaping () -> Void) {
        core.drain(completion)
    }
}
