// SPDX-License-Identifier: Apache-2.0
//
// Requests at the gate that no person's navigation has sent. A person's own sub-requests go on as that person's. Others
// go on while nobody waits and a token is there; else each of them gets a problem (RFC 9457) with a status that no
// client takes for success, nor for a sign-in of its own. None of them takes a number, enters, or counts as a sign of
// life.

internal import Admission
internal import GatewayWire
internal import Passes
internal import Telemetry

extension GateHandler {
    /// - Parameters:
    ///   - ticket: of the ticket cookie; nil without one.
    ///   - problem: what is wrong with the pass.
    ///   - mayGoOn: whether no bad pass came.
    func answerOther(_ caller: Caller, ticket: [UInt8]?, _ problem: Problem, mayGoOn: Bool) {
        guard mayGoOn else { return refuse(caller, problem) }
        if api.isOpen(caller.room) {
            if caller.joiner.refusal != nil { return refuse(caller, problem) }
            api.count(.gatePassed)
            return caller.call.respond(continuation(caller))
        }
        guard let visitor = api.visitor(cookie: ticket, caller.room) else { return letPass(caller, problem) }
        if !api.isStale(caller.room), let (place, position) = visitor.placeInMirror {
            return refuse(caller, problem, at: (place, position))
        }
        if let known = caller.room.rememberedStanding(visitor.number) {
            return answer(known, of: visitor, caller, problem)
        }
        api.store.stand(visitor.claim, room: caller.room) { result in
            guard case .success(let reply) = result else { return refuse(caller, problem) }
            answer(caller.room.remember(reply, of: visitor.number), of: visitor, caller, problem)
        }
    }

    private func answer(_ reply: StandingReply, of visitor: Visitor, _ caller: Caller, _ problem: Problem) {
        switch reply.standing {
        case .entered(let expires): admit(visitor.claim, expires, reply, caller)
        case .left, .expired, .fenced: letPass(caller, problem)
        // It is for the person's page to enter.
        case .called, .retry, .moved: refuse(caller, problem)
        case .waiting: refuse(caller, problem, at: (reply.place, caller.room.position(reply)))
        }
    }

    /// Lets a request go on that is nobody's, for a token.
    private func letPass(_ caller: Caller, _ problem: Problem) {
        let room = caller.room
        let checks = JoinChecks(api: api, room: room)
        // As for a newcomer: the mirror is at most a tick old, and only an empty room is worth asking for.
        guard caller.joiner.refusal == nil, room.mirror.count == 0, checks.proofBits == 0,
            checks.sourceWait(caller.network) == 0
        else { return refuse(caller, problem) }
        api.store.join(JoinRequest(kind: .passage), room: room) { result in
            guard case .success(let answer) = result, answer.outcome == .passed || answer.outcome == .bypassed else {
                return refuse(caller, problem)
            }
            api.count(.gatePassed)
            caller.call.respond(continuation(caller))
        }
    }

    /// Milliseconds after which a client without a place may try again.
    private static let retryMilliseconds = 5000

    private func refuse(_ caller: Caller, _ problem: Problem, at line: (place: Int, position: Int)? = nil) {
        // A person has sent the form: the page finds the place, which the form may not take.
        if caller.errand == .foreignForm { return hold(caller, .find) }
        api.count(.gateRefused)
        let view = line.map {
            VisitorView.waiting(in: caller.room, at: $0.place, $0.position, caller.call.language, api)
        }
        let retry = view?.pollAfterMilliseconds ?? GateHandler.retryMilliseconds
        let join = String(decoding: api.prefix, as: UTF8.self) + "/join"
        let answer = problem.atGate(
            room: caller.room.id,
            join: join,
            retryAfter: retry,
            traceID: caller.call.traceID
        )
        caller.call.respond(
            isAhead ? GateAhead.refusal(answer, code: problem.code, room: caller.room.id) : answer
        )
    }
}
