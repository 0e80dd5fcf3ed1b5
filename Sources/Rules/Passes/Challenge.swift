// SPDX-License-Identifier: Apache-2.0
//
// The challenge: a signed question whose answer takes work to find. No worker stores it: the answer brings the
// challenge back. So asking costs no memory, and any worker can check the answer to a challenge of another worker.

/// What a challenge says.
public struct Challenge: Sendable, Equatable {
    /// The longest text that is looked at, in bytes. The longest real one has 194.
    public static let byteCountMax = 256
    /// Bytes of chance, which make every challenge another one.
    public static let saltByteCount = 16
    /// Bytes of a join key.
    public static let joinKeyByteCount = 16
    /// How long an answer is taken, in milliseconds. Less than the five minutes for which the store knows a join key:
    /// a solution that is sent again finds the place it has taken.
    public static let lifetimeMilliseconds: Int64 = 120_000
    /// How far ahead another worker's clock may be, in milliseconds, as with passes.
    public static let leewayMilliseconds: Int64 = 5_000
    /// Leading zero bits that may be asked for: more than 32 no client could find in time.
    public static let bitsRange = 1...32

    /// The room it is for.
    public let room: String
    /// Milliseconds since the Unix epoch, by Redis' clock, 1...2^53-1.
    public let issuedMilliseconds: Int64
    /// How many zero bits the hash of a solution begins with.
    public let bits: Int
    /// ``saltByteCount`` bytes that no other challenge of the same time has. They need not be secret: it is the MAC
    /// that keeps everybody from making challenges.
    public let salt: [UInt8]
    /// The join key the answer is good for (``joinKeyByteCount`` bytes in base64url), or nil: then it is good for one
    /// of its own.
    public let joinKey: String?

    /// Makes a challenge. Values out of bounds are a programming error and stop the program.
    public init(room: String, issuedMilliseconds: Int64, bits: Int, salt: [UInt8], joinKey: String?) {
        precondition(isRoomIdentifier(room), "a challenge names a room")
        precondition((1...exactIntegerMax).contains(issuedMilliseconds), "a challenge is issued after 1970")
        precondition(Challenge.bitsRange.contains(bits), "1...32 bits")
        precondition(salt.count == Challenge.saltByteCount, "16 bytes of chance")
        let key = joinKey.map { Base64URL.decode($0.utf8)?.count }
        precondition(key == nil || key == Challenge.joinKeyByteCount, "a join key is 16 bytes in base64url")
        self.room = room
        self.issuedMilliseconds = issuedMilliseconds
        self.bits = bits
        self.salt = salt
        self.joinKey = joinKey
    }

    /// Until when it may be answered, in milliseconds since the Unix epoch, by Redis' clock.
    public var expiresMilliseconds: Int64 { issuedMilliseconds + Challenge.lifetimeMilliseconds }
}

/// A challenge as it came back, and the number that is said to solve it.
public struct Proof: Sendable, Equatable {
    /// Decimal digits of a nonce: those of 2^64.
    public static let nonceDigitsMax = 20

    public let challenge: [UInt8]
    public let nonce: [UInt8]

    /// Takes what was sent; nil when the nonce is not 1 to 20 ASCII digits, or the challenge is too long to be one.
    public init?(challenge: String, nonce: String) {
        guard (1...Proof.nonceDigitsMax).contains(nonce.utf8.count), challenge.utf8.count <= Challenge.byteCountMax,
            nonce.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        self.challenge = Array(challenge.utf8)
        self.nonce = Array(nonce.utf8)
    }

    /// Whether the SHA-256 of the challenge, a colon and the nonce begins with `bits` zero bits. It says nothing of
    /// where the challenge comes from.
    public func isSolution(bits: Int) -> Bool {
        var message = challenge
        message.reserveCapacity(challenge.count + 1 + nonce.count)
        message.append(UInt8(ascii: ":"))
        message += nonce
        return MessageAuthentication.leadingZeroBits(ofDigestOf: message) >= bits
    }
}

/// What the verifier says of a proof.
public enum ProofVerdict: Sendable, Equatable {
    /// The work was done, for this room and join key, in time.
    case valid
    /// It does not have the form of a challenge.
    case malformed
    /// No key of the ring made it.
    case forged
    /// It was made for another room, or another join key.
    case foreign
    /// It was made too long ago.
    case expired
    /// The nonce does not solve it.
    case unsolved
}
