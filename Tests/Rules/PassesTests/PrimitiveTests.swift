// SPDX-License-Identifier: Apache-2.0
//
// HMAC-SHA256, base64url, constant-time comparison and room ids against the standards that define them.

import Passes
import Testing

@Suite struct PrimitiveTests {
    struct Vector: Sendable, CustomTestStringConvertible {
        let name: String
        let key: [UInt8]
        let message: [UInt8]
        let codeHex: String
        var testDescription: String { name }
    }

    /// RFC 4231 section 4.2 to 4.8; case 5 shows only the first 128 bits.
    static let vectors = [
        Vector(
            name: "case 1",
            key: .init(repeating: 0x0B, count: 20),
            message: "Hi There".bytes,
            codeHex: "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        Vector(
            name: "case 2",
            key: "Jefe".bytes,
            message: "what do ya want for nothing?".bytes,
            codeHex: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        Vector(
            name: "case 3",
            key: .init(repeating: 0xAA, count: 20),
            message: .init(repeating: 0xDD, count: 50),
            codeHex: "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
        ),
        Vector(
            name: "case 4",
            key: Array(1...25),
            message: .init(repeating: 0xCD, count: 50),
            codeHex: "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"
        ),
        Vector(
            name: "case 5",
            key: .init(repeating: 0x0C, count: 20),
            message: "Test With Truncation".bytes,
            codeHex: "a3b6167473100ee06e0c796c2955552b"
        ),
        Vector(
            name: "case 6",
            key: .init(repeating: 0xAA, count: 131),
            message: "Test Using Larger Than Block-Size Key - Hash Key First".bytes,
            codeHex: "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
        Vector(
            name: "case 7",
            key: .init(repeating: 0xAA, count: 131),
            message: ("This is a test using a larger than block-size key and a larger than block-size data. "
                + "The key needs to be hashed before being used by the HMAC algorithm.").bytes,
            codeHex: "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"
        ),
    ]

    @Test(arguments: vectors) func hmacIsThatOfRFC4231(vector: Vector) {
        let code = MessageAuthentication.hmacSHA256(key: vector.key, message: vector.message)
        let hex = code.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
        #expect(code.count == MessageAuthentication.byteCount)
        #expect(hex.hasPrefix(vector.codeHex))
    }

    @Test func aPreparedKeyGivesTheSameCodeEveryTime() {
        let authentication = MessageAuthentication(key: "Jefe".bytes)
        let first = authentication.code(for: "what do ya want for nothing?".bytes)
        _ = authentication.code(for: "something else".bytes)
        #expect(authentication.code(for: "what do ya want for nothing?".bytes) == first)
        #expect(
            first == MessageAuthentication.hmacSHA256(key: "Jefe".bytes, message: "what do ya want for nothing?".bytes)
        )
    }

    /// RFC 7515 appendix A.1: a JWT with its key.
    @Test func theExampleOfRFC7515IsReproduced() throws {
        let key = try #require(
            Base64URL.decode(
                "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow".utf8
            )
        )
        let header = Base64URL.encodeString("{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}".utf8)
        let claims = Base64URL.encodeString(
            "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}".utf8
        )
        #expect(header == "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9")
        #expect(
            claims == "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
        )
        let code = MessageAuthentication.hmacSHA256(key: key, message: "\(header).\(claims)".bytes)
        #expect(Base64URL.encodeString(code) == "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    }

    /// RFC 4648 section 10, without padding, and the two characters of section 5.
    @Test(arguments: [
        ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE"),
        ("foobar", "Zm9vYmFy"), ("~~?~~>", "fn4_fn4-"),
    ])
    func base64URLIsThatOfRFC4648(plain: String, encoded: String) {
        #expect(Base64URL.encodeString(plain.utf8) == encoded)
        #expect(Base64URL.decode(encoded.utf8) == plain.bytes)
    }

    /// RFC 4648 section 10, and the two characters of section 4.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy"), ("~~?~~>", "fn4/fn4+"),
    ])
    func theStandardAlphabetIsThatOfRFC4648(plain: String, encoded: String) {
        #expect(Base64URL.encodeStandard(plain.utf8) == encoded)
    }

    @Test func everyByteStringSurvivesBase64URL() {
        var generator = CountingGenerator()
        for length in 0...100 {
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
            #expect(Base64URL.decode(Base64URL.encode(bytes)) == bytes)
        }
    }

    @Test(arguments: ["Z", "Zm9vY", "Zh", "Zm9=", "Zg==", "Zm 8", "Zm+v", "Zm/v", "Zm9v\n", "Zm9é", "Zm9", "A"])
    func onlyTheCanonicalSpellingIsDecoded(text: String) {
        #expect(Base64URL.decode(text.utf8) == nil)
    }

    @Test func ofTheLastCharactersOnlyOneInFourOrSixteenIsCanonical() {
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        #expect(alphabet.count { Base64URL.decode("AA\($0)".utf8) != nil } == 16)
        #expect(alphabet.count { Base64URL.decode("A\($0)".utf8) != nil } == 4)
        #expect(alphabet.count { Base64URL.decode("AAA\($0)".utf8) != nil } == 64)
    }

    @Test func comparisonSeesEveryDifference() {
        let left = Array("0123456789abcdef".utf8)
        #expect(MessageAuthentication.isEqual(left, left))
        #expect(MessageAuthentication.isEqual([], [] as [UInt8]))
        #expect(!MessageAuthentication.isEqual(left, left.dropLast()))
        for index in left.indices {
            for bit in 0..<8 {
                var right = left
                right[index] ^= 1 << UInt8(bit)
                #expect(!MessageAuthentication.isEqual(left, right))
            }
        }
    }

    @Test(arguments: ["a", "0", "demo", "a_b-c", "a--", String(repeating: "z", count: 64)])
    func roomIdsAreTaken(room: String) {
        #expect(isRoomIdentifier(room) && isRoomIdentifier(room.bytes))
    }

    @Test(arguments: [
        "", "-a", "_a", "A", "aB", "a.b", "a b", "a/b", "é", "a\n", "a\0", "{a}", String(repeating: "z", count: 65),
    ])
    func whatIsNoRoomIdIsRefused(room: String) {
        #expect(!isRoomIdentifier(room) && !isRoomIdentifier(room.bytes))
    }
}
