// SPDX-License-Identifier: Apache-2.0
//
// The one place that makes tickets and passes, puts them into an answer, and sets their cookies.

internal import Admission
internal import GatewayWire
internal import Passes
internal import Telemetry

/// A pass that was made, and what an answer says with it.
struct IssuedPass {
    let pass: [UInt8]
    let number: Int
    /// Seconds that the pass and its cookie live from now, at least 1.
    let lifetimeSeconds: Int
    /// Whether a request in its last third brings a new one home.
    var isRenewable = false

    func write(into json: inout JSONWriter) {
        json.member("pass", text: pass)
        json.member("reservation_token", text: pass)
        json.member("ttl_sec", lifetimeSeconds)
        json.member("renewable", isRenewable)
    }
}

/// Makes the tickets and passes of a room.
struct Credentials {
    let api: APIContext
    let room: Room

    func ticket(_ claim: TicketClaim) -> [UInt8] {
        api.keys.sign(
            Ticket(
                room: room.id,
                generation: Int64(claim.generation),
                number: Int64(claim.number),
                issuedMilliseconds: Int64(claim.issuedMilliseconds)
            )
        )
    }

    /// The pass of an entry. It depends on nothing but the entry, pass_ttl and the client it is bound to, so a repeated
    /// enter gives the same pass. When an operator has shortened pass_ttl in between, it is issued now instead of in
    /// the future.
    /// - Parameters:
    ///   - expires: when the entry ends, in milliseconds of Redis time, as is `now`.
    ///   - isRenewable: whether the entry can be lengthened.
    ///   - lifetimeMilliseconds: pass_ttl, unless the pass is one of an open room.
    func pass(
        generation: Int,
        number: Int,
        expires: Int,
        now: Int,
        lifetimeMilliseconds: Int? = nil,
        isRenewable: Bool = false,
        _ binding: PassBinding?
    ) -> IssuedPass {
        let lifetime = (lifetimeMilliseconds ?? room.policy.passLifetimeMilliseconds) / 1000
        let pass = Pass(
            room: room.id,
            number: Int64(number),
            jti: api.keys.passIdentifier(
                room: room.id,
                generation: Int64(generation),
                number: Int64(number),
                expiresAtMilliseconds: Int64(expires),
                isRenewable: isRenewable
            ),
            issuedAtSeconds: Int64(max(1, min(expires / 1000 - lifetime, now / 1000))),
            expiresAtSeconds: Int64(expires / 1000),
            binding: binding
        )
        let left = max(1, (expires - now) / 1000)
        return IssuedPass(
            pass: api.keys.sign(pass),
            number: number,
            lifetimeSeconds: left,
            isRenewable: isRenewable
        )
    }

    /// A short-lived pass for a room that is open while Redis is away (when_redis_is_away: open). No queue has decided
    /// on it, it takes no number, and no ticket comes with it.
    /// - Parameter number: the visitor's own, from a ticket; nil for a number that no queue has issued or will issue.
    /// - Parameter counts: whether the metrics count it as a pass without the store.
    func openPass(number: Int?, _ binding: PassBinding?, counts: Bool = true) -> IssuedPass {
        let now = room.redisMilliseconds(nowMilliseconds: api.now)
        // A visitor who is inside already keeps the pass.
        if let number, let end = room.entryEnd(of: number), end > now {
            return pass(
                generation: room.generation,
                number: number,
                expires: end,
                now: now,
                // As the entry began. Of an entry's last pass it is too much, and then Redis says no.
                isRenewable: room.policy.renewsPasses,
                binding
            )
        }
        if counts { api.count(.passesWithoutStore) }
        let lifetime = min(room.policy.passLifetimeMilliseconds, OutagePolicy.passLifetimeMillisecondsMax)
        let first = OutagePolicy.firstNumber
        let wholeSecond = now / 1000 * 1000
        return pass(
            generation: room.generation,
            number: number ?? first + Int(api.environment.random() * Double(first - 1)),
            expires: wholeSecond + lifetime / 1000 * 1000,
            now: wholeSecond,
            lifetimeMilliseconds: lifetime,
            binding
        )
    }
}

extension GatewayResponse {
    /// A day: a ticket is worth something as long as its holder waits, however long that is.
    private static let ticketCookieSeconds: Int64 = 86_400

    mutating func setTicketCookie(_ ticket: [UInt8], _ room: Room, _ call: Call) {
        let names = room.cookieNames(secure: call.isSecure)
        addHeader(HeaderName.setCookie, names.setTicket(ticket, maxAgeSeconds: Self.ticketCookieSeconds))
    }

    mutating func setPassCookie(_ issued: IssuedPass, _ room: Room, _ call: Call) {
        let names = room.cookieNames(secure: call.isSecure)
        addHeader(HeaderName.setCookie, names.setPass(issued.pass, maxAgeSeconds: Int64(issued.lifetimeSeconds)))
    }

    mutating func clearPassCookie(_ room: Room, _ call: Call) {
        addHeader(HeaderName.setCookie, room.cookieNames(secure: call.isSecure).clearPass())
    }

    mutating func clearCookies(_ room: Room, _ call: Call) {
        let names = room.cookieNames(secure: call.isSecure)
        addHeader(HeaderName.setCookie, names.clearTicket())
        addHeader(HeaderName.setCookie, names.clearPass())
    }
}
