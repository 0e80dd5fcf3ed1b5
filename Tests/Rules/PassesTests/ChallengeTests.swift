// SPDX-License-Identifier: Apache-2.0
//
// A proof of work is worth a place: these tests say that nobody makes challenges but us, that each is good for one
// room, one join key and two minutes, and that the work was done.

import Passes
import Testing

private let joinKey = "AAECAwQFBgcICQoLDA0ODw"
private let issued: Int64 = 1_700_000_000_123

private func challenge(room: String = "demo", bits: Int = 8, joinKey: String? = nil) -> Challenge {
    Challenge(room: room, issuedMilliseconds: issued, bits: bits, salt: Array(0x30..<0x40), joinKey: joinKey)
}

extension KeyRing {
    fileprivate func text(_ challenge: Challenge) -> String { String(decoding: sign(challenge), as: UTF8.self) }

    fileprivate func verdict(
        _ text: String,
        nonce: String,
        room: String = "demo",
        joinKey: String? = nil,
        afterMilliseconds: Int64 = 5000
    ) -> ProofVerdict? {
        Proof(challenge: text, nonce: nonce).map {
            verify($0, room: room, joinKey: joinKey, nowMilliseconds: issued + afterMilliseconds)
        }
    }
}

/// The first nonce that solves a challenge, or the first that does not.
private func solution(_ text: String, bits: Int = 8, solving: Bool = true) throws -> String {
    let found = (0..<100_000).first { Proof(challenge: text, nonce: "\($0)")?.isSolution(bits: bits) == solving }
    return "\(try #require(found))"
}

@Suite struct ChallengeTests {
    /// Signs any fields with the challenge key of k1, as Python's hmac would.
    private func signedFields(_ fields: String, purpose: String = "vestibule proof v1") throws -> String {
        let key = MessageAuthentication.hmacSHA256(key: try firstKey().secret, message: purpose.bytes)
        return fields + "." + Base64URL.encodeString(MessageAuthentication.hmacSHA256(key: key, message: fields.bytes))
    }

    @Test func aChallengeHasTheWrittenForm() throws {
        let ring = try firstRing()
        let salt = Base64URL.encodeString(0x30..<0x40)
        #expect(ring.text(challenge()) == (try signedFields("p1.k1.demo.\(issued).8.\(salt).-")))
        #expect(
            ring.text(challenge(bits: 20, joinKey: joinKey))
                == (try signedFields("p1.k1.demo.\(issued).20.\(salt).\(joinKey)"))
        )
        #expect(challenge().expiresMilliseconds == issued + 120_000)
    }

    @Test func theLargestChallengeFitsAndVerifies() throws {
        let ring = try KeyRing(keys: [SigningKey(kid: String(repeating: "k", count: 16), secret: Array(0..<32))])
        let room = String(repeating: "r", count: 64)
        let largest = Challenge(
            room: room,
            issuedMilliseconds: Ticket.integerMax,
            bits: 10,
            salt: Array(repeating: 0xff, count: 16),
            joinKey: joinKey
        )
        let text = ring.text(largest)
        #expect(text.utf8.count == 194)
        let proof = try #require(Proof(challenge: text, nonce: try solution(text, bits: 10)))
        let verdict = ring.verify(proof, room: room, joinKey: joinKey, nowMilliseconds: Ticket.integerMax)
        #expect(verdict == .valid)
    }

    @Test func aSolutionIsGoodForItsRoomAndKeyAndTime() throws {
        let ring = try firstRing()
        for key in [nil, joinKey] {
            let text = ring.text(challenge(joinKey: key))
            let nonce = try solution(text)
            #expect(ring.verdict(text, nonce: nonce, joinKey: key) == .valid)
            #expect(ring.verdict(text, nonce: nonce, room: "other", joinKey: key) == .foreign)
            #expect(ring.verdict(text, nonce: nonce, joinKey: key == nil ? joinKey : nil) == .foreign)
            #expect(ring.verdict(text, nonce: nonce, joinKey: "EAECAwQFBgcICQoLDA0ODw") == .foreign)
            for (after, expected) in [
                (0, .valid), (119_999, .valid), (120_000, .expired), (1 << 40, .expired), (-5000, .valid),
                (-5001, .expired),
            ] as [(Int64, ProofVerdict)] {
                let verdict = ring.verdict(text, nonce: nonce, joinKey: key, afterMilliseconds: after)
                #expect(verdict == expected, "after \(after) ms")
            }
        }
    }

    @Test func workThatWasNotDoneIsSeen() throws {
        let ring = try firstRing()
        let text = ring.text(challenge(bits: 12))
        #expect(ring.verdict(text, nonce: try solution(text, bits: 12)) == .valid)
        #expect(ring.verdict(text, nonce: try solution(text, bits: 12, solving: false)) == .unsolved)
        // 11 bits are not 12.
        let near = try #require(
            (0..<1_000_000).first { number in
                let proof = Proof(challenge: text, nonce: "\(number)")
                return proof?.isSolution(bits: 11) == true && proof?.isSolution(bits: 12) == false
            }
        )
        #expect(ring.verdict(text, nonce: "\(near)") == .unsolved)
    }

    @Test func theWorkIsPlainSHA256() throws {
        // Python: hashlib.sha256(b"abc:4959").hexdigest() is 0006b545..., and no smaller number gives 12 zero bits.
        let solved = (0..<100_000).first { Proof(challenge: "abc", nonce: "\($0)")?.isSolution(bits: 12) == true }
        #expect(solved == 4959)
        for (bits, expected) in [(1, true), (13, true), (14, false), (32, false)] {
            #expect(Proof(challenge: "abc", nonce: "4959")?.isSolution(bits: bits) == expected, "\(bits) bits")
        }
    }

    @Test func noChangeOfASingleByteIsAccepted() throws {
        let ring = try firstRing()
        for key in [nil, joinKey] {
            let text = ring.text(challenge(bits: 1, joinKey: key))
            let bytes = text.bytes
            for index in bytes.indices {
                for byte in UInt8.min...UInt8.max where byte != bytes[index] {
                    var changed = bytes
                    changed[index] = byte
                    // Some are no longer UTF-8 and become other characters: they are too long, or foreign.
                    let verdict = ring.verdict(String(decoding: changed, as: UTF8.self), nonce: "1", joinKey: key)
                    #expect(verdict == .forged || verdict == .malformed, "byte \(index) as \(byte)")
                }
            }
        }
    }

    @Test func noTruncationAndNoExtensionIsAccepted() throws {
        let ring = try firstRing()
        let text = ring.text(challenge(bits: 1))
        for length in 0..<text.utf8.count {
            #expect(ring.verdict(String(text.prefix(length)), nonce: "1") == .malformed, "length \(length)")
        }
        for suffix in ["=", ".", " ", "A", "\n", "\0", ".1"] {
            #expect(ring.verdict(text + suffix, nonce: "1") == .malformed)
            #expect(ring.verdict(suffix + text, nonce: "1") == .malformed)
        }
    }

    @Test(arguments: [
        "p2.k1.demo.1700000000123.8.MDEyMzQ1Njc4OTo7PD0-Pw.-", "P1.k1.demo.1700000000123.8.MDEyMzQ1Njc4OTo7PD0-Pw.-",
        "v1.k1.demo.1700000000123.8.MDEyMzQ1Njc4OTo7PD0-Pw.-", "p1.k1.Demo.1700000000123.8.MDEyMzQ1Njc4OTo7PD0-Pw.-",
        "p1.k1..1700000000123.8.MDEyMzQ1Njc4OTo7PD0-Pw.-", "p1.k1.demo.01700000000123.8.MDEyMzQ1Njc4OTo7PD0-Pw.-",
        "p1.k1.demo.0.8.MDEyMzQ1Njc4OTo7PD0-Pw.-", "p1.k1.demo.-5.8.MDEyMzQ1Njc4OTo7PD0-Pw.-",
        "p1.k1.demo.1700000000123.0.MDEyMzQ1Njc4OTo7PD0-Pw.-", "p1.k1.demo.1700000000123.33.MDEyMzQ1Njc4OTo7PD0-Pw.-",
        "p1.k1.demo.1700000000123.08.MDEyMzQ1Njc4OTo7PD0-Pw.-", "p1.k1.demo.1700000000123..MDEyMzQ1Njc4OTo7PD0-Pw.-",
        "p1.k1.demo.1700000000123.8.MDEyMzQ1Njc4OTo7PD0-Px.-", "p1.k1.demo.1700000000123.8.MDEyMzQ1Njc4OTo7PD0-.-",
        "p1.k1.demo.1700000000123.8..-", "p1.k1.demo.1700000000123.8.MDEyMzQ1Njc4OTo7PD0-Pw.",
        "p1.k1.demo.1700000000123.8.MDEyMzQ1Njc4OTo7PD0-Pw.--", "p1.k1.demo.1700000000123.8.MDEyMzQ1Njc4OTo7PD0-Pw.AA",
        "p1.k1.demo.1700000000123.8.MDEyMzQ1Njc4OTo7PD0-Pw.AAECAwQFBgcICQoLDA0ODx",
        "p1.k1.demo.1700000000123.8.MDEyMzQ1Njc4OTo7PD0-Pw", "p1.k1.demo.1700000000123.8.MDEyMzQ1Njc4OTo7PD0-Pw.-.9",
    ])
    func fieldsOfAnotherFormAreMalformedEvenWithTheRightKey(fields: String) throws {
        #expect(try firstRing().verdict(signedFields(fields), nonce: "1") == .malformed)
    }

    @Test(arguments: ["vestibule ticket v1", "vestibule pass identifier v1", "vestibule proof v2", ""])
    func aMACOfAnotherPurposeIsForged(purpose: String) throws {
        let text = try signedFields("p1.k1.demo.\(issued).1.MDEyMzQ1Njc4OTo7PD0-Pw.-", purpose: purpose)
        #expect(try firstRing().verdict(text, nonce: "1") == .forged)
    }

    @Test func aTicketIsNoChallengeAndAChallengeNoTicket() throws {
        let ring = try firstRing()
        #expect(ring.verdict(goodTicketToken, nonce: "1") == .malformed)
        #expect(ring.verifyTicket(ring.sign(challenge())) == .malformed)
    }

    @Test func aRotationLosesNoWork() throws {
        let (old, both) = (try firstRing(), try firstRing().adding(secondKey()).promoting("k2"))
        let text = old.text(challenge())
        let nonce = try solution(text)
        #expect(both.verdict(text, nonce: nonce) == .valid)
        #expect(both.text(challenge()).hasPrefix("p1.k2."))
        #expect(try both.retiring("k1").verdict(text, nonce: nonce) == .forged)
    }

    @Test(arguments: ["", "a", "-1", "+1", " 1", "1 ", "0x1", "1e3", "1.0", "١", "123456789012345678901"])
    func aNonceIsOneToTwentyDigits(nonce: String) throws {
        #expect(Proof(challenge: "p1", nonce: nonce) == nil)
    }

    @Test func aTextOfMoreThan256BytesIsNotLookedAt() {
        #expect(Proof(challenge: String(repeating: "1", count: 257), nonce: "1") == nil)
        #expect(Proof(challenge: String(repeating: "1", count: 256), nonce: "00000000000000000001") != nil)
    }
}
