// SPDX-License-Identifier: Apache-2.0
//
// Goal: the page can be read by everybody: in Korean, on a small phone, in the dark, and by a screen reader.
// Method: what the browser has laid out is measured; the screenshots are for people.

import Foundation
import StrictJSON
import TestSupport
import Testing

extension InTheBrowser {
    @Suite struct AppearanceTests {
        @Test func `a Korean browser gets the Korean page`() throws {
            let visit = try Visit(stillRoom, ahead: 3, browser: try Browser(languages: "ko-KR,ko,en"))
            let browser = visit.browser
            try visit.openAndWait()
            #expect(try browser.isTrue("document.documentElement.lang === 'ko'"))
            #expect(try browser.title == "(3) 대기실")
            #expect(browser.text("h1") == "대기 중입니다")
            #expect(browser.text("#kept") == "이 페이지를 닫아도 5분 동안 순서가 유지됩니다.")
            #expect(browser.text("#updated").contains(/오전|오후/))
            #expect(try areGlyphsDistinct(browser, "대기실"), "no Korean font is installed: fonts-nanum has one")
            try browser.takeScreenshot("korean")
            try browser.becomePhone(width: 360, height: 640)
            #expect(try overflow(browser) == 0)
            try browser.takeScreenshot("korean-phone")
        }

        @Test func `nothing has to be scrolled sideways on a small phone, not even with a million ahead`() throws {
            let visit = try Visit(stillRoom, ahead: 3)
            let browser = visit.browser
            try browser.becomePhone(width: 360, height: 640)
            try visit.openAndWait()
            #expect(try overflow(browser) == 0)
            try browser.takeScreenshot("phone")
            let longest = """
                document.getElementById('position').textContent = '2,000,000';
                document.getElementById('eta').textContent = 'about 1.5–2.5 hours';
                const isInside = (e) => e.getBoundingClientRect().height < 80 && e.scrollWidth <= e.clientWidth;
                return [...document.querySelectorAll('dd')].every(isInside);
                """
            #expect(try browser.evaluate(longest) == .bool(true), "long words stay in their boxes")
            #expect(try overflow(browser) == 0)
            try browser.takeScreenshot("phone-long")
            try browser.becomePhone(width: 280, height: 640)
            #expect(try overflow(browser) == 0)
        }

        @Test func `the page is dark for those who want it dark, with enough contrast either way`() throws {
            let visit = try Visit(stillRoom, ahead: 3)
            let browser = visit.browser
            try visit.openAndWait()
            for (scheme, isDark) in [("light", false), ("dark", true)] {
                try browser.prefer(colorScheme: scheme)
                let (text, background) = try luminances(browser)
                #expect((background < 0.2) == isDark, "\(scheme): \(background)")
                let contrast = (max(text, background) + 0.05) / (min(text, background) + 0.05)
                #expect(contrast >= 7, "WCAG 2.2, 1.4.6: \(scheme) has \(contrast)")
                try browser.takeScreenshot(scheme)
            }
        }

        @Test func `a screen reader hears changes of state and not every tick`() throws {
            let visit = try Visit("  demo: {rate: 4, burst: 1, claim_window: 2s}", ahead: 20)
            let browser = visit.browser
            try visit.openAndWait()
            #expect(try browser.isTrue("document.querySelectorAll('main').length === 1"))
            #expect(try browser.isTrue("document.querySelectorAll('h1').length === 1"))
            #expect(try browser.isTrue("document.querySelectorAll('[aria-live], [role=status]').length === 1"))
            _ = try browser.evaluate(
                """
                window.heard = [];
                const region = document.getElementById('message');
                new MutationObserver(() => window.heard.push(region.textContent))
                  .observe(region, { childList: true, characterData: true, subtree: true });
                """
            )
            let start = try #require(visit.position)
            #expect(Wait.until(seconds: 10) { (visit.position ?? start) <= start - 3 })
            #expect(try browser.evaluate("return window.heard.length;") == .integer(0), "the position fell in silence")
            #expect(try visit.stack.room("pause", "demo").status == 0)
            visit.expect("#message", shows: "The queue is paused. Your place is kept.")
            #expect(try browser.evaluate("return window.heard.length;") == .integer(1))
        }

        @Test func `the page loads nothing but itself`() throws {
            let visit = try Visit(stillRoom, ahead: 2)
            try visit.openAndWait()
            let loaded = try visit.browser.evaluate(
                "return performance.getEntriesByType('resource').map((e) => new URL(e.name).pathname).join(' ');"
            )
            let paths = (loaded.stringValue ?? "").split(separator: " ")
            #expect(!paths.isEmpty)
            #expect(paths.allSatisfy { $0.hasPrefix("/api/v1/queue/") }, "\(paths)")
            // An icon that the browser fetches on its own would be a second request at the gate and could take a place.
            let metrics = try visit.stack.client().get("/metrics").text
            let asked = metrics.split(separator: "\n").filter { $0.contains("gate") && !$0.hasPrefix("#") }
            #expect(asked.contains { $0.contains("held") && $0.hasSuffix(" 1") }, "\(asked)")
        }

        /// By how many pixels the page is wider than what is seen.
        private func overflow(_ browser: Browser) throws -> Int64? {
            try browser.evaluate(
                "const e = document.documentElement; return e.scrollWidth - e.clientWidth;"
            ).integerValue
        }

        /// Relative luminance (WCAG 2.2) of the text and of what is behind it.
        private func luminances(_ browser: Browser) throws -> (text: Double, background: Double) {
            let script = """
                const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
                const luminance = (color) => {
                  canvas.fillStyle = color;
                  canvas.fillRect(0, 0, 1, 1);
                  const linear = (v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
                  const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((v) => linear(v / 255));
                  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
                };
                const probe = document.body.appendChild(document.createElement('i'));
                probe.style.color = 'Canvas';
                const behind = getComputedStyle(probe).color;
                probe.remove();
                const text = getComputedStyle(document.getElementById('updated')).color;
                return luminance(text).toFixed(4) + ' ' + luminance(behind).toFixed(4);
                """
            let words = (try browser.evaluate(script).stringValue ?? "").split(separator: " ").compactMap { Double($0) }
            guard words.count == 2 else { throw TestFailure("no luminances: \(words)") }
            return (words[0], words[1])
        }

        /// Whether the characters of a text look different from each other: without a font all are the same box.
        private func areGlyphsDistinct(_ browser: Browser, _ text: String) throws -> Bool {
            let script = """
                const pictures = [...'\(text)'].map((character) => {
                  const canvas = document.createElement('canvas');
                  const context = canvas.getContext('2d');
                  context.font = '40px ' + getComputedStyle(document.body).fontFamily;
                  context.fillText(character, 5, 50);
                  return canvas.toDataURL();
                });
                return new Set(pictures).size === pictures.length;
                """
            return try browser.evaluate(script) == .bool(true)
        }
    }
}
