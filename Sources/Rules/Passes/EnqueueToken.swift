// SPDX-License-Identifier: Apache-2.0
//
// The enqueue token: a token by which the site names the person who joins. The site signs it with a key that is derived
// for this purpose only. Each named person gets one place in the room, however often the person joins, and from
// whichever address.

/// What an enqueue token says.
public struct EnqueueToken: Sendable, Equatable {
    /// Claim `iss` of every enqueue token.
    public static let issuer = "vestibule-enqueue"
    /// The longest token that is looked at, in bytes. With a subject that needs no escapes the longest has 663; the
    /// rest is for writers that escape each character outside of ASCII.
    public static let byteCountMax = 2048
    /// Bytes of UTF-8 in the site's name for a person.
    public static let subjectByteCount = 1...256
    /// The longest lifetime, in seconds. A place outlives its token; a token need only live from the site's page to the
    /// queue.
    public static let lifetimeSecondsMax: Int64 = 86_400
    /// By how much the site's clock and ours may differ, in seconds; as for passes.
    public static let leewaySeconds = Pass.leewaySeconds

    /// The room it is for (claim `aud`).
    public let room: String
    /// The site's name for the person (claim `sub`). Two names are the same when their bytes are.
    public let subject: String
    /// Seconds since the Unix epoch (claim `iat`), 0...2^53-1.
    public let issuedAtSeconds: Int64
    /// Seconds since the Unix epoch (claim `exp`), after `iat`, by at most ``lifetimeSecondsMax``.
    public let expiresAtSeconds: Int64

    /// Makes a token's content; nil when a value is out of bounds.
    public init?(room: String, subject: String, issuedAtSeconds: Int64, expiresAtSeconds: Int64) {
        guard isRoomIdentifier(room), EnqueueToken.subjectByteCount.contains(subject.utf8.count),
            (0...exactIntegerMax).contains(issuedAtSeconds), (0...exactIntegerMax).contains(expiresAtSeconds),
            (1...EnqueueToken.lifetimeSecondsMax).contains(expiresAtSeconds - issuedAtSeconds)
        else { return nil }
        self.room = room
        self.subject = subject
        self.issuedAtSeconds = issuedAtSeconds
        self.expiresAtSeconds = expiresAtSeconds
    }

    /// The key that signs enqueue tokens, from the key that signs passes: its holder can make neither tickets nor
    /// passes, and cannot compute the other.
    static func secret(from key: MessageAuthentication) -> [UInt8] {
        key.code(for: Array("vestibule enqueue v1".utf8))
    }
}

/// What the verifier says of a token shown as an enqueue token.
public enum EnqueueVerdict: Sendable, Equatable {
    /// The site vouches for this person, for this room, now.
    case valid(EnqueueToken)
    /// It does not have the form of an enqueue token, or the site's key signed other claims, or too long a lifetime.
    case malformed
    /// No enqueue key of the ring made it.
    case forged
    /// It is real, but for another room.
    case foreign
    /// It is real, for this room, and its time is over.
    case expired
    /// It is real, for this room, and its time has not come: the site's clock is ahead.
    case early
}
