// SPDX-License-Identifier: Apache-2.0
//
// Goal: what a person meets in Chromium, a person with Firefox meets as well.
// Method: Debian's firefox-esr, over WebDriver BiDi, waits at a demo: with scripts and without, in two tabs, and with a
// pass that nginx refuses.

import Foundation
import StrictJSON
import TestSupport
import Testing

extension InTheBrowser {
    @Suite struct FirefoxTests {
        /// A demo with people before the browser; the first of them finds room.
        private func stack(_ room: String, ahead: Int) throws -> DemoStack {
            let stack = try DemoStack(rooms: room)
            for number in 0..<ahead {
                let answer = try stack.client().postJSON("/api/v1/queue/join", #"{"event_id":"demo"}"#)
                guard answer.status == (number == 0 ? 200 : 202) else { throw TestFailure("join: \(answer.text)") }
            }
            return stack
        }

        private func joined(_ stack: DemoStack) throws -> String {
            try stack.redis("HGET", "vq:{demo}:state", "joined")
        }

        private func expect(_ browser: Firefox, _ selector: String, shows text: String, within seconds: Double = 10) {
            let isShown = Wait.until(seconds: seconds) { browser.text(selector).contains(text) }
            #expect(isShown, "\(selector) should show \"\(text)\"; the page says: \(browser.text("body"))")
        }

        @Test func `a visitor waits, moves up, and lands at the address that was asked for, over TLS`() throws {
            // Its start takes longer than some of the people ahead.
            let browser = try Firefox()
            let stack = try stack("  demo: {rate: 1, burst: 1, claim_window: 10s}", ahead: 10)
            let address = "https://127.0.0.1:\(stack.tlsPort)/shop?item=7#reviews"
            try browser.open(address)
            var positions: [Int] = []
            let hasLanded = Wait.until(seconds: 40) {
                if let position = browser.position, position != positions.last { positions.append(position) }
                return browser.text("h1") == "This is the backend"
            }
            #expect(hasLanded, "the page says: \(browser.text("body"))")
            #expect(positions.count >= 2 && positions == positions.sorted(by: >), "\(positions)")
            #expect(browser.url == address)
            #expect(try joined(stack).hasPrefix("11"))
        }

        @Test func `a second tab and a reload share the place`() throws {
            let stack = try stack(stillRoom, ahead: 3)
            let browser = try Firefox()
            let address = "http://127.0.0.1:\(stack.port)/shop"
            try browser.open(address)
            #expect(Wait.until(seconds: 10) { browser.position == 3 }, "\(browser.text("body"))")
            let first = browser.tab
            _ = try browser.openTab()
            try browser.open(address)
            #expect(Wait.until(seconds: 10) { browser.position == 3 }, "\(browser.text("body"))")
            try browser.select(first)
            try browser.reload()
            #expect(Wait.until(seconds: 10) { browser.position == 3 }, "\(browser.text("body"))")
            #expect(try joined(stack).hasPrefix("4"))
        }

        @Test func `a page whose pass is refused stops and says why`() throws {
            let stack = try stack("  demo: {rate: 10, burst: 50}", ahead: 0)
            func header() -> Substring? {
                let answer = try? stack.client().postJSON("/api/v1/queue/join", #"{"event_id":"demo"}"#)
                return answer?.json["pass"]?.stringValue?.split(separator: ".").first
            }
            let old = header()
            // nginx keeps the key it was started with; the workers read another one.
            let secret = String(repeating: "CQkJ", count: 10) + "CQk"
            try stack.directory.write(
                "keys.json",
                #"{"keys":[{"kty":"oct","alg":"HS256","kid":"k9","k":"\#(secret)"}]}"#
            )
            for pid in stack.pids["workers"]?.arrayValue ?? [] { kill(Int32(pid.integerValue ?? 0), SIGHUP) }
            try #require(Wait.until(seconds: 5) { (0..<8).allSatisfy { _ in header() != old } })
            let browser = try Firefox()
            try browser.open("http://127.0.0.1:\(stack.port)/first")
            expect(browser, "h1", shows: "backend")
            try browser.open("http://127.0.0.1:\(stack.port)/second")
            expect(browser, "#message", shows: "refused your pass twice", within: 20)
            #expect(try !stack.backendLines().contains { $0.contains("/second") })
        }

        @Test func `without JavaScript the page loads itself again, and lets in`() throws {
            let stack = try stack("  demo: {rate: 1, burst: 1, claim_window: 20s}", ahead: 6)
            let browser = try Firefox(runsScripts: false)
            let address = "http://127.0.0.1:\(stack.port)/shop?item=7"
            try browser.open(address)
            expect(browser, "#plain", shows: "JavaScript is off: this page loads itself again")
            expect(browser, "h1", shows: "This is the backend", within: 40)
            #expect(browser.url == address)
            #expect(try joined(stack).hasPrefix("7"))
        }
    }
}
