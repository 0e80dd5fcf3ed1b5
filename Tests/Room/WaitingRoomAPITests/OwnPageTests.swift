// SPDX-License-Identifier: Apache-2.0
//
// Goal: a page of the operator's own, in Mustache, says what each visitor's wait is, runs nothing but what it was
// given, and has everything that a visitor needs; what is wrong with a page is said with its line.
// Method: templates as PageBrand holds them, from the gate and in OwnPage alone.

import Admission
import Crypto
import GatewayWire
import Passes
import StrictJSON
import TestSupport
import Testing
import WaitingRoomAPI

struct OwnPageTests {
    /// A page with this in its body.
    private func page(_ body: String, head: String = "") -> String {
        "<!doctype html>\n<html>\n<head><title>Own</title>\(head)</head>\n<body>\n\(body)\n</body>\n</html>\n"
    }

    private func bench(_ page: String, waiting: Bool = true) throws -> WaitingRoomBench {
        let bench = try WaitingRoomBench(policy: limits(rate: 0.1))
        bench.room.settings.web.brand = PageBrand()
        bench.room.settings.web.brand?.page = page
        if waiting { try bench.fill() }
        return bench
    }

    /// What a browser shows where no script runs: the templates and their content are gone.
    private func shown(_ html: String) -> String {
        var text = html
        // The innermost first.
        while let end = text.firstRange(of: "</template>"),
            let start = text[..<end.lowerBound].ranges(of: "<template").last
        {
            text.removeSubrange(start.lowerBound..<end.upperBound)
        }
        return text
    }

    @Test("Sections and values are those of the visitor's wait, and the parts that everybody needs are there")
    func filled() throws {
        let body = """
            {{! not for the visitor }}
            {{#waitTimeKnown}}<p>known {{waitTime}} {{#isFIFOQueue}}in order{{/isFIFOQueue}}</p>{{/waitTimeKnown}}
            {{^waitTimeKnown}}<p>unknown</p>{{/waitTimeKnown}}{{#queueIsFull}}<p>full</p>{{/queueIsFull}}
            <meter value="{{waitTime}}" max="9"></meter>{{#isRandomQueue}}RANDOM{{/isRandomQueue}}[{{turnstile}}]
            <i title="{{title}}">{{room}} {{language}} {{heading}}</i>
            {{#waitTime25Percentile}}quarter{{/waitTime25Percentile}}
            """
        let answer = try bench(page(body)).gate()
        let text = shown(answer.text)
        #expect(text.firstMatch(of: /known <span data-wait="waitTime">\d+<\/span> in order/) != nil, "\(text)")
        #expect(text.firstMatch(of: /<meter value="\d+" max="9">/) != nil)
        #expect(!text.contains("unknown") && !text.contains(">full<") && !text.contains("not for the visitor"))
        #expect(!text.contains("RANDOM") && !text.contains("quarter") && text.contains("[]"))
        #expect(text.contains("demo en You are in the queue</i>") && text.contains(#"<i title="Waiting room">"#))
        for id in ["message", "notice", "form", "actions", "leave", "enter", "plain", "confirm", "text", "wait"] {
            #expect(text.ranges(of: "id=\"\(id)\"").count == 1, "\(id)")
        }
        #expect(answer.text.contains("http-equiv=\"refresh\"") && !answer.text.contains("{{"))
        #expect(answer.text.contains(#"<html lang="en" dir="ltr" id="room" data-room="demo""#))
        let bench = try bench(page(body))
        bench.room.settings.web.pageStatus = 202
        #expect(try bench.gate([(.acceptLanguage, "ar")]).text.contains(#"<html lang="ar" dir="rtl""#))
    }

    @Test("A paused room's page does not know the wait, and a section in a section follows its own condition")
    func paused() throws {
        let body =
            "{{^waitTimeKnown}}<p>soon</p>{{#queueAll}}<p>nobody {{waitTimeFormatted}}</p>{{/queueAll}}"
            + "{{^queueAll}}<p>anybody</p>{{/queueAll}}{{/waitTimeKnown}}"
            + "{{#waitTimeKnown}}<p>known</p>{{/waitTimeKnown}}"
        let bench = try bench(page(body))
        var policy = bench.room.policy
        policy.mode = .paused
        bench.configure(policy)
        bench.run(400)
        let text = shown(try bench.gate().text)
        #expect(
            text.contains("soon") && text.contains("nobody <span data-wait=\"waitTimeFormatted\">unavailable</span>")
        )
        #expect(!text.contains("anybody") && !text.contains("<p>known"))
    }

    @Test("Scripts, styles and style attributes of the template are allowed by their hashes, the same for all visitors")
    func policy() throws {
        let script = "let a = '{{waitTime}}', b = `${1} {{waitTime}}`, c = {{waitTime}}, d = \"it's {{waitTime}} min\";"
        let body =
            "<p style=\"color: #111\">x</p><script>\(script)</script>"
            + "<script type=\"application/json\">{\"a\":1}</script>"
        let own = page(body, head: "<style>p { margin: 0 }</style>")
        let (first, second) = (try bench(own).gate(), try bench(own, waiting: true).gate([(.acceptEncoding, "")]))
        let policy = try #require(first["Content-Security-Policy"])
        #expect(second["Content-Security-Policy"] == policy && !policy.contains("unsafe-inline"))
        func hash(_ text: some StringProtocol) -> String {
            "'sha256-\(Base64URL.encodeStandard(Array(SHA256.hash(data: Array(text.utf8)))))'"
        }
        let ends = [("<script>", "</script>"), ("<script data-again>", "</script>"), ("<style>", "</style>")]
        let parts = ends.flatMap { first.text.components(between: $0.0, and: $0.1) }
        #expect(parts.count == 5)
        for part in parts { #expect(policy.contains(hash(part)), "\(part)") }
        #expect(policy.contains("style-src-attr 'unsafe-hashes' \(hash("color: #111"));"))
        let filled =
            "{let a = '' + cfWaitingRoom.waitTime + '', b = `${1} ${cfWaitingRoom.waitTime}`, "
            + "c = cfWaitingRoom.waitTime, d = \"it's \" + cfWaitingRoom.waitTime + \" min\";"
        #expect(first.text.contains(filled))
        let data = try #require(first.text.firstMatch(of: /id="wait">([^<]*)<\/script>/))
        let wait = try JSONValue(parsing: Array(data.1.utf8))
        #expect(wait["inWaitingRoom"] == .bool(true) && wait["waitTimeKnown"] == .bool(true))
        #expect(wait["lastUpdated"]?.stringValue?.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil)
    }

    @Test("A template that places the parts itself has each of them once, and none at its end")
    func placed() throws {
        let body =
            "<h1 id=\"heading\">{{heading}}</h1>{{{languages}}}{{{place}}}{{{status}}}"
            + "{{{form}}}{{{actions}}}{{{noscript}}}"
        let text = try bench(page(body)).gate().text
        for id in ["message", "position", "language", "leave", "plain", "heading"] {
            #expect(text.ranges(of: "id=\"\(id)\"").count == 1, "\(id)")
        }
        #expect(!text.contains("id=\"vestibule\""))
        let whole = try bench(page("{{{vestibule}}}")).gate().text
        #expect(
            whole.contains("<section id=\"vestibule\"") && whole.contains("<h1 id=\"heading\">You are in the queue")
        )
    }

    @Test("A form that was sent is in such a page as well, and a gzip stream of it is the page")
    func form() throws {
        let bench = try bench(page("<h1>x</h1>"))
        let text = try bench.gate([(.acceptEncoding, "gzip")])
        #expect(text["Content-Encoding"] == "gzip" && text.body.count < 12_288, "\(text.body.count) bytes")
    }

    @Test(
        "What is wrong with a template is said with its line",
        arguments: [
            ("<p>{{waitTimes}}</p>", "PAGE_NAME_UNKNOWN", 5, "{{waitTimes}} is no name"),
            ("<p>{{#waitTimeKnown}}</p>", "PAGE_SYNTAX", 5, "has no end"),
            ("<p>\n{{/waitTime}}</p>", "PAGE_SYNTAX", 6, "closes no section"),
            ("{{#queueAll}}{{#waitTimeKnown}}{{/queueAll}}{{/waitTimeKnown}}", "PAGE_SYNTAX", 5, "closes no section"),
            ("<p>{{> header}}</p>", "PAGE_SYNTAX", 5, "no partials"), ("{{=<% %>=}}", "PAGE_SYNTAX", 5, "delimiters"),
            ("<p>{{ waitTime", "PAGE_SYNTAX", 5, "without an end"), ("\u{E000}", "PAGE_SYNTAX", 5, "private use"),
            ("<p class=\"{{#queueAll}}a{{/queueAll}}\">", "PAGE_NAME_MISPLACED", 5, "stands around elements"),
            ("<script>{{#queueAll}}1{{/queueAll}}</script>", "PAGE_NAME_MISPLACED", 5, "stands around elements"),
            ("<style>p { width: {{waitTime}}% }</style>", "PAGE_NAME_MISPLACED", 5, "the same for all visitors"),
            ("<p style=\"width: {{waitTime}}%\">", "PAGE_NAME_MISPLACED", 5, "the same for all visitors"),
            ("{{form}}", "PAGE_NAME_MISPLACED", 5, "write {{{form}}}"),
            ("{{#queueAll}}{{{vestibule}}}{{/queueAll}}", "PAGE_NAME_MISPLACED", 5, "in no section"),
            ("{{{vestibule}}}\n{{{vestibule}}}", "PAGE_NAME_MISPLACED", 6, "twice"),
            ("{{{vestibule}}}\n{{{form}}}", "PAGE_NAME_MISPLACED", 6, "already"),
            ("{{logo}}", "PAGE_NAME_MISPLACED", 5, "write {{{logo}}}"),
            ("{{{status}}}{{{form}}}", "PAGE_PART_MISSING", 6, "{{{actions}}}, {{{noscript}}}"),
            ("<a onclick=\"x()\">", "PAGE_ELEMENT_REFUSED", 5, "addEventListener"),
            ("<p id=message>", "PAGE_ELEMENT_REFUSED", 5, "id=\"message\""),
            (
                "<img src=\"https://cdn.example/a.png\">", "PAGE_ELEMENT_REFUSED", 5,
                "would load https://cdn.example/a.png"
            ),
            ("<script src=a.js></script>", "PAGE_ELEMENT_REFUSED", 5, "written into the page"),
            ("<a href=' JavaScript:x()'>", "PAGE_ELEMENT_REFUSED", 5, "javascript:"),
            ("<iframe></iframe>", "PAGE_ELEMENT_REFUSED", 5, "<iframe>"),
            ("<style>\n@import 'a';</style>", "PAGE_ELEMENT_REFUSED", 6, "@import"),
            ("<style>p { background: url( 'a.png') }</style>", "PAGE_ELEMENT_REFUSED", 5, "data: URL"),
        ]
    )
    func refused(_ body: String, _ code: String, _ line: Int, _ words: String) throws {
        let error = try #require(throws: OwnPageError.self) { try OwnPage(page(body)) }
        #expect(error.code.rawValue == code && error.line == line && error.message.contains(words), "\(error)")
    }

    @Test(
        "A page without one of its elements is refused",
        arguments: ["<html>", "<head>", "<title>Own</title>", "<body>", "</body>"]
    )
    func incomplete(_ element: String) throws {
        let error = try #require(throws: OwnPageError.self) {
            try OwnPage(page("<p>x</p>").replacing(element, with: ""))
        }
        #expect(error.code == .missing, "\(error)")
    }

    @Test(
        "A page of 64 KiB is read, and one more byte is refused; sixteen sections in each other are read, and no more"
    )
    func bounds() throws {
        let room = PageBrand.pageByteCountMax - page("").utf8.count
        _ = try OwnPage(page(String(repeating: "x", count: room)))
        let error = try #require(throws: OwnPageError.self) {
            try OwnPage(page(String(repeating: "x", count: room + 1)))
        }
        #expect(error.code == .tooLarge)
        func nested(_ count: Int) -> String {
            String(repeating: "{{#queueAll}}", count: count) + String(repeating: "{{/queueAll}}", count: count)
        }
        _ = try OwnPage(page(nested(16)))
        #expect(throws: OwnPageError.self) { try OwnPage(page(nested(17))) }
    }
}
