// SPDX-License-Identifier: Apache-2.0
//
// Key files, what is wrong with bad ones, and the steps of a rotation.

import Passes
import Testing

@Suite struct KeyRingTests {
    private static let k32 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

    private static func entry(kid: String = "k1", k: String = k32) -> String {
        #"{"kty":"oct","alg":"HS256","kid":"\#(kid)","k":"\#(k)"}"#
    }

    private static func file(_ entries: [String]) -> String { #"{"keys":[\#(entries.joined(separator: ","))]}"# }

    @Test func aKeyFileIsReadInOrder() throws {
        let ring = try KeyRing(jwkSet: Self.file([Self.entry(kid: "new"), Self.entry(kid: "old")]).bytes)
        #expect(ring.signingKid == "new")
        #expect(ring.kids == ["new", "old"])
        #expect(ring.keys[0].secret == Array(0..<32))
    }

    @Test func aWrittenKeyFileIsReadBackTheSameAndWrittenTheSame() throws {
        let ring = try KeyRing(keys: [firstKey(), secondKey()])
        let again = try KeyRing(jwkSet: ring.jwkSet())
        #expect(again.keys == ring.keys)
        #expect(again.jwkSet() == ring.jwkSet())
        #expect(
            try String(decoding: firstRing().jwkSet(), as: UTF8.self) == """
                {
                  "keys": [
                    {"kty": "oct", "alg": "HS256", "kid": "k1", "k": "\(Self.k32)"}
                  ]
                }

                """
        )
    }

    @Test(arguments: [
        ("", KeyRingError.Code.notJSON), ("{", .notJSON), (file([entry()]) + "x", .notJSON),
        (#"{"keys":[],"keys":[]}"#, .notJSON),
        ("[]", .wrongShape), ("{}", .wrongShape), (#"{"keys":{}}"#, .wrongShape),
        (#"{"keys":[],"more":1}"#, .wrongShape),
        (file(["1"]), .wrongShape), (file([#"{"kty":"oct","alg":"HS256","kid":"k1"}"#]), .wrongShape),
        (file([#"{"kty":"oct","alg":"HS256","kid":"k1","k":"\#(k32)","use":"sig"}"#]), .wrongShape),
        (file([]), .noKeys),
        (file((0..<9).map { entry(kid: "k\($0)") }), .tooManyKeys),
        (file([#"{"kty":"RSA","alg":"HS256","kid":"k1","k":"\#(k32)"}"#]), .wrongType),
        (file([#"{"kty":"oct","alg":"HS512","kid":"k1","k":"\#(k32)"}"#]), .wrongAlgorithm),
        (file([#"{"kty":"oct","alg":"none","kid":"k1","k":"\#(k32)"}"#]), .wrongAlgorithm),
        (file([entry(kid: "")]), .badKid), (file([entry(kid: "K1")]), .badKid),
        (file([entry(kid: "__proto__")]), .badKid),
        (file([entry(kid: "a.b")]), .badKid), (file([entry(kid: "a2345678901234567")]), .badKid),
        (file([#"{"kty":"oct","alg":"HS256","kid":1,"k":"\#(k32)"}"#]), .badKid),
        (file([entry(kid: "a"), entry(kid: "a")]), .duplicateKid),
        (file([entry(k: k32 + "=")]), .nonCanonicalKey), (file([entry(k: k32.dropLast() + "9")]), .nonCanonicalKey),
        (file([entry(k: k32.dropLast() + "+")]), .nonCanonicalKey),
        (file([entry(k: "")]), .shortKey), (file([entry(k: String(k32.dropLast(2)) + "g")]), .shortKey),
        (file([entry(k: String(repeating: "A", count: 1368))]), .longKey),
    ])
    func aBadKeyFileIsRefusedWithItsReason(text: String, code: KeyRingError.Code) {
        let error = #expect(throws: KeyRingError.self) { try KeyRing(jwkSet: text.bytes) }
        #expect(error?.code == code, "\(error?.description ?? "accepted")")
        #expect(error.map { !$0.description.contains("AAECAwQF") } == true, "a message shows a secret")
    }

    @Test func eightKeysAreTaken() throws {
        let text = Self.file((0..<8).map { Self.entry(kid: "k\($0)") })
        #expect(try KeyRing(jwkSet: text.bytes).kids.count == 8)
    }

    @Test func aSecretIsNeverShown() throws {
        let key = try SigningKey(kid: "k1", secret: .init(repeating: 173, count: 32))
        var dumped = ""
        dump(key, to: &dumped)
        for text in ["\(key)", String(reflecting: key), "\([key])", dumped] {
            #expect(text.contains("k1") && !text.contains("173"))
        }
    }

    @Test func generatedKeysHave32BytesAndDifferWithTheGenerator() throws {
        var generator = CountingGenerator()
        let one = try SigningKey.generate(kid: "a", using: &generator)
        let two = try SigningKey.generate(kid: "a", using: &generator)
        var same = CountingGenerator()
        #expect(one.secret.count == 32 && one.secret != two.secret)
        #expect(try SigningKey.generate(kid: "a", using: &same) == one)
    }

    /// Old and new workers, and nginx with either file, understand each other at every step.
    @Test func aRotationNeverInvalidatesALiveToken() throws {
        let before = try firstRing()
        let oldPass = before.sign(goodPass)
        let oldTicket = before.sign(goodTicket)

        let added = try before.adding(secondKey())
        #expect(added.signingKid == "k1")
        #expect(added.sign(goodPass) == oldPass)

        let promoted = try added.promoting("k2")
        let newPass = promoted.sign(goodPass)
        let newTicket = promoted.sign(goodTicket)
        #expect(promoted.kids == ["k2", "k1"])
        #expect(newPass != oldPass && newTicket != oldTicket)
        for ring in [added, promoted] {
            for pass in [oldPass, newPass] {
                #expect(ring.verifyPass(pass, room: "demo", nowSeconds: 1_700_000_000) == .valid(goodPass))
            }
            for ticket in [oldTicket, newTicket] { #expect(ring.verifyTicket(ticket) == .valid(goodTicket)) }
        }

        let retired = try promoted.retiring("k1")
        #expect(retired.kids == ["k2"])
        #expect(retired.verifyPass(newPass, room: "demo", nowSeconds: 1_700_000_000) == .valid(goodPass))
        #expect(retired.verifyPass(oldPass, room: "demo", nowSeconds: 1_700_000_000) == .forged)
        #expect(retired.verifyTicket(oldTicket) == .forged)
        #expect(before.verifyTicket(newTicket) == .forged)
    }

    @Test func wrongStepsOfARotationAreRefused() throws {
        let ring = try KeyRing(keys: [firstKey(), secondKey()])
        func code(_ step: () throws(KeyRingError) -> KeyRing) -> KeyRingError.Code? {
            do {
                _ = try step()
                return nil
            } catch { return error.code }
        }
        let duplicate = try firstKey()
        #expect(code { () throws(KeyRingError) in try ring.retiring("k1") } == .signingKeyInUse)
        #expect(code { () throws(KeyRingError) in try ring.retiring("k3") } == .unknownKid)
        #expect(code { () throws(KeyRingError) in try ring.promoting("k3") } == .unknownKid)
        #expect(code { () throws(KeyRingError) in try ring.adding(duplicate) } == .duplicateKid)
        #expect(code { () throws(KeyRingError) in try ring.promoting("k1") } == nil)
    }
}
