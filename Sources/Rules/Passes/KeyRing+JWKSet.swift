// SPDX-License-Identifier: Apache-2.0
//
// The key file: a JWK Set (RFC 7517 section 5) of symmetric keys (RFC 7518 section 6.4). The workers, nginx's njs and
// Lua verifiers, and any backend read the same file. Only exactly this shape is taken, so that a mistake is found at
// start and not as a forged pass:
//     {"keys":[{"kty":"oct","alg":"HS256","kid":"k1","k":"<base64url of at least 32 bytes>"}]}

import StrictJSON

extension KeyRing {
    /// Reads a key file.
    public init(jwkSet: [UInt8]) throws(KeyRingError) {
        let document: JSONValue
        do {
            document = try JSONValue(parsing: jwkSet)
        } catch {
            throw KeyRingError(.notJSON, "the key file is not \(error)")
        }
        guard case .object(let members) = document, members.map(\.name) == ["keys"],
            let elements = members[0].value.arrayValue
        else {
            throw KeyRingError(.wrongShape, "the key file must be one object with one member \"keys\", an array")
        }
        var keys: [SigningKey] = []
        for (index, element) in elements.enumerated() { keys.append(try KeyRing.key(from: element, index: index)) }
        try self.init(keys: keys)
    }

    private static func key(from element: JSONValue, index: Int) throws(KeyRingError) -> SigningKey {
        guard let members = element.objectValue, members.map(\.name).sorted() == ["alg", "k", "kid", "kty"] else {
            throw KeyRingError(.wrongShape, "keys[\(index)] must have exactly the members kty, alg, kid and k")
        }
        guard element["kty"] == .string("oct") else {
            throw KeyRingError(.wrongType, "keys[\(index)]: kty must be \"oct\"")
        }
        guard element["alg"] == .string("HS256") else {
            throw KeyRingError(.wrongAlgorithm, "keys[\(index)]: alg must be \"HS256\"")
        }
        guard let kid = element["kid"]?.stringValue, isKeyIdentifier(kid) else {
            throw KeyRingError(.badKid, "keys[\(index)]: kid must match ^[a-z0-9][a-z0-9_-]{0,15}$")
        }
        guard let text = element["k"]?.stringValue, let secret = Base64URL.decode(text.utf8) else {
            throw KeyRingError(.nonCanonicalKey, "keys[\(index)]: k must be canonical base64url without padding")
        }
        return try SigningKey(kid: kid, secret: secret)
    }

    /// The key file for this ring: one key a line, always the same bytes for the same keys, ending in a newline.
    public func jwkSet() -> [UInt8] {
        // Neither a kid nor base64url holds a character that JSON would escape.
        let lines = keys.map { key in
            #"    {"kty": "oct", "alg": "HS256", "kid": "\#(key.kid)", "k": "\#(Base64URL.encodeString(key.secret))"}"#
        }
        return Array("{\n  \"keys\": [\n\(lines.joined(separator: ",\n"))\n  ]\n}\n".utf8)
    }
}
