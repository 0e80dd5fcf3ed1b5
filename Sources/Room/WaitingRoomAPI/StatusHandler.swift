// SPDX-License-Identifier: Apache-2.0
//
// GET /api/v1/queue/status: the hot path. A visitor who waits is answered from the mirror, without Redis.

internal import Admission
internal import GatewayWire
internal import Passes
internal import Telemetry

struct StatusHandler {
    let api: APIContext

    /// Until the mirror has no answer, nothing is copied out of the request: this is what nearly every request runs.
    func handle(_ request: GatewayRequest, _ respond: @escaping Call.Respond) {
        let visitor: Visitor
        switch api.identify(request) {
        case .problem(let problem): return Call(api, request, respond).refuse(problem)
        case .visitor(let found): visitor = found
        }
        api.count(.polls)
        let now = api.now
        let room = visitor.room
        guard api.pollMeter.allows(visitor.number, nowMilliseconds: now) else {
            api.count(.pollsTooEarly)
            return Call(api, request, respond).refuse(.tooEarly)
        }
        room.use(nowMilliseconds: now)
        if api.isOpen(room) { return statusOfOpenRoom(visitor, Call(api, request, respond)) }
        if let (place, position) = visitor.placeInMirror {
            room.markAlive(place)
            let language = Language(acceptLanguage: request[.acceptLanguage])
            return respondStatus(.waiting(in: room, at: place, position, language, api), visitor, respond)
        }
        let call = Call(api, request, respond)
        if let remembered = room.rememberedStanding(visitor.number) {
            return respondStanding(remembered, visitor, call)
        }
        api.store.stand(visitor.claim, room: room) { result in
            switch result {
            case .success(let reply):
                let known = room.remember(reply, of: visitor.number)
                api.whenKnown(known, of: visitor.claim, in: room) { respondStanding($0, visitor, call) }
            case .failure(let failure):
                respondDegraded(failure, visitor, call)
            }
        }
    }

    private func respondStanding(_ reply: StandingReply, _ visitor: Visitor, _ call: Call) {
        let room = visitor.room
        switch reply.standing {
        case .fenced: return call.refuse(.otherGeneration)
        case .waiting: room.markAlive(reply.place)
        case .called: room.markAlive(visitor.number)
        default: break
        }
        let view = VisitorView.of(reply, in: room, call.language, api)
        respondStatus(view, visitor, call.respond)
    }

    /// Redis is away and the mirror does not have this visitor as waiting. The place is not lost: the visitor is shown
    /// as waiting behind those the mirror knows ahead. Without a mirror there is nothing honest to say.
    private func respondDegraded(_ failure: StoreFailure, _ visitor: Visitor, _ call: Call) {
        guard case .unavailable = failure, visitor.room.isKnown else {
            return call.refuse(failure)
        }
        let position = visitor.room.seen.reckonedPosition(of: visitor.number)
        let view = VisitorView.waiting(in: visitor.room, at: visitor.number, position, call.language, api)
        respondStatus(view, visitor, isDegraded: true, call.respond)
    }

    /// The store is away and everybody passes, so a waiting visitor may enter too.
    private func statusOfOpenRoom(_ visitor: Visitor, _ call: Call) {
        visitor.room.markAlive(visitor.number)
        let view = VisitorView.of(.called(deadlineMilliseconds: 0), call.language)
        respondStatus(view, visitor, isDegraded: true, call.respond)
    }

    private func respondStatus(
        _ view: VisitorView,
        _ visitor: Visitor,
        isDegraded: Bool = false,
        _ respond: Call.Respond
    ) {
        let room = visitor.room
        let now = api.now
        let degraded =
            isDegraded || room.isStale(nowMilliseconds: now, limitMilliseconds: api.environment.staleMilliseconds)
        if degraded { api.count(.pollsDegraded) }
        let waited = room.redisMilliseconds(nowMilliseconds: now) - Int(visitor.ticket.issuedMilliseconds)
        let view = room.settings.web.speaksReference ? view.forReference : view
        var json = JSONWriter()
        view.write(into: &json)
        json.member("number", visitor.number)
        json.member("generation", Int(visitor.ticket.generation))
        json.member("waiting_time", max(0, waited / 1000))
        json.member("ready_for_entry", view.isReady)
        json.member("degraded", degraded)
        json.member("as_of_ms", room.asOfMilliseconds)
        var response = GatewayResponse.uncacheable(200, json.finish())
        response.retry(afterMilliseconds: view.pollAfterMilliseconds)
        respond(response)
    }
}
