// SPDX-License-Identifier: Apache-2.0
//
// One table of things a client may show as its pass, and what every verifier must say of each.

import Foundation
import Passes

struct PassTable {
    let ring: KeyRing
    let cookieName: String
    let nowSeconds = Int64(Date().timeIntervalSince1970)

    struct Row {
        let name: String
        /// The Cookie header lines.
        let cookies: [String]
        /// `ok`, or the reason that the gate must get.
        let verdict: String
        var client = Client.home
    }

    static let header = #"{"alg":"HS256","kid":"k1","typ":"JWT"}"#

    func pass(room: String = Site.room, expiresIn seconds: Int64 = 600) -> Pass {
        Pass(
            room: room,
            number: 42,
            jti: "abc",
            issuedAtSeconds: nowSeconds - 100,
            expiresAtSeconds: nowSeconds + seconds
        )
    }

    func token(_ pass: Pass, ring: KeyRing? = nil) -> String {
        String(decoding: (ring ?? self.ring).sign(pass), as: UTF8.self)
    }

    /// Any header and any claims, with a right MAC of k1.
    func signed(header: String = PassTable.header, claims: String) -> String {
        signed(input: Base64URL.encodeString(header.utf8) + "." + Base64URL.encodeString(claims.utf8))
    }

    func signed(input: String) -> String {
        let code = MessageAuthentication.hmacSHA256(key: ring.keys[0].secret, message: Array(input.utf8))
        return input + "." + Base64URL.encodeString(code)
    }

    func claims(
        issuer: String = #""vestibule""#,
        room: String = #""demo""#,
        subject: String = #""42""#,
        jti: String = #""abc""#,
        issued: String? = nil,
        expires: String? = nil,
        more: String = ""
    ) -> String {
        let (issued, expires) = (issued ?? "\(nowSeconds)", expires ?? "\(nowSeconds + 600)")
        return
            #"{"iss":\#(issuer),"aud":\#(room),"sub":\#(subject),"jti":\#(jti),"#
            + #""iat":\#(issued),"exp":\#(expires)\#(more)}"#
    }

    private func row(_ name: String, _ token: String, _ verdict: String) -> Row {
        Row(name: name, cookies: ["a=1; \(cookieName)=\(token); b=2"], verdict: verdict)
    }

    /// The first of them is good for three seconds, the others for a minute and more.
    func rows() throws -> [Row] {
        try dueRows() + goodRows() + cookieRows() + timeAndPlaceRows() + formRows() + headerRows() + claimRows()
            + bindingRows()
    }

    /// One rule for the Cookie header: pairs between semicolons, exact names, every value of the name.
    private func cookieRows() -> [Row] {
        let (good, bad) = (token(pass()), "bad" + token(pass()).dropFirst(3))
        let (name, planted) = (cookieName, cookieName.uppercased())
        let rows = [
            ("a bad cookie before the good one", "\(name)=\(bad); \(name)=\(good)", "ok"),
            ("an expired one before it", "\(name)=\(token(pass(expiresIn: -60))); \(name)=\(good)", "ok"),
            ("an empty one before it", "\(name)=; \(name)=\(good)", "ok"),
            ("fifteen before it", String(repeating: "\(name)=x; ", count: 15) + "\(name)=\(good)", "ok"),
            ("sixteen before it", String(repeating: "\(name)=x; ", count: 16) + "\(name)=\(good)", "malformed"),
            ("two bad ones", "\(name)=\(bad); \(name)=x", "forged"),
            ("the other way", "\(name)=x; \(name)=\(bad)", "malformed"),
            ("the name in other letters", "\(planted)=\(good)", "missing"),
            ("the name in other letters before it", "\(planted)=\(bad); \(name)=\(good)", "ok"),
            ("a comma before it", "a=1, \(name)=\(good)", "missing"),
            ("a comma behind it", "\(name)=\(good), b=2", "malformed"),
            ("in the value of another", "a=\(name)=\(good)", "missing"), ("in quotes", "a=\"x; \(name)=\(good)", "ok"),
            ("blanks", "a=1;\t \(name) \t=\t \(good)\t ;b=2", "ok"), ("no blanks", "a=1;\(name)=\(good);b=2", "ok"),
            ("no value", "\(name); \(name)=\(good)", "ok"), ("a longer name", "\(name)x=\(bad); \(name)=\(good)", "ok"),
            ("a longer name only", "\(name)x=\(good)", "missing"), ("a name before it", "x\(name)=\(good)", "missing"),
            ("a form feed", "\(name)=\(good)\u{c}", "malformed"),
            ("a form feed before it", "a=1;\u{c}\(name)=\(good)", "missing"),
            ("letters of no ASCII before it", "a=\u{D55C}\u{AE00}; \(name)=\(good)", "ok"),
        ]
        return rows.map { Row(name: "cookies: \($0.0)", cookies: [$0.1], verdict: $0.2) }
    }

    private func goodRows() throws -> [Row] {
        let promoted = try ring.promoting("k2")
        let good = token(pass())
        return [
            row("a valid pass", good, "ok"),
            row("a pass of the second key", token(pass(), ring: promoted), "ok"),
            Row(
                name: "the first of two cookies counts",
                cookies: ["\(cookieName)=\(good); \(cookieName)=x"],
                verdict: "ok"
            ),
            Row(name: "the pass in a second Cookie line", cookies: ["a=1", "\(cookieName)=\(good)"], verdict: "ok"),
            row(
                "claims in another order",
                signed(
                    claims: """
                        {"exp":\(nowSeconds + 600),"iat":1,"jti":"abc","sub":"42","aud":"demo","iss":"vestibule"}
                        """
                ),
                "ok"
            ),
            row("claims with white space", signed(claims: claims().replacing(",", with: " ,\n")), "ok"),
            row("the largest numbers", signed(claims: claims(issued: "0", expires: "9007199254740991")), "ok"),
        ]
    }

    /// A pass that may be renewed names a generation behind the 22 characters of its name.
    private func dueRows() -> [Row] {
        let name = String(repeating: "x", count: 22)
        func aged(_ jti: String, _ issued: Int64, _ expires: Int64) -> String {
            signed(
                claims: claims(jti: "\"\(jti)\"", issued: "\(nowSeconds - issued)", expires: "\(nowSeconds + expires)")
            )
        }
        let due = aged("\(name)-r1", 450, 150)
        return [
            row("over, within the leeway", aged("\(name)-r1", 602, -2), "ok"),
            row("in the last third of its life", due, "due"),
            row("before the last third", aged("\(name)-r1", 350, 250), "ok"),
            row("of a large generation", aged("\(name)-r1790000000", 450, 150), "due"),
            row("of no generation", aged("\(name)-r", 450, 150), "ok"),
            row("of a generation that is no number", aged("\(name)-r1x", 450, 150), "ok"),
            row("with a shorter name", aged("\(name.dropLast())-r1", 450, 150), "ok"),
            row("with a longer name", aged("\(name)x-r1", 450, 150), "ok"),
            row("not renewable", aged(name, 450, 150), "ok"),
            row(
                "due, with white space",
                signed(
                    claims: claims(
                        jti: "\"\(name)-r1\"",
                        issued: "\(nowSeconds - 450)",
                        expires: "\(nowSeconds + 150)",
                        more: " "
                    )
                ),
                "due"
            ),
            Row(name: "a bad one before a due one", cookies: ["\(cookieName)=x; \(cookieName)=\(due)"], verdict: "due"),
        ]
    }

    private func timeAndPlaceRows() throws -> [Row] {
        let stranger = try KeyRing(keys: [SigningKey(kid: "k1", secret: .init(repeating: 9, count: 32))])
        let unknown = try KeyRing(keys: [SigningKey(kid: "k9", secret: Array(0..<32))])
        return [
            Row(name: "no cookie", cookies: [], verdict: "missing"),
            Row(name: "other cookies only", cookies: ["a=1; x\(cookieName)=\(token(pass()))"], verdict: "missing"),
            row("an empty cookie", "", "missing"),
            Row(name: "another room's cookie", cookies: ["\(cookieName)2=\(token(pass()))"], verdict: "missing"),
            row("expired a minute ago", token(pass(expiresIn: -60)), "expired"),
            row("expired six seconds ago", token(pass(expiresIn: -6)), "expired"),
            row("a pass of another room", token(pass(room: "other")), "foreign"),
            row("an expired pass of another room", token(pass(room: "other", expiresIn: -60)), "foreign"),
            row("another key of the same id", token(pass(), ring: stranger), "forged"),
            row("the same secret under an unknown id", token(pass(), ring: unknown), "forged"),
        ]
    }

    private func formRows() -> [Row] {
        let good = token(pass())
        let parts = good.split(separator: ".").map(String.init)
        // The last character of a MAC carries two unused bits: the next letter stands for the same 32 bytes.
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        let second = String(good.dropLast()) + String(alphabet[alphabet.firstIndex(of: good.last!)! + 1])
        return [
            row("not a token", "x", "malformed"),
            row("two parts", parts[0] + "." + parts[1], "malformed"),
            row("four parts", good + "." + parts[2], "malformed"),
            row("an empty part", ".\(parts[1]).\(parts[2])", "malformed"),
            row("truncated by one", String(good.dropLast()), "malformed"),
            row("padded", good + "=", "malformed"),
            row("a second spelling of the MAC", second, "forged"),
            row("a changed claim", parts[0] + "." + parts[1].dropLast(4) + "AAAA." + parts[2], "forged"),
            row("MAC of another token", parts[0] + "." + parts[1] + "." + String(repeating: "A", count: 43), "forged"),
            row("7 KiB", String(repeating: "A", count: 7_000), "malformed"),
            row(
                "longer than 1024 with a right MAC",
                signed(claims: claims() + String(repeating: " ", count: 800)),
                "malformed"
            ),
            row("quoted", "\"\(good)\"", "malformed"),
            row("no dot before the MAC", parts[0] + "." + parts[1] + "-" + parts[2], "malformed"),
            row("a dot inside the MAC", String(good.dropLast(9)) + ".AAAAAAAA", "malformed"),
            row("no claims, with a right MAC", signed(input: parts[0]), "malformed"),
            row("empty claims, with a right MAC", signed(input: parts[0] + "."), "malformed"),
            row("claims in two parts, with a right MAC", signed(input: parts[0] + ".e30.e30"), "malformed"),
        ]
    }

    private func headerRows() -> [Row] {
        let headers = [
            ("alg none", #"{"alg":"none","kid":"k1","typ":"JWT"}"#),
            ("alg HS512", #"{"alg":"HS512","kid":"k1","typ":"JWT"}"#),
            ("members in another order", #"{"kid":"k1","alg":"HS256","typ":"JWT"}"#),
            ("white space", #"{"alg":"HS256","kid":"k1", "typ":"JWT"}"#), ("no kid", #"{"alg":"HS256","typ":"JWT"}"#),
            ("kid __proto__", #"{"alg":"HS256","kid":"__proto__","typ":"JWT"}"#),
            ("kid constructor", #"{"alg":"HS256","kid":"constructor","typ":"JWT"}"#),
            ("kid of the other key", #"{"alg":"HS256","kid":"k2","typ":"JWT"}"#),
            ("a key of its own", #"{"alg":"HS256","kid":"k1","typ":"JWT","jwk":{"kty":"oct","k":"AAAA"}}"#),
        ]
        let none = Base64URL.encodeString(#"{"alg":"none"}"#.utf8) + "." + Base64URL.encodeString(claims().utf8) + "."
        return headers.map { row("header: \($0)", signed(header: $1, claims: claims()), "forged") }
            + [row("alg none without a MAC", none, "malformed")]
    }

    private func claimRows() -> [Row] {
        let bad = [
            ("no JSON", "x"), ("nothing", "{}"), ("an array", "[]"), ("null", "null"), ("a text", #""vestibule""#),
            ("other issuer", claims(issuer: #""other""#)), ("issuer null", claims(issuer: "null")),
            ("room in an array", claims(room: #"["demo"]"#)), ("room null", claims(room: "null")),
            ("no room name", claims(room: #""De mo""#)),
            ("sub a number", claims(subject: "42")), ("sub no number", claims(subject: #""4x""#)),
            ("sub with a zero before", claims(subject: #""042""#)), ("sub negative", claims(subject: #""-1""#)),
            ("sub too large", claims(subject: #""9007199254740992""#)),
            ("sub with a newline", claims(subject: #""42\n""#)),
            ("jti a number", claims(jti: "1")), ("jti empty", claims(jti: #""""#)),
            ("jti with a blank", claims(jti: #""a b""#)), ("jti with a newline", claims(jti: #""abc\n""#)),
            ("a room with a newline", claims(room: #""demo\n""#)),
            ("exp a text", claims(expires: #""9999999999""#)), ("exp null", claims(expires: "null")),
            ("exp true", claims(expires: "true")), ("exp a fraction", claims(expires: "9999999999.5")),
            ("exp infinite", claims(expires: "1e999")), ("exp too large", claims(expires: "9007199254740992")),
            ("exp negative", claims(expires: "-1")), ("iat an object", claims(issued: "{}")),
            ("a seventh claim", claims(more: #","nbf":1"#)),
        ]
        // "ab" and not "abc": so the claims end on a character with unused bits.
        var unused = claims(jti: #""ab""#)
        while unused.utf8.count % 3 == 0 { unused += " " }
        let text = Base64URL.encodeString(unused.utf8)
        let spelling = String(text.dropLast()) + String(UnicodeScalar(text.utf8.last! + 1))
        return bad.map { row("claims: \($0)", signed(claims: $1), "malformed") } + [
            row(
                "claims in a second spelling",
                signed(input: Base64URL.encodeString(PassTable.header.utf8) + "." + spelling),
                "malformed"
            )
        ]
    }
}
