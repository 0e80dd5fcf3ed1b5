// SPDX-License-Identifier: Apache-2.0
//
// What opens a room, and the many things that must not.

import Passes
import Testing

@Suite struct PassTests {
    private let header = #"{"alg":"HS256","kid":"k1","typ":"JWT"}"#
    private static let claims =
        #"{"iss":"vestibule","aud":"demo","sub":"42","jti":"x","iat":1700000000,"exp":1700000600}"#

    private func verdict(_ token: [UInt8], room: String = "demo", nowSeconds: Int64 = 1_700_000_100) throws
        -> PassVerdict
    {
        try firstRing().verifyPass(token, room: room, nowSeconds: nowSeconds)
    }

    @Test func aPassIsTheKnownJWT() throws {
        #expect(try firstRing().sign(goodPass) == goodPassToken.bytes)
        #expect(try verdict(goodPassToken.bytes) == .valid(goodPass))
    }

    @Test func theLargestPassFitsAndVerifies() throws {
        let kid = String(repeating: "k", count: 16)
        let ring = try KeyRing(keys: [SigningKey(kid: kid, secret: .init(repeating: 7, count: 1024))])
        let pass = Pass(
            room: String(repeating: "r", count: 64),
            number: 9_007_199_254_740_991,
            jti: String(repeating: "-", count: 64),
            issuedAtSeconds: 9_007_199_254_740_991,
            expiresAtSeconds: 9_007_199_254_740_991
        )
        let token = ring.sign(pass)
        #expect(token.count <= Pass.byteCountMax)
        #expect(ring.verifyPass(token, room: pass.room, nowSeconds: 0) == .valid(pass))
    }

    @Test func aPassEndsFiveSecondsAfterItsExpiry() throws {
        #expect(try verdict(goodPassToken.bytes, nowSeconds: 1_700_000_604) == .valid(goodPass))
        #expect(try verdict(goodPassToken.bytes, nowSeconds: 1_700_000_605) == .expired)
        #expect(try verdict(goodPassToken.bytes, nowSeconds: .max) == .expired)
    }

    @Test func aPassOpensItsOwnRoomOnly() throws {
        #expect(try verdict(goodPassToken.bytes, room: "demo2") == .foreign)
        #expect(try verdict(goodPassToken.bytes, room: "dem") == .foreign)
        #expect(try verdict(goodPassToken.bytes, room: "") == .foreign)
        // Another room is said first: an expired pass of another room is foreign.
        #expect(try verdict(goodPassToken.bytes, room: "other", nowSeconds: .max) == .foreign)
    }

    @Test func noChangeOfASingleByteIsAccepted() throws {
        let ring = try firstRing()
        let token = goodPassToken.bytes
        for index in token.indices {
            for byte in UInt8.min...UInt8.max where byte != token[index] {
                var changed = token
                changed[index] = byte
                let verdict = ring.verifyPass(changed, room: "demo", nowSeconds: 1_700_000_100)
                #expect(verdict == .forged || verdict == .malformed, "byte \(index) as \(byte)")
            }
        }
    }

    @Test func noTruncationAndNoExtensionIsAccepted() throws {
        let ring = try firstRing()
        let token = goodPassToken.bytes
        for length in 0..<token.count {
            let verdict = ring.verifyPass(Array(token[..<length]), room: "demo", nowSeconds: 1_700_000_100)
            #expect(verdict == .malformed, "length \(length)")
        }
        for suffix in ["=", ".", " ", "A", "\n", "\0", ".A"] {
            #expect(try verdict(token + suffix.bytes) == .malformed)
            #expect(try verdict(suffix.bytes + token) != .valid(goodPass))
        }
    }

    @Test func aSecondSpellingOfTheSameMACIsForged() throws {
        // The last character carries two unused bits: U, V, W and X stand for the same 32 bytes.
        #expect(goodPassToken.hasSuffix("U"))
        for last in ["V", "W", "X"] {
            #expect(try verdict((goodPassToken.dropLast() + last).utf8.map { $0 }) == .forged)
        }
    }

    @Test(arguments: [
        #"{"alg":"none","kid":"k1","typ":"JWT"}"#, #"{"alg":"HS512","kid":"k1","typ":"JWT"}"#,
        #"{"alg":"hs256","kid":"k1","typ":"JWT"}"#, #"{"kid":"k1","alg":"HS256","typ":"JWT"}"#,
        #"{"alg":"HS256","kid":"k1","typ":"JWT" }"#, #"{"alg":"HS256","kid":"k1"}"#, #"{"alg":"HS256","typ":"JWT"}"#,
        #"{"alg":"HS256","kid":"k2","typ":"JWT"}"#, #"{"alg":"HS256","kid":"__proto__","typ":"JWT"}"#,
        #"{"alg":"HS256","kid":"constructor","typ":"JWT"}"#, #"{"alg":"HS256","kid":"../k1","typ":"JWT"}"#,
        #"{"alg":"HS256","kid":"","typ":"JWT"}"#, #"{"alg":"HS256","kid":null,"typ":"JWT"}"#,
        #"{"alg":"HS256","kid":"k1","typ":"JWT","jwk":{"kty":"oct","k":"AAAA"}}"#,
        #"{"alg":"HS256","kid":"k1","typ":"JWT","alg":"none"}"#, "{}", "x",
    ])
    func anotherHeaderIsForgedEvenWithTheRightKey(header: String) throws {
        #expect(try verdict(signedByFirstKey(header: header, claims: Self.claims)) == .forged)
    }

    @Test func algNoneWithoutAMACIsMalformed() throws {
        let header = Base64URL.encode(#"{"alg":"none"}"#.utf8)
        #expect(try verdict(header + ".".bytes + Base64URL.encode(Self.claims.utf8) + ".".bytes) == .malformed)
    }

    @Test(arguments: [
        "[]", "null", "1", "", "{", "{}", #""text""#, claims + " x",
        claims.replacing("vestibule", with: "other"), claims.replacing(#""iss":"vestibule","#, with: ""),
        claims.replacing(#""demo""#, with: #"["demo"]"#), claims.replacing(#""demo""#, with: #""Demo""#),
        claims.replacing(#""demo""#, with: "null"), claims.replacing(#""42""#, with: "42"),
        claims.replacing(#""42""#, with: #""042""#), claims.replacing(#""42""#, with: #""0""#),
        claims.replacing(#""42""#, with: #""-1""#), claims.replacing(#""42""#, with: #""x""#),
        claims.replacing(#""42""#, with: #""9007199254740992""#), claims.replacing(#""42""#, with: #""""#),
        claims.replacing(#""x""#, with: #""""#), claims.replacing(#""x""#, with: "1"),
        claims.replacing(#""x""#, with: #""a b""#), claims.replacing("1700000600", with: #""1700000600""#),
        claims.replacing("1700000600", with: "-1"), claims.replacing("1700000600", with: "1700000600.5"),
        claims.replacing("1700000600", with: "9007199254740992"), claims.replacing("1700000600", with: "true"),
        claims.replacing("1700000600", with: "null"), claims.replacing("1700000000", with: "[]"),
        claims.replacing("}", with: #","nbf":1}"#), claims.replacing("}", with: #","exp":1700009999}"#),
    ])
    func claimsOfAnotherKindAreMalformedEvenWithTheRightKey(claims: String) throws {
        #expect(try verdict(signedByFirstKey(header: header, claims: claims)) == .malformed)
    }

    @Test func claimsInAnotherOrderAreThePass() throws {
        let claims = #"{"exp":1700000600,"iat":1700000000,"jti":"x","sub":"42","aud":"demo","iss":"vestibule"}"#
        #expect(
            try verdict(signedByFirstKey(header: header, claims: claims))
                == .valid(
                    Pass(
                        room: "demo",
                        number: 42,
                        jti: "x",
                        issuedAtSeconds: 1_700_000_000,
                        expiresAtSeconds: 1_700_000_600
                    )
                )
        )
    }

    @Test func claimsInASecondSpellingAreMalformed() throws {
        // Two bytes over a multiple of three leave two unused bits in the last character.
        let padded = Self.claims.replacing(#""x""#, with: #""xx""#)
        let text = Base64URL.encodeString(padded.utf8)
        try #require(text.utf8.count % 4 != 0)
        let last = try #require(text.utf8.last)
        let input = Base64URL.encode(header.utf8) + ".".bytes + text.utf8.dropLast() + [last + 1]
        #expect(try verdict(signed(input)) == .malformed)
    }

    @Test func aTokenOfMoreThan1024BytesIsNotLookedAt() throws {
        let long = try signedByFirstKey(header: header, claims: Self.claims + String(repeating: " ", count: 700))
        #expect(long.count > 1024)
        #expect(try verdict(long) == .malformed)
        #expect(try verdict(.init(repeating: UInt8(ascii: "."), count: 1024)) == .malformed)
    }

    @Test func aTicketIsNoPass() throws {
        #expect(try verdict(goodTicketToken.bytes) == .malformed)
    }

    @Test func thePassIdentifierDependsOnEverythingAndNothingElse() throws {
        let ring = try firstRing()
        func identifier(_ room: String, _ generation: Int64, _ number: Int64, _ expires: Int64) -> String {
            ring.passIdentifier(room: room, generation: generation, number: number, expiresAtMilliseconds: expires)
        }
        #expect(identifier("demo", 1, 42, 1_700_000_600_000) == "rlwIP1qbpOm8AH8gu7XE8Q")
        let all = [
            identifier("demo", 1, 42, 7), identifier("demo2", 1, 42, 7), identifier("demo", 2, 42, 7),
            identifier("demo", 1, 43, 7), identifier("demo", 1, 42, 8), identifier("demo", 14, 2, 7),
        ]
        #expect(Set(all).count == all.count)
        #expect(all.allSatisfy { $0.utf8.count == 22 })
    }
}
