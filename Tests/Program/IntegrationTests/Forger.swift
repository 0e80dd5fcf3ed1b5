// SPDX-License-Identifier: Apache-2.0
//
// Makes passes that must not pass: altered, re-signed, ended, for another room, and shapes that trip a careless
// verifier (RFC 8725). Those marked "real key" carry a correct MAC of the room's own key over wrong content.

import Foundation
import Passes
import TestSupport

struct Forger {
    struct BadPass {
        let name: String
        let pass: String
        /// A real pass of another room: 403 where the others get 401.
        var isForeign = false
    }

    private let key: SigningKey
    private let keys: KeyRing
    private let room: String
    private let parts: [String]
    private let header: String
    private let now: Int64

    init(keys: KeyRing, room: String, good: String) throws {
        self.keys = keys
        self.key = keys.keys[0]
        self.room = room
        self.parts = good.split(separator: ".").map(String.init)
        guard parts.count == 3 else { throw TestFailure("not a pass: \(good)") }
        self.header = parts[0]
        self.now = Int64(Date().timeIntervalSince1970)
    }

    func badPasses() throws -> [BadPass] {
        shapes() + alterations() + otherHeaders() + wrongClaims() + (try otherKeys())
    }

    private func encode(_ text: String) -> String { Base64URL.encodeString(Array(text.utf8)) }

    /// Signs with the room's own key, or with another.
    private func sign(_ header: String, _ claims: String, _ secret: [UInt8]? = nil) -> String {
        let text = "\(header).\(encode(claims))"
        let code = MessageAuthentication.hmacSHA256(key: secret ?? key.secret, message: Array(text.utf8))
        return "\(text).\(Base64URL.encodeString(code))"
    }

    private func claims(
        iss: String = #""vestibule""#,
        aud: String? = nil,
        sub: String = #""1""#,
        jti: String = #""abc""#,
        iat: String? = nil,
        exp: String? = nil,
        more: String = ""
    ) -> String {
        #"{"iss":\#(iss),"aud":\#(aud ?? "\"\(room)\""),"sub":\#(sub),"jti":\#(jti),"iat":\#(iat ?? "\(now)"),"#
            + #""exp":\#(exp ?? "\(now + 600)")\#(more)}"#
    }

    private func shapes() -> [BadPass] {
        let good = parts.joined(separator: ".")
        return [
            BadPass(name: "empty", pass: ""),
            BadPass(name: "a word", pass: "admitted"),
            BadPass(name: "dots", pass: ".."),
            BadPass(name: "two parts", pass: "\(parts[0]).\(parts[1])"),
            BadPass(name: "no MAC", pass: "\(parts[0]).\(parts[1])."),
            BadPass(name: "four parts", pass: "\(good).\(parts[2])"),
            BadPass(name: "no header", pass: ".\(parts[1]).\(parts[2])"),
            BadPass(name: "no claims", pass: "\(parts[0])..\(parts[2])"),
            BadPass(name: "truncated by one", pass: String(good.dropLast())),
            BadPass(name: "truncated to half", pass: String(good.prefix(good.count / 2))),
            BadPass(name: "one longer", pass: good + "A"),
            BadPass(name: "padded", pass: good + "="),
            BadPass(name: "very long", pass: good + String(repeating: "A", count: 2000)),
            BadPass(name: "quoted", pass: "\"\(good)\""),
            BadPass(name: "percent", pass: good.replacingOccurrences(of: ".", with: "%2E")),
        ]
    }

    /// The last of 43 characters carries two unused bits: four spellings decode to the same MAC.
    private func alterations() -> [BadPass] {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        let last = alphabet.firstIndex(of: parts[2].last ?? "A") ?? 0
        let spellings = (1...3).map { unused in
            BadPass(
                name: "non-canonical MAC \(unused)",
                pass: "\(parts[0]).\(parts[1]).\(parts[2].dropLast())\(alphabet[last - last % 4 + unused])"
            )
        }
        let flipped = (0..<3).map { part in
            var altered = parts
            let first: Character = altered[part].first == "A" ? "B" : "A"
            altered[part] = String(first) + altered[part].dropFirst()
            return BadPass(name: "altered part \(part)", pass: altered.joined(separator: "."))
        }
        let standard = parts[2].replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        let swapped = BadPass(
            name: "MAC of zeros",
            pass: "\(parts[0]).\(parts[1]).\(String(repeating: "A", count: 43))"
        )
        let base64 = BadPass(name: "base64, not base64url", pass: "\(parts[0]).\(parts[1]).\(standard)=")
        return spellings + flipped + [swapped, base64]
    }

    private func otherHeaders() -> [BadPass] {
        let headers = [
            ("alg none", #"{"alg":"none","typ":"JWT"}"#),
            ("alg none with kid", #"{"alg":"none","kid":"\#(key.kid)","typ":"JWT"}"#),
            ("alg HS512", #"{"alg":"HS512","kid":"\#(key.kid)","typ":"JWT"}"#),
            ("alg RS256", #"{"alg":"RS256","kid":"\#(key.kid)","typ":"JWT"}"#),
            ("other order", #"{"kid":"\#(key.kid)","alg":"HS256","typ":"JWT"}"#),
            ("a space", #"{"alg":"HS256", "kid":"\#(key.kid)","typ":"JWT"}"#),
            ("no kid", #"{"alg":"HS256","typ":"JWT"}"#),
            ("kid __proto__", #"{"alg":"HS256","kid":"__proto__","typ":"JWT"}"#),
            ("kid constructor", #"{"alg":"HS256","kid":"constructor","typ":"JWT"}"#),
            ("kid toString", #"{"alg":"HS256","kid":"toString","typ":"JWT"}"#),
            ("kid a path", #"{"alg":"HS256","kid":"../../dev/null","typ":"JWT"}"#),
            ("kid 0", #"{"alg":"HS256","kid":"0","typ":"JWT"}"#),
            ("embedded key", #"{"alg":"HS256","jwk":{"kty":"oct","k":"AA"},"kid":"\#(key.kid)","typ":"JWT"}"#),
        ]
        var passes = headers.map { BadPass(name: "\($0.0), real key", pass: sign(encode($0.1), claims())) }
        passes += headers.prefix(2).map {
            BadPass(name: "\($0.0), no MAC", pass: "\(encode($0.1)).\(encode(claims())).")
        }
        passes += headers.dropFirst(7).prefix(3).map {
            BadPass(name: "\($0.0), empty key", pass: sign(encode($0.1), claims(), []))
        }
        return passes
    }

    /// All with a correct MAC of the room's key.
    private func wrongClaims() -> [BadPass] {
        let ended = claims(iat: "\(now - 700)", exp: "\(now - 100)")
        let bodies = [
            ("ended", ended), ("ended just now", claims(exp: "\(now - 6)")), ("exp 0", claims(exp: "0")),
            ("exp a string", claims(exp: "\"\(now + 600)\"")), ("exp a fraction", claims(exp: "\(now + 600).5")),
            ("exp too large", claims(exp: "1e300")), ("exp negative", claims(exp: "-1")),
            ("exp null", claims(exp: "null")),
            ("exp true", claims(exp: "true")), ("aud a list", claims(aud: "[\"\(room)\"]")),
            ("aud null", claims(aud: "null")),
            ("sub a number", claims(sub: "1")), ("sub empty", claims(sub: #""""#)),
            ("sub words", claims(sub: #""root""#)),
            ("sub with zeros", claims(sub: #""007""#)), ("iss other", claims(iss: #""somebody""#)),
            ("jti a number", claims(jti: "5")), ("one more claim", claims(more: #","admin":true"#)),
            ("__proto__ claim", claims(more: #","__proto__":{"exp":9999999999}"#)), ("not an object", "[]"),
            ("not JSON", "exp=9999999999"), ("null", "null"), ("no claims", "{}"),
        ]
        var passes = bodies.map { BadPass(name: "\($0.0), real key", pass: sign(header, $0.1)) }
        for other in ["other", "demo2", "dem"] {
            passes.append(
                BadPass(
                    name: "room \(other), real key",
                    pass: sign(header, claims(aud: "\"\(other)\"")),
                    isForeign: true
                )
            )
        }
        return passes
    }

    private func otherKeys() throws -> [BadPass] {
        var random = SystemRandomNumberGenerator()
        let stranger = try SigningKey.generate(kid: key.kid, using: &random)
        let unknown = try SigningKey.generate(kid: "k9", using: &random)
        let pass = Pass(room: room, number: 1, jti: "abc", issuedAtSeconds: now, expiresAtSeconds: now + 600)
        let made = [("same kid", stranger), ("unknown kid", unknown)].map { name, key in
            (try? KeyRing(keys: [key])).map { (name, String(decoding: $0.sign(pass), as: UTF8.self)) }
        }.compactMap { $0 }
        let ticket = keys.sign(Ticket(room: room, generation: 1, number: 1, issuedMilliseconds: now * 1000))
        return made.map { BadPass(name: "another key, \($0.0)", pass: $0.1) }
            + [
                BadPass(name: "a ticket", pass: String(decoding: ticket, as: UTF8.self)),
                BadPass(
                    name: "key as text",
                    pass: sign(header, claims(), Array(Base64URL.encodeString(key.secret).utf8))
                ),
            ]
    }
}
