// SPDX-License-Identifier: Apache-2.0
//
// Finds the visitor of a request: where a ticket may stand in a request, and how it is verified. A request counts as a
// visitor's only when a key of the ring signed its ticket and the room exists here.

internal import Admission
internal import GatewayWire
internal import Passes
internal import StrictJSON
internal import Telemetry

/// A ticket that was verified, and its room.
struct Visitor {
    let room: Room
    let ticket: Ticket
    /// The visitor's number in the line: the ticket's, or the drawn one.
    let number: Int

    init(room: Room, ticket: Ticket) {
        self.room = room
        self.ticket = ticket
        number = room.number(of: Int(ticket.number), generation: Int(ticket.generation))
    }

    /// Where the visitor waits in the mirror; nil when it does not, or when its ticket is of another generation.
    var placeInMirror: (place: Int, position: Int)? {
        Int(ticket.generation) == room.generation ? room.mirror.place(of: number) : nil
    }

    var claim: TicketClaim {
        TicketClaim(
            generation: Int(ticket.generation),
            number: number,
            issuedMilliseconds: Int(ticket.issuedMilliseconds)
        )
    }
}

enum Identification {
    case visitor(Visitor)
    case problem(Problem)
}

extension APIContext {
    /// Finds and verifies the ticket: `token` of the body, `?token=`, `Authorization: Bearer`, or the cookie.
    /// `event_id` in the query picks the cookie, and must agree with the ticket.
    func identify(_ request: GatewayRequest, bodyToken: String? = nil) -> Identification {
        let named = QueryString.value("event_id", in: request[.query]).map { String(decoding: $0, as: UTF8.self) }
        guard let bytes = bodyToken.map({ Array($0.utf8)[...] }) ?? sentToken(request, room: named) else {
            return .problem(.ticketMissing)
        }
        var verdict = keys.verifyTicket(bytes)
        if case .valid = verdict {
        } else if let other = otherTicket(request, than: bytes, room: named) {
            verdict = .valid(other)
        }
        switch verdict {
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

    /// A ticket in another cookie of the same name, when the first of them holds none.
    private func otherTicket(_ request: GatewayRequest, than bytes: ArraySlice<UInt8>, room id: String?) -> Ticket? {
        for room in rooms where id == nil || id == room.id {
            let sent = cookieTicket(request, room: room.id)
            guard let sent, sent.elementsEqual(bytes) else { continue }
            return visitor(cookie: cookieTicket(request, room: room), room)?.ticket
        }
        return nil
    }

    private func sentToken(_ request: GatewayRequest, room: String?) -> ArraySlice<UInt8>? {
        if let token = QueryString.value("token", in: request[.query]), !token.isEmpty { return token }
        let authorization = request[.authorization]
        if authorization.count > 7, String(decoding: authorization.prefix(7), as: UTF8.self).lowercased() == "bearer " {
            return authorization.dropFirst(7)
        }
        return cookieTicket(request, room: room).map { $0[...] }
    }

    /// The first ticket cookie of `room`, or the only ticket cookie there is.
    private func cookieTicket(_ request: GatewayRequest, room id: String?) -> [UInt8]? {
        guard !request[.cookie].isEmpty else { return nil }
        let reader = CookieReader(request[.cookie])
        let secure = request[.scheme].spells("https")
        if let id { return room(id).flatMap { reader.value(named: $0.cookieNames(secure: secure).ticket) } }
        let sent = rooms.compactMap { reader.value(named: $0.cookieNames(secure: secure).ticket) }
        return sent.count == 1 ? sent[0] : nil
    }

    /// The ticket cookie of a room: of several values the first that is a ticket of the room, else the first. Another
    /// host of the site can plant cookies beside ours.
    func cookieTicket(_ request: GatewayRequest, room: Room) -> [UInt8]? {
        guard !request[.cookie].isEmpty else { return nil }
        let name = room.cookieNames(secure: request[.scheme].spells("https")).ticket
        let values = CookieReader(request[.cookie]).values(named: [name])
        return values.first { visitor(cookie: $0, room) != nil } ?? values.first
    }

    /// The visitor whose ticket the cookie of `room` holds; nil when there is none, or it is not a ticket of the room.
    func visitor(cookie: [UInt8]?, _ room: Room) -> Visitor? {
        guard let cookie, case .valid(let ticket) = keys.verifyTicket(cookie), ticket.room == room.id else {
            return nil
        }
        return Visitor(room: room, ticket: ticket)
    }

    /// The visitor of a request whose ticket may be the `waiting_token` of a JSON body.
    func identifyWithBody(_ request: GatewayRequest) -> Identification {
        do {
            return identify(request, bodyToken: try bodyToken(request))
        } catch {
            return .problem(error)
        }
    }

    private func bodyToken(_ request: GatewayRequest) throws(Problem) -> String? {
        guard !request.body.isEmpty else { return nil }
        guard let sent = try JSONValue(bodyOf: request)["waiting_token"], sent != .null else { return nil }
        guard let token = sent.stringValue else { throw .malformed("waiting_token must be a string") }
        return token
    }
}

extension JSONValue {
    /// The body of a request, which must be JSON.
    init(bodyOf request: GatewayRequest) throws(Problem) {
        do {
            self = try JSONValue(parsing: Array(request.body))
        } catch {
            throw .malformed("the body is not JSON: \(error)")
        }
    }
}
