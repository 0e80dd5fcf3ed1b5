// SPDX-License-Identifier: Apache-2.0
//
// What a visitor is shown: one place that turns a standing into status, position, ETA, poll hint and sentence.

internal import Admission
internal import GatewayWire
internal import Passes

/// The members that join and status answers share.
struct VisitorView {
    var status: StaticString
    var position: Int?
    var estimate: WaitEstimate?
    var isReady = false
    var isPaused = false
    var pollAfterMilliseconds: Int
    var message: WaitMessage
    var language: Language

    func write(into json: inout JSONWriter) {
        json.member("status", status)
        json.member("position", position)
        json.member("position_hint", position)
        json.member("eta_sec", estimate?.seconds)
        json.member("eta_low_sec", estimate?.lowSeconds)
        json.member("eta_high_sec", estimate?.highSeconds)
        if let confidence = estimate?.confidence {
            json.member("confidence", scaled: Int(confidence.rawValue * 10), digits: 1)
        } else {
            json.memberNull("confidence")
        }
        json.member("poll_after_ms", pollAfterMilliseconds)
        message.write(into: &json, "message", language)
    }
}

extension WaitingRoomAPI {
    func waitingView(_ room: Room, position: Int, _ language: Language) -> VisitorView {
        let isPaused = room.policy.mode == .paused
        let estimate = isPaused ? nil : room.estimate(position: position)
        // At the configured rate, when that is sooner than the estimate: a hint that followed a slow history would keep
        // the called away, and so make the history slower still.
        let soonest = room.policy.rateMilli > 0 ? position * 1000 / room.policy.rateMilli : Int.max
        let poll = PollPacing.hintMilliseconds(
            etaSeconds: estimate.map { min($0.seconds, soonest) },
            position: position,
            waiting: room.mirror.count,
            budgetPerSecond: environment.pollBudgetPerSecond,
            policy: room.policy,
            jitter: environment.random()
        )
        return VisitorView(
            status: isPaused ? "paused" : "waiting",
            position: position,
            estimate: estimate,
            isPaused: isPaused,
            pollAfterMilliseconds: poll,
            message: estimate.map { .wait($0) } ?? .paused,
            language: language
        )
    }

    func view(_ standing: Standing, _ room: Room, position: Int, _ language: Language) -> VisitorView {
        switch standing {
        case .waiting:
            return waitingView(room, position: position, language)
        case .called, .retry:
            return VisitorView(
                status: "ready",
                position: 0,
                estimate: WaitEstimate(seconds: 0, lowSeconds: 0, highSeconds: 0, confidence: .high),
                isReady: true,
                pollAfterMilliseconds: 1000,
                message: .ready,
                language: language
            )
        case .entered:
            return ended("admitted", .admitted, language)
        case .left:
            return ended("left", .left, language)
        case .expired, .fenced:
            return ended("expired", .expired, language)
        }
    }

    private func ended(_ status: StaticString, _ message: WaitMessage, _ language: Language) -> VisitorView {
        VisitorView(status: status, position: 0, pollAfterMilliseconds: 15_000, message: message, language: language)
    }

    // MARK: - Tickets and passes

    func ticket(_ claim: TicketClaim, _ room: Room) -> [UInt8] {
        keys.sign(
            Ticket(
                room: room.id,
                generation: Int64(claim.generation),
                number: Int64(claim.number),
                issuedMilliseconds: Int64(claim.issuedMilliseconds)
            )
        )
    }

    /// The pass of an entry. It depends on nothing but the entry, pass_ttl and the client it is bound to, so a repeated
    /// enter gives the same pass; when an operator has shortened pass_ttl in between, it is issued now instead of in
    /// the future.
    func pass(
        _ room: Room,
        generation: Int,
        number: Int,
        expiresMilliseconds: Int,
        nowMilliseconds: Int,
        binding: PassBinding?
    ) -> [UInt8] {
        let expiresSeconds = expiresMilliseconds / 1000
        let issuedSeconds = min(
            expiresSeconds - room.policy.passLifetimeMilliseconds / 1000,
            nowMilliseconds / 1000
        )
        return keys.sign(
            Pass(
                room: room.id,
                number: Int64(number),
                jti: keys.passIdentifier(
                    room: room.id,
                    generation: Int64(generation),
                    number: Int64(number),
                    expiresAtMilliseconds: Int64(expiresMilliseconds)
                ),
                issuedAtSeconds: Int64(max(1, issuedSeconds)),
                expiresAtSeconds: Int64(expiresSeconds),
                binding: binding
            )
        )
    }

    /// What an admitted visitor is given.
    struct Credentials {
        let ticket: [UInt8]
        let pass: [UInt8]
        let lifetimeSeconds: Int
    }

    func credentials(
        _ room: Room,
        _ claim: TicketClaim,
        expires: Int,
        now: Int,
        _ binding: PassBinding?
    ) -> Credentials {
        Credentials(
            ticket: ticket(claim, room),
            pass: pass(
                room,
                generation: claim.generation,
                number: claim.number,
                expiresMilliseconds: expires,
                nowMilliseconds: now,
                binding: binding
            ),
            lifetimeSeconds: lifetimeSeconds(until: expires, from: now)
        )
    }

    /// Seconds a cookie or a pass lives from now, at least 1.
    func lifetimeSeconds(until expiresMilliseconds: Int, from nowMilliseconds: Int) -> Int {
        max(1, (expiresMilliseconds - nowMilliseconds) / 1000)
    }

    /// A day: a ticket is worth something as long as its holder waits, however long that is.
    static let ticketCookieSeconds: Int64 = 86_400

    func setTicketCookie(_ response: inout GatewayResponse, _ room: Room, _ ticket: [UInt8], _ facts: RequestFacts) {
        let names = CookieNames(room: room.id, secure: facts.isSecure)
        let value = names.setTicket(ticket, maxAgeSeconds: WaitingRoomAPI.ticketCookieSeconds)
        response.addHeader("Set-Cookie", value)
    }

    func setPassCookie(
        _ response: inout GatewayResponse,
        _ room: Room,
        _ pass: [UInt8],
        lifetimeSeconds: Int,
        _ facts: RequestFacts
    ) {
        let names = CookieNames(room: room.id, secure: facts.isSecure)
        response.addHeader("Set-Cookie", names.setPass(pass, maxAgeSeconds: Int64(lifetimeSeconds)))
    }
}
