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
        let body: JSONValue
        do {
            body = try JSONValue(parsing: Array(request.body))
        } catch {
            return refuse(.malformed("the body is not JSON: \(error)"), facts, respond)
        }
        guard let id = body["event_id"]?.stringValue, isRoomIdentifier(id) else {
            return refuse(.malformed("event_id must be a room's name"), facts, respond)
        }
        if let user = body["user_id"], user != .null {
            guard let text = user.stringValue, text.utf8.count <= WaitingRoomAPI.userIDLengthMax else {
                return refuse(.malformed("user_id must be a string of at most 256 bytes"), facts, respond)
            }
        }
        guard let key = idempotencyKey(request) else {
            return refuse(.malformed("Idempotency-Key must be 16 to 128 visible characters"), facts, respond)
        }
        guard let room = room(id) else { return refuse(.roomUnknown, facts, respond) }
        room.use(nowMilliseconds: environment.nowMilliseconds())
        let joiner = joiner(request, body: body, room)
        if let refusal = joiner.refusal {
            count(.joinsUnnamed)
            return refuse(refusal.problem, facts, respond)
        }
        let wait = sourceWait(SourceNetwork.bits(request[.address]), room)
        guard wait == 0 else {
            count(.joinsLimited)
            return refuse(.rateLimited(afterMilliseconds: wait), facts, respond)
        }
        if isOpen(room) { return joinOpenRoom(room, facts, respond) }
        let join = JoinRequest(kind: .join, key: joiner.person ?? (key.isEmpty ? nil : .retry(key)))
        store.join(join, room: room) { [weak self] result in
            self?.joined(result, room, facts, respond)
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

    /// The key as the store keeps it: a hash, so that its length and characters are bounded. Empty: none was sent.
    /// Nil: it is malformed.
    private func idempotencyKey(_ request: GatewayRequest) -> String? {
        let sent = request[.idempotencyKey]
        if sent.isEmpty { return "" }
        guard WaitingRoomAPI.keyLength.contains(sent.count), sent.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            return nil
        }
        return WaitingRoomAPI.storeKey(of: sent, purpose: "vestibule join key")
    }

    /// A name of bounded length and plain characters for what a visitor sends, another one for each purpose.
    static func storeKey(of sent: some Sequence<UInt8>, purpose: String) -> String {
        let digest = MessageAuthentication.hmacSHA256(key: Array(purpose.utf8), message: Array(sent))
        return Base64URL.encodeString(digest.prefix(16))
    }

    private func joined(
        _ result: Result<JoinAnswer, StoreFailure>,
        _ room: Room,
        _ facts: RequestFacts,
        _ respond: @escaping Respond
    ) {
        let answer: JoinAnswer
        switch result {
        case .failure(let failure):
            count(.joinsRefused)
            return refuse(problem(for: failure), facts, respond)
        case .success(let success): answer = success
        }
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
            guard let self else { return }
            switch result {
            case .failure(let failure): self.refuse(self.problem(for: failure), facts, respond)
            case .success(let reply):
                if case .entered(let expires) = reply.standing {
                    return self.respondAdmitted(claim, expires, reply.nowMilliseconds, room, facts, respond)
                }
                room.remember(reply, of: claim.number)
                let view = self.view(reply.standing, room, position: reply.position, facts.language)
                self.respondJoined(claim, view, room, facts, respond)
            }
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
        let issued = credentials(room, claim, expires: expires, now: now)
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
