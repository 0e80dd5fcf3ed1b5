// SPDX-License-Identifier: Apache-2.0
//
// POST /api/v1/queue/enter: claims a call and answers with the pass. Repeating it gives the same pass,
// bound to the client that repeats it where the room binds passes.

internal import Admission
internal import GatewayWire
internal import Passes
internal import Telemetry

struct EnterHandler {
    let api: APIContext

    func handle(_ request: GatewayRequest, _ respond: @escaping Call.Respond) {
        var call = Call(api, request, respond)
        switch api.identifyWithBody(request) {
        case .problem(let problem): call.refuse(problem)
        case .visitor(let visitor):
            let room = visitor.room
            if request.isForeign(to: room.web) { return call.refuse(.crossSite) }
            room.use(nowMilliseconds: api.now)
            call = call.binding(request, room)
            if api.arePassesExpired(room) { return call.refuse(.clockSkew) }
            if api.isOpen(room) {
                let issued = Credentials(api: api, room: room).openPass(number: visitor.number, call.binding)
                return respondGranted(issued, room, call)
            }
            guard api.pollMeter.allows(visitor.number, nowMilliseconds: api.now) else {
                api.count(.pollsTooEarly)
                return call.refuse(.tooEarly)
            }
            api.ifWaiting(visitor.claim, in: room) { [call] place, position in
                refuse(at: place, position, room, call)
            } otherwise: { [call] in
                api.store.enter(visitor.claim, room: room) { entered($0, visitor, call) }
            }
        }
    }

    private func entered(_ result: Result<StandingReply, StoreFailure>, _ visitor: Visitor, _ call: Call) {
        guard let reply = call.answered(result) else { return }
        let room = visitor.room
        if case .entered(let expires) = reply.standing {
            api.count(.entersGranted)
            room.noteGone(visitor.number)
            let issued = Credentials(api: api, room: room).pass(
                generation: Int(visitor.ticket.generation),
                number: visitor.number,
                expires: expires,
                now: reply.nowMilliseconds,
                isRenewable: reply.isRenewable,
                call.binding
            )
            return respondGranted(issued, room, call)
        }
        switch reply.standing {
        case .waiting, .called, .entered: return refuse(at: reply.place, room.position(reply), room, call)
        case .retry(let after): call.refuse(.notReady(afterMilliseconds: after))
        case .left: call.refuse(.left)
        case .expired: call.refuse(.expired)
        case .fenced: call.refuse(.otherGeneration)
        case .moved: call.refuse(.storeAway)
        }
        api.count(.entersRefused)
    }

    private func refuse(at place: Int, _ position: Int, _ room: Room, _ call: Call) {
        api.count(.entersRefused)
        let view = VisitorView.waiting(in: room, at: place, position, call.language, api)
        call.refuse(.notReady(afterMilliseconds: view.pollAfterMilliseconds))
    }

    /// The pass is in the answer whatever way the ticket came, also as a cookie: that is the API's contract, and its
    /// clients keep it from there. So a script of the site itself can read a pass, though its cookie is HttpOnly. One
    /// of another site cannot make a browser enter. Where that is too much, `bind_pass` makes a stolen pass worthless.
    private func respondGranted(_ issued: IssuedPass, _ room: Room, _ call: Call) {
        var json = JSONWriter()
        json.member("admission", "granted")
        issued.write(into: &json)
        WaitMessage.admitted.write(into: &json, "message", call.language)
        var response = GatewayResponse.uncacheable(200, json.finish())
        response.setPassCookie(issued, room, call)
        call.respond(response)
    }
}
