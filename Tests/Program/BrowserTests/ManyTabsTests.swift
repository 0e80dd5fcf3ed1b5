// SPDX-License-Identifier: Apache-2.0
//
// Goal: what a browser opens at once is one visitor.
// Method: Chromium, without any cookie, opens twelve frames with the page of a room that is full.

import Foundation
import TestSupport
import Testing

extension InTheBrowser {
    @Suite struct ManyTabsTests {
        /// Opens the page in many frames, in one of the same origin that the room does not protect.
        private func openMany(_ visit: Visit, _ count: Int) throws {
            try visit.browser.open(visit.address("/healthz"))
            let script = """
                for (let i = 0; i < \(count); i += 1) {
                  const frame = document.createElement('iframe');
                  frame.src = '/shop?tab=' + i;
                  document.documentElement.append(frame);
                }
                """
            _ = try visit.browser.evaluate(script)
        }

        @Test(arguments: [false, true])
        func `twelve frames that open at once without a cookie take one number`(isSecure: Bool) throws {
            let visit = try Visit(stillRoom, ahead: 2, isSecure: isSecure)
            try openMany(visit, 12)
            let shown =
                "[...document.querySelectorAll('iframe')].filter((frame) => "
                + "/^[0-9]+$/.test(frame.contentDocument?.querySelector('#position')?.textContent || '')).length"
            let allWait = try Wait.until(seconds: 20) { try visit.browser.isTrue("\(shown) === 12") }
            #expect(allWait, "each frame shows the place")
            #expect(try visit.numbersTaken == 3)
        }
    }
}
