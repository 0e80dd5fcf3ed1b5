// SPDX-License-Identifier: Apache-2.0
//
// Signing challenges and verifying proofs: `p1.<kid>.<room>.<issuedMilliseconds>.<bits>.<salt>.<join key or ->.<mac>`.
// The MAC covers everything before the last dot, under a key for challenges alone. A verification costs one HMAC, and
// one SHA-256 when the challenge is ours and in time: a flood of bad proofs is cheaper to refuse than to send.

extension KeyRing {
    /// The text of a challenge, made with the signing key. The same challenge gives the same bytes.
    public func sign(_ challenge: Challenge) -> [UInt8] {
        let fields =
            "\(challenge.room).\(challenge.issuedMilliseconds).\(challenge.bits)."
            + "\(Base64URL.encodeString(challenge.salt)).\(challenge.joinKey ?? KeyRing.noJoinKey)"
        var text: [UInt8] = Array("p1.".utf8)
        text.reserveCapacity(Challenge.byteCountMax)
        text += prepared[0].kid
        text.append(UInt8(ascii: "."))
        text += fields.utf8
        let code = prepared[0].challenge.code(for: text)
        text.append(UInt8(ascii: "."))
        text += Base64URL.encode(code)
        return text
    }

    /// Says whether a proof is good for a join.
    /// - Parameters:
    ///   - joinKey: the one the join is to be known by; nil when the join brings none.
    ///   - nowMilliseconds: since the Unix epoch, by Redis' clock.
    public func verify(
        _ proof: Proof,
        room: String,
        joinKey: String?,
        nowMilliseconds: Int64
    ) -> ProofVerdict {
        let challenge: Challenge
        switch proof.challenge.withUnsafeBufferPointer(verifyChallenge) {
        case .ours(let ours): challenge = ours
        case .malformed: return .malformed
        case .forged: return .forged
        }
        guard challenge.room == room, challenge.joinKey == joinKey else { return .foreign }
        let age = nowMilliseconds - challenge.issuedMilliseconds
        // One from far ahead is from before Redis' clock was set back: how old it is nobody knows.
        guard age >= -Challenge.leewayMilliseconds, age < Challenge.lifetimeMilliseconds else { return .expired }
        return proof.isSolution(bits: challenge.bits) ? .valid : .unsolved
    }

    private static let noJoinKey = "-"

    private enum Origin {
        case ours(Challenge)
        case malformed
        case forged
    }

    private func verifyChallenge(_ bytes: UnsafeBufferPointer<UInt8>) -> Origin {
        guard bytes.count <= Challenge.byteCountMax else { return .malformed }
        var fields = DottedFields(bytes)
        guard let version = fields.next(), version.elementsEqual("p1".utf8), let kid = fields.next(),
            let room = fields.next(), isRoomIdentifier(room),
            let issuedMilliseconds = fields.next().flatMap(positiveInteger),
            let bits = fields.next().flatMap(positiveInteger), Challenge.bitsRange.contains(Int(bits)),
            let salt = fields.next().flatMap({ Base64URL.decode($0) }), salt.count == Challenge.saltByteCount,
            let joinKey = fields.next(), KeyRing.isJoinKey(joinKey),
            let mac = fields.next(), mac.count == macCharacterCount, fields.isAtEnd
        else { return .malformed }
        guard let key = prepared.indices.first(where: { prepared[$0].kid.elementsEqual(kid) }) else { return .forged }
        let signed = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[..<joinKey.endIndex])
        guard prepared[key].challenge.isCode(base64URL: mac, for: signed) else { return .forged }
        return .ours(
            Challenge(
                room: String(decoding: room, as: UTF8.self),
                issuedMilliseconds: issuedMilliseconds,
                bits: Int(bits),
                salt: salt,
                joinKey: joinKey.elementsEqual(KeyRing.noJoinKey.utf8) ? nil : String(decoding: joinKey, as: UTF8.self)
            )
        )
    }

    private static func isJoinKey(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        text.elementsEqual(noJoinKey.utf8) || Base64URL.decode(text)?.count == Challenge.joinKeyByteCount
    }
}
