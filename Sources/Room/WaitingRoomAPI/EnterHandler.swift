// SPDX-License-Identifier: Apache-2.0
//
// POST /api/v1/queue/enter: claims a call and answers with the pass. Repeating it gives the same pass,
// bound to the client that repeats it where the room binds passes.

internal import Admission
internal import GatewayWire
internal import Passes
internal import StrictJSON
internal import Telemetry

extension WaitingRoomAPI {
    /// `waiting_token` of a JSON body; an empty body has none.
    enum BodyToken {
        case token(String?)
        case problem(Problem)
    }

    func bodyToken(_ request: GatewayRequest) -> BodyToken {
        guard !request.body.isEmpty else { return .token(nil) }
        do {
            let body = try JSONValue(parsing: Array(request.body))
            guard let sent = body["waiting_token"], sent != .null else { return .token(nil) }
            guard let token = sent.stringValue else { return .problem(.malformed("waiting_token must be a string")) }
            return .token(token)
        } catch {
            return .problem(.malformed("the body is not JSON: \(error)"))
        }
    }

    /// The visitor of a request whose ticket may be in a JSON body.
    func identifyWithBody(_ request: GatewayRequest) -> Identification {
        switch bodyToken(request) {
        case .problem(let problem): .problem(problem)
        case .token(let token): identify(request, bodyToken: token)
        }
    }

    func enter(_ request: GatewayRequest, _ respond: @escaping Respond) {
        let facts = RequestFacts(request)
        switch identifyWithBody(request) {
        case .problem(let problem): refuse(problem, facts, respond)
        case .visitor(let visitor):
            visitor.room.use(nowMilliseconds: environment.nowMilliseconds())
            let client = facts.binding(request, visitor.room)
            if isOpen(visitor.room) {
                let issued = openPass(visitor.room, number: visitor.number, client.binding)
                return respondGranted((issued.pass, issued.lifetimeSeconds), visitor.room, client, respond)
            }
            store.enter(visitor.claim, room: visitor.room) { [weak self] result in
                self?.entered(result, visitor, client, respond)
            }
        }
    }

    private func entered(
        _ result: Result<StandingReply, StoreFailure>,
        _ visitor: Visitor,
        _ facts: RequestFacts,
        _ respond: @escaping Respond
    ) {
        guard let reply = answered(result, facts, respond) else { return }
        if case .entered(let expires) = reply.standing {
            count(.entersGranted)
            visitor.room.noteGone(visitor.number)
            let pass = pass(
                visitor.room,
                generation: Int(visitor.ticket.generation),
                number: visitor.number,
                expiresMilliseconds: expires,
                nowMilliseconds: reply.nowMilliseconds,
                binding: facts.binding
            )
            let lifetime = lifetimeSeconds(until: expires, from: reply.nowMilliseconds)
            return respondGranted((pass, lifetime), visitor.room, facts, respond)
        }
        count(.entersRefused)
        switch reply.standing {
        case .retry(let after): refuse(.notReady(afterMilliseconds: after), facts, respond)
        case .left: refuse(.left, facts, respond)
        case .expired: refuse(.expired, facts, respond)
        case .fenced: refuse(.otherGeneration, facts, respond)
        case .waiting, .called, .entered:
            let view = waitingView(visitor.room, position: max(1, reply.position), facts.language)
            refuse(.notReady(afterMilliseconds: view.pollAfterMilliseconds), facts, respond)
        }
    }

    private func respondGranted(
        _ issued: (pass: [UInt8], lifetimeSeconds: Int),
        _ room: Room,
        _ facts: RequestFacts,
        _ respond: Respond
    ) {
        let (pass, lifetime) = issued
        var json = JSONWriter()
        json.member("admission", "granted")
        json.member("pass", text: pass)
        json.member("reservation_token", text: pass)
        json.member("ttl_sec", lifetime)
        WaitMessage.admitted.write(into: &json, "message", facts.language)
        var response = ok(200, json.finish())
        setPassCookie(&response, room, pass, lifetimeSeconds: lifetime, facts)
        respond(response)
    }
}
