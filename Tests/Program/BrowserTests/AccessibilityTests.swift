// SPDX-License-Identifier: Apache-2.0
//
// Goal: nobody is shut out of the queue by its page (WCAG 2.2 AA), in any state and any language, and it fits the
// narrowest screen that the standard names.
// Method: `vestibule page preview` writes the page of each state with the product's own answers in it; axe-core looks
// at each in Chromium. Colours are looked at in the light and in the dark.

import Foundation
import StrictJSON
import TestSupport
import Testing

extension InTheBrowser {
    @Suite struct AccessibilityTests {
        /// Every language of the page, by its tag.
        private static let languages = [
            "en", "ko", "ja", "zh-Hans", "zh-Hant", "es", "fr", "de", "pt", "it", "ar", "he", "id", "vi", "th",
        ]
        /// In which pictures are kept where VESTIBULE_SCREENSHOTS asks for them.
        private static let pictured = ["en", "ko", "ar"]

        @Test(.timeLimit(.minutes(10)))
        func `axe finds nothing wrong with any state in any language, light or dark, and each fits 320 pixels`() throws
        {
            let folder = try TemporaryDirectory()
            let output = folder.file("preview")
            let written = try TestProcess.output(try Product.vestibule(), ["page", "preview", "--output", output])
            try #require(written.status == 0, "\(written.text)")
            let files = try FileManager.default.contentsOfDirectory(atPath: output).filter { $0 != "index.html" }
            let states = Set(files.compactMap { $0.split(separator: ".").first.map { String($0) } }).sorted()
            #expect(states.count >= 20 && files.count == states.count * Self.languages.count, "\(files.count) files")

            let browser = try Browser()
            try browser.runBeforeEachPage(try axe())
            for state in states {
                var texts: Set<String> = []
                for language in Self.languages {
                    let name = "\(state).\(language)"
                    try browser.becomePhone(width: 320, height: 640)
                    try browser.prefer(colorScheme: "light")
                    try browser.open("file://\(output)/\(name).html")
                    try #require(isShown(browser, state), "\(name): \(browser.text("body"))")
                    #expect(try violations(browser, Self.everything) == [], "\(name), light, on a phone")
                    let wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                    #expect(
                        try browser.evaluate("return \(wide);") == .integer(0),
                        "\(name) has to be scrolled sideways"
                    )
                    if Self.pictured.contains(language) { try browser.takeScreenshot("\(name)-phone-light") }
                    try browser.prefer(colorScheme: "dark")
                    #expect(try violations(browser, Self.colours) == [], "\(name), dark")
                    if Self.pictured.contains(language) { try browser.takeScreenshot("\(name)-phone-dark") }
                    texts.insert(browser.text("main"))
                    guard language == "en" else { continue }
                    try browser.becomeDesktop()
                    try browser.takeScreenshot("\(name)-dark")
                    try browser.prefer(colorScheme: "light")
                    try browser.takeScreenshot("\(name)-light")
                }
                // Of a room that is over it shows what the operator says, below what several languages call the room.
                let shared = state.hasPrefix("ended") ? 2 : 0
                #expect(texts.count >= Self.languages.count - shared, "\(state) reads the same in two languages")
            }
            #expect(try browser.consoleErrors().isEmpty)
        }

        @Test(arguments: [OwnPages.cloudflare, OwnPages.placed])
        func `axe finds nothing wrong with what is ours in a page of the operator's own`(page: String) throws {
            let folder = try TemporaryDirectory()
            let brand = try OwnPages.folder(page)
            try folder.write("vestibule.yaml", "rooms:\n  demo: {page: \(brand.path)}\n")
            let states = ["waiting", "paused", "ready", "ended", "form-kept", "form-lost", "full", "plain-waiting"]
            let output = folder.file("preview")
            let words = ["page", "preview", "--config", folder.file("vestibule.yaml"), "--output", output]
            let choice = states.flatMap { ["--state", $0] } + ["--language", "en", "--language", "ar"]
            let written = try TestProcess.output(try Product.vestibule(), words + choice)
            try #require(written.status == 0, "\(written.text)")
            let browser = try Browser()
            try browser.runBeforeEachPage(try axe())
            try browser.becomePhone(width: 320, height: 640)
            let kind = page == OwnPages.placed ? "placed" : "cloudflare"
            for state in states {
                for language in ["en", "ar"] {
                    try browser.open("file://\(output)/\(state).\(language).html")
                    let isShown = state.hasPrefix("form") ? "document.getElementById('form').innerText !== ''" : nil
                    let script = "document.getElementById('leave').checkVisibility()"
                    let waits = ["waiting", "form-kept"].contains(state) ? script : isShown
                    try #require(self.isShown(browser, state, waits), "\(kind) \(state): \(browser.text("body"))")
                    let found = try violations(browser, Self.everything)
                    #expect(found.isEmpty, "\(kind) \(state), \(language): \(found)")
                    try browser.takeScreenshot("own-\(kind)-\(state)-\(language)")
                }
            }
            let errors = try browser.consoleErrors()
            #expect(errors.isEmpty, "\(errors)")
        }

        @Test func `axe finds nothing wrong with the pages that nginx has for when no worker answers`() throws {
            let folder = try TemporaryDirectory()
            let template = try String(contentsOfFile: "\(Repository.root)/nginx/vestibule-server.conf", encoding: .utf8)
            let pages = template.matches(of: /return (\d+) '(<!doctype[^']*)'/)
            #expect(pages.map { String($0.1) } == ["429", "503"])
            let browser = try Browser()
            try browser.runBeforeEachPage(try axe())
            for page in pages {
                // They load themselves again, since nothing else can bring the visitor on: a time limit that is
                // essential (WCAG 2.2, 2.2.1), which axe cannot know.
                let still = page.2.replacing(/<meta http-equiv="refresh"[^>]*>/, with: "")
                try folder.write("\(page.1).html", String(still))
                for scheme in ["light", "dark"] {
                    try browser.becomePhone(width: 320, height: 640)
                    try browser.prefer(colorScheme: scheme)
                    try browser.open("file://\(folder.file("\(page.1).html"))")
                    #expect(try violations(browser, Self.everything) == [], "\(page.1), \(scheme)")
                    try browser.takeScreenshot("nginx-\(page.1)-\(scheme)")
                }
            }
        }

        @Test func `axe is at work: it finds what is wrong with a page`() throws {
            let folder = try TemporaryDirectory()
            let bad = "<html><title>x</title><body><img src='data:,'><p style='color:#ccc;background:#fff'>pale words"
            try folder.write("bad.html", "<!doctype html>\(bad)")
            let browser = try Browser()
            try browser.runBeforeEachPage(try axe())
            try browser.open("file://\(folder.file("bad.html"))")
            let found = try violations(browser, Self.everything)
            #expect(found.contains { $0.hasPrefix("image-alt") } && found.contains { $0.hasPrefix("html-has-lang") })
            #expect(try violations(browser, Self.colours).contains { $0.hasPrefix("color-contrast") })
        }

        private static let everything =
            "{type:'tag',values:['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22a','wcag22aa','best-practice']}"
        private static let colours = "{type:'rule',values:['color-contrast','link-in-text-block']}"

        /// axe-core, fetched when it is not there.
        private func axe() throws -> String {
            let fetched = try TestProcess.output("\(Repository.root)/deploy/install-axe", [])
            guard fetched.status == 0, let path = fetched.text.split(separator: "\n").last else {
                throw TestFailure("no axe-core: \(fetched.text)")
            }
            return try String(contentsOfFile: String(path), encoding: .utf8)
        }

        /// Each as the rule, and the first element that breaks it.
        private func violations(_ browser: Browser, _ rules: String) throws -> [String] {
            let script = """
                const found = await axe.run(document, { runOnly: \(rules), resultTypes: ['violations'] });
                const words = (v) => v.id + ': ' + v.nodes[0].html + ' ' + v.nodes[0].failureSummary;
                return found.violations.map(words).join('\\n@');
                """
            let text = try browser.evaluate("return (async () => { \(script) })();").stringValue
            guard let text else { throw TestFailure("axe did not answer") }
            return text.components(separatedBy: "\n@").filter { !$0.isEmpty }
        }

        /// Waits until the page has come to its state.
        /// - Parameter own: the condition of a page that is not the standard one.
        private func isShown(_ browser: Browser, _ state: String, _ own: String? = nil) -> Bool {
            let condition =
                switch state {
                case _ where own != nil: own ?? ""
                case "joining": "document.documentElement.dataset.script === 'on'"
                case _ where state.hasPrefix("plain-"): "document.querySelector('#plain a') !== null"
                case "form-ask": "document.querySelector('#sent button') !== null"
                case "form-plain": "document.querySelector('#plain button') !== null"
                case "waiting", "waiting-long", "form-kept", "form-lost":
                    #"/\p{Nd}/u.test(document.getElementById('position').textContent)"#
                case "ready": "document.getElementById('room').dataset.state === 'ready'"
                default: "document.getElementById('message').textContent !== ''"
                }
            return Wait.until(seconds: 10) {
                (try? browser.isTrue("document.readyState === 'complete' && (\(condition))")) == true
            }
        }
    }
}
