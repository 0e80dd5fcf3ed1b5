// SPDX-License-Identifier: Apache-2.0
//
// Goal: a page that an operator had at Cloudflare lets people wait and get in here: what it says of the wait follows
// the visitor, with the page's script and without any.
// Method: such a page in a room's folder, in Chromium at a running demo.

import Foundation
import StrictJSON
import TestSupport
import Testing

extension InTheBrowser {
    @Suite struct OwnPageTests {
        private func visit(_ folder: TemporaryDirectory, rate: String, runsScripts: Bool) throws -> Visit {
            let room = "  demo: {rate: \(rate), burst: 1, claim_window: 20s, page: \(folder.path)}"
            return try Visit(room, ahead: 8, browser: try Browser(runsScripts: runsScripts))
        }

        @Test func `a page in Cloudflare's shape waits, follows the wait and leads on`() throws {
            let folder = try OwnPages.folder(OwnPages.cloudflare)
            let visit = try visit(folder, rate: "0.02", runsScripts: true)
            let browser = visit.browser
            try browser.open(visit.address("/shop?item=7"))
            visit.expect("main", shows: "Your estimated wait is")
            #expect(browser.text("main").contains("First come, first served (fifo)."))
            #expect(!browser.text("main").contains("at random") && !browser.text("main").contains("full"))
            let isFollowed = try Wait.until(seconds: 10) {
                try browser.isTrue("cfWaitingRoom.position === 8 && cfWaitingRoom.waitTime >= 2")
            }
            #expect(isFollowed)
            #expect(browser.text("#time-remaining").wholeMatch(of: /Scripted: \d+ min/) != nil)
            #expect(
                try browser.isTrue("document.getElementById('stamp').title.includes('again in ')"),
                "its script runs"
            )
            #expect(try browser.title.contains("Acme Concerts: waiting room"))
            _ = try browser.evaluate(
                "window.heard = 0; document.addEventListener('vestibule', () => { window.heard += 1; });"
            )
            try browser.takeScreenshot("own-cloudflare")
            #expect(try visit.stack.room("pause", "demo").status == 0)
            visit.expect("main", shows: "Nobody is let in just now.", within: 20)
            visit.expect("#message", shows: "The queue is paused.")
            #expect(
                browser.text("#time-remaining") == "Scripted: unavailable",
                "a script that reads the wait has run again"
            )
            #expect(!browser.text("main").contains("estimated wait"))
            #expect(try visit.stack.room("resume", "demo").status == 0)
            visit.expect("main", shows: "Your estimated wait is", within: 20)
            #expect(
                try browser.isTrue("window.heard >= 2"),
                "the page has not loaded itself again, and its script hears"
            )
            try visit.change("rate=100")
            visit.expect("h1", shows: "backend", within: 20)
            #expect(try browser.url == visit.address("/shop?item=7") && visit.numbersTaken == 9)
            #expect(try browser.consoleErrors() == [])
        }

        @Test func `without JavaScript it loads itself again, says the wait, and leads on`() throws {
            let folder = try OwnPages.folder(OwnPages.cloudflare)
            let visit = try visit(folder, rate: "1", runsScripts: false)
            let browser = visit.browser
            try browser.open(visit.address("/shop?item=7"))
            visit.expect("#plain", shows: "JavaScript is off")
            visit.expect("main", shows: "Your estimated wait is 1 minute.")
            #expect(!browser.text("main").contains("Nobody is let in") && !browser.text("main").contains("full"))
            #expect(browser.text("#time-remaining") == "Estimated: 1 minute...")
            try browser.takeScreenshot("own-cloudflare-plain")
            visit.expect("h1", shows: "backend", within: 40)
            #expect(try browser.url == visit.address("/shop?item=7") && visit.numbersTaken == 9)
        }

        @Test func `a page that places the parts itself has a way out and a way in`() throws {
            let folder = try OwnPages.folder(OwnPages.placed)
            let visit = try visit(folder, rate: "0.02", runsScripts: true)
            try visit.openAndWait()
            #expect(visit.browser.text("h1") == "You are in the queue")
            try visit.leaveOnThePage()
            visit.expect("#message", shows: "You have left the queue.")
            try visit.browser.click("#rejoin")
            try visit.expectPosition()
            #expect(try visit.browser.consoleErrors() == [])
        }
    }
}
