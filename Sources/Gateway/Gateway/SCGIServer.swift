// SPDX-License-Identifier: Apache-2.0
//
// The SCGI server: the same handler as behind FastCGI, one request a connection. See SCGIConnection.

public import GatewayWire
public import Reactor

/// Serves SCGI requests on one listener, in the thread of one loop.
public final class SCGIServer: GatewayServer {
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
        let core = ServerCore(name: "scgi", loop: loop, listener: listener, limits: limits, log: log, handler: handler)
        try core.start { (core, fd) throws(SystemError) in try SCGIConnection(core: core, fd: fd) }
        super.init(core: core)
    }
}
