// SPDX-License-Identifier: Apache-2.0
//
// Goal: a person keeps one place, whatever is done to the page, until the person gives it up.
// Method: a room that calls nobody; the numbers it has given out are read from Redis.

import Foundation
import StrictJSON
import TestSupport
import Testing

extension InTheBrowser {
    @Suite struct PlaceTests {
        @Test func `refreshing keeps the place and a second tab shares it`() throws {
            let visit = try Visit(stillRoom, ahead: 3)
            let browser = visit.browser
            try visit.openAndWait()
            #expect(visit.position == 3)
            let ticket = try browser.cookie(visit.ticketCookie)?.value
            try browser.reload()
            try visit.expectPosition()
            #expect(visit.position == 3)
            _ = try browser.openTab()
            try visit.openAndWait("/other")
            #expect(visit.position == 3)
            #expect(try browser.cookie(visit.ticketCookie)?.value == ticket)
            #expect(try visit.numbersTaken == 4)
            #expect(try browser.consoleErrors().isEmpty)
        }

        @Test func `leaving ends every tab's wait and joining again takes a new number`() throws {
            let visit = try Visit(stillRoom, ahead: 3)
            let browser = visit.browser
            let first = try browser.tab
            try visit.openAndWait()
            let ticket = try browser.cookie(visit.ticketCookie)?.value
            let second = try browser.openTab()
            try visit.openAndWait()

            try browser.select(first)
            try browser.pressEnter(on: "#leave")
            #expect(browser.text("#question") == "Leave the queue? You will lose your place.")
            #expect(try browser.isTrue("document.activeElement.id === 'stay'"), "nobody leaves by a second Enter")
            try browser.pressEnter(on: "#stay")
            #expect(try browser.isTrue("document.activeElement.id === 'leave'") && visit.position == 3)
            try visit.leaveOnThePage()
            visit.expect("#message", shows: "You have left the queue.")
            #expect(browser.text("h1") == "Waiting room", "it does not say that they are in the queue")
            #expect(try !browser.isVisible("#position"))
            #expect(try !browser.isVisible("#leave"))
            #expect(try browser.isTrue("document.activeElement.id === 'rejoin'"), "the keyboard stays at the button")
            #expect(try browser.cookie(visit.ticketCookie) == nil)
            try browser.takeScreenshot("left")

            try browser.select(second)
            visit.expect("#message", shows: "You have left the queue.")
            #expect(try visit.numbersTaken == 4, "the other tab did not join by itself")

            try browser.select(first)
            try browser.pressEnter(on: "#rejoin")
            try visit.expectPosition()
            #expect(visit.position == 3)
            #expect(browser.text("h1") == "You are in the queue")
            #expect(try browser.isTrue("document.activeElement.id === 'leave'"))
            #expect(try browser.cookie(visit.ticketCookie)?.value != ticket)
            #expect(try visit.numbersTaken == 5)
        }

        @Test func `a poll that is under way when the visitor leaves does not bring the wait back`() throws {
            let visit = try Visit(stillRoom, ahead: 3)
            let browser = visit.browser
            try visit.openAndWait()
            // Holds the next answer of status back until the visitor has left.
            _ = try browser.evaluate(
                """
                const original = window.fetch;
                window.fetch = async (...request) => {
                  const response = await original(...request);
                  if (String(request[0]).includes('/status')) {
                    window.isHeld = true;
                    await new Promise((release) => { window.release = release; });
                    window.isReleased = true;
                  }
                  return response;
                };
                """
            )
            #expect(try Wait.until(seconds: 5) { try browser.isTrue("window.isHeld === true") })
            try visit.leaveOnThePage()
            visit.expect("#message", shows: "You have left the queue.")
            _ = try browser.evaluate("window.release();")
            // Two turns of the page's own clock later the held answer has been through whatever the page does with it.
            let settled = "return new Promise((done) => setTimeout(() => setTimeout(() => done(window.isReleased))));"
            #expect(try browser.evaluate(settled) == .bool(true))
            #expect(browser.text("#message") == "You have left the queue.")
            #expect(try !browser.isVisible("#position"))
            #expect(try browser.isVisible("#rejoin"))
        }

        @Test func `a visitor who comes back when the pass has run out is in the queue again without a click`() throws {
            let visit = try Visit("  demo: {rate: 0.01, burst: 1, claim_window: 2s, pass_ttl: 1s}", ahead: 0)
            let browser = visit.browser
            try browser.open(visit.address("/shop"))
            #expect(try browser.title == "backend")
            try visit.join(findsRoom: false)
            #expect(try Wait.until(seconds: 5) { try browser.cookie(visit.passCookie) == nil })
            #expect(try browser.cookie(visit.ticketCookie) != nil, "the old ticket is still sent")
            try visit.openAndWait("/shop")
            #expect(visit.position == 2)
            #expect(try visit.numbersTaken == 3)
            #expect(try browser.consoleErrors().isEmpty)
        }

        @Test func `a browser that keeps no cookies is told so and does not take number after number`() throws {
            let visit = try Visit(stillRoom, ahead: 3, browser: try Browser(keepsCookies: false))
            try visit.browser.open(visit.address("/shop"))
            visit.expect("#message", shows: "Please allow cookies for this site")
            #expect(try visit.browser.isVisible("#rejoin"))
            #expect(try visit.numbersTaken == 4)
        }

        @Test func `a place is kept while Redis is away and when it comes back empty`() throws {
            let visit = try Visit(stillRoom, ahead: 3)
            let browser = visit.browser
            try visit.openAndWait()
            let ticket = try browser.cookie(visit.ticketCookie)?.value
            let pid = try #require(visit.stack.pids["redis"]?.integerValue)
            #expect(kill(pid_t(pid), SIGKILL) == 0)
            visit.expect("#message", shows: "The position may be a little old.")
            #expect(visit.position == 3)
            try browser.takeScreenshot("degraded")

            try visit.leaveOnThePage()
            visit.expect("#message", shows: "Connection trouble.")
            #expect(visit.position == 3, "who could not leave has not left")
            #expect(try browser.isVisible("#leave"))

            let files = visit.stack.directory
            let redis = try TestProcess("redis-server", [files.file("redis.conf")], log: files.file("again.log"))
            defer { redis.stop() }
            #expect(Wait.until(seconds: 10) { browser.text("#message").isEmpty }, "\(browser.text("body"))")
            #expect(visit.position == 3)
            #expect(try browser.cookie(visit.ticketCookie)?.value == ticket)
            try visit.change("rate=100")
            visit.expect("h1", shows: "backend")
            #expect(try browser.cookie(visit.ticketCookie)?.value == ticket)
        }
    }
}
