// SPDX-License-Identifier: Apache-2.0
//
// DELETE or POST /api/v1/queue/leave: gives the place up for good, idempotent. POST is for navigator.sendBeacon.

internal import Admission
internal import GatewayWire
internal import Passes
internal import Telemetry

extension WaitingRoomAPI {
    func leave(_ request: GatewayRequest, _ respond: @escaping Respond) {
        let facts = RequestFacts(request)
        let visitor: Visitor
        switch identifyWithBody(request) {
        case .problem(let problem): return refuse(problem, facts, respond)
        case .visitor(let found): visitor = found
        }
        // A browser that names another ticket than its own keeps its own.
        let sent = cookieTicket(request, room: visitor.room.id)
        let isOwn = sent.map { self.keys.verifyTicket($0) == .valid(visitor.ticket) } ?? true
        visitor.room.use(nowMilliseconds: environment.nowMilliseconds())
        store.leave(visitor.claim, room: visitor.room) { [weak self] result in
            guard let self, let reply = self.answered(result, facts, respond) else { return }
            if reply.standing == .fenced { return self.refuse(.otherGeneration, facts, respond) }
            self.count(.leaves)
            visitor.room.noteGone(visitor.number)
            var json = JSONWriter()
            json.member("status", "left")
            WaitMessage.left.write(into: &json, "message", facts.language)
            var response = self.ok(200, json.finish())
            let names = CookieNames(room: visitor.room.id, secure: facts.isSecure)
            if isOwn {
                response.addHeader("Set-Cookie", names.clearTicket())
                response.addHeader("Set-Cookie", names.clearPass())
            }
            respond(response)
        }
    }
}
