// SPDX-License-Identifier: Apache-2.0
//
// Goal: an app of one page, whose requests the waiting room holds, waits with vestibule.js and goes on where it was.
// Method: Chromium opens a small app at a demo, as nginx/README.md shows one; its API is what the room protects.

import Foundation
import StrictJSON
import TestSupport
import Testing

extension InTheBrowser {
    @Suite struct AppTests {
        private static let app = """
            <!doctype html>
            <html lang="ko">
            <head><meta charset="utf-8"><title>app</title><link rel="icon" href="data:,"></head>
            <body>
            <main><h1>Shop</h1><button id="buy">Buy</button><ol id="bought"></ol></main>
            <script src="/_vestibule/vestibule.js"></script>
            <script>
            document.getElementById('buy').onclick = async () => {
              const line = document.getElementById('bought').appendChild(document.createElement('li'));
              try {
                const response = await vestibule.fetch('/api/buy', { method: 'POST', body: 'item=7' });
                line.textContent = response.status + ' ' + response.headers.get('X-Backend-Method');
              } catch (e) { line.textContent = e.name; }
            };
            </script>
            </body>
            </html>
            """

        private func visit(_ room: String, ahead: Int) throws -> Visit {
            let visit = try Visit(room, ahead: ahead)
            try visit.serve("/app", html: Self.app)
            try visit.browser.open(visit.address("/app"))
            return visit
        }

        @Test func `two requests of an app wait together in a dialog, take one number, and are sent when it is over`()
            throws
        {
            let visit = try visit("  demo: {rate: 1, burst: 1, claim_window: 20s}", ahead: 6)
            let browser = visit.browser
            _ = try browser.evaluate("const buy = document.getElementById('buy'); buy.click(); buy.click();")
            visit.expect("dialog.vestibule", shows: "Your position: ")
            #expect(try browser.isTrue("document.querySelectorAll('dialog').length === 1"))
            #expect(try visit.backendLines("/api/buy").isEmpty)
            try browser.takeScreenshot("app-waiting")
            visit.expect("#bought", shows: "200 POST\n200 POST", within: 30)
            #expect(try browser.isTrue("document.querySelector('dialog') === null"))
            #expect(try visit.backendLines("/api/buy").count == 2)
            #expect(try visit.backendLines("/api/buy").allSatisfy { $0.contains(" POST ") && $0.hasSuffix("length=6") })
            #expect(try visit.numbersTaken == 7)
            // The pass is there by now.
            try browser.click("#buy")
            visit.expect("#bought", shows: "200 POST\n200 POST\n200 POST")
            #expect(try visit.numbersTaken == 7)
        }

        @Test func `a visitor who leaves in the dialog has left, and the app hears of it`() throws {
            let visit = try visit(stillRoom, ahead: 3)
            try visit.browser.click("#buy")
            visit.expect("dialog.vestibule", shows: "Your position: 3")
            try visit.browser.click("dialog.vestibule button")
            visit.expect("#bought", shows: "AbortError")
            #expect(try visit.stack.redis("HGET", "vq:{demo}:state", "left").hasPrefix("1"))
            #expect(try visit.backendLines("/api/buy").isEmpty)
        }

        @Test func `an app may show the wait itself, or send the visitor to the page, which leads back to its address`()
            throws
        {
            let visit = try visit("  demo: {rate: 1, burst: 1, claim_window: 20s}", ahead: 5)
            let browser = visit.browser
            _ = try browser.evaluate(
                "window.seen = []; vestibule.options.mode = (state) => window.seen.push(state.status + state.position);"
            )
            try browser.click("#buy")
            #expect(try Wait.until(seconds: 5) { try browser.isTrue("window.seen[0] === 'waiting5'") })
            #expect(try browser.isTrue("document.querySelector('dialog') === null"))
            _ = try browser.evaluate("vestibule.options.mode = 'redirect'; vestibule.options.page = '/shop?item=7';")
            try browser.open(visit.address("/app"))
            _ = try browser.evaluate("vestibule.options.mode = 'redirect'; vestibule.options.page = '/shop?item=7';")
            try browser.click("#buy")
            try visit.expectPosition()
            visit.expect("h1", shows: "backend", within: 30)
            #expect(try browser.url == visit.address("/shop?item=7"))
            #expect(try visit.numbersTaken == 6, "the app and the page are one visitor")
        }

        @Test func `the script is small, is kept by browsers, and says its type to every site`() throws {
            let stack = try DemoStack()
            let client = stack.client()
            let script = try client.get("/_vestibule/vestibule.js")
            #expect(script.status == 200 && script.body.count <= 4096, "\(script.body.count) bytes")
            #expect(script.header("Content-Type") == "text/javascript; charset=utf-8")
            #expect(script.header("Cache-Control") == "public, max-age=300")
            #expect(script.header("ETag") != nil && script.header("Cross-Origin-Resource-Policy") == "cross-origin")
            let versioned = try client.get("/_vestibule/vestibule.js?v=1")
            #expect(versioned.header("Cache-Control") == "public, max-age=31536000, immutable")
            stack.stop()
        }
    }
}
