// SPDX-License-Identifier: Apache-2.0
//
// Goal: what a person has sent by a form is not lost in the waiting room: it reaches the backend, whole and once, when
// its sender is in, or the sender is led back to it.
// Method: Chromium sends forms at a demo, from a page of the site and from another site; the backend says what came.

import Foundation
import StrictJSON
import TestSupport
import Testing

extension InTheBrowser {
    @Suite struct SentFormTests {
        private func visit(
            _ backend: FormBackend,
            ahead: Int = 2,
            isSecure: Bool = false,
            browser: Browser? = nil,
            verifier: String = "njs"
        ) throws -> Visit {
            let chosen = try browser ?? Browser()
            return try backend.visit(ahead: ahead, isSecure: isSecure, browser: chosen, verifier: verifier)
        }

        @Test(arguments: ["njs", "lua", "auth-request"])
        func `a form waits with its sender and reaches the backend whole, whatever is in it`(verifier: String) throws {
            let backend = try FormBackend()
            let visit = try visit(backend, verifier: verifier)
            let browser = visit.browser
            try browser.open(visit.address("/form"))
            try backend.send(FormBackend.hostile, to: "/shop?item=7#reviews", browser)
            try visit.expectPosition()
            visit.expect("#form", shows: "What you sent is kept in this page")
            #expect(try browser.url == visit.address("/shop?item=7#reviews"))
            try browser.takeScreenshot("form-kept-\(verifier)")
            #expect(backend.posts.isEmpty)
            try visit.change("rate=100")
            visit.expect("h1", shows: "POST backend")
            #expect(try browser.url == visit.address("/shop?item=7#reviews"))
            let post = try #require(backend.posts.first)
            #expect(backend.posts.count == 1 && post.path == "/shop?item=7" && post.site == "same-origin")
            #expect(post.body == FormBackend.encoded(FormBackend.hostile))
            #expect(try browser.isTrue("window.hacked === undefined") && browser.consoleErrors().isEmpty)
            #expect(try visit.numbersTaken == 3)
            try browser.back()
            #expect(browser.text("h1") == "Form", "the waiting page is not in the way back")
        }

        @Test func `a form whose backend leads on to another site gets there`() throws {
            let backend = try FormBackend()
            let visit = try visit(backend)
            try visit.browser.open(visit.address("/form"))
            try backend.send([("a", "1")], to: "/pay", visit.browser)
            try visit.expectPosition()
            try visit.change("rate=100")
            visit.expect("h1", shows: "GET backend")
            #expect(try visit.browser.url == "\(backend.address)/provider")
        }

        @Test(arguments: ["njs", "lua", "auth-request"])
        func `the form of a bank reaches the backend for a visitor who is inside, without another number`(
            verifier: String
        ) throws {
            let backend = try FormBackend()
            let visit = try visit(backend, ahead: 0, isSecure: true, verifier: verifier)
            let browser = visit.browser
            try browser.open(visit.address("/shop"))
            #expect(browser.text("h1") == "GET backend")
            _ = try browser.evaluate("document.cookie = 'session=s; Path=/; SameSite=Lax; Secure';")
            #expect(try visit.numbersTaken == 1)

            try browser.open("\(backend.address)/bank")
            try backend.send([("result", "paid")], to: visit.address("/return/7"), browser)
            visit.expect("h1", shows: "POST backend")
            let post = try #require(backend.posts.first)
            #expect(backend.posts.count == 1 && post.path == "/return/7" && post.body == "result=paid")
            #expect(post.cookie.contains("session=s") && post.cookie.contains("vestibule-pass-demo"))
            try browser.back()
            #expect(try browser.url == "\(backend.address)/bank", "the page between is not in the way back")

            // Where nobody is known to return, another site could send what it likes in the visitor's name.
            try backend.send([("amount", "1000")], to: visit.address("/transfer"), browser)
            visit.expect("#form", shows: "127.0.0.1:\(backend.server.port)\u{2069} has sent you here with a form")
            try browser.takeScreenshot("form-ask-\(verifier)")
            #expect(backend.posts.count == 1)
            try browser.click("#form button")
            visit.expect("h1", shows: "POST backend")
            #expect(backend.posts.last?.path == "/transfer" && backend.posts.last?.body == "amount=1000")
            #expect(try visit.numbersTaken == 1 && browser.consoleErrors().isEmpty)
        }

        @Test func `the form of a bank keeps the place of a visitor who waits, and takes none of another`() throws {
            let backend = try FormBackend()
            let visit = try visit(backend, isSecure: true)
            let browser = visit.browser
            try visit.openAndWait("/shop")
            let number = try browser.cookie(visit.ticketCookie)?.value
            #expect(try visit.numbersTaken == 3)
            try browser.open("\(backend.address)/bank")
            try backend.send([("result", "paid")], to: visit.address("/return"), browser)
            try visit.expectPosition()
            #expect(try browser.cookie(visit.ticketCookie)?.value == number && visit.numbersTaken == 3)
            try visit.change("rate=100")
            visit.expect("h1", shows: "POST backend")
            #expect(backend.posts.map(\.body) == ["result=paid"])
            #expect(try visit.numbersTaken == 3)
        }

        @Test func `without JavaScript a button takes the form along to the turn`() throws {
            let backend = try FormBackend()
            let visit = try visit(backend, browser: try Browser(runsScripts: false))
            let browser = visit.browser
            try browser.open(visit.address("/form"))
            try browser.click("button")
            visit.expect("#plain", shows: "What you sent goes along")
            try browser.takeScreenshot("form-plain")
            try browser.click("#plain button")
            #expect(visit.position == 2)
            try visit.change("rate=100")
            let isIn = try Wait.until(seconds: 10) {
                if browser.text("h1") == "POST backend" { return true }
                try browser.click("#plain button")
                return false
            }
            #expect(isIn, "\(browser.text("body"))")
            #expect(try browser.url == visit.address("/shop?item=7"))
            #expect(backend.posts.map(\.body) == ["city=%EC%84%9C%EC%9A%B8"] && backend.posts[0].path == "/shop?item=7")
        }

        @Test func `a form with a file leads back to where it was filled in, and its text can be copied`() throws {
            let backend = try FormBackend()
            let visit = try visit(backend)
            let browser = visit.browser
            try browser.open(visit.address("/form"))
            try backend.send([("letter", "Dear all")], to: "/upload", browser, more: FormBackend.withFile)
            visit.expect("#form", shows: "What you sent cannot be kept while you wait")
            #expect(
                try browser.evaluate("return document.getElementById('copy-text').value;")
                    == .string("letter: Dear all")
            )
            try browser.click("#copy")
            visit.expect("#message", shows: "Copied.")
            try browser.takeScreenshot("form-lost")
            try visit.expectPosition()
            try visit.change("rate=100")
            visit.expect("#message", shows: "You are in. Go back and send it again.")
            let height = "document.getElementById('message').getBoundingClientRect().height"
            #expect(try browser.isTrue("\(height) > 10"), "it is not only for those who hear it")
            try browser.takeScreenshot("form-lost-in")
            #expect(backend.posts.isEmpty)
            try browser.click("#back")
            visit.expect("h1", shows: "Form")
            try browser.click("button")
            visit.expect("h1", shows: "POST backend")
            #expect(try visit.numbersTaken == 3)
        }

        @Test func `a form of more than 16 KiB is said to be lost`() throws {
            let backend = try FormBackend()
            let visit = try visit(backend)
            try visit.browser.open(visit.address("/form"))
            try backend.send([("a", String(repeating: "x", count: 16_400))], to: "/shop", visit.browser)
            visit.expect("#form", shows: "What you sent cannot be kept while you wait")
            #expect(try !visit.browser.isVisible("#copy"))
        }
    }
}
