// SPDX-License-Identifier: Apache-2.0
//
// Goal: far from the front the page lives on the board and gives a heartbeat now and then; near the front it polls,
// and enters by itself.
// Method: the browser itself tells what it has fetched; the true position comes from status with the page's own ticket.

import Foundation
import StrictJSON
import TestSupport
import Testing

extension InTheBrowser {
    @Suite struct BoardTests {
        private let people = 2600
        /// A burst of at most a hundred, and two minutes of the rate.
        private let front = 100 + 8 * 120

        @Test(.timeLimit(.minutes(2)))
        func `in a long queue the page reads the board, and near the front it polls and enters`() throws {
            let visit = try Visit("  demo: {rate: 8, burst: 1, abandon_after: 2m, claim_window: 10s}", ahead: 1)
            let browser = visit.browser
            let others = try crowd(visit.stack.port)
            try visit.openAndWait()
            let ticket = try #require(try browser.cookie(visit.ticketCookie)).value
            // A quarter of those ahead leaves: the number on the page is worked out over gaps from now on.
            try leave(visit.stack.port, stride(from: 1200, to: 2400, by: 4).map { others[$0] })

            var seen: [Int] = []
            let isAtTheBoard = try Wait.until(seconds: 60) {
                if let shown = visit.position, shown != seen.last { seen.append(shown) }
                // The page may show the fourth board a moment after it was fetched.
                return try fetched(browser, "board") >= 4 && seen.count >= 4
            }
            let (boards, polls) = (try fetched(browser, "board"), try fetched(browser, "status"))
            #expect(isAtTheBoard && boards > 2 * polls, "\(boards) boards, \(polls) polls: \(browser.text("body"))")
            #expect(seen.count >= 4 && seen == seen.sorted(by: >), "\(seen)")
            #expect((seen.last ?? 0) > front)
            #expect(
                browser.text("#eta").wholeMatch(of: /(about|less than) [\d–.]+ (minute|hour)s?/) != nil,
                "\(browser.text("#eta"))"
            )
            try browser.takeScreenshot("board")

            // The page reads the pause on the board; then board and status speak of the same queue.
            #expect(try visit.stack.room("pause", "demo").status == 0)
            visit.expect("#message", shows: "The queue is paused. Your place is kept.", within: 20)
            let status = try visit.stack.client().get("/api/v1/queue/status?token=\(ticket)").json
            let truth = try #require(status["position"]?.integerValue)
            let off = abs((visit.position ?? 0) - Int(truth))
            #expect(Double(off) < max(5, 0.005 * Double(truth)), "\(off) of \(truth)")
            #expect(browser.text("#eta") == "–")
            #expect(try fetched(browser, "status") < fetched(browser, "board"))
            try browser.takeScreenshot("board-paused")

            // Everybody ahead goes, and the front comes near.
            try leave(visit.stack.port, others)
            let pollsBefore = try fetched(browser, "status")
            #expect(try visit.stack.room("resume", "demo").status == 0)
            let isPolling = try Wait.until(seconds: 20) {
                let isBackend = try browser.isTrue("document.title === 'backend'")
                return try isBackend || fetched(browser, "status") > pollsBefore
            }
            #expect(isPolling, "\(browser.text("body"))")
            visit.expect("h1", shows: "backend", within: 15)
            #expect(try visit.backendLines("/shop").count == 1)
            #expect(try browser.consoleErrors().isEmpty)
        }

        @Test func `a board that cannot be fetched is no trouble: the heartbeat goes on`() throws {
            let visit = try Visit("  demo: {rate: 0.1, burst: 1}", ahead: 60)
            let browser = visit.browser
            try visit.openAndWait()
            _ = try browser.evaluate(
                """
                const original = window.fetch;
                window.failed = 0;
                window.fetch = (path, options) => {
                  if (!String(path).includes('/board')) { return original(path, options); }
                  window.failed += 1;
                  return Promise.reject(new TypeError('no board'));
                };
                """
            )
            #expect(try Wait.until(seconds: 30) { try browser.isTrue("window.failed > 0") })
            let settled = "return new Promise((done) => setTimeout(() => setTimeout(() => done(true))));"
            #expect(try browser.evaluate(settled) == .bool(true))
            #expect(try browser.isTrue("document.getElementById('room').dataset.state === 'waiting'"))
            #expect(browser.text("#message").isEmpty && visit.position != nil, "\(browser.text("main"))")
        }

        /// How often the page has asked for something of the API.
        private func fetched(_ browser: Browser, _ name: String) throws -> Int {
            let script = """
                return performance.getEntriesByType('resource')
                  .filter((e) => new URL(e.name).pathname === '/api/v1/queue/\(name)').length;
                """
            return Int(try browser.evaluate(script).integerValue ?? -1)
        }

        /// Many join; their tickets in order.
        private func crowd(_ port: Int) throws -> [String] {
            let client = try PipelinedClient(port: port)
            let request = PipelinedClient.request("POST", "/api/v1/queue/join", body: #"{"event_id":"demo"}"#)
            var tickets: [String] = []
            for _ in 0..<(people / 50) {
                try client.exchange(Array(repeating: request, count: 50)) { _, status, body in
                    let ticket = try JSONValue(parsing: Array(body))["waiting_token"]?.stringValue
                    guard status == 202, let ticket else { throw TestFailure("a join was answered with \(status)") }
                    tickets.append(ticket)
                }
            }
            return tickets
        }

        private func leave(_ port: Int, _ tickets: [String]) throws {
            let client = try PipelinedClient(port: port)
            for from in stride(from: 0, to: tickets.count, by: 50) {
                let some = tickets[from..<min(tickets.count, from + 50)]
                let requests = some.map { PipelinedClient.request("DELETE", "/api/v1/queue/leave?token=\($0)") }
                try client.exchange(requests) { _, status, _ in
                    guard status == 200 else { throw TestFailure("a leave was answered with \(status)") }
                }
            }
        }
    }
}
