// SPDX-License-Identifier: Apache-2.0
//
// Goal: a person with Firefox gets through as one with Chromium does, and keeps one place.
// Method: Firefox at a running demo; the numbers that the room has given out are read from Redis.

import Foundation
import StrictJSON
import TestSupport
import Testing

extension InTheBrowser {
    @Suite struct FirefoxTests {
        private let movingRoom = "  demo: {rate: 4, burst: 1, claim_window: 4s}"

        private func expectLanding<T>(_ visit: VisitOf<T>, at path: String, within seconds: Double = 20) throws {
            let hasLanded = Wait.until(seconds: seconds) { visit.browser.text("h1").contains("backend") }
            #expect(hasLanded, "the page says: \(visit.browser.text("body"))")
            #expect(try visit.browser.url == visit.address(path))
            #expect(try visit.backendLines(String(path.prefix { $0 != "?" })).count == 1)
        }

        @Test(arguments: [false, true])
        func `a visitor waits, moves up, is called and lands`(isSecure: Bool) throws {
            let visit = try VisitOf(movingRoom, ahead: 20, isSecure: isSecure, browser: Firefox())
            try visit.openAndWait()
            #expect(visit.browser.text("h1") == "You are in the queue")
            #expect(visit.browser.text("#eta").wholeMatch(of: /(about|less than) [\d–-]+ minutes?/) != nil)
            try visit.browser.takeScreenshot(isSecure ? "firefox-waiting-https" : "firefox-waiting")
            let ticket = try #require(try visit.browser.cookie(visit.ticketCookie))
            #expect(ticket.isHTTPOnly && ticket.isSecure == isSecure && ticket.sameSite == "lax")
            try expectLanding(visit, at: "/shop?item=7")
            let pass = try #require(try visit.browser.cookie(visit.passCookie))
            #expect(pass.isHTTPOnly && pass.isSecure == isSecure && pass.sameSite == "lax")
            #expect(try visit.numbersTaken == 21)
            #expect(try visit.browser.consoleErrors() == [])
        }

        @Test func `a visitor in Korean reads Korean, and one in Arabic from right to left`() throws {
            for (language, heading, direction) in [("ko", "대기 중입니다", "ltr"), ("ar", "الطابور", "rtl")] {
                let visit = try VisitOf(stillRoom, ahead: 3, browser: Firefox(languages: "\(language),en"))
                try visit.browser.open(visit.address("/shop"))
                visit.expect("h1", shows: heading)
                #expect(try visit.browser.isTrue("getComputedStyle(document.body).direction === '\(direction)'"))
                try visit.browser.takeScreenshot("firefox-\(language)")
                #expect(try visit.browser.consoleErrors() == [])
            }
        }

        @Test func `without JavaScript a visitor waits and gets in by the page's own refresh`() throws {
            let room = "  demo: {rate: 1, burst: 1, claim_window: 20s}"
            let visit = try VisitOf(room, ahead: 8, browser: Firefox(runsScripts: false))
            try visit.openAndWait()
            visit.expect("#plain", shows: "JavaScript is off: this page loads itself again")
            #expect(try visit.browser.cookie(visit.ticketCookie) != nil)
            try expectLanding(visit, at: "/shop?item=7", within: 40)
            #expect(try visit.numbersTaken == 9)
        }

        @Test func `a second tab and a reload share the place`() throws {
            let visit = try VisitOf(stillRoom, ahead: 3, browser: Firefox())
            let first = visit.browser.tab
            try visit.openAndWait()
            try visit.browser.openTab()
            try visit.openAndWait("/other")
            #expect(visit.position == 3)
            try visit.browser.select(first)
            try visit.browser.reload()
            try visit.expectPosition()
            #expect(try visit.position == 3 && visit.numbersTaken == 4)
        }

        @Test func `a page whose pass is refused stops and says why`() throws {
            let visit = try VisitOf("  demo: {rate: 10, burst: 50}", ahead: 0, browser: Firefox())
            try visit.giveWorkersAnotherKey()
            try visit.browser.open(visit.address("/first"))
            #expect(try visit.browser.title == "backend")
            try visit.browser.open(visit.address("/second"))
            visit.expect("#message", shows: "refused your pass twice", within: 20)
            #expect(try visit.backendLines("/second").isEmpty)
        }

        private func openTabs(_ visit: VisitOf<Firefox>) throws -> [String] {
            try (0..<20).map { number in
                if number > 0 { try visit.browser.openTab() }
                try visit.browser.startOpening(visit.address("/shop?tab=\(number)"))
                return visit.browser.tab
            }
        }

        @Test func `twenty tabs that are restored at once are one number, and each of them gets in`() throws {
            let visit = try VisitOf(stillRoom, ahead: 3, browser: Firefox())
            let browser = visit.browser
            let tabs = try openTabs(visit)
            for tab in tabs {
                try browser.select(tab)
                let shown = Wait.until(seconds: 10) { visit.position == 3 }
                #expect(shown, "\(browser.text("body"))")
            }
            #expect(try visit.numbersTaken == 4)
            try visit.change("rate=100")
            for (number, tab) in tabs.enumerated() {
                try browser.select(tab)
                let hasLanded = Wait.until(seconds: 10) { browser.text("h1").contains("backend") }
                #expect(hasLanded, "tab \(number): \(browser.text("body"))")
            }
            #expect(try visit.numbersTaken == 4)
            #expect(try visit.backendLines("/shop").count >= 1)
        }

        @Test func `twenty tabs that are restored where there is room are two numbers at most`() throws {
            let visit = try VisitOf("  demo: {rate: 10, burst: 50}", ahead: 0, browser: Firefox())
            let browser = visit.browser
            let tabs = try openTabs(visit)
            for (number, tab) in tabs.enumerated() {
                try browser.select(tab)
                let hasLanded = Wait.until(seconds: 10) { browser.text("h1").contains("backend") }
                #expect(hasLanded, "tab \(number): \(browser.text("body"))")
            }
            #expect(try (1...2).contains(visit.numbersTaken))
        }

        @Test func `the back button shows a place that is kept, and after landing no page that waits`() throws {
            let visit = try VisitOf(movingRoom, ahead: 0, browser: Firefox())
            let browser = visit.browser
            try visit.change("rate=0.01")
            try visit.join(findsRoom: true)
            try visit.openAndWait("/first")
            let ticket = try browser.cookie(visit.ticketCookie)?.value
            try browser.open(visit.address("/_vestibule/none"))
            try browser.goBack()
            try visit.expectPosition()
            #expect(try browser.cookie(visit.ticketCookie)?.value == ticket)
            #expect(try visit.numbersTaken == 2)
            try visit.change("rate=100")
            try expectLanding(visit, at: "/first")
            try browser.open(visit.address("/second"))
            try browser.goBack()
            let isBack = Wait.until(seconds: 10) { (try? browser.url) == visit.address("/first") }
            #expect(isBack)
            visit.expect("h1", shows: "backend")
            #expect(try visit.numbersTaken == 2)
            #expect(try browser.consoleErrors() == [])
        }

        /// What a page of Firefox may ask for beside the pages themselves, each in a room that is full.
        @Test func `nothing but a navigation takes a number, and no script takes the answer for success`() throws {
            let visit = try VisitOf(stillRoom, ahead: 2, browser: Firefox())
            let browser = visit.browser
            try browser.open(visit.address("/_vestibule/none"))
            let answers = try browser.evaluateInTime(Self.errands).arrayValue ?? []
            #expect(answers.count == 18)
            for answer in answers {
                #expect(answer.stringValue?.hasSuffix(" refused") == true, "\(answer)")
            }
            #expect(try visit.numbersTaken == 2)
            #expect(try browser.cookie(visit.ticketCookie) == nil)
            #expect(try visit.backendLines("/asked").isEmpty)
        }

        /// Each line ends in `refused` where the browser noticed that it has not got what it asked for.
        private static let errands = """
            const answers = [];
            const wait = (name, begin) => Promise.race([new Promise(begin),
              new Promise((done) => setTimeout(() => { answers.push(name + ' has no end'); done(); }, 10000))]);
            const say = (name, isRefused) => answers.push(name + (isRefused ? ' refused' : ' taken for success'));
            const asked = (name, options, isJSON = true) => fetch('/asked?' + name, options).then((answer) => say(name,
              answer.status === 503 && answer.headers.get('Retry-After') > 0
              && answer.headers.get('Cache-Control') === 'no-store'
              && (!isJSON || answer.headers.get('Content-Type') === 'application/problem+json')));
            for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']) await asked(method, { method });
            await asked('html', { headers: { Accept: 'text/html' } });
            await asked('json', { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } });
            await asked('form', { method: 'POST', body: new URLSearchParams({ a: 'b' }) });
            const loads = (name, tag, attribute, rest = {}) => wait(name, (done) => {
              const element = Object.assign(document.createElement(tag), rest);
              element.onload = () => { say(name, false); done(); };
              element.onerror = () => { say(name, true); done(); };
              element[attribute] = '/asked?' + name;
              document.documentElement.append(element);
            });
            await loads('image', 'img', 'src');
            await loads('script', 'script', 'src');
            await loads('module', 'script', 'src', { type: 'module' });
            await loads('style', 'link', 'href', { rel: 'stylesheet' });
            await loads('video', 'video', 'src', { preload: 'auto' });
            const font = new FontFace('asked', 'url(/asked?font)');
            await font.load().then(() => say('font', false), () => say('font', true));
            await wait('xhr', (done) => {
              const request = new XMLHttpRequest();
              request.onload = () => { say('xhr', request.status === 503); done(); };
              request.open('GET', '/asked?xhr');
              request.send();
            });
            await wait('events', (done) => {
              const stream = new EventSource('/asked?events');
              stream.onopen = () => { say('events', false); done(); };
              stream.onerror = () => { say('events', stream.readyState === EventSource.CLOSED); done(); };
            });
            await wait('socket', (done) => {
              const socket = new WebSocket('ws://' + location.host + '/asked?socket');
              socket.onopen = () => { say('socket', false); done(); };
              socket.onerror = () => { say('socket', true); done(); };
            });
            return answers;
            """
    }
}
