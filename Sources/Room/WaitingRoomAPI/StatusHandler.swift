// SPDX-License-Identifier: Apache-2.0
//
// GET /api/v1/queue/status: the hot path. A visitor who waits is answered from the mirror, without Redis.

internal import Admission
internal import GatewayWire
internal import Passes
internal import Telemetry

extension WaitingRoomAPI {
    func status(_ request: GatewayRequest, _ respond: @escaping Respond) {
        let visitor: Visitor
        switch identify(request) {
        case .problem(let problem): return refuse(problem, RequestFacts(request), respond)
        case .visitor(let found): visitor = found
        }
        count(.polls)
        let now = environment.nowMilliseconds()
        let room = visitor.room
        guard pollMeter.allows(visitor.number, nowMilliseconds: now) else {
            count(.pollsTooEarly)
            return refuse(.tooEarly, RequestFacts(request), respond)
        }
        room.use(nowMilliseconds: now)
        if isOpen(room) { return statusOfOpenRoom(visitor, RequestFacts(request), respond) }
        if Int(visitor.ticket.generation) == room.generation, let position = room.mirror.position(visitor.number) {
            room.markAlive(visitor.number)
            let language = Language(acceptLanguage: request[.acceptLanguage])
            return respondStatus(waitingView(room, position: position, language), visitor, respond)
        }
        let facts = RequestFacts(request)
        if let remembered = room.rememberedStanding(visitor.number) {
            return respondStanding(remembered, visitor, facts, respond)
        }
        store.stand(visitor.claim, room: room) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let reply):
                room.remember(reply, of: visitor.number)
                self.respondStanding(reply, visitor, facts, respond)
            case .failure(let failure):
                self.respondDegraded(failure, visitor, facts, respond)
            }
        }
    }

    private func respondStanding(
        _ reply: StandingReply,
        _ visitor: Visitor,
        _ facts: RequestFacts,
        _ respond: Respond
    ) {
        let room = visitor.room
        switch reply.standing {
        case .fenced: return refuse(.otherGeneration, facts, respond)
        case .waiting, .called: room.markAlive(visitor.number)
        default: break
        }
        respondStatus(view(reply.standing, room, position: reply.position, facts.language), visitor, respond)
    }

    /// Redis is away and the mirror does not have this visitor as waiting. The place is not lost: the visitor is shown
    /// as waiting behind those the mirror knows ahead. Without a mirror there is nothing honest to say.
    private func respondDegraded(
        _ failure: StoreFailure,
        _ visitor: Visitor,
        _ facts: RequestFacts,
        _ respond: Respond
    ) {
        guard case .unavailable = failure, visitor.room.isKnown else {
            return refuse(problem(for: failure), facts, respond)
        }
        // Numbers issued after the last tick are not in the mirror: they are reckoned as waiting. More than can have
        // been issued are the gap of a restore that this worker has not seen, and nobody waits in it.
        let beyond = max(0, visitor.number - visitor.room.mirroredNext)
        let unseen = beyond < RoomMemory.gap ? beyond : 0
        let position = visitor.room.mirror.rank(visitor.number) + unseen + 1
        let view = waitingView(visitor.room, position: position, facts.language)
        respondStatus(view, visitor, isDegraded: true, respond)
    }

    /// The store is away and everybody passes: whoever waits may enter as well.
    private func statusOfOpenRoom(_ visitor: Visitor, _ facts: RequestFacts, _ respond: Respond) {
        visitor.room.markAlive(visitor.number)
        let view = view(.called(deadlineMilliseconds: 0), visitor.room, position: 0, facts.language)
        respondStatus(view, visitor, isDegraded: true, respond)
    }

    private func respondStatus(
        _ view: VisitorView,
        _ visitor: Visitor,
        isDegraded: Bool = false,
        _ respond: Respond
    ) {
        let room = visitor.room
        let now = environment.nowMilliseconds()
        let degraded =
            isDegraded || room.isStale(nowMilliseconds: now, limitMilliseconds: environment.staleMilliseconds)
        if degraded { count(.pollsDegraded) }
        let waited = room.redisMilliseconds(nowMilliseconds: now) - Int(visitor.ticket.issuedMilliseconds)
        var json = JSONWriter()
        view.write(into: &json)
        json.member("number", visitor.number)
        json.member("generation", Int(visitor.ticket.generation))
        json.member("waiting_time", max(0, waited / 1000))
        json.member("ready_for_entry", view.isReady)
        json.member("degraded", degraded)
        json.member("as_of_ms", room.asOfMilliseconds)
        var response = ok(200, json.finish())
        response.retryAfterSeconds = retryAfterSeconds(view.pollAfterMilliseconds)
        respond(response)
    }
}

extension WaitingRoomAPI.Visitor {
    var claim: TicketClaim {
        TicketClaim(
            generation: Int(ticket.generation),
            number: Int(ticket.number),
            issuedMilliseconds: Int(ticket.issuedMilliseconds)
        )
    }
}
