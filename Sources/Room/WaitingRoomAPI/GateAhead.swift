// SPDX-License-Identifier: Apache-2.0
//
// The gate is asked ahead of a request's body, when that is large or not here yet. What is no person's navigation is
// decided then: nginx takes it on to the site with its body unread, or refuses it before a byte of it is sent. nginx
// reads only the headers of this answer, so what needs more than those, a page or cookies, is for the gate itself.

internal import Admission
internal import GatewayWire
internal import Passes

struct GateAhead {
    let api: APIContext

    /// Not decided here: nginx comes to the gate with the body.
    static var later: GatewayResponse { GatewayResponse.bare(204) }

    func handle(_ request: GatewayRequest, _ respond: @escaping Call.Respond) {
        let verdict = request[.verdict]
        // A renewal brings a cookie, and a room that is yet to be made is made at the gate.
        guard !verdict.spells("due"), let room = api.room(String(decoding: request[.room], as: UTF8.self)) else {
            return respond(GateAhead.later)
        }
        switch Errand(request, room.web) {
        case .navigation, .preflight: return respond(GateAhead.later)
        case .other, .foreignForm: break
        }
        guard !GateLimit.isExceeded(by: request, api) else { return respond(GatewayResponse.bare(401)) }
        GateHandler(api: api, isAhead: true).handle(request, respond)
    }

    /// Takes a request on to the site, for which nginx compares the room.
    static func passage(_ room: String) -> GatewayResponse {
        var response = GatewayResponse.bare(204)
        response.addHeader(HeaderName.verdict, VerdictWord.okPrefix + room)
        return response
    }

    /// A problem in headers: nginx makes the answer of it.
    static func refusal(_ problem: GatewayResponse, code: StaticString, room: String) -> GatewayResponse {
        var response = GatewayResponse.bare(403)
        response.retryAfterSeconds = problem.retryAfterSeconds
        response.addHeader(HeaderName.verdict, "refused:\(room)")
        response.addHeader("X-Vestibule-Problem", problem.body)
        response.addHeader("X-Vestibule-Code", String(describing: code))
        return response
    }
}
