// SPDX-License-Identifier: Apache-2.0
//
// Goal: a form that the gate holds is in the page, whole and harmless, or the page says that it is not; and what
// another site has sent waits for the visitor's word.
// Method: forms as browsers send them, at the gate of a full room; the fields are read from the page as HTML says.

import Admission
import GatewayWire
import Simulation
import TestSupport
import Testing
import WaitingRoomAPI

struct SentFormTests {
    private static let navigation: [(GatewayField, String)] = [
        (.fetchMode, "navigate"), (.fetchDestination, "document"), (.host, "shop.test"),
    ]
    private static let own: [(GatewayField, String)] = navigation + [(.fetchSite, "same-origin")]
    private static let urlEncoded = "application/x-www-form-urlencoded"

    private func fullRoom(returns: [String] = []) throws -> WaitingRoomBench {
        let bench = try WaitingRoomBench()
        bench.room.settings.web.returns = returns
        try bench.fill()
        return bench
    }

    private func page(
        _ type: String,
        _ body: String,
        path: String = "/shop",
        _ fields: [(GatewayField, String)] = own,
        in bench: WaitingRoomBench? = nil
    ) throws -> Answer {
        let form: [(GatewayField, String)] = type.isEmpty ? [] : [(.contentType, type)]
        return try (bench ?? fullRoom()).gate(path: path, method: "POST", form: body, form + fields)
    }

    /// The manner that the page's script reads.
    private func manner(_ answer: Answer) -> Substring? {
        answer.text.firstMatch(of: /data-form="([a-z]*)"/)?.1
    }

    /// The fields of the form in a page, as a browser reads them.
    private func fields(_ answer: Answer) throws -> [[String]] {
        try #require(manner(answer) != "lost" && manner(answer) != "", "\(answer.text)")
        return answer.text.matches(of: /<input type="(hidden|file)" name="([^"]*)"(?: value="([^"]*)")?/).map {
            [unescaped($0.2), $0.1 == "file" ? "(file)" : unescaped($0.3 ?? "")]
        }
    }

    private func unescaped(_ text: Substring) -> String {
        let signs = [
            ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#13;", "\r"), ("&#10;", "\n"),
            ("&amp;", "&"),
        ]
        return signs.reduce(String(text)) { $0.replacing($1.0, with: $1.1) }
    }

    @Test("The fields of a form are in the page, in order, with their own signs")
    func kept() throws {
        let body = "a=1&a=2&city=%EC%84%9C%EC%9A%B8&text=one%0D%0Atwo&sum=1+%2B+1&empty=&bare&&x%3Dy=%26amp%3B"
        let answer = try page(Self.urlEncoded, body)
        #expect(answer.status == 503 && answer["Cache-Control"] == "no-store")
        #expect(manner(answer) == "kept" && answer.text.contains("What you sent is kept in this page"))
        let expected = [
            ["a", "1"], ["a", "2"], ["city", "서울"], ["text", "one\r\ntwo"], ["sum", "1 + 1"], ["empty", ""],
            ["bare", ""], ["x=y", "&amp;"],
        ]
        #expect(try fields(answer) == expected)
        #expect(answer.text.contains(#"<form id="sent" method="post" enctype="\#(Self.urlEncoded)""#))
        #expect(!answer.text.contains("action=\"http") && !answer.text.contains(" action="), "its own address")
        #expect(answer["Content-Security-Policy"]?.contains("form-action") == false, "the backend may lead on")
        #expect(answer["Set-Cookie"] == nil && !(answer["Location"] ?? "").contains("a=1"))
        let plain = try fullRoom().gate()
        #expect(manner(plain) == "" && plain["Content-Security-Policy"]?.hasSuffix("form-action 'none'") == true)
    }

    @Test("Multipart and plain text are kept, too, each in its own encoding; an empty choice of a file stays one")
    func encodings() throws {
        func part(_ head: String, _ value: String) -> String {
            "--B\r\nContent-Disposition: form-data; \(head)\r\n\r\n\(value)\r\n"
        }
        let body = part("name=\"a%22b\"", "1\r\n--\r\n2") + part("name=\"c\"", "")
        let type = "multipart/form-data; boundary=B"
        let answer = try page(type, body + "--B--\r\n")
        #expect(try fields(answer) == [["a%22b", "1\r\n--\r\n2"], ["c", ""]])
        #expect(answer.text.contains(#"enctype="multipart/form-data""#))
        let choice =
            "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"\"\r\n"
            + "Content-Type: application/octet-stream\r\n\r\n\r\n"
        #expect(try fields(page(type, body + choice + "--B--\r\n")).last == ["f", "(file)"])
        let plain = try page("text/plain", "a=1\r\nb=x\r\ny=\r\n=z\r\n")
        #expect(try fields(plain) == [["a", "1"], ["b", "x"], ["y", "\r\n=z"]])
        #expect(plain.text.contains(#"enctype="text/plain""#))
        #expect(try fields(page(Self.urlEncoded, "")).isEmpty, "a form without fields is one as well")
    }

    @Test("Signs that mean something to HTML, to the page or to its script end no attribute and no element")
    func hostile() throws {
        let texts = [
            #""><script>alert(1)</script>"#, "'><img src=x onerror=alert(1)>", "</textarea></form></main>",
            "{{ROOM}}{{FORM}}", "&quot;&#34;&", "javascript:alert(1)", "\u{0}".isEmpty ? "" : "\r\n\r\n<!--", "-->]]>",
            "\u{202E}abc", "\u{2028}", "submit", "action", "__proto__",
        ]
        for text in texts {
            let encoded = text.utf8.map { "%" + String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
            let answer = try page(Self.urlEncoded, "\(encoded)=\(encoded)")
            #expect(try fields(answer) == [[text, text]], "\(text)")
            let bare = try page(Self.urlEncoded, "a=b").text.filter { "<>".contains($0) }.count
            #expect(answer.text.filter { "<>".contains($0) }.count == bare, "\(text) adds no tag")
        }
    }

    @Test(
        "What a page cannot send again is said to be lost, and its text is there to be copied",
        arguments: [
            ("application/x-www-form-urlencoded", "a=%00", "a: \u{0}"),
            ("application/x-www-form-urlencoded", "a=%FF&b=2", "b: 2"),
            ("application/x-www-form-urlencoded", "=1", ": 1"),
            ("application/x-www-form-urlencoded", "a=%zz", "a: %zz"),
            ("application/x-www-form-urlencoded; charset=euc-kr", "a=1", "a: 1"),
            ("application/x-www-form-urlencoded", "_charset_=euc-kr", "_charset_: euc-kr"),
            ("multipart/form-data; boundary=B", "no parts", nil), ("multipart/form-data", "--B--\r\n", nil),
            ("text/plain", "a=1", "a=1"), ("application/json", "{}", nil), ("", "", nil),
            (
                "multipart/form-data; boundary=B",
                "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n</textarea>\r\n--B\r\n"
                    + "Content-Disposition: form-data; name=\"f\"; filename=\"x.txt\"\r\n\r\nsecret\r\n--B--\r\n",
                "a: &lt;/textarea&gt;"
            ),
        ] as [(String, String, String?)]
    )
    func lost(_ type: String, _ body: String, _ copied: String?) throws {
        let answer = try page(type, body)
        #expect(manner(answer) == "lost" && answer.text.contains("What you sent cannot be kept while you wait"))
        #expect(!answer.text.contains("id=\"sent\"") && !answer.text.contains("secret"))
        #expect(answer["Content-Security-Policy"]?.hasSuffix("form-action 'none'") == true)
        #expect(answer.text.contains("<textarea") == (copied != nil))
        if let copied, !copied.contains("\u{0}") { #expect(answer.text.contains(copied)) }
    }

    @Test("16 KiB and 1,000 fields are kept, a byte or a field more is lost")
    func bounds() throws {
        #expect(try manner(page(Self.urlEncoded, "a=" + String(repeating: "x", count: 16_382))) == "kept")
        #expect(try manner(page(Self.urlEncoded, "a=" + String(repeating: "x", count: 16_383))) == "lost")
        #expect(try manner(page(Self.urlEncoded, String(repeating: "a&", count: 1000))) == "kept")
        #expect(try manner(page(Self.urlEncoded, String(repeating: "a&", count: 1001))) == "lost")
    }

    @Test("A form of another origin waits for the visitor's word, and goes on by itself only where people return")
    func foreign() throws {
        let site: (String) -> [(GatewayField, String)] = {
            Self.navigation + [(.fetchSite, $0), (.origin, "https://bank.test")]
        }
        for (path, kind, expected) in [
            ("/payment", "cross-site", "ask"), ("/payment/return", "cross-site", "bounce"),
            ("/payment/return/7", "cross-site", "bounce"), ("/payment/returned", "cross-site", "ask"),
            ("/payment", "same-site", "ask"), ("/payment/return", "same-site", "kept"),
        ] {
            let bench = try fullRoom(returns: ["/payment/return"])
            let before = bench.queue?.next
            let answer = try page(Self.urlEncoded, "a=1", path: path, site(kind), in: bench)
            #expect(manner(answer).map { String($0) } == expected, "\(path) \(kind)")
            #expect(bench.queue?.next == before && answer.cookies.isEmpty)
            #expect(!answer.text.contains("http-equiv"), "a refresh would lose the form")
            guard expected != "kept" else { continue }
            #expect(answer.text.contains("\u{2068}bank.test\u{2069} has sent you here with a form"))
            #expect(answer.text.contains("<button class=\"first\">Send it on</button></form>"))
        }
        let hostile = Self.navigation + [(.fetchSite, "cross-site"), (.origin, "https://<b>\"x")]
        #expect(try page(Self.urlEncoded, "a=1", hostile).text.contains("\u{2068}&lt;b&gt;&quot;x\u{2069}"))
        let unnamed = Self.navigation + [(.fetchSite, "cross-site"), (.origin, "null")]
        #expect(try page(Self.urlEncoded, "a=1", unnamed).text.contains("Another site has sent you here"))
        let listed = try fullRoom()
        listed.room.settings.web.origins = ["https://bank.test"]
        #expect(try manner(page(Self.urlEncoded, "a=1", site("cross-site"), in: listed)) == "kept")
    }

    @Test("Where no script runs a button sends the form along, and the last step keeps method and body")
    func withoutScript() throws {
        let bench = try WaitingRoomBench(policy: limits(rate: 0))
        try bench.fill()
        let first = try page(Self.urlEncoded, "a=1", path: "/shop?x=1", in: bench)
        #expect(!first.text.contains("http-equiv"))
        #expect(
            first.text.contains(#"<button form="sent" class="first" formaction="?x=1&amp;vestibule-noscript=join">"#)
        )
        let second = try page(Self.urlEncoded, "a=1", path: "/shop?x=1&vestibule-noscript=join", in: bench)
        let ticket = try #require(second.cookie("vestibule-ticket-demo"))
        #expect(try fields(second) == [["a", "1"]] && second.text.contains("vestibule-noscript=wait"))
        bench.configure(limits(rate: 1))
        bench.run(1000)
        let cookie = [(GatewayField.cookie, "vestibule-ticket-demo=\(ticket)")]
        let wait = "/shop?x=1&vestibule-noscript=wait"
        let inside = try page(Self.urlEncoded, "a=1", path: wait, Self.own + cookie, in: bench)
        #expect(inside.status == 307 && inside["Location"] == "/shop?x=1" && inside.cookies.count == 2)
        #expect(try bench.gate(path: wait, cookie).status == 303, "a page is asked for again by GET")
    }
}
