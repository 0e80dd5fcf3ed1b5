// SPDX-License-Identifier: Apache-2.0
//
// First contact: nginx sends a request for a protected page here when it carries no valid pass. When the room has
// a place, the visitor is let through in the same response; everybody else gets the waiting page. Requests that are no
// visitor's go another way (GatePassage.swift).

internal import Admission
internal import GatewayWire
internal import Passes
internal import Telemetry

struct GateHandler {
    let api: APIContext
    /// Asked ahead of the body (GateAhead.swift): then no page is answered and no cookie is set.
    var isAhead = false

    /// A visitor at the door of a protected page.
    struct Caller {
        let room: Room
        let call: Call
        let network: UInt64?
        let errand: Errand
        let joiner: Joiner
        let refused: RefusedPass?
        /// The ticket that came, when it is one of the room.
        var oldTicket: [UInt8]?
        /// The language that the visitor chose on the page, or else the browser's.
        let language: Language
        let takesGzip: Bool
        /// A program that knows Cloudflare's answer, and not a browser (`api: cloudflare`).
        let readsWait: Bool
        var noScript: NoScript
        /// What was sent with the request, when a form was.
        let form: FormKeeper?
    }

    func handle(_ request: GatewayRequest, _ respond: @escaping Call.Respond) {
        let call = Call(api, request, respond)
        api.withRoom(String(decoding: request[.room], as: UTF8.self), for: request, nil) { found in
            switch found {
            case .success(let room): handle(request, room, call.binding(request, room))
            case .failure(let problem): call.refuse(problem)
            }
        }
    }

    private func handle(_ request: GatewayRequest, _ room: Room, _ call: Call) {
        let respond = call.respond
        room.use(nowMilliseconds: api.now)
        var verdict = String(decoding: request[.verdict], as: UTF8.self)
        let due = verdict == VerdictWord.due ? duePass(request, room) : nil
        // What nginx has taken for a good pass, and this worker does not, counts as over.
        if verdict == VerdictWord.due { verdict = due == nil ? VerdictWord.expired : VerdictWord.missing }
        var caller = Caller(
            room: room,
            call: call,
            network: SourceNetwork.bits(request[.address]),
            errand: Errand(request, room.web),
            joiner: JoinChecks(api: api, room: room).joiner(request),
            refused: RefusedPass(verdict: verdict),
            language: chosenLanguage(request) ?? call.language,
            takesGzip: (AcceptHeader.weight(of: "gzip", in: request[.acceptEncoding]) ?? 0) > 0,
            readsWait: request.readsWait(room.web),
            noScript: NoScript(request),
            form: FormKeeper(request, room.web)
        )
        if let due { return renew(due, caller) }
        if room.policy.mode == .bypass { return respond(bypassing(request, caller)) }
        caller.refused?.note(request, room, api)
        let sent = api.cookieTicket(request, room: room)
        // The pass of another client counts as none: a visitor with the ticket of that entry who comes by another
        // network now gets the same admission again.
        let hasNoPass = verdict == VerdictWord.missing || verdict == VerdictWord.otherClient
        let hasNoBadPass = hasNoPass || verdict == VerdictWord.expired
        switch caller.errand {
        case .preflight: return respond(CrossOrigin.preflight(methods: "GET, HEAD, POST, PUT, PATCH, DELETE"))
        case .other, .foreignForm:
            let mayGoOn = api.isOpen(room) ? hasNoBadPass : hasNoPass
            return answerOther(caller, ticket: sent, problem(forVerdict: verdict), mayGoOn: mayGoOn)
        case .navigation: break
        }
        // The page asks for a pass itself, and answers why there is none.
        if api.arePassesExpired(room) { return hold(caller, sent == nil ? .join : .poll) }
        // Open to everybody who may join at all.
        if api.isOpen(room), hasNoBadPass, caller.joiner.refusal == nil { return passOpenDoor(sent, caller) }
        // Only a request without any pass is let in at once: one with a bad pass goes through the waiting page.
        // Its ticket, if there is one, is for the page's first poll to judge.
        guard hasNoPass else { return hold(caller, sent == nil ? .join : .poll) }
        if let visitor = api.visitor(cookie: sent, room) {
            caller.oldTicket = sent
            return gateReturning(visitor.claim, caller, isNamed: false)
        }
        gateNew(caller, request)
    }

    private func chosenLanguage(_ request: GatewayRequest) -> Language? {
        let value = CookieReader(request[.cookie]).value(named: "vestibule-language")
        return value.flatMap { Language(tag: String(decoding: $0, as: UTF8.self)) }
    }

    private func problem(forVerdict verdict: String) -> Problem {
        switch verdict {
        case VerdictWord.missing: .passMissing
        case VerdictWord.expired: .passExpired
        case VerdictWord.otherClient: .passOfOtherClient
        case VerdictWord.foreign: .passForeign
        // "ok:<room>" is a genuine pass, judged for another room before nginx came to this location.
        case _ where verdict.hasPrefix(VerdictWord.okPrefix): .passForeign
        default: .passInvalid
        }
    }

    /// - Parameter first: the request, when it brought no ticket.
    private func gateNew(_ caller: Caller, _ first: GatewayRequest? = nil) {
        let room = caller.room
        let checks = JoinChecks(api: api, room: room)
        // A visitor who may not join is not put to the store; the page says why.
        if caller.joiner.refusal != nil { return hold(caller, .join) }
        // Nothing else than this request would ask for it.
        let wantsNumber = caller.noScript.step == .join || caller.readsWait
        // The mirror is at most a tick old; while people wait in it, asking Redis would only cost.
        guard wantsNumber || room.mirror.count == 0 else { return hold(caller, .join) }
        // The page will join with a proof. Count that join, not this request, against the source limit.
        guard checks.proofBits == 0 else { return hold(caller, .join) }
        // Too many from there: the page joins when it may again.
        guard checks.sourceWait(caller.network) == 0 else {
            api.count(.joinsLimited)
            return hold(caller, .join)
        }
        checks.countJoin()
        // Tabs that a browser opens again at once all send the ticket of an earlier visit. They are one visitor.
        let again = caller.oldTicket.map { JoinChecks.storeKey(of: $0, purpose: "vestibule ticket key") }
        let isNamed = caller.joiner.person != nil || wantsNumber
        let contact = isNamed ? nil : first.flatMap { FirstContact($0, nowMilliseconds: api.now)?.key }
        let key = caller.joiner.person ?? (again ?? contact).map { .retry($0) }
        let request = JoinRequest(kind: wantsNumber ? .join : .gate, key: key)
        api.store.join(request, room: room) { result in
            guard case .success(let answer) = result else { return hold(caller, .join) }
            switch answer.outcome {
            case .admitted(let number, let expires):
                room.noteIssued(number, generation: answer.generation)
                admit(answer.claim(number, request.key), expires, answer.entry(expires, room), caller)
            case .waiting(let number, let position):
                api.count(.joinsWaiting)
                room.noteWaiting(number, at: position, answer)
                hold(caller, .poll, at: (number, position), ticket: answer.claim(number, request.key))
            // Another tab, perhaps: it has the ticket when the page asks. Perhaps not: then the page joins.
            case .known where contact != nil: hold(caller, .find)
            case .known(let number, let issued):
                // The person has a place already, and comes without its ticket.
                let claim = TicketClaim(generation: answer.generation, number: number, issuedMilliseconds: issued)
                gateReturning(room.placed(claim), caller, isNamed: true)
            case .bypassed, .passed: caller.call.respond(continuation(caller))
            default: hold(caller, .join)
            }
        }
    }

    /// A visitor with a place and without a pass: claims the call if there is one, and never takes a second number.
    /// - Parameter isNamed: the place was found by the person's name, and the visitor gets its ticket, too.
    private func gateReturning(_ claim: TicketClaim, _ caller: Caller, isNamed: Bool) {
        api.ifWaiting(claim, in: caller.room) { place, position in
            hold(caller, .poll, at: (place, position), ticket: isNamed ? claim : nil)
        } otherwise: {
            enter(claim, caller, isNamed: isNamed)
        }
    }

    private func enter(_ claim: TicketClaim, _ caller: Caller, isNamed: Bool) {
        let room = caller.room
        api.store.enter(claim, room: room) { result in
            guard case .success(let reply) = result else { return hold(caller, isNamed ? .join : .poll) }
            switch reply.standing {
            case .entered(let expires): admit(claim, expires, reply, caller)
            // The place ended between the join's reply and this call. Let the page join again.
            case .left where isNamed, .expired where isNamed, .fenced where isNamed: hold(caller, .join)
            case .left, .expired, .fenced:
                var newcomer = caller
                newcomer.noScript.forgetWait()
                gateNew(newcomer)
            case .waiting:
                // Without JavaScript this is the only heartbeat there is.
                room.markAlive(reply.place)
                hold(caller, .poll, at: (reply.place, room.position(reply)), ticket: isNamed ? claim : nil)
            case .moved: hold(caller, .poll)
            case .called, .retry:
                room.markAlive(claim.number)
                hold(caller, .poll, ticket: isNamed ? claim : nil)
            }
        }
    }

    func admit(_ claim: TicketClaim, _ expires: Int, _ reply: StandingReply, _ caller: Caller) {
        if isAhead { return caller.call.respond(GateAhead.later) }
        caller.room.noteGone(claim.number)
        let credentials = Credentials(api: api, room: caller.room)
        let issued = credentials.pass(
            generation: claim.generation,
            number: claim.number,
            expires: expires,
            now: reply.nowMilliseconds,
            isRenewable: reply.isRenewable,
            caller.call.binding
        )
        pass(issued, ticket: credentials.ticket(claim), caller)
    }

    /// The store is away and the room is open without it: a short-lived pass, and no ticket, because no number was
    /// taken.
    private func passOpenDoor(_ sent: [UInt8]?, _ caller: Caller) {
        let number = api.visitor(cookie: sent, caller.room)?.number
        let issued = Credentials(api: api, room: caller.room).openPass(number: number, caller.call.binding)
        pass(issued, ticket: nil, caller)
    }

    private func pass(_ issued: IssuedPass, ticket: [UInt8]?, _ caller: Caller) {
        api.count(.gateAdmitted)
        var response = continuation(caller)
        response.addHeader(HeaderName.pass, issued.pass)
        response.addHeader(HeaderName.number, String(issued.number))
        if let ticket { response.setTicketCookie(ticket, caller.room, caller.call) }
        response.setPassCookie(issued, caller.room, caller.call)
        caller.call.respond(response)
    }

    /// What a backend relies on when it asks who comes: a pass and a number, here of nobody, and for a minute at most.
    /// The visitor gets neither: the next request is let through as well, and none is when the room is open again.
    private func bypassing(_ request: GatewayRequest, _ caller: Caller) -> GatewayResponse {
        let number = api.visitor(cookie: api.cookieTicket(request, room: caller.room), caller.room)?.number
        let credentials = Credentials(api: api, room: caller.room)
        let issued = credentials.openPass(number: number, caller.call.binding, counts: false)
        var response = continuation(caller)
        response.addHeader(HeaderName.pass, issued.pass)
        response.addHeader(HeaderName.number, String(issued.number))
        return response
    }

    /// Tells nginx to run the protected location again with this request, and to let it through. A browser that waited
    /// without JavaScript asks again itself: the backend is not to see the marker in its address.
    func continuation(_ caller: Caller) -> GatewayResponse {
        let isMarked = caller.noScript.isMarked
        if isAhead { return isMarked ? GateAhead.later : GateAhead.passage(caller.room.id) }
        // 307 has the browser send a form again, as it was, without the marker.
        var response = GatewayResponse.bare(isMarked ? (caller.form == nil ? 303 : 307) : 200)
        if isMarked {
            response.addHeader("Location", caller.noScript.cleanLocation)
        } else {
            response.addHeader("X-Accel-Redirect", "@vestibule_continue")
            // Which room it is that lets the request in: nginx's own variables may have moved on.
            response.addHeader(HeaderName.room, caller.room.id)
        }
        return response
    }

    /// Seconds after which a crawler may come again, where the page does not load itself.
    static let pageRetrySeconds = 15

    /// Answers with the waiting page, and gives the visitor the ticket of a place that was taken or found just now.
    func hold(
        _ caller: Caller,
        _ step: WaitingPage.FirstStep,
        at line: (place: Int, position: Int)? = nil,
        ticket claim: TicketClaim? = nil
    ) {
        if isAhead { return caller.call.respond(GateAhead.later) }
        api.count(.gateHeld)
        let policy = caller.room.policy
        let form = caller.form?.section(caller.language.sentences, isForeign: caller.errand == .foreignForm)
        let refresh = refresh(caller, step, line, form?.manner)
        let content = WaitingPage.Content(
            room: caller.room.id,
            api: api.prefix,
            firstStep: step,
            position: line?.position,
            keptSeconds: policy.keptMilliseconds / 1000,
            refusal: step == .poll ? nil : caller.joiner.refusal,
            refused: caller.refused?.verdict,
            form: form,
            noScript: refresh,
            wait: wait(caller, line, refreshSeconds: refresh.seconds)
        )
        var response = caller.readsWait ? answer(content.wait, caller.room) : page(content, caller)
        response.retryAfterSeconds = content.noScript.seconds ?? GateHandler.pageRetrySeconds
        if let claim {
            let ticket = Credentials(api: api, room: caller.room).ticket(claim)
            response.setTicketCookie(ticket, caller.room, caller.call)
        }
        if caller.refused?.isWorthless == true { response.clearPassCookie(caller.room, caller.call) }
        caller.call.respond(response)
    }

    /// How a page without JavaScript goes on.
    private func refresh(
        _ caller: Caller,
        _ step: WaitingPage.FirstStep,
        _ line: (place: Int, position: Int)?,
        _ form: FormKeeper.Manner?
    ) -> NoScript.Refresh {
        let (room, noScript) = (caller.room, caller.noScript)
        if let form, form != .lost {
            // A page that loads itself again would lose the form: a button sends it along.
            let next = step == .poll ? NoScript.Step.wait : .join
            return NoScript.Refresh(seconds: nil, address: noScript.address(next), form: form)
        }
        if step != .poll, caller.joiner.refusal != nil {
            // Of no use before the site has given a token: the visitor comes again from there.
            return NoScript.Refresh(seconds: nil, address: noScript.address(.join), asksForCookies: false)
        }
        switch (step, noScript.step) {
        case (.join, let marked) where marked != .wait && JoinChecks(api: api, room: room).proofBits > 0:
            // Without a script there is no proof. It may try again when fewer come.
            return NoScript.Refresh(seconds: 15, address: noScript.address(.join), needsScript: true)
        // A ticket that did not come with a form of another site comes with this.
        // What the page says of a form that is lost can be read first.
        case (.find, _), (.join, nil):
            return NoScript.Refresh(seconds: form == nil ? 1 : 15, address: noScript.address(.join))
        case (.join, .join):
            // Refused just now: closed, full, or Redis is away.
            return NoScript.Refresh(seconds: 15, address: noScript.address(.join))
        case (.join, _) where caller.readsWait:
            return NoScript.Refresh(seconds: GateHandler.pageRetrySeconds, address: noScript.address(.join))
        case (.join, .wait):
            return NoScript.Refresh(seconds: nil, address: noScript.address(.join))
        case (.poll, _):
            // As a poll, but a page that loads itself is no use sooner than after five seconds. The call must not lapse
            // meanwhile, nor the place.
            let view = line.map {
                VisitorView.waiting(in: room, at: $0.place, $0.position, caller.call.language, api)
            }
            let safe = min(room.policy.claimWindowMilliseconds / 2, room.policy.abandonAfterMilliseconds / 3)
            let milliseconds = max(view?.pollAfterMilliseconds ?? 0, min(5000, safe))
            return NoScript.Refresh(seconds: max(1, milliseconds / 1000), address: noScript.address(.wait))
        }
    }
}
