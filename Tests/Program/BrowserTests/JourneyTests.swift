// SPDX-License-Identifier: Apache-2.0
//
// Goal: a person with a browser gets through the whole product: page, wait, call, pass, backend.
// Method: Chromium opens a protected address of a running demo, and does nothing more than wait.

import Foundation
import TestSupport
import Testing

extension InTheBrowser {
    @Suite struct JourneyTests {
        @Test(arguments: [false, true])
        func `a visitor waits, moves up, is called, and lands at the address that was asked for`(
            isSecure: Bool
        ) throws {
            let visit = try Visit("  demo: {rate: 4, burst: 1, claim_window: 4s}", ahead: 20, isSecure: isSecure)
            let browser = visit.browser
            try visit.openAndWait()
            #expect(try browser.title.hasSuffix("Waiting room"))
            #expect(browser.text("h1") == "You are in the queue")
            #expect(
                browser.text("#eta").wholeMatch(of: /(about|less than) [\d–-]+ minutes?/) != nil,
                "\(browser.text("#eta"))"
            )
            #expect(browser.text("#kept") == "If you close this page, your place is kept for 5 minutes.")
            #expect(try visit.stack.backendLines().isEmpty, "nobody with a pass has come yet")
            try browser.takeScreenshot(isSecure ? "waiting-https" : "waiting")
            let ticket = try #require(try browser.cookie(visit.ticketCookie))
            #expect(ticket.isHTTPOnly)
            #expect(ticket.isSecure == isSecure)
            #expect(ticket.sameSite == "Lax")
            #expect(try browser.cookie(visit.passCookie) == nil)

            var positions: [Int] = []
            let hasLanded = try Wait.until(seconds: 15) {
                if let position = visit.position, position != positions.last { positions.append(position) }
                return try browser.isTrue("document.title === 'backend'")
            }
            #expect(hasLanded, "the page says: \(browser.text("body"))")
            #expect(positions.count >= 3, "the position was seen to fall: \(positions)")
            #expect(positions == positions.sorted(by: >), "\(positions)")
            try browser.takeScreenshot(isSecure ? "landed-https" : "landed")

            #expect(try browser.url == visit.address("/shop?item=7"))
            #expect(browser.text("h1").contains("backend"))
            #expect(try visit.backendLines("/shop").count == 1)
            let pass = try #require(try browser.cookie(visit.passCookie))
            #expect(pass.isHTTPOnly)
            #expect(pass.isSecure == isSecure)
            #expect(pass.sameSite == "Lax")
            #expect(try browser.isTrue("document.cookie === ''"), "no script can read them")
            #expect(try browser.cookie(visit.ticketCookie)?.value == ticket.value)
            #expect(try visit.numbersTaken == 21)
            #expect(try browser.consoleErrors().isEmpty)
        }

        @Test func `a visitor who finds room gets the backend at once and never sees the waiting page`() throws {
            let visit = try Visit("  demo: {rate: 10, burst: 10}", ahead: 0)
            try visit.browser.open(visit.address("/shop?item=7"))
            #expect(try visit.browser.title == "backend")
            #expect(try visit.browser.url == visit.address("/shop?item=7"))
            #expect(try visit.browser.isTrue("performance.getEntriesByType('navigation')[0].redirectCount === 0"))
            #expect(try visit.backendLines("/shop").count == 1)
            #expect(try visit.browser.cookie(visit.passCookie)?.isHTTPOnly == true)
            #expect(try visit.numbersTaken == 1)
            #expect(try visit.browser.consoleErrors().isEmpty)
        }

        @Test func `an address that begins with two slashes leads to no other host`() throws {
            let visit = try Visit("  demo: {rate: 4, burst: 1, claim_window: 4s}", ahead: 8)
            try visit.openAndWait("//other.invalid/x?item=7")
            let hasLanded = try Wait.until(seconds: 15) { try visit.browser.isTrue("document.title === 'backend'") }
            #expect(hasLanded, "the page says: \(visit.browser.text("body"))")
            #expect(try visit.browser.url == visit.address("//other.invalid/x?item=7"))
        }

        @Test func `a fragment of the address is still there when the visitor lands`() throws {
            let visit = try Visit(stillRoom, ahead: 2)
            try visit.openAndWait("/shop?item=7#reviews")
            try visit.change("rate=100")
            visit.expect("h1", shows: "backend")
            #expect(try visit.browser.url == visit.address("/shop?item=7#reviews"))
        }
    }
}
