// SPDX-License-Identifier: Apache-2.0
//
// What a handler needs to keep of a request after its storage is used again.

internal import Admission
internal import GatewayWire
internal import Passes
internal import Telemetry

/// Small facts, copied out.
struct RequestFacts {
    let traceID: String
    let language: Language
    /// Whether the visitor came over TLS (decides the cookies' names).
    let isSecure: Bool
    /// What the passes for this client are bound to.
    private(set) var binding: PassBinding?

    init(_ request: GatewayRequest) {
        traceID = String(decoding: request[.requestID].prefix(64), as: UTF8.self)
        language = Language(acceptLanguage: request[.acceptLanguage])
        isSecure = request[.scheme].spells("https")
    }

    /// Whoever asks for a pass of a room, with what that room binds passes to.
    func binding(_ request: GatewayRequest, _ room: Room) -> RequestFacts {
        let traits = room.rules.passBinding
        guard !traits.isEmpty else { return self }
        var bound = self
        bound.binding = PassBinding(
            to: PassClient(request),
            network: traits.contains(.network),
            agent: traits.contains(.agent)
        )
        return bound
    }
}

extension PassClient {
    /// The client as nginx tells of it where passes are made and looked at. nginx's own verifiers see the same.
    init(_ request: GatewayRequest) {
        self.init(network: ClientAddress(request[.client])?.networkBytes ?? [], agent: Array(request[.agent]))
    }
}

extension WaitingRoomAPI {
    /// A ticket that was verified, and its room.
    struct Visitor {
        let room: Room
        let ticket: Ticket

        var number: Int { Int(ticket.number) }
    }

    enum Identification {
        case visitor(Visitor)
        case problem(Problem)
    }

    /// Finds and verifies the ticket: `token` of the body, `?token=`, `Authorization: Bearer`, or the cookie.
    /// `event_id` in the query picks the cookie, and must agree with the ticket.
    func identify(_ request: GatewayRequest, bodyToken: String? = nil) -> Identification {
        let named = QueryString.value("event_id", in: request[.query]).map { String(decoding: $0, as: UTF8.self) }
        guard let bytes = bodyToken.map({ Array($0.utf8)[...] }) ?? sentToken(request, room: named) else {
            return .problem(.ticketMissing)
        }
        switch keys.verifyTicket(bytes) {
        case .malformed:
            count(.ticketsRejected)
            // Something that was a ticket once and has been altered is a forgery; anything else is noise.
            return .problem(bytes.prefix(3).spells("v1.") ? .ticketForged : .ticketMalformed)
        case .forged:
            count(.ticketsRejected)
            return .problem(.ticketForged)
        case .valid(let ticket):
            if let named, named != ticket.room { return .problem(.otherRoom) }
            guard let room = room(ticket.room) else { return .problem(.roomUnknown) }
            return .visitor(Visitor(room: room, ticket: ticket))
        }
    }

    private func sentToken(_ request: GatewayRequest, room: String?) -> ArraySlice<UInt8>? {
        if let token = QueryString.value("token", in: request[.query]), !token.isEmpty { return token }
        let authorization = request[.authorization]
        if authorization.count > 7, String(decoding: authorization.prefix(7), as: UTF8.self).lowercased() == "bearer " {
            return authorization.dropFirst(7)
        }
        return cookieTicket(request, room: room).map { $0[...] }
    }

    /// The ticket cookie of `room`, or the only ticket cookie there is.
    func cookieTicket(_ request: GatewayRequest, room: String?) -> [UInt8]? {
        guard !request[.cookie].isEmpty else { return nil }
        let reader = CookieReader(Array(request[.cookie]))
        let secure = request[.scheme].spells("https")
        if let room {
            guard isRoomIdentifier(room) else { return nil }
            return reader.value(named: CookieNames(room: room, secure: secure).ticket)
        }
        let known = rooms.map { CookieNames(room: $0.id, secure: secure).ticket }
        let sent = known.compactMap { reader.value(named: $0) }
        return sent.count == 1 ? sent[0] : nil
    }
}
