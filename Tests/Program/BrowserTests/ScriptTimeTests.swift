// SPDX-License-Identifier: Apache-2.0
//
// Goal: with a processor four times slower the page's script takes less than 100 ms until the place is shown.
// Method: Chromium with its processor slowed down says how long scripts have run (DevTools: Performance.getMetrics).
// What its driver runs to look at the page counts too, so this is an upper bound. The best of a few views counts: other
// work on the machine only makes a view slower.

import Foundation
import StrictJSON
import TestSupport
import Testing

extension InTheBrowser {
    @Suite struct ScriptTimeTests {
        private static let limitMilliseconds = 100.0

        @Test func `the first view takes less than 100 ms of script on a processor that is four times slower`() throws {
            let visit = try Visit(stillRoom, ahead: 3)
            let browser = visit.browser
            try browser.slowDown(by: 4)
            var views: [Double] = []
            for number in 0..<5 where (views.min() ?? .infinity) >= Self.limitMilliseconds {
                // Another profile's first view: nothing of the page is compiled yet. The same tab starts over.
                try browser.open(visit.address("/_vestibule/none?\(number)"))
                let before = try browser.scriptMilliseconds
                try browser.open(visit.address("/shop?item=7"))
                Thread.sleep(forTimeInterval: 1.5)
                views.append(try browser.scriptMilliseconds - before)
                try visit.expectPosition()
                #expect(browser.text("#eta") != "–" && !browser.text("#updated").isEmpty, "the view is complete")
            }
            print("script of the first view, slowed down by 4: \(views.map { Int($0) }) ms")
            #expect(try #require(views.min()) < Self.limitMilliseconds, "\(views)")
        }
    }
}
