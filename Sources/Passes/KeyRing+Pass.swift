// SPDX-License-Identifier: Apache-2.0
//
// Signing and verifying passes: JWT (RFC 7519) with HS256 (RFC 7515, RFC 7518 section 3.2), hardened as RFC 8725 asks.
// The header is not parsed: it must be, byte for byte, one that we would have written. So there is no algorithm to
// choose, no `none`, and no kid that names anything but a key of the ring. nginx/vestibule.js and nginx/vestibule.lua
// do the same steps in the same order; Tests/NginxTests runs all of them through one table.

import StrictJSON

extension KeyRing {
    /// The token for a pass, made with the signing key. The same pass gives the same bytes.
    public func sign(_ pass: Pass) -> [UInt8] {
        let claims =
            #"{"iss":"vestibule","aud":"\#(pass.room)","sub":"\#(pass.number)","jti":"\#(pass.jti)","#
            + #""iat":\#(pass.issuedAtSeconds),"exp":\#(pass.expiresAtSeconds)}"#
        var token = prepared[0].passHeader
        token.append(UInt8(ascii: "."))
        token.append(contentsOf: Base64URL.encode(claims.utf8))
        let code = prepared[0].pass.code(for: token)
        token.append(UInt8(ascii: "."))
        token.append(contentsOf: Base64URL.encode(code))
        return token
    }

    /// A `jti` that depends on nothing but its arguments and the signing key, so that entering twice gives the same
    /// pass.
    ///
    /// The first 16 bytes of a MAC under a key of its own, as 22 characters.
    public func passIdentifier(room: String, generation: Int64, number: Int64, expiresAtMilliseconds: Int64) -> String {
        let message = "\(room).\(generation).\(number).\(expiresAtMilliseconds)"
        return Base64URL.encodeString(prepared[0].passIdentifier.code(for: Array(message.utf8)).prefix(16))
    }

    /// Says whether a token opens a room at a time given in seconds since the Unix epoch.
    public func verifyPass(_ bytes: [UInt8], room: String, nowSeconds: Int64) -> PassVerdict {
        guard bytes.count <= Pass.byteCountMax else { return .malformed }
        let parts = bytes.split(separator: UInt8(ascii: "."), maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[0].isEmpty, !parts[1].isEmpty, parts[2].count == macCharacterCount else {
            return .malformed
        }
        guard let key = prepared.first(where: { $0.passHeader.elementsEqual(parts[0]) }) else { return .forged }
        // Our own spelling of the MAC against theirs: a second spelling of the same 32 bytes is refused too.
        let expected = Base64URL.encode(key.pass.code(for: bytes[..<parts[1].endIndex]))
        guard MessageAuthentication.isEqual(expected, parts[2]) else { return .forged }
        guard let pass = KeyRing.pass(fromClaims: parts[1]) else { return .malformed }
        guard pass.room == room else { return .foreign }
        guard nowSeconds < pass.expiresAtSeconds + Pass.leewaySeconds else { return .expired }
        return .valid(pass)
    }

    /// Reads the claims, which a key of the ring has signed: exactly the six of a pass, each of its own kind.
    private static func pass(fromClaims text: ArraySlice<UInt8>) -> Pass? {
        guard let bytes = Base64URL.decode(text), let claims = try? JSONValue(parsing: bytes),
            claims.objectValue?.count == 6, claims["iss"] == .string("vestibule"),
            let room = claims["aud"]?.stringValue, isRoomIdentifier(room),
            let subject = claims["sub"]?.stringValue, let number = positiveInteger(subject.utf8),
            let jti = claims["jti"]?.stringValue, Pass.isIdentifier(jti),
            let issued = claims["iat"]?.integerValue, (0...exactIntegerMax).contains(issued),
            let expires = claims["exp"]?.integerValue, (0...exactIntegerMax).contains(expires)
        else { return nil }
        return Pass(room: room, number: number, jti: jti, issuedAtSeconds: issued, expiresAtSeconds: expires)
    }
}

/// How many base64url characters a MAC of 32 bytes has.
let macCharacterCount = 43
