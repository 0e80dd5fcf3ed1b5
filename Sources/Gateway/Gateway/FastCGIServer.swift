// SPDX-License-Identifier: Apache-2.0
//
// The FastCGI server: libfcgi on an event loop. See FastCGIConnection for how one request is served.

public import GatewayWire
public import Reactor

/// Serves FastCGI requests on one listener, in the thread of one loop.
///
/// The peer must be nginx, or speak like it: one request at a time on a connection, request whole before its answer is
/// expected. Anything else is closed with a log line, and never holds up other connections.
public final class FastCGIServer: GatewayServer {
    /// Starts serving.
    ///
    /// - Parameters:
    ///   - listener: taken over; closed when the server stops accepting.
    ///   - log: gets lines about misbehaving peers, at a bounded rate and without anything a visitor sent.
    ///   - handler: called once for every request.
    public init(
        loop: EventLoop,
        listener: Listener,
        limits: GatewayLimits = GatewayLimits(),
        log: @escaping (String) -> Void,
        handler: @escaping GatewayHandler
    ) throws(SystemError) {
        FastCGILibrary.start
        let core = ServerCore(
            name: "fastcgi",
            loop: loop,
            listener: listener,
            limits: limits,
            log: log,
            handler: handler
        )
        try core.start { (core, fd) throws(SystemError) in try FastCGIConnection(core: core, fd: fd) }
        super.init(core: core)
    }
}
