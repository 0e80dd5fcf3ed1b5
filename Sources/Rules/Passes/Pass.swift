// SPDX-License-Identifier: Apache-2.0
//
// The pass: the signed permission to enter one room for a while, which nginx checks on every protected request.

/// What a pass says.
public struct Pass: Sendable, Equatable {
    /// The longest token that is looked at, in bytes. A real one is below 500.
    public static let byteCountMax = 1024
    /// How long after its expiry a pass still passes, in seconds, for clocks that differ.
    public static let leewaySeconds: Int64 = 5

    /// The room it opens (claim `aud`).
    public let room: String
    /// The visitor's ticket number (claim `sub`), 1...2^53-1.
    public let number: Int64
    /// Names this pass (claim `jti`): 1 to 64 characters of base64url; see
    /// ``KeyRing/passIdentifier(room:generation:number:expiresAtMilliseconds:isRenewable:)``.
    public let jti: String
    /// Seconds since the Unix epoch (claim `iat`), 0...2^53-1.
    public let issuedAtSeconds: Int64
    /// Seconds since the Unix epoch (claim `exp`), 0...2^53-1.
    public let expiresAtSeconds: Int64
    /// The client it is for (JWT claim `bnd`); nil: any client.
    public let binding: PassBinding?

    /// Makes a pass. Values out of bounds are a programming error and stop the program: what is signed must verify.
    public init(
        room: String,
        number: Int64,
        jti: String,
        issuedAtSeconds: Int64,
        expiresAtSeconds: Int64,
        binding: PassBinding? = nil
    ) {
        precondition(isRoomIdentifier(room), "a pass names a room")
        precondition((1...exactIntegerMax).contains(number), "ticket numbers are 1...2^53-1")
        precondition(Pass.isIdentifier(jti), "a jti is 1 to 64 characters of base64url")
        precondition((0...exactIntegerMax).contains(issuedAtSeconds), "a pass is issued after 1970")
        precondition((0...exactIntegerMax).contains(expiresAtSeconds), "a pass expires after 1970")
        self.room = room
        self.number = number
        self.jti = jti
        self.issuedAtSeconds = issuedAtSeconds
        self.expiresAtSeconds = expiresAtSeconds
        self.binding = binding
    }

    /// Characters of a `jti` that is made here, before what follows in a pass that may be renewed.
    private static let identifierLength = 22
    /// A pass is due for renewal in the last third of its life.
    static let dueParts: (numerator: Int64, denominator: Int64) = (2, 3)

    /// The `jti` of a pass that may be renewed: it names the generation of the room.
    static func renewable(_ identifier: String, generation: Int64) -> String { "\(identifier)-r\(generation)" }

    /// The generation of the room in which the pass may be renewed; nil for a pass that may not.
    public var renewalGeneration: Int64? {
        let (bytes, length) = (Array(jti.utf8), Pass.identifierLength)
        guard bytes.count > length + 2, bytes.count <= length + 18, bytes[length...].starts(with: Array("-r".utf8)),
            bytes[(length + 2)...].allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        return Int64(String(decoding: bytes[(length + 2)...], as: UTF8.self))
    }

    /// Whether a request that shows it should bring a new one home. nginx's verifiers decide the same.
    public func isDue(nowSeconds: Int64) -> Bool {
        let (lived, life) = (nowSeconds - issuedAtSeconds, expiresAtSeconds - issuedAtSeconds)
        return renewalGeneration != nil && nowSeconds < expiresAtSeconds
            && lived * Pass.dueParts.denominator >= life * Pass.dueParts.numerator
    }

    static func isIdentifier(_ jti: String) -> Bool {
        (1...64).contains(jti.utf8.count) && jti.utf8.allSatisfy(Base64URL.isCharacter)
    }
}

/// What the verifier says of a token shown as a pass.
public enum PassVerdict: Sendable, Equatable {
    /// It opens this room now.
    case valid(Pass)
    /// It does not have the form of a pass, or our own key signed claims that are not those of a pass.
    case malformed
    /// No key of the ring made it.
    case forged
    /// It is real, but for another room.
    case foreign
    /// It is real, for this room, and its time is over.
    case expired
    /// It is real, for this room and in time, but bound to another client than the present one.
    case otherClient(Pass)
}
