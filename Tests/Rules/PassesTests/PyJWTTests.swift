// SPDX-License-Identifier: Apache-2.0
//
// The promise that any JWT library can check a pass, kept against PyJWT (Debian: python3-jwt), in both directions.

import Foundation
import Passes
import TestSupport
import Testing

@Suite struct PyJWTTests {
    /// Runs a Python program with the JWK Set and a token as arguments; gives what it printed.
    private func python(_ program: String, _ arguments: [String]) throws -> String {
        try TestProcess.output("python3", ["-c", program] + arguments).text.trimmingCharacters(in: .newlines)
    }

    private let now = Int64(Date().timeIntervalSince1970)

    private var pass: Pass {
        Pass(room: "demo", number: 42, jti: "abc", issuedAtSeconds: now - 10, expiresAtSeconds: now + 600)
    }

    @Test func pyJWTChecksOurPassWithTheKeyFile() throws {
        let ring = try KeyRing(keys: [firstKey(), secondKey()])
        let program = """
            import json, jwt, sys
            keys = jwt.PyJWKSet.from_json(sys.argv[1])
            kid = jwt.get_unverified_header(sys.argv[2])["kid"]
            key = next(key.key for key in keys.keys if key.key_id == kid)
            claims = jwt.decode(sys.argv[2], key, algorithms=["HS256"], audience="demo", issuer="vestibule", leeway=5,
                options={"require": ["iss", "aud", "sub", "jti", "iat", "exp"]})
            print(json.dumps(claims, separators=(",", ":")))
            """
        let set = String(decoding: ring.jwkSet(), as: UTF8.self)
        let token = String(decoding: ring.sign(pass), as: UTF8.self)
        #expect(
            try python(program, [set, token])
                == #"{"iss":"vestibule","aud":"demo","sub":"42","jti":"abc","iat":\#(now - 10),"exp":\#(now + 600)}"#
        )

        let client = PassClient(network: [192, 0, 2], agent: [])
        let bound = Pass(
            room: "demo",
            number: 42,
            jti: "abc",
            issuedAtSeconds: now - 10,
            expiresAtSeconds: now + 600,
            binding: PassBinding(to: client, network: true, agent: false)
        )
        #expect(try python(program, [set, String(decoding: ring.sign(bound), as: UTF8.self)]).contains(#""bnd":"n:"#))

        let forged = String(decoding: try KeyRing(keys: [secondKey()]).sign(pass), as: UTF8.self)
            .split(separator: ".").last.map { token.split(separator: ".").dropLast().joined(separator: ".") + "." + $0 }
        #expect(try python(program, [set, try #require(forged)]).contains("InvalidSignatureError"))
    }

    @Test func weCheckAPassThatPyJWTMade() throws {
        let program = """
            import base64, jwt, sys
            now = int(sys.argv[2])
            claims = {"iss": "vestibule", "aud": "demo", "sub": "42", "jti": "abc", "iat": now - 10, "exp": now + 600}
            print(jwt.encode(claims, bytes.fromhex(sys.argv[1]), algorithm="HS256", headers={"kid": "k1"}))
            """
        let secret = (0..<32).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        let token = try python(program, [secret, "\(now)"]).bytes
        // Debian's PyJWT writes the header's members in alphabetical order, which is ours.
        #expect(try firstRing().verifyPass(token, room: "demo", nowSeconds: now) == .valid(pass))
    }
}
