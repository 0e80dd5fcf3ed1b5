// SPDX-License-Identifier: Apache-2.0
//
// A ticket is a place: these tests say that nobody but us can make one, and that ours are always taken.

import Passes
import Testing

@Suite struct TicketTests {
    private func verdict(_ token: some StringProtocol) throws -> TicketVerdict {
        try firstRing().verifyTicket(Array(token.utf8))
    }

    /// Signs any fields with the ticket key of k1.
    private func signedFields(_ fields: String) throws -> String {
        let key = MessageAuthentication.hmacSHA256(key: try firstKey().secret, message: "vestibule ticket v1".bytes)
        return fields + "." + Base64URL.encodeString(MessageAuthentication.hmacSHA256(key: key, message: fields.bytes))
    }

    @Test func aTicketIsTheKnownText() throws {
        #expect(try firstRing().sign(goodTicket) == goodTicketToken.bytes)
        #expect(try verdict(goodTicketToken) == .valid(goodTicket))
        #expect(try verdict(signedFields("v1.k1.demo.1.42.1700000000123")) == .valid(goodTicket))
    }

    @Test func theLargestTicketFitsAndVerifies() throws {
        let ring = try KeyRing(keys: [SigningKey(kid: String(repeating: "k", count: 16), secret: Array(0..<32))])
        let ticket = Ticket(
            room: String(repeating: "r", count: 64),
            generation: Ticket.integerMax,
            number: Ticket.integerMax,
            issuedMilliseconds: Ticket.integerMax
        )
        let token = ring.sign(ticket)
        #expect(token.count == 179)
        #expect(ring.verifyTicket(token) == .valid(ticket))
    }

    @Test func noChangeOfASingleByteIsAccepted() throws {
        let ring = try firstRing()
        let token = goodTicketToken.bytes
        for index in token.indices {
            for byte in UInt8.min...UInt8.max where byte != token[index] {
                var changed = token
                changed[index] = byte
                let verdict = ring.verifyTicket(changed)
                #expect(verdict == .forged || verdict == .malformed, "byte \(index) as \(byte)")
            }
        }
    }

    @Test func noTruncationAndNoExtensionIsAccepted() throws {
        for length in 0..<goodTicketToken.utf8.count {
            #expect(try verdict(goodTicketToken.prefix(length)) == .malformed, "length \(length)")
        }
        for suffix in ["=", ".", " ", "A", "\n", "\0", ".1"] {
            #expect(try verdict(goodTicketToken + suffix) == .malformed)
            #expect(try verdict(suffix + goodTicketToken) == .malformed)
        }
    }

    @Test(arguments: [
        "v2.k1.demo.1.42.1700000000123", "V1.k1.demo.1.42.1700000000123", "k1.demo.1.42.1700000000123",
        "v1.k1.Demo.1.42.1700000000123", "v1.k1..1.42.1700000000123", "v1.k1.demo.01.42.1700000000123",
        "v1.k1.demo.1.042.1700000000123", "v1.k1.demo.0.42.1700000000123", "v1.k1.demo.1.0.1700000000123",
        "v1.k1.demo.1.-42.1700000000123", "v1.k1.demo.1.+42.1700000000123", "v1.k1.demo.1.4 2.1700000000123",
        "v1.k1.demo.1.42.0", "v1.k1.demo.1.42.", "v1.k1.demo.1.9007199254740992.1700000000123",
        "v1.k1.demo.1.18446744073709551658.1700000000123", "v1.k1.demo.1.42.1700000000123.9", "v1.k1.demo.1.42",
        "v1.k1.demo.1.٤٢.1700000000123", "v1.k1.demo.1.4e1.1700000000123",
    ])
    func fieldsOfAnotherFormAreMalformedEvenWithTheRightKey(fields: String) throws {
        #expect(try verdict(signedFields(fields)) == .malformed)
    }

    @Test(arguments: ["k2", "", "K1", "__proto__", "k11", "k"])
    func anUnknownKeyIsForged(kid: String) throws {
        #expect(try verdict(signedFields("v1.\(kid).demo.1.42.1700000000123")) == .forged)
    }

    @Test func aMACOfTheSecretItselfIsForged() throws {
        // Without domain separation a pass key would sign tickets.
        #expect(try verdict(String(decoding: signed("v1.k1.demo.1.42.1700000000123".bytes), as: UTF8.self)) == .forged)
    }

    @Test func aPassIsNoTicket() throws {
        #expect(try verdict(goodPassToken) == .malformed)
    }

    @Test func aTokenOfMoreThan256BytesIsNotLookedAt() throws {
        #expect(try verdict(String(repeating: "1", count: 257)) == .malformed)
        #expect(try verdict(String(repeating: ".", count: 256)) == .malformed)
    }

    @Test func manyTicketsComeBackAsTheyWere() throws {
        let ring = try firstRing()
        var generator = CountingGenerator()
        for _ in 0..<500 {
            let ticket = Ticket(
                room: "r\(UInt16.random(in: 0...999, using: &generator))",
                generation: .random(in: 1...Ticket.integerMax, using: &generator),
                number: .random(in: 1...Ticket.integerMax, using: &generator),
                issuedMilliseconds: .random(in: 1...Ticket.integerMax, using: &generator)
            )
            #expect(ring.verifyTicket(ring.sign(ticket)) == .valid(ticket))
        }
    }
}
