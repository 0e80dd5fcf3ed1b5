// SPDX-License-Identifier: Apache-2.0
//
// What lets somebody join as a person, and the many things that must not. Known answers come from Python's hmac.

import Foundation
import Passes
import Testing

@Suite struct EnqueueTokenTests {
    private let header = #"{"alg":"HS256","kid":"k1","typ":"JWT"}"#
    private static let claims =
        #"{"iss":"vestibule-enqueue","aud":"demo","sub":"alice","iat":1700000000,"exp":1700000600}"#
    private static let knownToken =
        "eyJhbGciOiJIUzI1NiIsImtpZCI6ImsxIiwidHlwIjoiSldUIn0.eyJpc3MiOiJ2ZXN0aWJ1bGUtZW5xdWV1ZSIsImF1ZCI6ImRlbW8iLC"
        + "JzdWIiOiJhbGljZSIsImlhdCI6MTcwMDAwMDAwMCwiZXhwIjoxNzAwMDAwNjAwfQ.v7sWditaouF0zT5AY5d81XhycBmYPGD9wKykITnzjss"

    private func token(
        room: String = "demo",
        subject: String = "alice",
        issued: Int64 = 1_700_000_000,
        expires: Int64 = 1_700_000_600
    ) throws -> EnqueueToken {
        try #require(
            EnqueueToken(room: room, subject: subject, issuedAtSeconds: issued, expiresAtSeconds: expires)
        )
    }

    private func verdict(_ token: [UInt8], room: String = "demo", nowSeconds: Int64 = 1_700_000_100) throws
        -> EnqueueVerdict
    {
        try firstRing().verifyEnqueue(token, room: room, nowSeconds: nowSeconds)
    }

    /// Any header and claims, signed as the site would.
    private func signedBySite(header: String? = nil, claims: String) throws -> [UInt8] {
        try signedBySite(Base64URL.encode((header ?? self.header).utf8) + ".".bytes + Base64URL.encode(claims.utf8))
    }

    private func signedBySite(_ input: [UInt8]) throws -> [UInt8] {
        let secret = try #require(try firstRing().enqueueSecret(kid: "k1"))
        return input + ".".bytes + Base64URL.encode(MessageAuthentication.hmacSHA256(key: secret, message: input))
    }

    @Test func `a token is the known JWT, under the known secret`() throws {
        let secret = try #require(try firstRing().enqueueSecret(kid: "k1"))
        #expect(Base64URL.encodeString(secret) == "j4cvSSsb3tBVBsToHnFoVxohOykKWvF9-OEizRafH98")
        #expect(try firstRing().enqueueSecret(kid: "k2") == nil)
        #expect(try firstRing().sign(token()) == Self.knownToken.bytes)
        #expect(try verdict(Self.knownToken.bytes) == .valid(token()))
        #expect(try signedBySite(claims: Self.claims) == Self.knownToken.bytes)
    }

    @Test(arguments: [
        "한국 사용자", "a\"b\\c\u{1}\n", "person@example.org", "\u{0}", "é", "e\u{301}", "🎟️",
        String(repeating: "\u{7}", count: 200), String(repeating: "x", count: 256), String(repeating: "é", count: 128),
    ])
    func `a name of 1 to 256 bytes comes back byte for byte`(subject: String) throws {
        let bytes = try firstRing().sign(token(subject: subject))
        guard case .valid(let read) = try verdict(bytes) else { throw EnqueueFailure.refused }
        #expect(Array(read.subject.utf8) == Array(subject.utf8))
    }

    @Test func `names out of bounds, lifetimes out of bounds and names of no room make no token`() throws {
        for subject in ["", String(repeating: "x", count: 257), String(repeating: "é", count: 129)] {
            #expect(EnqueueToken(room: "demo", subject: subject, issuedAtSeconds: 1, expiresAtSeconds: 2) == nil)
            #expect(try verdict(signedBySite(claims: Self.claims.replacing("alice", with: subject))) == .malformed)
        }
        for (issued, expires) in [(1, 1), (2, 1), (1, 86_402), (-1, 5), (1, .max)] as [(Int64, Int64)] {
            let token = EnqueueToken(room: "demo", subject: "a", issuedAtSeconds: issued, expiresAtSeconds: expires)
            #expect(token == nil, "\(issued), \(expires)")
        }
        #expect(EnqueueToken(room: "demo", subject: "a", issuedAtSeconds: 1, expiresAtSeconds: 86_401) != nil)
        for room in ["", "Demo", "a.b"] {
            #expect(EnqueueToken(room: room, subject: "a", issuedAtSeconds: 1, expiresAtSeconds: 2) == nil)
        }
    }

    @Test func `the longest token fits, also from a writer that escapes what is not ASCII`() throws {
        let kid = String(repeating: "k", count: 16)
        let ring = try KeyRing(keys: [SigningKey(kid: kid, secret: .init(repeating: 7, count: 1024))])
        let room = String(repeating: "r", count: 64)
        let late: Int64 = 9_007_199_254_740_991
        let longest = try token(
            room: room,
            subject: String(repeating: "x", count: 256),
            issued: late - 86_400,
            expires: late
        )
        let bytes = ring.sign(longest)
        #expect(bytes.count == 663, "as EnqueueToken.byteCountMax says")
        #expect(ring.verifyEnqueue(bytes, room: room, nowSeconds: late - 10) == .valid(longest))

        let escaped = String(repeating: "\\u00e9", count: 128)
        let long = try signedBySite(claims: Self.claims.replacing("alice", with: escaped))
        #expect(try verdict(long) == .valid(token(subject: String(repeating: "é", count: 128))))
        let tooLong = try signedBySite(claims: Self.claims + String(repeating: " ", count: 1600))
        #expect(tooLong.count > EnqueueToken.byteCountMax)
        #expect(try verdict(tooLong) == .malformed)
    }

    @Test func `a token ends five seconds after its expiry, and begins five before its issue`() throws {
        let bytes = Self.knownToken.bytes
        #expect(try verdict(bytes, nowSeconds: 1_700_000_604) == .valid(token()))
        #expect(try verdict(bytes, nowSeconds: 1_700_000_605) == .expired)
        #expect(try verdict(bytes, nowSeconds: .max) == .expired)
        #expect(try verdict(bytes, nowSeconds: 1_699_999_995) == .valid(token()))
        #expect(try verdict(bytes, nowSeconds: 1_699_999_994) == .early)
    }

    @Test func `a token is for its own room only`() throws {
        let token = Self.knownToken.bytes
        for room in ["demo2", "dem", "", "other"] { #expect(try verdict(token, room: room) == .foreign) }
        #expect(try verdict(token, room: "other", nowSeconds: .max) == .foreign)
    }

    @Test func `no change of a single byte, no cut and no addition is accepted`() throws {
        let ring = try firstRing()
        let bytes = Self.knownToken.bytes
        func isRefused(_ changed: [UInt8]) -> Bool {
            let verdict = ring.verifyEnqueue(changed, room: "demo", nowSeconds: 1_700_000_100)
            return verdict == .forged || verdict == .malformed
        }
        for index in bytes.indices {
            for byte in UInt8.min...UInt8.max where byte != bytes[index] {
                var changed = bytes
                changed[index] = byte
                #expect(isRefused(changed), "byte \(index) as \(byte)")
            }
            #expect(isRefused(Array(bytes[..<index])), "length \(index)")
        }
        for more in ["=", ".", " ", "A", "\n", "\0", ".A"] {
            #expect(isRefused(bytes + more.bytes) && isRefused(more.bytes + bytes), "\(more)")
        }
    }

    @Test(arguments: [
        #"{"alg":"none","kid":"k1","typ":"JWT"}"#, #"{"alg":"HS512","kid":"k1","typ":"JWT"}"#,
        #"{"kid":"k1","alg":"HS256","typ":"JWT"}"#, #"{"alg":"HS256","kid":"k1","typ":"JWT" }"#,
        #"{"alg":"HS256","typ":"JWT"}"#, #"{"alg":"HS256","kid":"k2","typ":"JWT"}"#,
        #"{"alg":"HS256","kid":"__proto__","typ":"JWT"}"#, "{}", "x",
    ])
    func `another header is forged even with the right key`(header: String) throws {
        #expect(try verdict(signedBySite(header: header, claims: Self.claims)) == .forged)
    }

    @Test(arguments: [
        "[]", "null", "1", "", "{", "{}", claims + " x", claims.replacing("vestibule-enqueue", with: "vestibule"),
        claims.replacing("vestibule-enqueue", with: "Vestibule-enqueue"),
        claims.replacing(#""iss":"vestibule-enqueue","#, with: ""), claims.replacing(#""demo""#, with: #"["demo"]"#),
        claims.replacing(#""demo""#, with: #""Demo""#), claims.replacing(#""demo""#, with: "null"),
        claims.replacing(#""alice""#, with: "1"), claims.replacing(#""alice""#, with: "null"),
        claims.replacing(#""alice""#, with: #"["alice"]"#), claims.replacing(#""alice""#, with: #""""#),
        claims.replacing("1700000600", with: #""1700000600""#), claims.replacing("1700000600", with: "-1"),
        claims.replacing("1700000600", with: "1700000600.5"), claims.replacing("1700000600", with: "9007199254740992"),
        claims.replacing("1700000600", with: "true"), claims.replacing("1700000600", with: "null"),
        claims.replacing("1700000600", with: "1700000000"), claims.replacing("1700000600", with: "1700086401"),
        claims.replacing("1700000000", with: "[]"), claims.replacing(#""iat":1700000000,"#, with: ""),
        claims.replacing(#","exp":1700000600"#, with: ""), claims.replacing("}", with: #","nbf":1}"#),
        claims.replacing("}", with: #","jti":"x"}"#), claims.replacing("}", with: #","exp":1700009999}"#),
    ])
    func `claims of another kind are malformed even with the right key`(claims: String) throws {
        #expect(try verdict(signedBySite(claims: claims)) == .malformed)
    }

    @Test func `claims in a second spelling of base64url are malformed`() throws {
        let text = Base64URL.encode(Self.claims.replacing("alice", with: "alicef").utf8)
        try #require(text.count % 4 != 0)
        let last = try #require(text.last)
        let input = Base64URL.encode(header.utf8) + ".".bytes + text.dropLast() + [last + 1]
        #expect(try verdict(signedBySite(input)) == .malformed)
    }

    @Test func `the site's key makes neither passes nor tickets, and theirs make no enqueue tokens`() throws {
        let ring = try firstRing()
        let passClaims = #"{"iss":"vestibule","aud":"demo","sub":"42","jti":"x","iat":1700000000,"exp":1700000600}"#
        let asPass = try signedBySite(claims: passClaims)
        #expect(ring.verifyPass(asPass, room: "demo", nowSeconds: 1_700_000_100) == .forged)
        #expect(ring.verifyPass(Self.knownToken.bytes, room: "demo", nowSeconds: 1_700_000_100) == .forged)
        #expect(ring.verifyTicket(Self.knownToken.bytes) == .malformed)
        let fields = "v1.k1.demo.1.42.1700000000123".bytes
        #expect(ring.verifyTicket(try signedBySite(fields)) == .forged)
        #expect(try verdict(goodPassToken.bytes) == .forged)
        #expect(try verdict(goodTicketToken.bytes) == .malformed)
        #expect(try verdict(signedByFirstKey(header: header, claims: Self.claims)) == .forged)
    }

    @Test func `a rotation keeps what the old key signed, until it is retired`() throws {
        let old = try firstRing()
        let bytes = try old.sign(token())
        let rotated = try old.adding(secondKey()).promoting("k2")
        #expect(rotated.verifyEnqueue(bytes, room: "demo", nowSeconds: 1_700_000_100) == .valid(try token()))
        #expect(rotated.enqueueSecret(kid: "k1") == old.enqueueSecret(kid: "k1"))
        #expect(try rotated.sign(token()) != bytes)
        let retired = try rotated.retiring("k1")
        #expect(retired.verifyEnqueue(bytes, room: "demo", nowSeconds: 1_700_000_100) == .forged)
    }
}

private enum EnqueueFailure: Error { case refused }
