// SPDX-License-Identifier: Apache-2.0
//
// Signing and verifying enqueue tokens: JSON Web Tokens (KeyRing+JWT.swift) with five claims under a derived key.

internal import StrictJSON

extension KeyRing {
    /// The secret with which a site signs enqueue tokens whose header names `kid`; nil when there is no such key.
    public func enqueueSecret(kid: String) -> [UInt8]? {
        keys.first { $0.kid == kid }.map { EnqueueToken.secret(from: MessageAuthentication(key: $0.secret)) }
    }

    /// The token for what the site says, made with the signing key. The same content gives the same bytes.
    public func sign(_ token: EnqueueToken) -> [UInt8] {
        var claims = Array(#"{"iss":"\#(EnqueueToken.issuer)","aud":"\#(token.room)","sub":"#.utf8)
        JSONText.writeLiteral(token.subject.utf8) { claims.append($0) }
        claims += #","iat":\#(token.issuedAtSeconds),"exp":\#(token.expiresAtSeconds)}"#.utf8
        return signedJWT(claims: claims, by: prepared[0].enqueue)
    }

    /// Says whether a token lets its bearer join a room as the person it names, at a time in seconds since the Unix
    /// epoch.
    public func verifyEnqueue(_ bytes: [UInt8], room: String, nowSeconds: Int64) -> EnqueueVerdict {
        switch openJWT(bytes, byteCountMax: EnqueueToken.byteCountMax, by: { $0.enqueue }) {
        case .malformed: return .malformed
        case .forged: return .forged
        case .claims(let claims):
            guard let token = KeyRing.enqueueToken(from: claims) else { return .malformed }
            guard token.room == room else { return .foreign }
            guard nowSeconds < token.expiresAtSeconds + EnqueueToken.leewaySeconds else { return .expired }
            // Else a token could be written today whose day is next year, and the longest lifetime would mean nothing.
            guard token.issuedAtSeconds <= nowSeconds + EnqueueToken.leewaySeconds else { return .early }
            return .valid(token)
        }
    }

    private static func enqueueToken(from claims: JSONValue) -> EnqueueToken? {
        guard claims.objectValue?.count == 5, let common = CommonClaims(claims, issuer: EnqueueToken.issuer) else {
            return nil
        }
        return EnqueueToken(
            room: common.room,
            subject: common.subject,
            issuedAtSeconds: common.issuedAtSeconds,
            expiresAtSeconds: common.expiresAtSeconds
        )
    }
}
