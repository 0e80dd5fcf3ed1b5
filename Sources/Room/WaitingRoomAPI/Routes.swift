// SPDX-License-Identifier: Apache-2.0
//
// Which handler answers which request. To add an endpoint, write a handler in a file of its own (a struct with an
// `api: APIContext` and a `handle`), and add one line to `paths` here. The table also makes the `Allow` of a 405.

internal import GatewayWire
internal import Telemetry

/// One line of the table.
struct Route {
    private let name: StaticString
    /// The methods it takes; empty for any.
    private let methods: [StaticString]
    /// Captures nothing, so calling it costs a status poll no allocation.
    private let handle: @Sendable (APIContext, GatewayRequest, @escaping Call.Respond) -> Void

    private init(
        _ name: StaticString,
        _ methods: [StaticString] = [],
        _ handle: @escaping @Sendable (APIContext, GatewayRequest, @escaping Call.Respond) -> Void
    ) {
        self.name = name
        self.methods = methods
        self.handle = handle
    }

    /// Requests of visitors, by what follows the API's prefix. The most frequent one is first.
    private static let paths = [
        Route("/status", ["GET"]) { StatusHandler(api: $0).handle($1, $2) },
        Route("/board", ["GET"]) { BoardHandler(api: $0).handle($1, $2) },
        Route("/join", ["POST"]) { JoinHandler(api: $0).handle($1, $2) },
        Route("/enter", ["POST"]) { EnterHandler(api: $0).handle($1, $2) },
        Route("/draw", ["GET"]) { DrawHandler(api: $0).handle($1, $2) },
        Route("/leave", ["POST", "DELETE"]) { LeaveHandler(api: $0).handle($1, $2) },
    ]

    /// Requests of supervisors.
    private static let services = [
        Route("/healthz") { HealthHandler(api: $0).handle($1, $2) },
        Route("/readyz") { ReadinessHandler(api: $0).handle($1, $2) },
        Route("/metrics") { MetricsHandler(api: $0).handle($1, $2) },
    ]

    /// Subrequests of nginx for protected pages, by the operation that its configuration sets.
    private static let operations = [
        Route("gate") { api, request, respond in
            // A renewal refuses nobody: the pass is good.
            let isDue = request[.verdict].spells("due")
            if !isDue, let refusal = GateLimit.refusal(request, api) { return respond(refusal) }
            GateHandler(api: api).handle(request, respond)
        },
        Route("ask") { GateAhead(api: $0).handle($1, $2) },
        Route("verify") { VerifyHandler(api: $0).handle($1, $2) },
    ]

    /// Has the request answered by the handler of its route, or refuses it.
    static func answer(_ request: GatewayRequest, _ api: APIContext, _ respond: @escaping Call.Respond) {
        let respond = CrossOrigin.sharing(request, api, respond)
        let operation = request[.operation]
        var (routes, name) = (operations, operation)
        if operation.isEmpty {
            let path = request[.path]
            let isCall = path.starts(with: api.prefix)
            (routes, name) = isCall ? (paths, path.dropFirst(api.prefix.count)) : (services, path)
        }
        for route in routes where name.spells(route.name) {
            guard route.takes(request[.method]) else {
                let allow = route.methods.map(String.init(describing:)).joined(separator: ", ")
                if request[.method].spells("OPTIONS"), api.listsOrigin(of: request) {
                    return respond(CrossOrigin.preflight(methods: allow))
                }
                return Call(api, request, respond).refuse(.methodUnknown(allow: allow))
            }
            return route.handle(api, request, respond)
        }
        Call(api, request, respond).refuse(.routeUnknown)
    }

    private func takes(_ method: ArraySlice<UInt8>) -> Bool {
        if methods.isEmpty { return true }
        for known in methods where method.spells(known) { return true }
        return false
    }
}

/// The names of the headers that more than one handler sends.
enum HeaderName {
    /// The room, the pass, and the number in it: nginx hands them to the backend.
    static let room: StaticString = "X-Vestibule-Room"
    static let pass: StaticString = "X-Vestibule-Pass"
    static let number: StaticString = "X-Vestibule-Number"
    static let setCookie: StaticString = "Set-Cookie"
    /// What a subrequest of nginx has found, with the room in it.
    static let verdict: StaticString = "X-Vestibule-Verdict"
}
