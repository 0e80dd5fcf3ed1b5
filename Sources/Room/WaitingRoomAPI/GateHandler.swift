// SPDX-License-Identifier: Apache-2.0
//
// First contact: nginx sends a request for a protected page here when it carries no valid pass. Whoever finds room is
// let through in the same response; everybody else gets the waiting page, or an error as JSON.

internal import Admission
internal import GatewayWire
internal import Passes
internal import Telemetry

extension WaitingRoomAPI {
    /// A visitor at the door of a protected page.
    private struct Caller {
        let room: Room
        let facts: RequestFacts
        let network: UInt64?
        let joiner: Joiner
        var noScript: NoScript
        let respond: Respond
    }

    func gate(_ request: GatewayRequest, _ respond: @escaping Respond) {
        guard let room = room(String(decoding: request[.room], as: UTF8.self)) else {
            return refuse(.roomUnknown, RequestFacts(request), respond)
        }
        let facts = RequestFacts(request).binding(request, room)
        let now = environment.nowMilliseconds()
        room.use(nowMilliseconds: now)
        let caller = Caller(
            room: room,
            facts: facts,
            network: SourceNetwork.bits(request[.address]),
            joiner: joiner(request, room),
            noScript: NoScript(request),
            respond: respond
        )
        if room.policy.mode == .bypass { return respond(continuation(caller)) }
        let verdict = String(decoding: request[.verdict], as: UTF8.self)
        if wantsJSON(request) { return refuse(problem(forVerdict: verdict), facts, respond) }
        let sent = cookieTicket(request, room: room.id)
        // The pass of another client is none: who holds the ticket of that entry, and comes by another network now,
        // gets the same admission again.
        let hasNoPass = verdict == "missing" || verdict == WaitingRoomAPI.otherClientVerdict
        // Open to everybody who may join at all.
        if isOpen(room), hasNoPass || verdict == "expired", caller.joiner.refusal == nil {
            return passOpenDoor(sent, caller)
        }
        // Only a request without any pass is let in at once: whoever sends a bad one goes through the waiting page.
        // Its ticket, if there is one, is for the page's first poll to judge.
        guard hasNoPass else { return hold(caller, sent == nil ? .join : .poll) }
        if let sent, case .valid(let ticket) = keys.verifyTicket(sent), ticket.room == room.id {
            return gateReturning(Visitor(room: room, ticket: ticket).claim, caller, isNamed: false)
        }
        gateNew(caller)
    }

    /// What a verifier says of a pass that is bound to another client.
    private static let otherClientVerdict = "other-client"

    /// Whether the client is a program: it names JSON and not HTML.
    private func wantsJSON(_ request: GatewayRequest) -> Bool {
        let accept = String(decoding: request[.accept].prefix(512), as: UTF8.self).lowercased()
        return accept.contains("application/json") && !accept.contains("text/html")
    }

    private func problem(forVerdict verdict: String) -> Problem {
        switch verdict {
        case "missing": .passMissing
        case "expired": .passExpired
        case WaitingRoomAPI.otherClientVerdict: .passOfOtherClient
        // "ok:<room>" is a genuine pass, judged for another room before nginx came to this location.
        case "foreign": .passForeign
        case _ where verdict.hasPrefix("ok:"): .passForeign
        default: .passInvalid
        }
    }

    private func gateNew(_ caller: Caller) {
        let room = caller.room
        // Nothing is asked for whoever may not join; the page says why.
        if caller.joiner.refusal != nil { return hold(caller, .join) }
        let wantsNumber = caller.noScript.step == .join
        // The mirror is at most a tick old; while people wait in it, asking Redis would only cost.
        guard wantsNumber || room.mirror.count == 0 else { return hold(caller, .join) }
        // The page joins with a proof. It is the page's join that counts, for the source as well.
        guard proofBits(room) == 0 else { return hold(caller, .join) }
        // Too many from there: the page joins when it may again.
        guard sourceWait(caller.network, room) == 0 else {
            count(.joinsLimited)
            return hold(caller, .join)
        }
        countJoin(room)
        let request = JoinRequest(kind: wantsNumber ? .join : .gate, key: caller.joiner.person)
        store.join(request, room: room) { [weak self] result in
            guard let self else { return }
            guard case .success(let answer) = result else { return self.hold(caller, .join) }
            switch answer.outcome {
            case .admitted(let number, let expires):
                room.noteIssued(number, generation: answer.generation)
                self.admit(answer.claim(number), expires, answer.nowMilliseconds, caller)
            case .waiting(let number, let position):
                self.count(.joinsWaiting)
                room.noteIssued(number, generation: answer.generation)
                self.remember(number, at: position, answer, room)
                self.hold(caller, .poll, position: position, ticket: self.ticket(answer.claim(number), room))
            case .known(let number, let issued):
                // The person has a place already, and comes without its ticket.
                let claim = TicketClaim(generation: answer.generation, number: number, issuedMilliseconds: issued)
                self.gateReturning(claim, caller, isNamed: true)
            case .bypassed: caller.respond(self.continuation(caller))
            default: self.hold(caller, .join)
            }
        }
    }

    /// A visitor with a place and without a pass: claims the call if there is one, and never takes a second number.
    /// - Parameter isNamed: the place was found by the person's name, and the visitor gets its ticket, too.
    private func gateReturning(_ claim: TicketClaim, _ caller: Caller, isNamed: Bool) {
        let room = caller.room
        store.enter(claim, room: room) { [weak self] result in
            guard let self else { return }
            guard case .success(let reply) = result else { return self.hold(caller, isNamed ? .join : .poll) }
            switch reply.standing {
            case .entered(let expires): self.admit(claim, expires, reply.nowMilliseconds, caller)
            // Over since the join was answered: the page joins again.
            case .left where isNamed, .expired where isNamed, .fenced where isNamed: self.hold(caller, .join)
            case .left, .expired, .fenced:
                var newcomer = caller
                newcomer.noScript.forgetWait()
                self.gateNew(newcomer)
            case .waiting, .called, .retry:
                // Without JavaScript this is the only sign of life there is.
                room.markAlive(claim.number)
                let position = reply.position > 0 ? reply.position : nil
                self.hold(caller, .poll, position: position, ticket: isNamed ? self.ticket(claim, room) : nil)
            }
        }
    }

    private func admit(_ claim: TicketClaim, _ expires: Int, _ now: Int, _ caller: Caller) {
        let (room, facts) = (caller.room, caller.facts)
        count(.gateAdmitted)
        room.noteGone(claim.number)
        let issued = credentials(room, claim, expires: expires, now: now, facts.binding)
        var response = continuation(caller)
        response.addHeader("X-Vestibule-Pass", issued.pass)
        response.addHeader("X-Vestibule-Number", String(claim.number))
        setTicketCookie(&response, room, issued.ticket, facts)
        setPassCookie(&response, room, issued.pass, lifetimeSeconds: issued.lifetimeSeconds, facts)
        caller.respond(response)
    }

    /// The store is away and the room is open without it: a pass of a short life, and no ticket, since no number was
    /// taken.
    private func passOpenDoor(_ sent: [UInt8]?, _ caller: Caller) {
        count(.gateAdmitted)
        var number: Int?
        if let sent, case .valid(let ticket) = keys.verifyTicket(sent), ticket.room == caller.room.id {
            number = Int(ticket.number)
        }
        let issued = openPass(caller.room, number: number, caller.facts.binding)
        var response = continuation(caller)
        response.addHeader("X-Vestibule-Pass", issued.pass)
        response.addHeader("X-Vestibule-Number", String(issued.number))
        setPassCookie(&response, caller.room, issued.pass, lifetimeSeconds: issued.lifetimeSeconds, caller.facts)
        caller.respond(response)
    }

    /// Tells nginx to run the protected location again with this request, and to let it through. A browser that waited
    /// without JavaScript asks again itself: the backend is not to see the marker in its address.
    private func continuation(_ caller: Caller) -> GatewayResponse {
        let isMarked = caller.noScript.isMarked
        var response = GatewayResponse(status: isMarked ? 303 : 200, contentType: "text/plain")
        if isMarked {
            response.addHeader("Location", caller.noScript.cleanLocation)
        } else {
            response.addHeader("X-Accel-Redirect", "@vestibule_continue")
        }
        response.isUncacheable = true
        return response
    }

    private func hold(_ caller: Caller, _ step: WaitingPage.FirstStep, position: Int? = nil, ticket: [UInt8]? = nil) {
        count(.gateHeld)
        let content = WaitingPage.Content(
            room: caller.room.id,
            firstStep: step,
            position: position,
            refusal: step == .join ? caller.joiner.refusal : nil,
            noScript: refresh(caller, step, position)
        )
        var response = WaitingPage.response(content, language: caller.facts.language)
        if let ticket { setTicketCookie(&response, caller.room, ticket, caller.facts) }
        caller.respond(response)
    }

    /// How a page without JavaScript goes on.
    private func refresh(_ caller: Caller, _ step: WaitingPage.FirstStep, _ position: Int?) -> NoScript.Refresh {
        let (room, noScript) = (caller.room, caller.noScript)
        if step == .join, caller.joiner.refusal != nil {
            // Of no use before the site has given a token: the visitor comes again from there.
            return NoScript.Refresh(seconds: nil, address: noScript.address(.join), asksForCookies: false)
        }
        switch (step, noScript.step) {
        case (.join, let marked) where marked != .wait && proofBits(room) > 0:
            // Without a script there is no proof. It may try again when fewer come.
            return NoScript.Refresh(seconds: 15, address: noScript.address(.join), needsScript: true)
        case (.join, nil):
            return NoScript.Refresh(seconds: 1, address: noScript.address(.join))
        case (.join, .join):
            // Refused just now: closed, full, or Redis is away.
            return NoScript.Refresh(seconds: 15, address: noScript.address(.join))
        case (.join, .wait):
            return NoScript.Refresh(seconds: nil, address: noScript.address(.join))
        case (.poll, _):
            // As a poll, but a page that loads itself is no use sooner than after five seconds. The call must not lapse
            // meanwhile, nor the place.
            let view = position.map { waitingView(room, position: $0, caller.facts.language) }
            let safe = min(room.policy.claimWindowMilliseconds / 2, room.policy.abandonAfterMilliseconds / 3)
            let milliseconds = max(view?.pollAfterMilliseconds ?? 0, min(5000, safe))
            return NoScript.Refresh(seconds: max(1, milliseconds / 1000), address: noScript.address(.wait))
        }
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
        let now = Int64(environment.wallSeconds())
        switch keys.verifyPass(bytes, room: id, nowSeconds: now, client: PassClient(request)) {
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
        case .otherClient: respond(refusedPass(WaitingRoomAPI.otherClientVerdict))
        }
    }

    private func refusedPass(_ verdict: String) -> GatewayResponse {
        count(.passesRefused)
        var response = GatewayResponse(status: 401, contentType: "text/plain")
        response.addHeader("X-Vestibule-Verdict", verdict)
        return response
    }
}
