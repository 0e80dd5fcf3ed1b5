// SPDX-License-Identifier: Apache-2.0
//
// First contact: nginx sends a request for a protected page here when it carries no valid pass. Whoever finds room is
// let through in the same response; everybody else gets the waiting page, or an error as JSON.

internal import Admission
internal import GatewayWire
internal import Passes
internal import Telemetry

extension WaitingRoomAPI {
    func gate(_ request: GatewayRequest, _ respond: @escaping Respond) {
        let facts = RequestFacts(request)
        guard let room = room(String(decoding: request[.room], as: UTF8.self)) else {
            return refuse(.roomUnknown, facts, respond)
        }
        let now = environment.nowMilliseconds()
        room.use(nowMilliseconds: now)
        if room.policy.mode == .bypass { return respond(continuation()) }
        let verdict = String(decoding: request[.verdict], as: UTF8.self)
        if wantsJSON(request) { return refuse(problem(forVerdict: verdict), facts, respond) }
        // Only a request without any pass is let in at once: whoever sends a bad one goes through the waiting page.
        // Its ticket, if there is one, is for the page's first poll to judge.
        guard verdict == "missing" else {
            return hold(room, cookieTicket(request, room: room.id) == nil ? .join : .poll, facts, respond)
        }
        if let bytes = cookieTicket(request, room: room.id), case .valid(let ticket) = keys.verifyTicket(bytes),
            ticket.room == room.id
        {
            return gateReturning(Visitor(room: room, ticket: ticket), facts, respond)
        }
        gateNew(room, facts, respond)
    }

    /// Whether the client is a program: it names JSON and not HTML.
    private func wantsJSON(_ request: GatewayRequest) -> Bool {
        let accept = String(decoding: request[.accept].prefix(512), as: UTF8.self).lowercased()
        return accept.contains("application/json") && !accept.contains("text/html")
    }

    private func problem(forVerdict verdict: String) -> Problem {
        switch verdict {
        case "missing": .passMissing
        case "expired": .passExpired
        // "ok:<room>" is a genuine pass, judged for another room before nginx came to this location.
        case "foreign": .passForeign
        case _ where verdict.hasPrefix("ok:"): .passForeign
        default: .passInvalid
        }
    }

    private func gateNew(_ room: Room, _ facts: RequestFacts, _ respond: @escaping Respond) {
        // The mirror is at most a tick old; while people wait in it, asking Redis would only cost.
        guard room.mirror.count == 0 else { return hold(room, .join, facts, respond) }
        store.join(JoinRequest(kind: .gate), room: room) { [weak self] result in
            guard let self else { return }
            guard case .success(let answer) = result else { return self.hold(room, .join, facts, respond) }
            switch answer.outcome {
            case .admitted(let number, let expires):
                room.noteIssued(number, generation: answer.generation)
                let claim = TicketClaim(
                    generation: answer.generation,
                    number: number,
                    issuedMilliseconds: answer.nowMilliseconds
                )
                self.admit(claim, expires, answer.nowMilliseconds, room, facts, respond)
            case .bypassed: respond(self.continuation())
            default: self.hold(room, .join, facts, respond)
            }
        }
    }

    /// A visitor with a ticket and without a pass: claims the call if there is one, and never takes a second number.
    private func gateReturning(_ visitor: Visitor, _ facts: RequestFacts, _ respond: @escaping Respond) {
        store.enter(visitor.claim, room: visitor.room) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let reply):
                switch reply.standing {
                case .entered(let expires):
                    self.admit(visitor.claim, expires, reply.nowMilliseconds, visitor.room, facts, respond)
                case .left, .expired, .fenced:
                    self.gateNew(visitor.room, facts, respond)
                case .waiting, .called, .retry:
                    self.hold(visitor.room, .poll, facts, respond)
                }
            case .failure: self.hold(visitor.room, .poll, facts, respond)
            }
        }
    }

    private func admit(
        _ claim: TicketClaim,
        _ expires: Int,
        _ now: Int,
        _ room: Room,
        _ facts: RequestFacts,
        _ respond: Respond
    ) {
        count(.gateAdmitted)
        room.noteGone(claim.number)
        let issued = credentials(room, claim, expires: expires, now: now)
        var response = continuation()
        setTicketCookie(&response, room, issued.ticket, facts)
        setPassCookie(&response, room, issued.pass, lifetimeSeconds: issued.lifetimeSeconds, facts)
        response.addHeader("X-Vestibule-Pass", issued.pass)
        response.addHeader("X-Vestibule-Number", String(claim.number))
        respond(response)
    }

    /// Tells nginx to run the protected location again with this request, and to let it through.
    private func continuation() -> GatewayResponse {
        var response = GatewayResponse(status: 200, contentType: "text/plain")
        response.addHeader("X-Accel-Redirect", "@vestibule_continue")
        response.isUncacheable = true
        return response
    }

    private func hold(_ room: Room, _ step: WaitingPage.FirstStep, _ facts: RequestFacts, _ respond: Respond) {
        count(.gateHeld)
        respond(WaitingPage.response(room: room.id, firstStep: step, language: facts.language))
    }

    // MARK: - auth_request

    /// Verifies a pass for nginx without njs or Lua: 204 with the number, or 401 with the verdict.
    func verify(_ request: GatewayRequest, _ respond: @escaping Respond) {
        let facts = RequestFacts(request)
        let id = String(decoding: request[.room], as: UTF8.self)
        guard isRoomIdentifier(id) else { return refuse(.roomUnknown, facts, respond) }
        let names = CookieNames(room: id, secure: facts.isSecure)
        guard let bytes = CookieReader(Array(request[.cookie])).value(named: names.pass) else {
            return respond(refusedPass("missing"))
        }
        switch keys.verifyPass(bytes, room: id, nowSeconds: Int64(environment.wallSeconds())) {
        case .valid(let pass):
            count(.passesVerified)
            var response = GatewayResponse(status: 204, contentType: "text/plain")
            // What nginx passes on to the backend.
            response.addHeader("X-Vestibule-Verdict", "ok:\(id)")
            response.addHeader("X-Vestibule-Pass", bytes)
            response.addHeader("X-Vestibule-Number", String(pass.number))
            respond(response)
        case .malformed: respond(refusedPass("malformed"))
        case .forged: respond(refusedPass("forged"))
        case .foreign: respond(refusedPass("foreign"))
        case .expired: respond(refusedPass("expired"))
        }
    }

    private func refusedPass(_ verdict: String) -> GatewayResponse {
        count(.passesRefused)
        var response = GatewayResponse(status: 401, contentType: "text/plain")
        response.addHeader("X-Vestibule-Verdict", verdict)
        return response
    }
}
