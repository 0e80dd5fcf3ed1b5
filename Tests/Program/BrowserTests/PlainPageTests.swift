// SPDX-License-Identifier: Apache-2.0
//
// Goal: a person whose browser runs no script of the page waits and gets in all the same, and the page of everybody
// else never loads itself again.
// Method: Chromium with JavaScript switched off, and Chromium at a site whose answers carry a policy of a proxy before
// nginx that blocks every script.

import Foundation
import StrictJSON
import TestSupport
import Testing

extension InTheBrowser {
    @Suite struct PlainPageTests {
        private let room = "  demo: {rate: 1, burst: 1, claim_window: 20s}"

        @Test func `without JavaScript a visitor waits and gets in, by the page's own refresh`() throws {
            let visit = try Visit(room, ahead: 8, browser: try Browser(runsScripts: false))
            try getIn(visit)
        }

        @Test func `where a policy blocks every script a visitor waits and gets in as well`() throws {
            let visit = try Visit(room, ahead: 8)
            let path = "nginx/vestibule-isolate-answers.conf"
            let policy = "add_header Content-Security-Policy \"script-src 'none'\" always;"
            try visit.stack.directory.write(path, visit.stack.directory.read(path) + "\n\(policy)\n")
            try visit.stack.reloadNginx()
            let answer = try visit.stack.client().get("/api/v1/queue/status")
            try #require(answer.header("Content-Security-Policy") != nil)
            try getIn(visit)
        }

        /// Opens the page, does nothing, and lands.
        private func getIn(_ visit: Visit) throws {
            let browser = visit.browser
            try browser.open(visit.address("/shop?item=7"))
            let hasPlace = Wait.until(seconds: 10) { visit.position != nil }
            #expect(hasPlace, "\(browser.text("body"))")
            #expect(browser.text("#plain").contains("JavaScript is off: this page loads itself again"))
            #expect(try browser.cookie(visit.ticketCookie) != nil)
            #expect(try !browser.isVisible("#actions") && !browser.isVisible("#language"))
            visit.expect("h1", shows: "backend", within: 40)
            #expect(try browser.url == visit.address("/shop?item=7"), "the backend has seen no marker")
            #expect(try visit.numbersTaken == 9)
        }

        @Test func `a page whose script runs does not load itself again`() throws {
            let visit = try Visit(stillRoom, ahead: 3)
            let browser = visit.browser
            try visit.openAndWait()
            #expect(try browser.isTrue("document.querySelector('meta[http-equiv=refresh]') === null"))
            #expect(try browser.isTrue("document.querySelector('template').content.querySelector('meta') !== null"))
            #expect(browser.text("#plain").isEmpty)
            _ = try browser.evaluate("window.isStill = true;")
            // The refresh that stands in the page is one of a second.
            Thread.sleep(forTimeInterval: 3)
            #expect(try browser.isTrue("window.isStill === true"))
        }
    }
}
