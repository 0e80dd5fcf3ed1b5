// SPDX-License-Identifier: Apache-2.0
//
// What a handler keeps of a request after the request's storage is used again, and how the request is answered.
// `respond` must be called exactly once.

internal import Admission
internal import GatewayWire
internal import Passes
internal import Telemetry

/// A request that is being answered.
struct Call {
    typealias Respond = WaitingRoomAPI.Respond

    let api: APIContext
    let traceID: String
    let language: Language
    /// Whether the visitor came over TLS (decides the cookies' names).
    let isSecure: Bool
    /// What the passes for this client are bound to.
    private(set) var binding: PassBinding?
    let respond: Respond

    init(_ api: APIContext, _ request: GatewayRequest, _ respond: @escaping Respond) {
        self.api = api
        self.respond = respond
        traceID = String(decoding: request[.requestID].prefix(64), as: UTF8.self)
        language = Language(acceptLanguage: request[.acceptLanguage])
        isSecure = request[.scheme].spells("https")
    }

    /// The call of a client that asks for a pass of a room, with what that room binds passes to.
    func binding(_ request: GatewayRequest, _ room: Room) -> Call {
        let traits = room.rules.passBinding
        guard !traits.isEmpty else { return self }
        var bound = self
        bound.binding = PassBinding(
            to: PassClient(request),
            network: traits.contains(.network),
            agent: traits.contains(.agent)
        )
        return bound
    }

    /// Answers with an error as JSON, and counts it.
    func refuse(_ problem: Problem) {
        switch problem.status {
        case 400, 404, 413: api.count(.requestsMalformed)
        case 503: api.count(.storeFailures)
        default: break
        }
        respond(problem.response(traceID: traceID))
    }

    /// What the store answered; nil when it failed, and the failure is the answer to the call.
    func answered<Value>(_ result: Result<Value, StoreFailure>) -> Value? {
        switch result {
        case .success(let value): return value
        case .failure(let failure):
            refuse(failure)
            return nil
        }
    }

    /// Answers with what a visitor sees of a failure of the store.
    func refuse(_ failure: StoreFailure) {
        switch failure {
        case .unavailable: refuse(.storeAway)
        case .refused(let text):
            api.logPaced("store refused a call: \(text)")
            refuse(.faulty)
        }
    }
}

extension GatewayResponse {
    /// An answer that no cache may keep; JSON unless `contentType` says otherwise.
    static func uncacheable(_ status: Int, _ body: [UInt8]) -> GatewayResponse {
        var response = GatewayResponse(status: status, body: body)
        response.isUncacheable = true
        return response
    }

    /// An answer that has headers only, and that no cache may keep.
    static func bare(_ status: Int) -> GatewayResponse {
        var response = GatewayResponse(status: status, contentType: "")
        response.isUncacheable = true
        return response
    }

    /// Sets Retry-After: whole seconds, rounded up, at least one.
    mutating func retry(afterMilliseconds wait: Int) { retryAfterSeconds = max(1, (wait + 999) / 1000) }
}

extension PassClient {
    /// The client as nginx reports it where passes are made and verified. nginx's own verifiers see the same.
    init(_ request: GatewayRequest) {
        self.init(network: ClientAddress(request[.client])?.networkBytes ?? [], agent: Array(request[.agent]))
    }
}
