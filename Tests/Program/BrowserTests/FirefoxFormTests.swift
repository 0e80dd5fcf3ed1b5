// SPDX-License-Identifier: Apache-2.0
//
// Goal: what a person with Firefox has sent by a form reaches the backend, whole and once, as with Chromium.
// Method: the journeys of SentFormTests in Firefox.

import Foundation
import StrictJSON
import TestSupport
import Testing

extension InTheBrowser {
    @Suite struct FirefoxFormTests {
        private func goBack(_ visit: VisitOf<Firefox>, to url: String) throws {
            try visit.browser.goBack()
            let isBack = Wait.until(seconds: 10) { (try? visit.browser.url) == url }
            #expect(isBack, "not back at \(url)")
        }

        /// Clicks, and waits for the next page.
        private func clickThrough(_ selector: String, _ visit: VisitOf<Firefox>) throws {
            let script = "return document.readyState === 'complete' && performance.timeOrigin;"
            let before = try visit.browser.evaluate(script)
            try visit.browser.click(selector)
            try Wait.require("another page") {
                let now = try? visit.browser.evaluate(script)
                return now != nil && now != .bool(false) && now != before
            }
        }

        @Test func `a form waits with its sender and reaches the backend whole, and a file leads back`() throws {
            let backend = try FormBackend()
            let visit = try backend.visit(ahead: 2, browser: try Firefox())
            let browser = visit.browser
            try browser.open(visit.address("/form"))
            try backend.send(FormBackend.hostile, to: "/shop?item=7#reviews", browser)
            visit.expect("#form", shows: "What you sent is kept in this page", within: 10)
            try visit.expectPosition()
            #expect(backend.posts.isEmpty)
            try visit.change("rate=100")
            visit.expect("h1", shows: "POST backend", within: 10)
            let post = try #require(backend.posts.first)
            #expect(backend.posts.count == 1 && post.path == "/shop?item=7" && post.site == "same-origin")
            #expect(post.body == FormBackend.encoded(FormBackend.hostile))
            #expect(try browser.isTrue("window.hacked === undefined") && visit.numbersTaken == 3)
            try goBack(visit, to: visit.address("/form"))
            #expect(browser.text("h1") == "Form", "the waiting page is not in the way back")
            #expect(try browser.consoleErrors() == [])
        }

        @Test func `a form with a file leads back to where it was filled in`() throws {
            let backend = try FormBackend()
            let visit = try backend.visit(ahead: 2, browser: try Firefox())
            let browser = visit.browser
            try browser.open(visit.address("/form"))
            try backend.send([("letter", "Dear all")], to: "/upload", browser, more: FormBackend.withFile)
            visit.expect("#form", shows: "What you sent cannot be kept while you wait", within: 10)
            #expect(try browser.isTrue("document.getElementById('copy-text').value === 'letter: Dear all'"))
            try visit.expectPosition()
            try visit.change("rate=100")
            visit.expect("#message", shows: "You are in. Go back and send it again.", within: 10)
            #expect(backend.posts.isEmpty)
            try browser.click("#back")
            visit.expect("h1", shows: "Form", within: 10)
            #expect(try visit.numbersTaken == 3)
        }

        @Test func `the form of a bank reaches the backend for a visitor who is inside, without another number`() throws
        {
            let backend = try FormBackend()
            let visit = try backend.visit(ahead: 0, isSecure: true, browser: try Firefox())
            let browser = visit.browser
            try browser.open(visit.address("/shop"))
            #expect(browser.text("h1") == "GET backend")
            _ = try browser.evaluate("document.cookie = 'session=s; Path=/; SameSite=Lax; Secure';")
            // Firefox takes two ports of one host for one site, whatever their schemes.
            let bank = "http://localhost:\(backend.server.port)/bank"
            try browser.open(bank)
            try backend.send([("result", "paid")], to: visit.address("/return/7"), browser)
            visit.expect("h1", shows: "POST backend", within: 10)
            let post = try #require(backend.posts.first)
            #expect(backend.posts.count == 1 && post.path == "/return/7" && post.body == "result=paid")
            #expect(post.cookie.contains("session=s") && post.cookie.contains("vestibule-pass-demo"))
            #expect(post.site == "same-origin", "our page has sent it again")
            try goBack(visit, to: bank)

            try backend.send([("amount", "1000")], to: visit.address("/transfer"), browser)
            visit.expect("#form", shows: "has sent you here with a form", within: 10)
            #expect(backend.posts.count == 1)
            try browser.click("#form button")
            let isSent = Wait.until(seconds: 10) { backend.posts.last?.path == "/transfer" }
            #expect(try isSent && visit.numbersTaken == 1)
        }

        @Test func `without JavaScript a button takes the form along to the turn`() throws {
            let backend = try FormBackend()
            let visit = try backend.visit(ahead: 2, browser: try Firefox(runsScripts: false))
            let browser = visit.browser
            try browser.open(visit.address("/form"))
            try browser.click("button")
            visit.expect("#plain", shows: "What you sent goes along", within: 10)
            try clickThrough("#plain button", visit)
            #expect(Wait.until(seconds: 10) { visit.position == 2 })
            try visit.change("rate=100")
            for _ in 0..<10 where browser.text("h1") != "POST backend" { try clickThrough("#plain button", visit) }
            #expect(browser.text("h1") == "POST backend", "\(browser.text("body"))")
            #expect(backend.posts.map(\.body) == ["city=%EC%84%9C%EC%9A%B8"])
        }
    }
}
