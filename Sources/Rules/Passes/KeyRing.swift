// SPDX-License-Identifier: Apache-2.0
//
// The keys in force: the first signs, all verify. A rotation is four steps, each safe to stop at: add, (reload),
// promote, (reload), wait for the longest token lifetime, retire, (reload). Signing and verifying are in
// KeyRing+Pass.swift, KeyRing+Enqueue.swift, KeyRing+Ticket.swift and KeyRing+Proof.swift, the file format in
// KeyRing+JWKSet.swift.

/// One to eight signing keys, in order.
public struct KeyRing: Sendable {
    /// More keys than any rotation needs; bounds what a verifier tries for an unknown token.
    public static let keyCountMax = 8

    /// The keys; the first signs.
    public let keys: [SigningKey]
    let prepared: [PreparedKey]

    /// Takes one to eight keys with different ids; the first signs.
    public init(keys: [SigningKey]) throws(KeyRingError) {
        guard !keys.isEmpty else { throw KeyRingError(.noKeys, "there is no key; at least one is needed to sign") }
        guard keys.count <= KeyRing.keyCountMax else {
            throw KeyRingError(.tooManyKeys, "there are \(keys.count) keys; at most 8 are allowed")
        }
        var seen: Set<String> = []
        for key in keys where !seen.insert(key.kid).inserted {
            throw KeyRingError(.duplicateKid, "kid \(key.kid) occurs twice")
        }
        self.keys = keys
        prepared = keys.map(PreparedKey.init)
    }

    /// The id of the key that signs.
    public var signingKid: String { keys[0].kid }

    /// The ids of all keys, in order.
    public var kids: [String] { keys.map(\.kid) }

    /// A ring in which `key` also verifies, last in order.
    public func adding(_ key: SigningKey) throws(KeyRingError) -> KeyRing {
        try KeyRing(keys: keys + [key])
    }

    /// A ring in which the key called `kid` signs. The others keep their order.
    public func promoting(_ kid: String) throws(KeyRingError) -> KeyRing {
        guard let key = keys.first(where: { $0.kid == kid }) else { throw unknown(kid) }
        return try KeyRing(keys: [key] + keys.filter { $0.kid != kid })
    }

    /// A ring without the key called `kid`, which must not be the key that signs.
    public func retiring(_ kid: String) throws(KeyRingError) -> KeyRing {
        guard kids.contains(kid) else { throw unknown(kid) }
        guard kid != signingKid else {
            throw KeyRingError(.signingKeyInUse, "key \(kid) signs; promote another before retiring it")
        }
        return try KeyRing(keys: keys.filter { $0.kid != kid })
    }

    private func unknown(_ kid: String) -> KeyRingError {
        KeyRingError(.unknownKid, "there is no key with kid \(kid)")
    }
}

/// What is computed once from a key: its purposes apart from each other, and the bytes that name it.
struct PreparedKey: Sendable {
    let kid: [UInt8]
    /// base64url of `{"alg":"HS256","kid":K,"typ":"JWT"}`, which begins passes and enqueue tokens.
    let header: [UInt8]
    /// Keyed with the secret itself, so that any JWT library can check a pass with the JWK.
    let pass: MessageAuthentication
    // Keyed with derived keys: a MAC made for one purpose is worthless for another.
    let ticket: MessageAuthentication
    let passIdentifier: MessageAuthentication
    let enqueue: MessageAuthentication
    let challenge: MessageAuthentication

    init(_ key: SigningKey) {
        kid = Array(key.kid.utf8)
        header = Base64URL.encode(Array(#"{"alg":"HS256","kid":"\#(key.kid)","typ":"JWT"}"#.utf8))
        pass = MessageAuthentication(key: key.secret)
        ticket = MessageAuthentication(key: pass.code(for: Array("vestibule ticket v1".utf8)))
        passIdentifier = MessageAuthentication(key: pass.code(for: Array("vestibule pass identifier v1".utf8)))
        enqueue = MessageAuthentication(key: EnqueueToken.secret(from: pass))
        challenge = MessageAuthentication(key: pass.code(for: Array("vestibule proof v1".utf8)))
    }
}
