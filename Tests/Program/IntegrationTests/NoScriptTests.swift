// SPDX-License-Identifier: Apache-2.0
//
// Goal: a browser without JavaScript keeps its place and gets in.
// Method: a client that does what such a browser does: it keeps cookies, and follows the page's refresh and a redirect.

import Foundation
import TestSupport
import Testing

extension Integration {
    @Suite struct NoScriptTests {
        @Test(.timeLimit(.minutes(1)))
        func `the page's refresh alone takes a number, keeps the place, and leads to the backend`() throws {
            let rooms = "  demo: {rate: 0.001, burst: 1, abandon_after: 3s, return_grace: 1s, claim_window: 10s}"
            let stack = try DemoStack(rooms: rooms)
            let client = stack.client()
            _ = try client.join()
            let browser = PlainBrowser(client: client)
            let asked = "/shop/a%20b?item=7&q=%22x%22"
            var page = try browser.load(asked)
            #expect(page.values("Set-Cookie").isEmpty && page.text.contains("JavaScript is off"))
            page = try browser.load(try browser.next(page).path)
            #expect(browser.cookies["vestibule-ticket-demo"]?.isEmpty == false)
            #expect(page.text.contains(#"<dd id="position">1</dd>"#))
            #expect(try stack.stateField("joined") == 2)

            // Three times abandon_after and return_grace: a visitor without a heartbeat for that long is out.
            let until = wallMilliseconds() + 12_000
            while wallMilliseconds() < until {
                let next = try browser.next(page)
                sleepMilliseconds(next.seconds * 1000)
                page = try browser.load(next.path)
                let keepsPlace = page.text.contains(#"<dd id="position">1</dd>"#)
                try #require(keepsPlace, "\(page.status) \(page.text.suffix(300))")
            }
            #expect(try stack.stateField("joined") == 2 && stack.stateField("returned") <= 0)

            #expect(try stack.room("set", "demo", "rate=10").status == 0)
            var isInside = false
            for _ in 0..<10 where !isInside {
                let next = try browser.next(page)
                sleepMilliseconds(next.seconds * 1000)
                page = try browser.load(next.path)
                isInside = page.status == 303
            }
            try #require(isInside)
            #expect(page.header("Location")?.hasSuffix(asked) == true, "\(page.headers)")
            page = try browser.load(asked)
            #expect(page.text.contains("This is the backend"))
            #expect(try stack.stateField("joined") == 2)
            #expect(try !stack.backendLines().contains { $0.contains("vestibule-noscript") })
        }
    }
}

private final class PlainBrowser {
    private let client: HTTPClient
    private(set) var cookies: [String: String] = [:]
    private var path = ""

    init(client: HTTPClient) { self.client = client }

    func load(_ address: String) throws -> HTTPAnswer {
        path = String(address.prefix { $0 != "?" })
        let sent = cookies.map { "\($0.key)=\($0.value)" }.joined(separator: "; ")
        let answer = try client.get(address, ("Accept", "text/html"), ("Cookie", sent.isEmpty ? "a=b" : sent))
        for line in answer.values("Set-Cookie") {
            let pair = line.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1)
            if pair.count == 2 { cookies[String(pair[0])] = String(pair[1]) }
        }
        return answer
    }

    /// Where the page's refresh leads, and after how long.
    func next(_ page: HTTPAnswer) throws -> (seconds: Int, path: String) {
        let pattern = /<meta http-equiv="refresh" content="(\d+); url=(\?[^"]*)"><\/template>/
        guard let found = page.text.firstMatch(of: pattern), let seconds = Int(found.1) else {
            throw TestFailure("no refresh: \(page.status) \(page.text)")
        }
        return (seconds, path + found.2.replacingOccurrences(of: "&amp;", with: "&"))
    }
}
