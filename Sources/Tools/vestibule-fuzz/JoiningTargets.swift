// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes what a join may bring: enqueue tokens and proofs of work. What was made verifies as it was made, and nothing
// that differs from it by a byte does. Claims of any kind with a correct MAC name nobody outside of their room and
// time. It uses Passes only.

import Passes

struct EnqueueTarget: FuzzTarget {
    private static let words: [[UInt8]] = [
        ".", "=", "eyJhbGciOiJub25lIn0", "eyJhbGciOiJIUzI1NiIsImtpZCI6ImsyIiwidHlwIjoiSldUIn0", "e30", "\u{0}",
    ].map { Array($0.utf8) }
    private static let claimWords: [[UInt8]] = [
        #""exp":9007199254740991"#, #""iat":0"#, #""aud":"demo""#, #""sub":"""#, #","nbf":1"#, "null", "[]", "1e9", ",",
        #"\u0064"#, #"\ud800"#, "\"", "-1",
    ].map { Array($0.utf8) }
    private(set) var deepInputs = 0
    let rings: Rings

    mutating func run(_ chance: inout Chance) throws {
        let issued = Int64(chance.below(1 << 40)) + 100_000
        let lifetime = 1 + Int64(chance.below(86_400))
        let now =
            issued + chance.pick([0, lifetime - 1, lifetime + 4, lifetime + 5, -5, -6, Int64(chance.below(99_000))])
        let subject = String(decoding: chance.bytes(1 + chance.below(80)), as: UTF8.self)
        guard
            let made = EnqueueToken(
                room: chance.room(),
                subject: subject,
                issuedAtSeconds: issued,
                expiresAtSeconds: issued + lifetime
            )
        else { throw Finding("no token for \(subject.utf8.count) bytes", Array(subject.utf8)) }
        let isOurs = !chance.oneIn(8)
        let token = (isOurs ? rings.ours : rings.strangers).sign(made)
        let room = chance.oneIn(4) ? chance.room() : made.room
        let inTime: EnqueueVerdict =
            now >= issued + lifetime + 5 ? .expired : now < issued - 5 ? .early : .valid(made)
        let expected: EnqueueVerdict = !isOurs ? .forged : room != made.room ? .foreign : inTime
        let verdict = rings.ours.verifyEnqueue(token, room: room, nowSeconds: now)
        guard verdict == expected else { throw Finding("\(made) at \(now) in \(room) is \(verdict)", token) }
        if chance.oneIn(3) { return try wrongClaims(made, now, &chance) }
        var changed = token
        chance.mutate(&changed, words: EnqueueTarget.words, times: 1 + chance.below(3))
        guard changed != token else { return }
        switch rings.ours.verifyEnqueue(changed, room: made.room, nowSeconds: now) {
        case .malformed: break
        case .forged: deepInputs += 1
        case let other: throw Finding("an altered token is \(other)", changed)
        }
    }

    private mutating func wrongClaims(_ made: EnqueueToken, _ now: Int64, _ chance: inout Chance) throws {
        let ring = rings.ours
        guard let kid = ring.kids.first, let secret = ring.enqueueSecret(kid: kid) else { throw Finding("no key") }
        var claims = [UInt8](
            #"{"iss":"vestibule-enqueue","aud":"\#(made.room)","sub":"p","iat":\#(made.issuedAtSeconds),"#
                + #""exp":\#(made.expiresAtSeconds)}"#
        )
        chance.mutate(&claims, words: EnqueueTarget.claimWords, times: 1 + chance.below(3))
        let token = Rings.signed(claims, kid: kid, secret: secret)
        deepInputs += 1
        if case .valid(let read) = rings.ours.verifyEnqueue(token, room: made.room, nowSeconds: now) {
            guard read.room == made.room, read.expiresAtSeconds + 5 > now, read.issuedAtSeconds <= now + 5,
                (1...256).contains(read.subject.utf8.count),
                (1...86_400).contains(read.expiresAtSeconds - read.issuedAtSeconds)
            else { throw Finding("\(claims.text) is \(read)", token) }
        }
    }
}

struct ProofTarget: FuzzTarget {
    private static let words: [[UInt8]] = [".", "..", "p1.", "p2.", "k2", "demo", "0", "1", "32", "-", "=", ":"]
        .map { Array($0.utf8) }
    private(set) var deepInputs = 0
    let rings: Rings

    mutating func run(_ chance: inout Chance) throws {
        let issued = Int64(chance.below(1 << 40)) + 1_000_000
        let key = chance.oneIn(2) ? Base64URL.encodeString(chance.bytes(Challenge.joinKeyByteCount)) : nil
        let challenge = Challenge(
            room: chance.room(),
            issuedMilliseconds: issued,
            bits: 1 + chance.below(4),
            salt: chance.bytes(Challenge.saltByteCount),
            joinKey: key
        )
        let isOurs = !chance.oneIn(8)
        let text = (isOurs ? rings.ours : rings.strangers).sign(challenge)
        let now = issued + chance.pick([0, 119_999, 120_000, -5000, -5001, Int64(chance.below(200_000))])
        let isInTime = (-5000..<120_000).contains(now - issued)
        let shownKey = chance.oneIn(4) ? nil : key
        let nonce = "\(chance.below(64))"
        guard let proof = Proof(challenge: text.text, nonce: nonce) else { throw Finding("no proof", text) }
        let isSolved = proof.isSolution(bits: challenge.bits)
        let expected: ProofVerdict =
            !isOurs
            ? .forged : shownKey != key ? .foreign : !isInTime ? .expired : isSolved ? .valid : .unsolved
        let verdict = rings.ours.verify(proof, room: challenge.room, joinKey: shownKey, nowMilliseconds: now)
        guard verdict == expected else { throw Finding("\(challenge) at \(now) is \(verdict)", text) }
        var changed = text
        chance.mutate(&changed, words: ProofTarget.words, times: 1 + chance.below(3))
        guard changed != text, let other = Proof(challenge: changed.text, nonce: nonce), other.challenge != text else {
            return
        }
        switch rings.ours.verify(other, room: challenge.room, joinKey: key, nowMilliseconds: now) {
        case .malformed: break
        case .forged: deepInputs += 1
        case let verdict: throw Finding("an altered challenge is \(verdict)", changed)
        }
    }
}
