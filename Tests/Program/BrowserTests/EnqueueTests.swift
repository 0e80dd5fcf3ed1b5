// SPDX-License-Identifier: Apache-2.0
//
// Goal: in a room that requires an enqueue token the page says what is the matter, and goes on once the site has set
// the cookie. Method: Chromium at a demo; the site's part is done by setting the cookie in the browser.

import Foundation
import TestSupport
import Testing

extension InTheBrowser {
    @Suite struct EnqueueTests {
        private static let room = "  demo: {rate: 0.01, burst: 1, claim_window: 2s, enqueue: required}"

        private func token(_ stack: DemoStack, _ person: String) throws -> String {
            let config = stack.directory.file("vestibule.yaml")
            let words = ["token", "enqueue", "--room", "demo", "--sub", person, "--config", config]
            return try TestProcess.output(try Product.vestibule(), words).text.trimmingCharacters(in: .newlines)
        }

        private func signIn(_ visit: Visit, _ token: String) throws {
            _ = try visit.browser.evaluate("document.cookie = 'vestibule-enqueue-demo=\(token); path=/';")
        }

        @Test(arguments: ["en", "ko-KR,ko,en"])
        func `a visitor without a token is told so, and waits after signing in`(languages: String) throws {
            let isKorean = languages.hasPrefix("ko")
            let visit = try Visit(Self.room, ahead: 0, browser: try Browser(languages: languages))
            let browser = visit.browser
            let first = try token(visit.stack, "first")
            let joined = try visit.stack.client().postJSON(
                "/api/v1/queue/join",
                #"{"event_id":"demo","enqueue_token":"\#(first)"}"#
            )
            #expect(joined.status == 200)

            try browser.open(visit.address("/shop?item=7"))
            visit.expect("#message", shows: isKorean ? "로그인한 뒤" : "sign in on this site, then open this page again")
            #expect(browser.text("h1") == (isKorean ? "대기실" : "Waiting room"))
            visit.expect("#rejoin", shows: isKorean ? "다시 참여하기" : "Join again")
            #expect(try browser.isTrue("document.getElementById('place').hidden"))
            #expect(visit.position == nil)
            try browser.takeScreenshot(isKorean ? "enqueue-korean" : "enqueue")

            try signIn(visit, "forged")
            try browser.open(visit.address("/shop?item=7"))
            visit.expect("#message", shows: isKorean ? "다시 로그인한" : "sign in on this site again")
            #expect(try visit.numbersTaken == 1)

            try signIn(visit, token(visit.stack, "alice"))
            try browser.open(visit.address("/shop?item=7"))
            try visit.expectPosition()
            #expect(visit.position == 1)
            #expect(browser.text("h1") == (isKorean ? "대기 중입니다" : "You are in the queue"))
            #expect(browser.text("#message").isEmpty, "\(browser.text("#message"))")
            try browser.open(visit.address("/shop?item=7"))
            try visit.expectPosition()
            #expect(try visit.numbersTaken == 2)
            #expect(try browser.cookie(visit.ticketCookie)?.isHTTPOnly == true)
        }

        @Test func `joining again on the page works as soon as the cookie is there`() throws {
            let visit = try Visit(Self.room, ahead: 0)
            try visit.browser.open(visit.address("/shop"))
            visit.expect("#rejoin", shows: "Join again")
            try signIn(visit, token(visit.stack, "alice"))
            try visit.browser.click("#rejoin")
            visit.expect("h1", shows: "backend")
            #expect(try visit.numbersTaken == 1)
        }
    }
}
