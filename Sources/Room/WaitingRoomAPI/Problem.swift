// SPDX-License-Identifier: Apache-2.0
//
// Everything that can go wrong with a request, with the code and the status the visitor's program sees.

internal import GatewayWire
internal import Passes

/// A refusal: `{"error":{"code","message","trace_id"}}`; at the gate with the members of RFC 9457 before it.
struct Problem: Error {
    let status: Int
    let code: StaticString
    let message: String
    /// When trying again makes sense, in milliseconds; nil when it does not.
    var retryAfterMilliseconds: Int?
    /// The methods an address takes (RFC 9110 section 15.5.6); nil unless the status is 405.
    var allow: String?
    /// What to solve before joining again, and its text; nil unless the join lacks a good proof of work.
    var challenge: (says: Challenge, text: [UInt8])?

    private init(
        _ status: Int,
        _ code: StaticString,
        _ message: String,
        retry retryAfterMilliseconds: Int? = nil,
        allow: String? = nil
    ) {
        self.status = status
        self.code = code
        self.message = message
        self.retryAfterMilliseconds = retryAfterMilliseconds
        self.allow = allow
    }

    /// The answer that says so.
    func response(traceID: String) -> GatewayResponse {
        var body = JSONWriter()
        writeError(into: &body, traceID: traceID)
        if let retryAfterMilliseconds { body.member("poll_after_ms", retryAfterMilliseconds) }
        var response = GatewayResponse.uncacheable(status, body.finish())
        if let retryAfterMilliseconds { response.retry(afterMilliseconds: retryAfterMilliseconds) }
        if let allow { response.addHeader("Allow", allow) }
        return response
    }

    /// The answer to a request at the gate that may not go on. The status is 503 whatever the reason: only that one
    /// makes every client come again later, and none takes it for success or begins a sign-in of its own.
    /// - Parameters:
    ///   - join: the address at which a place is to be had.
    ///   - retryAfter: milliseconds.
    func atGate(room: String, join: String, retryAfter: Int, traceID: String) -> GatewayResponse {
        var body = JSONWriter()
        body.member("type", "urn:vestibule:problem:\(String(describing: code).lowercased())")
        body.member("title", "Waiting room" as StaticString)
        body.member("status", 503)
        body.member("detail", message)
        body.member("room", room)
        body.member("join", join)
        writeError(into: &body, traceID: traceID)
        body.member("poll_after_ms", retryAfter)
        var response = GatewayResponse(status: 503, contentType: "application/problem+json", body: body.finish())
        response.isUncacheable = true
        response.retry(afterMilliseconds: retryAfter)
        return response
    }

    private func writeError(into body: inout JSONWriter, traceID: String) {
        body.beginObject("error")
        body.member("code", code)
        body.member("message", message)
        body.member("trace_id", traceID)
        if let challenge {
            body.member("challenge", text: challenge.text)
            body.member("bits", challenge.says.bits)
            body.member("expires_ms", Int(challenge.says.expiresMilliseconds))
        }
        body.endObject()
    }

    static func malformed(_ message: String) -> Problem {
        Problem(400, "MALFORMED", message)
    }

    static let ticketMissing = Problem(
        400,
        "TICKET_MISSING",
        "send the ticket as ?token=, as Authorization: Bearer, or as the cookie"
    )
    static let ticketMalformed = Problem(400, "TICKET_MALFORMED", "this is not a ticket")
    static let ticketForged = Problem(401, "TICKET_FORGED", "the ticket was not signed by this waiting room")
    static let enqueueTokenMissing = Problem(
        400,
        "ENQUEUE_TOKEN_MISSING",
        "this room takes nobody without an enqueue token of the site"
    )
    static let enqueueTokenInvalid = Problem(
        401,
        "ENQUEUE_TOKEN_INVALID",
        "the enqueue token is not one for this room, or its time is over"
    )
    // These are only answered at the gate.
    static let passMissing = Problem(503, "PASS_MISSING", "join the queue, then enter to get a pass")
    static let passInvalid = Problem(503, "PASS_INVALID", "the pass is not one of this waiting room")
    static let passExpired = Problem(503, "PASS_EXPIRED", "the pass has expired; join again")
    static let passOfOtherClient = Problem(
        503,
        "PASS_OTHER_CLIENT",
        "the pass is bound to another network or browser; enter again with the ticket"
    )
    static let noDraw = Problem(404, "NO_DRAW", "there is no draw of places in this room")
    static func roomEnded(_ notice: String) -> Problem {
        Problem(410, "ROOM_ENDED", notice.isEmpty ? "the waiting room is over" : notice)
    }
    static let passForeign = Problem(503, "PASS_FOREIGN", "the pass is for another room")
    static let proofRequired = Problem(
        403,
        "PROOF_REQUIRED",
        "many join just now: send a nonce such that SHA-256(challenge:nonce) begins with so many zero bits"
    )
    static let proofInvalid = Problem(
        403,
        "PROOF_INVALID",
        "the proof does not solve a challenge of this room and this Idempotency-Key; here is another one"
    )
    static let proofExpired = Problem(
        403,
        "PROOF_EXPIRED",
        "the challenge is older than two minutes; here is another one"
    )
    static let crossSite = Problem(
        403,
        "CROSS_SITE",
        "a page of another site may not do this; an app of that origin needs it in the room's cors"
    )
    static let roomClosed = Problem(403, "ROOM_CLOSED", "the room takes no joins")
    static let roomUnknown = Problem(404, "ROOM_UNKNOWN", "there is no such room")
    static let routeUnknown = Problem(404, "NOT_FOUND", "there is nothing at this address")
    static func methodUnknown(allow: String) -> Problem {
        Problem(405, "METHOD_NOT_ALLOWED", "this address does not take this method", allow: allow)
    }
    static let otherRoom = Problem(409, "OTHER_ROOM", "the ticket is for another room")
    static let otherGeneration = Problem(
        409,
        "OTHER_GENERATION",
        "the room was reset after this ticket was issued; join again"
    )
    static let expired = Problem(410, "EXPIRED", "the place has expired; join again")
    static let left = Problem(410, "LEFT", "the place was given up; join again")
    static let roomFull = Problem(
        429,
        "ROOM_FULL",
        "as many people wait as the room takes; try again later",
        retry: 10_000
    )
    static let roomsFull = Problem(
        429,
        "ROOMS_FULL",
        "there are as many rooms of this kind as there may be; try again later",
        retry: 10_000
    )
    static func rateLimited(afterMilliseconds: Int) -> Problem {
        Problem(429, "RATE_LIMITED", "too many requests from this address", retry: afterMilliseconds)
    }
    static let tooEarly = Problem(429, "POLLED_TOO_EARLY", "wait for poll_after_ms between polls", retry: 1000)
    /// The queue cannot take a change just now; nothing is lost, and the same request may be sent again.
    static let storeAway = Problem(
        503,
        "STORE_UNAVAILABLE",
        "the queue cannot take this just now; nothing is lost, try again",
        retry: 2000
    )
    static let clockSkew = Problem(
        503,
        "CLOCK_SKEW",
        "the clocks of the site's servers disagree, a pass would be expired at once; nothing is lost, try again",
        retry: 10_000
    )
    static let faulty = Problem(500, "INTERNAL", "the waiting room made a mistake")

    static func notReady(afterMilliseconds: Int) -> Problem {
        Problem(403, "NOT_READY", "it is not this visitor's turn yet", retry: max(1, afterMilliseconds))
    }
}
