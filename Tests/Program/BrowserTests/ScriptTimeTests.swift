// SPDX-License-Identifier: Apache-2.0
//
// Goal: with a processor four times slower the page's script takes less than 100 ms until the place is shown.
// Method: Chromium with its processor slowed down says how long scripts have run (DevTools: Performance.getMetrics).
// What its driver runs to look at the page counts too, so this is an upper bound. The best of a few browsers'
// views counts: other work on the machine only makes a view slower.

import Foundation
import StrictJSON
import TestSupport
import Testing

extension InTheBrowser {
    @Suite struct ScriptTimeTests {
        private static let limitMilliseconds = 100.0

        @Test func `the first view takes less than 100 ms of script on a processor that is four times slower`() throws {
            let stack = try DemoStack(rooms: stillRoom, workers: 2)
            for _ in 0..<3 { _ = try stack.client().postJSON("/api/v1/queue/join", #"{"event_id":"demo"}"#) }
            var views: [Double] = []
            for _ in 0..<4 where (views.min() ?? .infinity) >= Self.limitMilliseconds {
                views.append(try firstView(at: "http://127.0.0.1:\(stack.port)/shop?item=7"))
            }
            print("script of the first view, slowed down by 4: \(views.map { Int($0) }) ms")
            #expect(try #require(views.min()) < Self.limitMilliseconds, "\(views)")
        }

        /// In a browser of its own: a second view would find much of what the first one had to start.
        private func firstView(at address: String) throws -> Double {
            let browser = try Browser()
            try browser.slowDown(by: 4)
            let before = try browser.scriptMilliseconds
            try browser.open(address)
            // The title is the driver's to know: nothing else runs in the page meanwhile.
            let isDrawn = try Wait.until(seconds: 10) { try browser.title.hasPrefix("(") }
            let milliseconds = try browser.scriptMilliseconds - before
            #expect(isDrawn && browser.text("#eta") != "–" && !browser.text("#updated").isEmpty, "the view is complete")
            return milliseconds
        }
    }
}
