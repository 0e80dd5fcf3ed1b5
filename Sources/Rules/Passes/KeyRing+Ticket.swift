// SPDX-License-Identifier: Apache-2.0
//
// Signing and verifying tickets: `v1.<kid>.<room>.<generation>.<number>.<issuedMilliseconds>.<mac>`. Every status poll
// verifies one, so the bytes are walked once, without strings, before the MAC is made. The MAC covers everything
// before the last dot; its key is derived for tickets alone, so no pass can be cut into a ticket.

extension KeyRing {
    /// The token for a ticket, made with the signing key. The same ticket gives the same bytes.
    public func sign(_ ticket: Ticket) -> [UInt8] {
        let fields = "\(ticket.room).\(ticket.generation).\(ticket.number).\(ticket.issuedMilliseconds)"
        var token: [UInt8] = Array("v1.".utf8)
        token.reserveCapacity(Ticket.byteCountMax)
        token.append(contentsOf: prepared[0].kid)
        token.append(UInt8(ascii: "."))
        token.append(contentsOf: fields.utf8)
        let code = prepared[0].ticket.code(for: token)
        token.append(UInt8(ascii: "."))
        token.append(contentsOf: Base64URL.encode(code))
        return token
    }

    /// Says whether a token is a ticket that a key of this ring made, for any room.
    public func verifyTicket(_ bytes: [UInt8]) -> TicketVerdict { verifyTicket(bytes[...]) }

    /// Says whether a part of some bytes is a ticket that a key of this ring made, for any room.
    public func verifyTicket(_ bytes: ArraySlice<UInt8>) -> TicketVerdict {
        bytes.withUnsafeBufferPointer { verifyTicket($0) }
    }

    private func verifyTicket(_ bytes: UnsafeBufferPointer<UInt8>) -> TicketVerdict {
        guard bytes.count <= Ticket.byteCountMax else { return .malformed }
        var fields = DottedFields(bytes)
        guard let version = fields.next(), version.elementsEqual("v1".utf8), let kid = fields.next(),
            let room = fields.next(), isRoomIdentifier(room),
            let generation = fields.next().flatMap(positiveInteger),
            let number = fields.next().flatMap(positiveInteger),
            let issuedField = fields.next(), let issuedMilliseconds = positiveInteger(issuedField),
            let mac = fields.next(), mac.count == macCharacterCount, fields.isAtEnd
        else { return .malformed }
        // By index: a copy of a prepared key costs a retain and a release for each of its parts.
        guard let key = prepared.indices.first(where: { prepared[$0].kid.elementsEqual(kid) }) else { return .forged }
        let signed = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[..<issuedField.endIndex])
        guard prepared[key].ticket.isCode(base64URL: mac, for: signed) else { return .forged }
        return .valid(
            Ticket(
                room: String(decoding: room, as: UTF8.self),
                generation: generation,
                number: number,
                issuedMilliseconds: issuedMilliseconds
            )
        )
    }
}

/// The fields of a text with dots between them, one after the other, without copying.
struct DottedFields {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var index = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    /// The next field; nil after the last.
    mutating func next() -> Slice<UnsafeBufferPointer<UInt8>>? {
        guard !isAtEnd else { return nil }
        var end = index
        while end < bytes.count, bytes[end] != UInt8(ascii: ".") { end += 1 }
        defer { index = end + 1 }
        return bytes[index..<end]
    }

    var isAtEnd: Bool { index > bytes.count }
}
