// SPDX-License-Identifier: Apache-2.0
//
// Goal: who comes back to the page by the back button, from sleep, or with all tabs of yesterday, has the place and
// nothing twice.
// Method: Chromium goes back and forth, is frozen and thawed as a laptop that sleeps, and opens twenty tabs at once.

import Foundation
import StrictJSON
import TestSupport
import Testing

extension InTheBrowser {
    @Suite struct ReturnTests {
        @Test(.timeLimit(.minutes(5)))
        func `twenty tabs that are restored at once are one visitor, with and without the ticket of yesterday`() throws
        {
            let visit = try Visit(stillRoom, ahead: 2)
            let browser = visit.browser
            try browser.open(visit.address("/healthz"))
            let first = try browser.tab
            for round in ["cold", "warm"] {
                // Opened by one page in one turn, as a browser opens the tabs of its last session.
                let script = """
                    for (let i = 0; i < 20; i += 1) { window.open('/shop?\(round)=' + i, '\(round)' + i); }
                    """
                _ = try browser.evaluate(script)
                let tabs = try browser.tabs.filter { $0 != first }
                #expect(tabs.count == 20)
                for tab in tabs {
                    try browser.select(tab)
                    #expect(Wait.until(seconds: 20) { visit.position == 2 }, "\(round): \(browser.text("body"))")
                }
                #expect(try visit.numbersTaken == 3, "\(round)")
                for tab in tabs {
                    try browser.select(tab)
                    try browser.closeTab()
                }
                try browser.select(first)
            }
        }

        @Test func `the back button from the site leads behind the waiting page, and forward to the site`() throws {
            let visit = try Visit("  demo: {rate: 0.01, burst: 1, claim_window: 20s}", ahead: 2)
            let browser = visit.browser
            try visit.serve("/start", html: "<!doctype html><title>start</title><h1>Start</h1><a href='/shop'>Go</a>")
            try browser.open(visit.address("/start"))
            try browser.click("a")
            try visit.expectPosition()
            try visit.change("rate=100")
            visit.expect("h1", shows: "This is the backend")
            try browser.back()
            visit.expect("h1", shows: "Start")
            try browser.forward()
            visit.expect("h1", shows: "This is the backend")
            #expect(try visit.numbersTaken == 3)
        }

        @Test func `a visitor who goes on to another page and comes back by the button waits on in the same place`()
            throws
        {
            let visit = try Visit(stillRoom, ahead: 3)
            let browser = visit.browser
            try visit.serve("/start", html: "<!doctype html><title>start</title><h1>Start</h1>")
            try visit.openAndWait()
            for _ in 0..<2 {
                try browser.open(visit.address("/start"))
                try browser.back()
                try visit.expectPosition()
                #expect(visit.position == 3)
            }
            #expect(try visit.numbersTaken == 4)
            // Kept whole in memory or loaded again: it asks on, and hears of the call.
            try visit.change("rate=100")
            visit.expect("h1", shows: "This is the backend")
            #expect(try visit.numbersTaken == 4)
        }

        @Test func `a page that slept while others went ahead asks at once when it wakes`() throws {
            let visit = try Visit("  demo: {rate: 0.01, burst: 1, claim_window: 20s, return_grace: 10m}", ahead: 8)
            let browser = visit.browser
            try visit.openAndWait()
            #expect(visit.position == 8)
            try browser.setLifecycle("frozen")
            try visit.change("rate=2")
            let isCalled = try Wait.until(seconds: 15) {
                try visit.stack.room("show", "demo").text.contains("waiting: 0\n")
            }
            #expect(isCalled)
            #expect(try visit.backendLines("/shop?item=7").isEmpty, "it sleeps")
            try browser.setLifecycle("active")
            visit.expect("h1", shows: "This is the backend", within: 15)
            #expect(try visit.numbersTaken == 9, "the place was kept over the sleep")
        }

        @Test func `a tab that nobody looks at rings when it is called, and goes in`() throws {
            let visit = try Visit(stillRoom, ahead: 3)
            let browser = visit.browser
            // A browser without a window refuses notifications.
            try browser.runBeforeEachPage(
                """
                window.Notification = class {
                  static permission = 'granted';
                  static async requestPermission() { return 'granted'; }
                  constructor(words) { localStorage.setItem('rang', words + ' ' + document.hidden); }
                };
                """
            )
            try visit.openAndWait()
            try browser.click("#notify")
            visit.expect("#message", shows: "You will be alerted")
            #expect(try browser.isTrue("document.getElementById('notify').getAttribute('aria-pressed') === 'true'"))
            _ = try browser.openTab()
            try browser.open(visit.address("/_vestibule/none"))
            try visit.change("rate=100")
            let isIn = try Wait.until(seconds: 20) { try visit.backendLines("/shop").count == 1 }
            #expect(isIn)
            #expect(try browser.evaluate("return localStorage.getItem('rang');") == .string("It is your turn. true"))
        }
    }
}
