// SPDX-License-Identifier: Apache-2.0
//
// POST /api/v1/queue/join: a number in the room, or a pass at once when nobody waits.

internal import Admission
internal import GatewayWire
internal import Passes
internal import StrictJSON
internal import Telemetry

struct JoinHandler {
    let api: APIContext

    /// Characters of an Idempotency-Key.
    private static let keyLength = 16...128
    private static let userIDLengthMax = 256

    func handle(_ request: GatewayRequest, _ respond: @escaping Call.Respond) {
        let call = Call(api, request, respond)
        do throws(Problem) {
            let (body, id) = try joinBody(request)
            let key = try idempotencyKey(request)
            api.withRoom(id, for: request, body) { found in
                switch found {
                case .success(let room): join(request, body, key, room, call)
                case .failure(let problem): call.refuse(problem)
                }
            }
        } catch {
            call.refuse(error)
        }
    }

    private func join(
        _ request: GatewayRequest,
        _ body: JSONValue,
        _ key: JoinRequest.Key?,
        _ room: Room,
        _ call: Call
    ) {
        if request.isForeign(to: room.web) { return call.refuse(.crossSite) }
        room.use(nowMilliseconds: api.now)
        if api.arePassesExpired(room) { return call.refuse(.clockSkew) }
        let call = call.binding(request, room)
        let take = { takeNumber(request, body, key, room, call) }
        // The store is away: it cannot say where anybody stands.
        if api.isOpen(room) { return take() }
        resume(request, body, room, call, otherwise: take)
    }

    private func takeNumber(
        _ request: GatewayRequest,
        _ body: JSONValue,
        _ key: JoinRequest.Key?,
        _ room: Room,
        _ call: Call
    ) {
        do throws(Problem) {
            let join = JoinRequest(kind: .join, key: try joinKey(request, body, key, room))
            if api.isOpen(room) { return joinOpenRoom(room, call) }
            api.store.join(join, room: room) { joined($0, join.key, room, call) }
        } catch {
            call.refuse(error)
        }
    }

    /// One browser is one visitor: while the place of its ticket cookie lives, every join of it gets that place. A
    /// person whom the site names has one place anyway, and may be another than came by this browser before.
    private func resume(
        _ request: GatewayRequest,
        _ body: JSONValue,
        _ room: Room,
        _ call: Call,
        otherwise take: @escaping () -> Void
    ) {
        // The cookie first: most joins have none, and a name costs a signature to read.
        guard let visitor = api.visitor(cookie: api.cookieTicket(request, room: room), room),
            case .anybody = JoinChecks(api: api, room: room).joiner(request, body: body)
        else { return take() }
        if !api.isStale(room), let (place, position) = visitor.placeInMirror {
            return respondWaiting(visitor.claim, place, position, room, call)
        }
        api.store.stand(visitor.claim, room: room) { result in
            guard case .success(let reply) = result else { return take() }
            switch reply.standing {
            case .entered(let expires):
                respondAdmitted(visitor.claim, expires, reply, room, call)
            case .waiting, .called, .retry: stands(reply, visitor.claim, room, call)
            case .left, .expired, .fenced, .moved: take()
            }
        }
    }

    private func joinBody(_ request: GatewayRequest) throws(Problem) -> (json: JSONValue, room: String) {
        let json = try JSONValue(bodyOf: request)
        guard let id = json["event_id"]?.stringValue, isRoomIdentifier(id) else {
            throw .malformed("event_id must be a room's name")
        }
        if let user = json["user_id"], user != .null {
            guard let text = user.stringValue, text.utf8.count <= JoinHandler.userIDLengthMax else {
                throw .malformed("user_id must be a string of at most 256 bytes")
            }
        }
        return (json, id)
    }

    /// What the join goes by in the store, once the room has got what it asks for: a name, few enough joins of the
    /// source, and work.
    private func joinKey(
        _ request: GatewayRequest,
        _ body: JSONValue,
        _ retryKey: JoinRequest.Key?,
        _ room: Room
    ) throws(Problem) -> JoinRequest.Key? {
        let checks = JoinChecks(api: api, room: room)
        let joiner = checks.joiner(request, body: body)
        if let refusal = joiner.refusal {
            api.count(.joinsUnnamed)
            throw refusal.problem
        }
        let key = joiner.person ?? retryKey
        let proof = checks.broughtProof(body, joinKey: key?.text)
        switch proof {
        case .unreadable: throw .malformed("proof must be a challenge and a nonce of digits")
        case .good(let provenKey): return key ?? .retry(provenKey)
        case .nothing, .bad, .expired:
            let wait = checks.sourceWait(SourceNetwork.bits(request[.address]))
            guard wait == 0 else {
                api.count(.joinsLimited)
                throw .rateLimited(afterMilliseconds: wait)
            }
            if let problem = checks.proofProblem(proof, joinKey: key?.text) { throw problem }
            return key
        }
    }

    /// The key as the store keeps it; nil when none was sent.
    private func idempotencyKey(_ request: GatewayRequest) throws(Problem) -> JoinRequest.Key? {
        let sent = request[.idempotencyKey]
        if sent.isEmpty { return nil }
        guard JoinHandler.keyLength.contains(sent.count), sent.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw .malformed("Idempotency-Key must be 16 to 128 visible characters")
        }
        return .retry(JoinChecks.storeKey(of: sent, purpose: "vestibule join key"))
    }

    private func joined(
        _ result: Result<JoinAnswer, StoreFailure>,
        _ key: JoinRequest.Key?,
        _ room: Room,
        _ call: Call
    ) {
        guard let answer = call.answered(result) else { return api.count(.joinsRefused) }
        switch answer.outcome {
        case .waiting(let number, let position):
            api.count(.joinsWaiting)
            room.noteWaiting(number, at: position, answer)
            let view = VisitorView.waiting(in: room, at: number, position, call.language, api)
            respondJoined(answer.claim(number, key), view, room, call)
        case .admitted(let number, let expires):
            api.count(.joinsAdmitted)
            room.noteIssued(number, generation: answer.generation)
            respondAdmitted(answer.claim(number, key), expires, answer.entry(expires, room), room, call)
        case .known(let number, let issued):
            let claim = TicketClaim(generation: answer.generation, number: number, issuedMilliseconds: issued)
            rejoined(room.placed(claim), room, call)
        case .closed:
            api.count(.joinsRefused)
            call.refuse(room.policy.mode == .ended ? .roomEnded(room.seen.last.notice) : .roomClosed)
        case .full, .noRoom:
            api.count(.joinsRefused)
            call.refuse(.roomFull)
        case .bypassed, .passed:
            call.refuse(.faulty)
        }
    }

    /// A join that was made before with the same key, or by the same person: the same ticket, wherever it stands now.
    private func rejoined(_ claim: TicketClaim, _ room: Room, _ call: Call) {
        if let (place, position) = api.waiting(claim, in: room) {
            return respondWaiting(claim, place, position, room, call)
        }
        api.store.stand(claim, room: room) { result in
            guard let reply = call.answered(result) else { return }
            if case .entered(let expires) = reply.standing {
                return respondAdmitted(claim, expires, reply, room, call)
            }
            stands(reply, claim, room, call)
        }
    }

    /// For a visitor who has joined before, and waits as the mirror knows.
    private func respondWaiting(_ claim: TicketClaim, _ place: Int, _ position: Int, _ room: Room, _ call: Call) {
        room.markAlive(place)
        respondJoined(claim, VisitorView.waiting(in: room, at: place, position, call.language, api), room, call)
    }

    private func stands(_ reply: StandingReply, _ claim: TicketClaim, _ room: Room, _ call: Call) {
        let known = room.remember(reply, of: claim.number)
        api.whenKnown(known, of: claim, in: room) {
            respondJoined(claim, VisitorView.of($0, in: room, call.language, api), room, call)
        }
    }

    private func respondJoined(_ claim: TicketClaim, _ view: VisitorView, _ room: Room, _ call: Call) {
        let ticket = Credentials(api: api, room: room).ticket(claim)
        var json = JSONWriter()
        json.member("waiting_token", text: ticket)
        // The contract of join knows "waiting" here also while the room is paused; status says "paused".
        var shown = view
        if shown.isPaused { shown.status = "waiting" }
        if room.web.speaksReference { shown = shown.forReference }
        shown.write(into: &json)
        if room.web.speaksReference { json.member("ready_for_entry", shown.isReady) }
        json.member("number", claim.number)
        json.member("generation", claim.generation)
        var response = GatewayResponse.uncacheable(202, json.finish())
        response.retry(afterMilliseconds: view.pollAfterMilliseconds)
        response.setTicketCookie(ticket, room, call)
        call.respond(response)
    }

    private func respondAdmitted(
        _ claim: TicketClaim,
        _ expires: Int,
        _ reply: StandingReply,
        _ room: Room,
        _ call: Call
    ) {
        if room.web.speaksReference {
            // The client fetches the pass by entering.
            return respondJoined(
                claim,
                VisitorView.of(.entered(passExpiresMilliseconds: expires), call.language),
                room,
                call
            )
        }
        let credentials = Credentials(api: api, room: room)
        let ticket = credentials.ticket(claim)
        let issued = credentials.pass(
            generation: claim.generation,
            number: claim.number,
            expires: expires,
            now: reply.nowMilliseconds,
            isRenewable: reply.isRenewable,
            call.binding
        )
        var json = JSONWriter()
        json.member("waiting_token", text: ticket)
        VisitorView.of(.entered(passExpiresMilliseconds: expires), call.language).write(into: &json)
        issued.write(into: &json)
        var response = GatewayResponse.uncacheable(200, json.finish())
        response.setTicketCookie(ticket, room, call)
        response.setPassCookie(issued, room, call)
        call.respond(response)
    }

    /// A join while everybody passes: admitted, without a ticket.
    private func joinOpenRoom(_ room: Room, _ call: Call) {
        api.count(.joinsAdmitted)
        let issued = Credentials(api: api, room: room).openPass(number: nil, call.binding)
        var json = JSONWriter()
        VisitorView.of(.entered(passExpiresMilliseconds: 0), call.language).write(into: &json)
        issued.write(into: &json)
        json.member("degraded", true)
        var response = GatewayResponse.uncacheable(200, json.finish())
        response.setPassCookie(issued, room, call)
        call.respond(response)
    }
}

extension JoinAnswer {
    /// Where somebody stands who was let in just now.
    func entry(_ expires: Int, _ room: Room) -> StandingReply {
        StandingReply(
            standing: .entered(passExpiresMilliseconds: expires),
            nowMilliseconds: nowMilliseconds,
            waiting: waiting,
            isRenewable: room.policy.renewsPasses
        )
    }

    /// What the ticket of a number that was given out just now, to a join with this key, says.
    func claim(_ number: Int, _ key: JoinRequest.Key?) -> TicketClaim {
        let issued = TicketClaim.issueTime(nowMilliseconds: nowMilliseconds, key: key)
        return TicketClaim(generation: generation, number: number, issuedMilliseconds: issued)
    }
}

extension Room {
    /// Takes note of a newcomer who waits. This worker's polls of it are answered with that until the next tick brings
    /// the mirror up to date.
    func noteWaiting(_ number: Int, at position: Int, _ answer: JoinAnswer) {
        noteIssued(number, generation: answer.generation)
        let reply = StandingReply(
            standing: .waiting,
            nowMilliseconds: answer.nowMilliseconds,
            waiting: answer.waiting,
            position: position,
            place: number
        )
        remember(reply, of: number)
    }
}
