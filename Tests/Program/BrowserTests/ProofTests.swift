// SPDX-License-Identifier: Apache-2.0
//
// Goal: while a room asks for work the page does it by itself, without standing still, and the visitor gets the place.
// Method: Chromium opens a page in a rush; later the visitor leaves and joins again, with fetch watched from outside.

import Foundation
import StrictJSON
import TestSupport
import Testing

extension InTheBrowser {
    @Suite struct ProofTests {
        /// A room that asks for exactly so much work once more than a few join.
        private func room(bits: Int) -> String {
            "  demo: {rate: 0.01, burst: 1, claim_window: 2s, proof_of_work: {bits: \(bits), bits_max: \(bits)}}"
        }

        /// So many joins without a proof, or until all are refused.
        private func rush(_ visit: Visit, _ joins: Int = 60) throws {
            let client = visit.stack.client()
            var last: HTTPAnswer?
            for _ in 0..<joins { last = try client.postJSON("/api/v1/queue/join", #"{"event_id":"demo"}"#) }
            guard last?.errorCode == "PROOF_REQUIRED" else { throw TestFailure("no rush: \(last?.text ?? "")") }
        }

        private func visit(bits: Int) throws -> Visit {
            let visit = try Visit(room(bits: bits), ahead: 3, workers: 1)
            try rush(visit)
            return visit
        }

        /// Whether the visitor has a place before long: only then there is one to leave. The position of the place
        /// before is still in the page, where nobody sees it.
        private func waits(_ browser: Browser, within seconds: Double = 5) throws -> Bool {
            try Wait.until(seconds: seconds) { try browser.isVisible("#leave") }
        }

        @Test(arguments: ["en", "ko"])
        func `a visitor in a rush gets a place without doing anything`(language: String) throws {
            let stack = try Visit(room(bits: 14), ahead: 3, browser: try Browser(languages: language), workers: 1)
            try rush(stack)
            let before = try stack.numbersTaken
            try stack.openAndWait()
            let browser = stack.browser
            #expect(try browser.cookie(stack.ticketCookie)?.isHTTPOnly == true)
            #expect(try stack.numbersTaken == before + 1)
            #expect(browser.text("#message").isEmpty)
            // A second tab has no work to do: the place is there.
            _ = try browser.openTab()
            try stack.openAndWait("/other")
            #expect(try stack.numbersTaken == before + 1)
            // The refusal is the browser's to report; there is no other trouble.
            #expect(try browser.consoleErrors().allSatisfy { $0.contains("403") })
        }

        @Test func `the page says that it prepares the place, and stays alive while it computes`() throws {
            let visit = try visit(bits: 8)
            let browser = visit.browser
            try visit.openAndWait()
            try visit.leaveOnThePage()
            visit.expect("#message", shows: "You have left the queue.")
            try rush(visit)
            // The page is made to believe that 32 bits are asked for: it finds nothing as long as this test looks.
            _ = try browser.evaluate(
                """
                const original = window.fetch;
                window.fetch = async (path, options) => {
                  const response = await original(path, options);
                  if (response.status !== 403) { return response; }
                  const json = await response.json();
                  json.error.bits = 32;
                  return new Response(JSON.stringify(json), { status: 403 });
                };
                """
            )
            try browser.click("#rejoin")
            visit.expect("#message", shows: "Preparing your place…", within: 10)
            try browser.takeScreenshot("preparing")
            let script = """
                const gaps = [];
                let last = performance.now();
                return new Promise((done) => {
                  const beat = () => {
                    const now = performance.now();
                    gaps.push(now - last);
                    last = now;
                    if (gaps.length < 40) { setTimeout(beat); }
                    else { done(gaps.map((gap) => Math.round(gap)).sort((a, b) => a - b).join(' ')); }
                  };
                  setTimeout(beat);
                });
                """
            let gaps = (try browser.evaluate(script).stringValue ?? "").split(separator: " ").compactMap { Int($0) }
            Attachment.record("ms between two turns of the page while it computes: \(gaps)\n", named: "proof-gaps.txt")
            try #require(gaps.count == 40)
            // Not the longest: the machine is not the browser's alone.
            #expect(gaps[20] < 50, "\(gaps)")
            #expect(browser.text("#message") == "Preparing your place…", "it was at work all the time")
            #expect(browser.text("h1") == "Waiting room", "it does not say that they are in the queue")
        }

        @Test func `bad and late work is done again with another challenge, and not without end`() throws {
            let visit = try visit(bits: 8)
            let browser = visit.browser
            try visit.openAndWait()
            try visit.leaveOnThePage()
            visit.expect("#message", shows: "You have left the queue.")
            try rush(visit)
            // What the page finds out is spoilt twice on its way, then always.
            _ = try browser.evaluate(
                """
                const original = window.fetch;
                window.spoilt = 0;
                window.spoilMax = 2;
                window.fetch = (path, options) => {
                  const body = options.body && JSON.parse(options.body);
                  if (body && body.proof && window.spoilt < window.spoilMax) {
                    window.spoilt += 1;
                    body.proof.challenge = body.proof.challenge.replace(/.$/, (c) => c === 'A' ? 'E' : 'A');
                    return original(path, { ...options, body: JSON.stringify(body) });
                  }
                  return original(path, options);
                };
                """
            )
            try browser.click("#rejoin")
            #expect(try waits(browser), "\(browser.text("body"))")
            #expect(try browser.evaluate("return window.spoilt;") == .integer(2))

            try visit.leaveOnThePage()
            visit.expect("#message", shows: "You have left the queue.")
            try rush(visit)
            _ = try browser.evaluate("window.spoilt = 0; window.spoilMax = Infinity;")
            try browser.click("#rejoin")
            visit.expect("#message", shows: "The queue cannot be reached just now. Trying again…")
            // It tries again after a second or more: ten are two goes.
            let spoilt = try #require(try browser.evaluate("return window.spoilt;").integerValue)
            #expect((5...10).contains(spoilt), "\(spoilt)")
            // And when it works again, so does the page.
            _ = try browser.evaluate("window.spoilMax = 0;")
            #expect(try waits(browser, within: 20), "\(browser.text("body"))")
        }

        @Test(.timeLimit(.minutes(3)), arguments: [14, 16, 18, 20])
        func `what the work takes in Chromium`(bits: Int) throws {
            let visit = try visit(bits: bits)
            let browser = visit.browser
            try browser.open(visit.address("/shop"))
            #expect(Wait.until(seconds: 30) { visit.position != nil })
            _ = try browser.evaluate(
                """
                const original = window.fetch;
                window.runs = [];
                let asked = 0;
                window.fetch = async (path, options) => {
                  const body = options.body && JSON.parse(options.body);
                  if (body && body.proof && asked) {
                    window.runs.push([performance.now() - asked, Number(body.proof.nonce) + 1]);
                  }
                  const response = await original(path, options);
                  asked = response.status === 403 ? performance.now() : 0;
                  return response;
                };
                """
            )
            let rounds = 9
            for round in 1...rounds {
                try visit.leaveOnThePage()
                visit.expect("#message", shows: "You have left the queue.")
                try rush(visit, 20)
                try browser.click("#rejoin")
                let isSolved = try Wait.until(seconds: 30) { try browser.isTrue("window.runs.length >= \(round)") }
                try #require(isSolved, "\(browser.text("body"))")
                try #require(try waits(browser), "\(browser.text("body"))")
            }
            let read = try browser.evaluate("return window.runs.map((run) => run.join(' ')).join(';');").stringValue
            let runs = (read ?? "").split(separator: ";").map { $0.split(separator: " ").compactMap { Double($0) } }
            let spent = runs.map { $0[0] }.sorted()
            let hashes = runs.map { $0[1] }.reduce(0, +)
            let perSecond = hashes / spent.reduce(0, +) * 1000
            let expected = 0.693 * Double(1 << bits) / perSecond * 1000
            let figures = """
                \(bits) bits: \(runs.count) runs, median \(Int(spent[spent.count / 2])) ms, \
                slowest \(Int(spent.last ?? 0)) ms, \(Int(perSecond / 1000)) thousand hashes a second; \
                the median to expect is \(Int(expected)) ms

                """
            Attachment.record(figures, named: "proof-\(bits).txt")
            #expect(runs.count >= rounds && hashes > 0)
            // A slow machine does some hundred thousand.
            #expect(perSecond > 20_000, "\(figures)")
        }
    }
}
