// SPDX-License-Identifier: Apache-2.0
//
// Everything that can go wrong with a request, with the code and the status the visitor's program sees.

internal import Passes

/// A refusal: `{"error":{"code","message","trace_id"}}`.
struct Problem: Error {
    let status: Int
    let code: StaticString
    let message: String
    /// When trying again makes sense, in milliseconds; nil when it does not.
    var retryAfterMilliseconds: Int?
    /// The methods an address takes (RFC 9110 section 15.5.6); nil unless the status is 405.
    var allow: StaticString?
    /// What to solve before joining again, and its text; nil unless the join lacks a good proof of work.
    var challenge: (says: Challenge, text: [UInt8])?

    static func malformed(_ message: String) -> Problem {
        Problem(status: 400, code: "MALFORMED", message: message)
    }

    static let ticketMissing = Problem(
        status: 400,
        code: "TICKET_MISSING",
        message: "send the ticket as ?token=, as Authorization: Bearer, or as the cookie"
    )
    static let ticketMalformed = Problem(status: 400, code: "TICKET_MALFORMED", message: "this is not a ticket")
    static let ticketForged = Problem(
        status: 401,
        code: "TICKET_FORGED",
        message: "the ticket was not signed by this waiting room"
    )
    static let enqueueTokenMissing = Problem(
        status: 400,
        code: "ENQUEUE_TOKEN_MISSING",
        message: "this room takes nobody without an enqueue token of the site"
    )
    static let enqueueTokenInvalid = Problem(
        status: 401,
        code: "ENQUEUE_TOKEN_INVALID",
        message: "the enqueue token is not one for this room, or its time is over"
    )
    static let passMissing = Problem(
        status: 401,
        code: "PASS_MISSING",
        message: "join at /api/v1/queue/join, then enter to get a pass"
    )
    static let passInvalid = Problem(
        status: 401,
        code: "PASS_INVALID",
        message: "the pass is not one of this waiting room"
    )
    static let passExpired = Problem(status: 401, code: "PASS_EXPIRED", message: "the pass has expired; join again")
    static let passOfOtherClient = Problem(
        status: 401,
        code: "PASS_OTHER_CLIENT",
        message: "the pass is bound to another network or browser; enter again with the ticket"
    )
    static let passForeign = Problem(status: 403, code: "PASS_FOREIGN", message: "the pass is for another room")
    static let proofRequired = Problem(
        status: 403,
        code: "PROOF_REQUIRED",
        message: "many join just now: send a nonce such that SHA-256(challenge:nonce) begins with so many zero bits"
    )
    static let proofInvalid = Problem(
        status: 403,
        code: "PROOF_INVALID",
        message: "the proof does not solve a challenge of this room and this Idempotency-Key; here is another one"
    )
    static let proofExpired = Problem(
        status: 403,
        code: "PROOF_EXPIRED",
        message: "the challenge is older than two minutes; here is another one"
    )
    static let roomClosed = Problem(status: 403, code: "ROOM_CLOSED", message: "the room takes no joins")
    static let roomUnknown = Problem(status: 404, code: "ROOM_UNKNOWN", message: "there is no such room")
    static let routeUnknown = Problem(status: 404, code: "NOT_FOUND", message: "there is nothing at this address")
    static func methodUnknown(allow: StaticString) -> Problem {
        Problem(
            status: 405,
            code: "METHOD_NOT_ALLOWED",
            message: "this address does not take this method",
            allow: allow
        )
    }
    static let otherRoom = Problem(status: 409, code: "OTHER_ROOM", message: "the ticket is for another room")
    static let otherGeneration = Problem(
        status: 409,
        code: "OTHER_GENERATION",
        message: "the room was reset after this ticket was issued; join again"
    )
    static let expired = Problem(status: 410, code: "EXPIRED", message: "the place has expired; join again")
    static let left = Problem(status: 410, code: "LEFT", message: "the place was given up; join again")
    static let roomFull = Problem(
        status: 429,
        code: "ROOM_FULL",
        message: "as many people wait as the room takes; try again later",
        retryAfterMilliseconds: 10_000
    )
    static func rateLimited(afterMilliseconds: Int) -> Problem {
        Problem(
            status: 429,
            code: "RATE_LIMITED",
            message: "too many joins from this address",
            retryAfterMilliseconds: afterMilliseconds
        )
    }
    static let tooEarly = Problem(
        status: 429,
        code: "POLLED_TOO_EARLY",
        message: "wait for poll_after_ms between polls",
        retryAfterMilliseconds: 1000
    )
    /// The queue cannot take a change just now; nothing is lost, and the same request may be sent again.
    static let storeAway = Problem(
        status: 503,
        code: "STORE_UNAVAILABLE",
        message: "the queue cannot take this just now; nothing is lost, try again",
        retryAfterMilliseconds: 2000
    )
    static let faulty = Problem(status: 500, code: "INTERNAL", message: "the waiting room made a mistake")

    static func notReady(afterMilliseconds: Int) -> Problem {
        Problem(
            status: 403,
            code: "NOT_READY",
            message: "it is not this visitor's turn yet",
            retryAfterMilliseconds: max(1, afterMilliseconds)
        )
    }
}
