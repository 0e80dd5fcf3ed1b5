// SPDX-License-Identifier: Apache-2.0
//
// One secret with its name, and the ways a key or a set of keys can be wrong.

/// A secret key for HMAC-SHA256 and the id it goes by.
public struct SigningKey: Sendable, Equatable, CustomStringConvertible {
    /// At least the length of the hash: RFC 7518 section 3.2.
    public static let byteCountMin = 32
    /// Far above any sensible key; a bound so that a wrong file is refused.
    public static let byteCountMax = 1024

    /// `^[a-z0-9][a-z0-9_-]{0,15}$`.
    public let kid: String
    /// ``byteCountMin`` to ``byteCountMax`` bytes.
    public let secret: [UInt8]

    /// Takes a secret after checking its length and its id.
    public init(kid: String, secret: [UInt8]) throws(KeyRingError) {
        guard isKeyIdentifier(kid) else {
            throw KeyRingError(.badKid, "a kid must match ^[a-z0-9][a-z0-9_-]{0,15}$")
        }
        guard secret.count >= SigningKey.byteCountMin else {
            throw KeyRingError(.shortKey, "key \(kid) has \(secret.count) bytes; it needs at least 32")
        }
        guard secret.count <= SigningKey.byteCountMax else {
            throw KeyRingError(.longKey, "key \(kid) has \(secret.count) bytes; at most 1024 are allowed")
        }
        self.kid = kid
        self.secret = secret
    }

    /// Makes a new key of 32 bytes. The generator must be cryptographically secure, except in tests.
    public static func generate(
        kid: String,
        using generator: inout some RandomNumberGenerator
    ) throws(KeyRingError) -> SigningKey {
        var secret: [UInt8] = []
        for _ in 0..<byteCountMin { secret.append(UInt8.random(in: 0...255, using: &generator)) }
        return try SigningKey(kid: kid, secret: secret)
    }

    /// Names the key; never shows the secret.
    public var description: String { "SigningKey(kid: \(kid))" }
}

extension SigningKey: CustomReflectable {
    // Without this, dump() and string interpolation of a containing value would print the secret.
    public var customMirror: Mirror { Mirror(self, children: ["kid": kid]) }
}

/// Why a key, a key file or a step of a rotation is refused.
public struct KeyRingError: Error, Equatable, CustomStringConvertible {
    /// What is wrong, for programs.
    public enum Code: String, Sendable {
        case notJSON, wrongShape, noKeys, tooManyKeys, wrongType, wrongAlgorithm, badKid, duplicateKid
        case nonCanonicalKey, shortKey, longKey, unknownKid, signingKeyInUse
    }

    public let code: Code
    /// What is wrong, for people. Never holds a secret.
    public let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { "\(message) (\(code.rawValue))" }
}
