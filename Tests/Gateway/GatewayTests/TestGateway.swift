// SPDX-License-Identifier: Apache-2.0
//
// Both servers with one handler that answers at once, later, never, or not at all, as the path says.

import Gateway
import GatewayWire
import Glibc
import Reactor
import TestSupport

/// A running pair of servers in a temporary directory.
final class TestGateway: Sendable {
    private let directory: TemporaryDirectory
    let thread: LoopThread
    var fastCGIPath: String { directory.file("fastcgi.sock") }
    var scgiPath: String { directory.file("scgi.sock") }

    init(
        limits: GatewayLimits = GatewayLimits(),
        peers: GatewayPeers = .all,
        setUp: @escaping @Sendable (LoopContext) throws -> Void = { _ in }
    ) {
        guard let directory = try? TemporaryDirectory() else { fatalError("no temporary directory") }
        self.directory = directory
        thread = LoopThread { context, thread in
            let handler: GatewayHandler = { request, exchange in
                TestGateway.handle(request, exchange, context)
            }
            context.fastCGI = try GatewayServer(
                .fastcgi,
                loop: context.loop,
                listener: .unix(path: directory.file("fastcgi.sock")),
                limits: limits,
                peers: peers,
                log: { thread.append(log: $0) },
                handler: handler
            )
            context.scgi = try GatewayServer(
                .scgi,
                loop: context.loop,
                listener: .unix(path: directory.file("scgi.sock")),
                limits: limits,
                peers: peers,
                log: { thread.append(log: $0) },
                handler: handler
            )
            try setUp(context)
        }
    }

    func stop() {
        thread.perform { context in
            context.held = []
            context.fastCGI?.drain {}
            context.scgi?.drain {}
        }
        thread.stop()
        precondition(rmdir(directory.path) == 0, "the listeners left their socket files behind")
    }

    /// A connection to the FastCGI server.
    func client() -> TestSocket { connected(fastCGIPath) }
    /// A connection to the SCGI server.
    func scgiClient() -> TestSocket { connected(scgiPath) }

    private func connected(_ path: String) -> TestSocket {
        do { return try TestSocket(path: path) } catch { fatalError("\(error)") }
    }

    var fastCGICounters: GatewayCounters { thread.perform { $0.fastCGI!.counters } }
    var scgiCounters: GatewayCounters { thread.perform { $0.scgi!.counters } }

    /// Waits until the loop sees a condition; it is asked between the turns of the loop, for five seconds at most.
    func eventually(_ condition: @escaping @Sendable (LoopContext) -> Bool) -> Bool {
        Wait.until(seconds: 5) { thread.perform(condition) }
    }

    private static func handle(_ request: GatewayRequest, _ exchange: GatewayExchange, _ context: LoopContext) {
        let path = String(decoding: request[.path], as: UTF8.self)
        let method = String(decoding: request[.method], as: UTF8.self)
        switch path {
        case "/later":
            context.loop.schedule(afterMilliseconds: 5) { exchange.respond(answer("later")) }
        case "/held":
            context.held.append(exchange)
        case "/dropped":
            break
        case "/twice":
            exchange.respond(answer("first"))
            exchange.respond(answer("second"))
        case _ where path.hasPrefix("/size/"):
            let size = Int(path.dropFirst(6)) ?? 0
            exchange.respond(
                GatewayResponse(status: 200, contentType: "text/plain", body: [UInt8](repeating: 0x79, count: size))
            )
        default:
            let sum = request.body.reduce(0) { ($0 * 31 + Int($1)) % 65_521 }
            exchange.respond(
                answer("\(method) \(path) cookie \(request[.cookie].count) body \(request.body.count) sum \(sum)")
            )
        }
    }

    private static func answer(_ text: String) -> GatewayResponse {
        GatewayResponse(status: 200, contentType: "text/plain", body: Array(text.utf8))
    }
}

/// The checksum the handler reports for a body.
func checksum(_ body: [UInt8]) -> Int { body.reduce(0) { ($0 * 31 + Int($1)) % 65_521 } }
