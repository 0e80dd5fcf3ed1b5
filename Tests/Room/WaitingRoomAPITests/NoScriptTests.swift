// SPDX-License-Identifier: Apache-2.0
//
// Waiting without JavaScript: what the gate answers to a browser that only follows the page's refresh.

import Admission
import GatewayWire
import Passes
import Simulation
import TestSupport
import Testing
import WaitingRoomAPI

/// A browser without scripts: it keeps the ticket cookie and follows the refresh of the page.
private final class PlainBrowser {
    let bench: WaitingRoomBench
    var query: String
    var ticket: String?
    let language: String

    init(_ bench: WaitingRoomBench, query: String = "item=7", language: String = "en") {
        self.bench = bench
        self.query = query
        self.language = language
    }

    func load(verdict: String = "missing") throws -> Answer {
        var fields: [(GatewayField, String)] = [
            (.operation, "gate"), (.room, "demo"), (.verdict, verdict), (.acceptLanguage, language),
            (.accept, "text/html"),
        ]
        if let ticket { fields.append((.cookie, "vestibule-ticket-demo=\(ticket)")) }
        let answer = try bench.send(Call("GET", "/shop?\(query)", fields))
        ticket = answer.cookie("vestibule-ticket-demo") ?? ticket
        return answer
    }

    /// The refresh of a page: seconds, and the query it leads to.
    static func refresh(_ page: Answer) -> (seconds: Int, query: String)? {
        let pattern = /<meta http-equiv="refresh" content="(\d+); url=\?([^"]*)"><\/template>/
        guard let found = page.text.firstMatch(of: pattern), let seconds = Int(found.1) else { return nil }
        return (seconds, found.2.split(separator: "&amp;").joined(separator: "&"))
    }

    /// Loads the page the refresh leads to.
    func follow(_ page: Answer) throws -> Answer {
        guard let refresh = PlainBrowser.refresh(page) else { throw TestFailure("no refresh: \(page.text)") }
        query = refresh.query
        return try load()
    }
}

struct NoScriptTests {
    @Test("The refreshes take one number, keep the place, and lead to the address that was asked for")
    func journey() throws {
        let bench = try WaitingRoomBench()
        try bench.fill()
        _ = try bench.waitingTicket()
        let browser = PlainBrowser(bench)
        let first = try browser.load()
        #expect(first.cookies.isEmpty && first.text.contains(#"<dd id="position">–</dd>"#))
        #expect(PlainBrowser.refresh(first)?.seconds == 1)

        var page = try browser.follow(first)
        #expect(browser.query == "item=7&vestibule-noscript=join")
        #expect(try bench.ticket(try #require(browser.ticket)).number == 5002)
        #expect(page.text.contains(#"<dd id="position">2</dd>"#) && page.text.contains(#"data-step="poll""#))
        #expect(page.text.contains("JavaScript is off: this page loads itself again in 1 s. Your place is kept"))
        // Longer than abandon_after: it is the refreshes that keep the place.
        for _ in 0..<8 {
            bench.run(1000)
            page = try browser.follow(page)
            #expect(browser.query == "item=7&vestibule-noscript=wait" && page.cookies.isEmpty)
        }
        #expect(page.text.contains(#"<dd id="position">1</dd>"#), "the one ahead gave no heartbeat")
        #expect(bench.queue?.next == 5003)

        bench.configure(limits(rate: 1))
        bench.run(1000)
        let inside = try browser.follow(page)
        #expect(inside.status == 303 && inside["Location"] == "/shop?item=7")
        #expect(inside["X-Accel-Redirect"] == nil && inside["Cache-Control"] == "no-store")
        #expect(inside.cookie("vestibule-pass-demo")?.isEmpty == false && inside.cookies.count == 2)
    }

    @Test("Whoever finds room at the second step is in, and the backend does not see the marker")
    func roomAtLast() throws {
        let bench = try WaitingRoomBench()
        let browser = PlainBrowser(bench, query: "a=1&vestibule-noscript=join&b=2")
        let answer = try browser.load()
        #expect(answer.status == 303 && answer["Location"] == "/shop?a=1&b=2")
        #expect(answer.cookies.count == 2)
        let off = try PlainBrowser(WaitingRoomBench(policy: limits(mode: .bypass)), query: "vestibule-noscript=wait")
        let passed = try off.load()
        #expect(passed.status == 303 && passed["Location"] == "/shop" && passed.cookies.isEmpty)
    }

    @Test("A browser that keeps no cookies takes one number, is told so, and is not sent round")
    func withoutCookies() throws {
        let bench = try WaitingRoomBench()
        try bench.fill()
        let browser = PlainBrowser(bench)
        let joined = try browser.follow(try browser.load())
        browser.ticket = nil
        let told = try browser.follow(joined)
        #expect(PlainBrowser.refresh(told) == nil)
        #expect(told.text.contains("Please allow cookies for this site"))
        #expect(bench.queue?.next == 5002)
    }

    @Test("A place that is over is taken anew, and a refusal is tried again in a while", arguments: ["en", "ko"])
    func overAndRefused(_ language: String) throws {
        let bench = try WaitingRoomBench(policy: limits(capacity: 1))
        try bench.fill()
        let browser = PlainBrowser(bench, language: language)
        let joined = try browser.follow(try browser.load())
        _ = try bench.leave(try #require(browser.ticket))
        let over = try browser.follow(joined)
        #expect(PlainBrowser.refresh(over)?.query == "item=7&vestibule-noscript=join")
        _ = try bench.waitingTicket()
        let refused = try browser.follow(over)
        #expect(PlainBrowser.refresh(refused)?.seconds == 15 && refused.cookies.isEmpty)
        #expect(refused.text.contains(language == "ko" ? "15초 후" : "again in 15 s"))
        bench.fail(.unavailable("gone"))
        #expect(PlainBrowser.refresh(try browser.follow(refused))?.query == "item=7&vestibule-noscript=wait")
        browser.ticket = nil
        #expect(PlainBrowser.refresh(try browser.follow(refused))?.seconds == 15)
    }

    @Test(
        "Nothing in an address gets into the page's markup or names another host",
        arguments: [
            (#"a="><script>alert(1)</script>"#, "a=%22%3E%3Cscript%3Ealert(1)%3C/script%3E"),
            ("q=%22a%22&r=b+c", "q=%22a%22&r=b+c"), ("k=\u{AC00}'`", "k=%EA%B0%80%27%60"), ("", ""),
            ("vestibule-noscript=evil&a", "a"),
        ]
    )
    func hostileAddresses(_ query: String, _ expected: String) throws {
        let bench = try WaitingRoomBench()
        try bench.fill()
        let page = try PlainBrowser(bench, query: query).load()
        let prefix = expected.isEmpty ? "" : "\(expected)&"
        #expect(PlainBrowser.refresh(page)?.query == "\(prefix)vestibule-noscript=join")
        let free = try WaitingRoomBench(policy: limits(burst: 10))
        for (path, location) in [
            ("//evil.example/x", "/evil.example/x"), ("/\\evil.example", "/evil.example"),
            ("/a b/%/\u{AC00}", "/a%20b/%25/%EA%B0%80"),
            ("/a?b", "/a"),
        ] {
            let mark = path.contains("?") ? "&" : "?"
            let answer = try free.gate(path: "\(path)\(mark)vestibule-noscript=join")
            #expect(answer["Location"]?.hasPrefix(location) == true, "\(path)")
        }
    }
}
