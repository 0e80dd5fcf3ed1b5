// SPDX-License-Identifier: Apache-2.0
//
// What passes and enqueue tokens have in common: JWT (RFC 7519) with HS256 (RFC 7515, RFC 7518 section 3.2), hardened
// as RFC 8725 asks. The header is not parsed: it must be, byte for byte, a header that we would have written. So there
// is no algorithm to choose, no `none`, and no kid that names anything but a key of the ring. Each kind of token has a
// key of its own, so that no token can be taken for a token of another kind.
// Why not jwt-kit: it is asynchronous, needs Foundation, and parses the header instead of comparing its bytes.

internal import StrictJSON

extension KeyRing {
    /// A token under the name of the signing key. The same claims give the same bytes.
    func signedJWT(claims: some Collection<UInt8>, by authentication: MessageAuthentication) -> [UInt8] {
        var token = prepared[0].header
        token.append(UInt8(ascii: "."))
        token.append(contentsOf: Base64URL.encode(claims))
        let code = authentication.code(for: token)
        token.append(UInt8(ascii: "."))
        token.append(contentsOf: Base64URL.encode(code))
        return token
    }

    /// A token without its wrapping.
    enum OpenedJWT {
        /// A key of the ring made it for this purpose; what the claims say is the caller's question.
        case claims(JSONValue)
        case malformed
        case forged
    }

    /// Checks form, header and MAC, and reads the claims.
    /// - Parameter purpose: picks the key of a purpose.
    func openJWT(
        _ bytes: [UInt8],
        byteCountMax: Int,
        by purpose: (PreparedKey) -> MessageAuthentication
    ) -> OpenedJWT {
        guard bytes.count <= byteCountMax else { return .malformed }
        let parts = bytes.split(separator: UInt8(ascii: "."), maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[0].isEmpty, !parts[1].isEmpty, parts[2].count == macCharacterCount else {
            return .malformed
        }
        guard let key = prepared.first(where: { $0.header.elementsEqual(parts[0]) }) else { return .forged }
        // Our own spelling of the MAC against theirs: a second spelling of the same 32 bytes is refused too.
        let expected = Base64URL.encode(purpose(key).code(for: bytes[..<parts[1].endIndex]))
        guard MessageAuthentication.isEqual(expected, parts[2]) else { return .forged }
        guard let text = Base64URL.decode(parts[1]), let claims = try? JSONValue(parsing: text) else {
            return .malformed
        }
        return .claims(claims)
    }
}

/// The five claims that every token of ours has, each of its own kind.
struct CommonClaims {
    let room: String
    let subject: String
    let issuedAtSeconds: Int64
    let expiresAtSeconds: Int64

    init?(_ claims: JSONValue, issuer: String) {
        guard let sender = claims["iss"]?.stringValue, sender.utf8.elementsEqual(issuer.utf8),
            let room = claims["aud"]?.stringValue, isRoomIdentifier(room),
            let subject = claims["sub"]?.stringValue,
            let issued = claims["iat"]?.integerValue, (0...exactIntegerMax).contains(issued),
            let expires = claims["exp"]?.integerValue, (0...exactIntegerMax).contains(expires)
        else { return nil }
        self.room = room
        self.subject = subject
        issuedAtSeconds = issued
        expiresAtSeconds = expires
    }
}

/// How many base64url characters a MAC of 32 bytes has.
let macCharacterCount = 43
