// SPDX-License-Identifier: Apache-2.0
//
// DELETE or POST /api/v1/queue/leave: gives the place up for good, idempotent. POST is for navigator.sendBeacon.

internal import Admission
internal import GatewayWire
internal import Passes
internal import Telemetry

struct LeaveHandler {
    let api: APIContext

    func handle(_ request: GatewayRequest, _ respond: @escaping Call.Respond) {
        let call = Call(api, request, respond)
        let visitor: Visitor
        switch api.identifyWithBody(request) {
        case .problem(let problem): return call.refuse(problem)
        case .visitor(let found): visitor = found
        }
        let room = visitor.room
        if request.isForeign(to: room.web) { return call.refuse(.crossSite) }
        // A browser that names another ticket than its own keeps its own.
        let sent = api.cookieTicket(request, room: room)
        let isOwn = sent.map { api.keys.verifyTicket($0) == .valid(visitor.ticket) } ?? true
        room.use(nowMilliseconds: api.now)
        api.store.leave(visitor.claim, room: room) { result in
            guard let reply = call.answered(result) else { return }
            if reply.standing == .fenced { return call.refuse(.otherGeneration) }
            api.count(.leaves)
            room.noteGone(visitor.number)
            var json = JSONWriter()
            json.member("status", "left")
            WaitMessage.left.write(into: &json, "message", call.language)
            var response = GatewayResponse.uncacheable(200, json.finish())
            if isOwn { response.clearCookies(room, call) }
            call.respond(response)
        }
    }
}
