// SPDX-License-Identifier: Apache-2.0
//
// POST /api/v1/queue/join: a number in the room, or a pass at once when nobody waits.

internal import Admission
internal import GatewayWire
internal import Passes
internal import StrictJSON
internal import Telemetry

extension WaitingRoomAPI {
    /// Characters of an Idempotency-Key.
    private static let keyLength = 16...128
    private static let userIDLengthMax = 256

    func join(_ request: GatewayRequest, _ respond: @escaping Respond) {
        let facts = RequestFacts(request)
        do throws(Problem) {
            let body = try joinBody(request)
            let key = try idempotencyKey(request)
            guard let room = room(body.room) else { throw .roomUnknown }
            room.use(nowMilliseconds: environment.nowMilliseconds())
            let join = JoinRequest(kind: .join, key: try joinKey(request, body.json, key, room))
            let client = facts.binding(request, room)
            if isOpen(room) { return joinOpenRoom(room, client, respond) }
            store.join(join, room: room) { [weak self] result in
                self?.joined(result, room, client, respond)
            }
        } catch {
            refuse(error, facts, respond)
        }
    }

    private func joinBody(_ request: GatewayRequest) throws(Problem) -> (json: JSONValue, room: String) {
        let json: JSONValue
        do {
            json = try JSONValue(parsing: Array(request.body))
        } catch {
            throw .malformed("the body is not JSON: \(error)")
        }
        guard let id = json["event_id"]?.stringValue, isRoomIdentifier(id) else {
            throw .malformed("event_id must be a room's name")
        }
        if let user = json["user_id"], user != .null {
            guard let text = user.stringValue, text.utf8.count <= WaitingRoomAPI.userIDLengthMax else {
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
        let joiner = joiner(request, body: body, room)
        if let refusal = joiner.refusal {
            count(.joinsUnnamed)
            throw refusal.problem
        }
        let key = joiner.person ?? retryKey
        let proof = broughtProof(body, joinKey: key?.text, room)
        switch proof {
        case .unreadable: throw .malformed("proof must be a challenge and a nonce of digits")
        case .good(let provenKey): return key ?? .retry(provenKey)
        case .nothing, .bad, .expired:
            let wait = sourceWait(SourceNetwork.bits(request[.address]), room)
            guard wait == 0 else {
                count(.joinsLimited)
                throw .rateLimited(afterMilliseconds: wait)
            }
            if let problem = proofProblem(proof, joinKey: key?.text, room) { throw problem }
            return key
        }
    }

    /// Counts a join of a source. Returns 0, or milliseconds to wait when the source has made too many. Who has no
    /// address, because nginx exempts it, is not counted.
    func sourceWait(_ network: UInt64?, _ room: Room) -> Int {
        guard let limit = room.rules.joinsPerSource, let network else { return 0 }
        // The hash has a secret of the process: nobody can choose addresses that share a place.
        var hasher = Hasher()
        hasher.combine(room.id)
        hasher.combine(network)
        return sourceMeter.take(
            source: hasher.finalize(),
            limit: limit,
            nowMilliseconds: environment.nowMilliseconds()
        )
    }

    /// The key as the store keeps it; nil when none was sent.
    private func idempotencyKey(_ request: GatewayRequest) throws(Problem) -> JoinRequest.Key? {
        let sent = request[.idempotencyKey]
        if sent.isEmpty { return nil }
        guard WaitingRoomAPI.keyLength.contains(sent.count), sent.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw .malformed("Idempotency-Key must be 16 to 128 visible characters")
        }
        return .retry(WaitingRoomAPI.storeKey(of: sent, purpose: "vestibule join key"))
    }

    /// A name of bounded length and plain characters for what a visitor sends, another one for each purpose.
    static func storeKey(of sent: some Sequence<UInt8>, purpose: String) -> String {
        let digest = MessageAuthentication.hmacSHA256(key: Array(purpose.utf8), message: Array(sent))
        return Base64URL.encodeString(digest.prefix(Challenge.joinKeyByteCount))
    }

    private func joined(
        _ result: Result<JoinAnswer, StoreFailure>,
        _ room: Room,
        _ facts: RequestFacts,
        _ respond: @escaping Respond
    ) {
        guard let answer = answered(result, facts, respond) else { return count(.joinsRefused) }
        switch answer.outcome {
        case .waiting(let number, let position):
            count(.joinsWaiting)
            room.noteIssued(number, generation: answer.generation)
            remember(number, at: position, answer, room)
            let view = waitingView(room, position: position, facts.language)
            respondJoined(answer.claim(number), view, room, facts, respond)
        case .admitted(let number, let expires):
            count(.joinsAdmitted)
            room.noteIssued(number, generation: answer.generation)
            respondAdmitted(answer.claim(number), expires, answer.nowMilliseconds, room, facts, respond)
        case .known(let number, let issued):
            let claim = TicketClaim(generation: answer.generation, number: number, issuedMilliseconds: issued)
            rejoined(claim, room, facts, respond)
        case .closed:
            count(.joinsRefused)
            refuse(.roomClosed, facts, respond)
        case .full, .noRoom:
            count(.joinsRefused)
            refuse(.roomFull, facts, respond)
        case .bypassed:
            refuse(.faulty, facts, respond)
        }
    }

    /// Answers this worker's polls of the newcomer until the next tick brings the mirror up to date.
    func remember(_ number: Int, at position: Int, _ answer: JoinAnswer, _ room: Room) {
        let reply = StandingReply(
            standing: .waiting,
            nowMilliseconds: answer.nowMilliseconds,
            waiting: answer.waiting,
            position: position
        )
        room.remember(reply, of: number)
    }

    /// A join that was made before with the same key, or by the same person: the same ticket, wherever it stands now.
    private func rejoined(_ claim: TicketClaim, _ room: Room, _ facts: RequestFacts, _ respond: @escaping Respond) {
        store.stand(claim, room: room) { [weak self] result in
            guard let self, let reply = self.answered(result, facts, respond) else { return }
            if case .entered(let expires) = reply.standing {
                return self.respondAdmitted(claim, expires, reply.nowMilliseconds, room, facts, respond)
            }
            room.remember(reply, of: claim.number)
            let view = self.view(reply.standing, room, position: reply.position, facts.language)
            self.respondJoined(claim, view, room, facts, respond)
        }
    }

    private func respondJoined(
        _ claim: TicketClaim,
        _ view: VisitorView,
        _ room: Room,
        _ facts: RequestFacts,
        _ respond: Respond
    ) {
        let ticket = ticket(claim, room)
        var json = JSONWriter()
        json.member("waiting_token", text: ticket)
        // The contract of join knows "waiting" here also while the room is paused; status says "paused".
        var shown = view
        if shown.isPaused { shown.status = "waiting" }
        shown.write(into: &json)
        json.member("number", claim.number)
        json.member("generation", claim.generation)
        var response = ok(202, json.finish())
        response.retryAfterSeconds = retryAfterSeconds(view.pollAfterMilliseconds)
        setTicketCookie(&response, room, ticket, facts)
        respond(response)
    }

    private func respondAdmitted(
        _ claim: TicketClaim,
        _ expires: Int,
        _ now: Int,
        _ room: Room,
        _ facts: RequestFacts,
        _ respond: Respond
    ) {
        let issued = credentials(room, claim, expires: expires, now: now, facts.binding)
        var json = JSONWriter()
        json.member("waiting_token", text: issued.ticket)
        view(.entered(passExpiresMilliseconds: expires), room, position: 0, facts.language).write(into: &json)
        json.member("pass", text: issued.pass)
        json.member("reservation_token", text: issued.pass)
        json.member("ttl_sec", issued.lifetimeSeconds)
        var response = ok(200, json.finish())
        setTicketCookie(&response, room, issued.ticket, facts)
        setPassCookie(&response, room, issued.pass, lifetimeSeconds: issued.lifetimeSeconds, facts)
        respond(response)
    }
}

extension JoinAnswer {
    /// What the ticket of a number that was given out just now says.
    func claim(_ number: Int) -> TicketClaim {
        TicketClaim(generation: generation, number: number, issuedMilliseconds: nowMilliseconds)
    }
}
