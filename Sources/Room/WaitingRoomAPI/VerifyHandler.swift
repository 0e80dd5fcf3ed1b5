// SPDX-License-Identifier: Apache-2.0
//
// Verifies a pass for nginx without njs or Lua (auth_request): 204 with the number, or 401 with the verdict. Also the
// words of the verdicts, which the three verifiers share: this one, vestibule.js and vestibule.lua.

internal import Admission
internal import GatewayWire
internal import Passes
internal import Telemetry

/// What a verifier calls its verdict on a pass.
enum VerdictWord {
    /// Before the room of a pass that is good.
    static let okPrefix = "ok:"
    static let missing = "missing"
    static let malformed = "malformed"
    static let forged = "forged"
    static let foreign = "foreign"
    static let expired = "expired"
    /// Good, and in the last third of its life: the gate may renew it.
    static let due = "due"
    /// The pass is bound to another client.
    static let otherClient = "other-client"
}

extension PassVerdict {
    /// The verdict in a word; with the room in it when the pass is good.
    func word(room: String) -> String {
        switch self {
        case .valid: VerdictWord.okPrefix + room
        case .malformed: VerdictWord.malformed
        case .forged: VerdictWord.forged
        case .foreign: VerdictWord.foreign
        case .expired: VerdictWord.expired
        case .otherClient: VerdictWord.otherClient
        }
    }
}

struct VerifyHandler {
    let api: APIContext

    func handle(_ request: GatewayRequest, _ respond: @escaping Call.Respond) {
        let call = Call(api, request, respond)
        let id = String(decoding: request[.room], as: UTF8.self)
        guard isRoomIdentifier(id) else { return call.refuse(.roomUnknown) }
        let names = CookieNames.passes(room: id, secure: call.isSecure)
        let values = CookieReader(request[.cookie]).values(named: names)
        let now = Int64(api.environment.wallSeconds)
        let judged = api.keys.verifyPass(amongst: values, room: id, nowSeconds: now, client: PassClient(request))
        guard let (bytes, verdict) = judged else { return respond(refusedPass(VerdictWord.missing)) }
        let word = verdict.word(room: id)
        guard case .valid(let pass) = verdict else { return respond(refusedPass(word)) }
        // nginx says which requests may not make the way by the gate: see $vsb_unrenewed.
        if request[.errand].isEmpty, pass.isDue(nowSeconds: now) { return respond(refusedPass(VerdictWord.due)) }
        api.count(.passesVerified)
        var response = GatewayResponse(status: 204, contentType: "text/plain")
        // nginx hands these to the backend.
        response.addHeader(HeaderName.verdict, word)
        response.addHeader(HeaderName.pass, bytes)
        response.addHeader(HeaderName.number, String(pass.number))
        respond(response)
    }

    private func refusedPass(_ verdict: String) -> GatewayResponse {
        if verdict != VerdictWord.due { api.count(.passesRefused) }
        var response = GatewayResponse(status: 401, contentType: "text/plain")
        response.addHeader(HeaderName.verdict, verdict)
        return response
    }
}
