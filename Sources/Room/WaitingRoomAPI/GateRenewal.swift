// SPDX-License-Identifier: Apache-2.0
//
// A visitor who is inside and goes on asking gets a new pass (pass_renewal: sliding). nginx verifies passes without a
// worker; in the last third of a pass's life it sends the request here first. The answer takes it on to the site, with
// a new pass when Redis has lengthened the entry, and with the old one when not: renewal refuses nobody.

internal import Admission
internal import GatewayWire
internal import Passes
internal import Telemetry

extension GateHandler {
    /// A good pass, as it was sent.
    struct ShownPass {
        let bytes: [UInt8]
        let pass: Pass
        /// The generation in which it may be renewed.
        let generation: Int
    }

    /// The pass of a request, when this worker too finds it good, and it may be renewed.
    func duePass(_ request: GatewayRequest, _ room: Room) -> ShownPass? {
        let names = CookieNames.passes(room: room.id, secure: request[.scheme].spells("https"))
        let values = CookieReader(request[.cookie]).values(named: names)
        let now = Int64(api.environment.wallSeconds)
        let judged = api.keys.verifyPass(amongst: values, room: room.id, nowSeconds: now, client: PassClient(request))
        guard let (bytes, verdict) = judged, case .valid(let pass) = verdict, let generation = pass.renewalGeneration
        else { return nil }
        return ShownPass(bytes: bytes, pass: pass, generation: Int(generation))
    }

    /// Lets the request go on, with a new pass where there is one.
    func renew(_ shown: ShownPass, _ caller: Caller) {
        let room = caller.room
        let number = Int(shown.pass.number)
        let claim = TicketClaim(
            generation: shown.generation,
            number: number,
            issuedMilliseconds: Int(shown.pass.expiresAtSeconds) * 1000
        )
        // Other requests of the page have shown the same pass, a moment ago.
        if let known = room.rememberedStanding(number), isLonger(known, than: shown) {
            return goOn(shown, known, caller)
        }
        guard !api.isOpen(room), room.policy.renewsPasses else { return goOn(shown, nil, caller) }
        api.store.renew(claim, room: room) { result in
            guard case .success(let reply) = result, isLonger(reply, than: shown) else {
                return goOn(shown, nil, caller)
            }
            room.remember(reply, of: number)
            api.count(.passesRenewed)
            goOn(shown, reply, caller)
        }
    }

    private func isLonger(_ reply: StandingReply, than shown: ShownPass) -> Bool {
        guard case .entered(let expires) = reply.standing else { return false }
        return expires / 1000 > Int(shown.pass.expiresAtSeconds)
    }

    /// - Parameter reply: the lengthened entry; nil leaves the pass as it is.
    private func goOn(_ shown: ShownPass, _ reply: StandingReply?, _ caller: Caller) {
        var response = continuation(caller)
        response.addHeader(HeaderName.number, String(shown.pass.number))
        guard let reply, case .entered(let expires) = reply.standing else {
            response.addHeader(HeaderName.pass, shown.bytes)
            return caller.call.respond(response)
        }
        let issued = Credentials(api: api, room: caller.room).pass(
            generation: shown.generation,
            number: Int(shown.pass.number),
            expires: expires,
            now: reply.nowMilliseconds,
            isRenewable: reply.isRenewable,
            caller.call.binding
        )
        response.addHeader(HeaderName.pass, issued.pass)
        response.setPassCookie(issued, caller.room, caller.call)
        caller.call.respond(response)
    }
}
