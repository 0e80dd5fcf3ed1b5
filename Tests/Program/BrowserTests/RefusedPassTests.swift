// SPDX-License-Identifier: Apache-2.0
//
// Goal: where nginx refuses what the workers give, one tab is not a hundred requests a second.
// Method: the workers get another key than nginx has loaded, and Chromium opens the page.

import Foundation
import StrictJSON
import TestSupport
import Testing

extension InTheBrowser {
    @Suite struct RefusedPassTests {
        @Test func `a page whose pass is refused goes in twice, and then stops and says why`() throws {
            let visit = try Visit("  demo: {rate: 10, burst: 50}", ahead: 0)
            try visit.giveWorkersAnotherKey()
            // The gate lets the browser in, which nginx takes; the next page shows the pass to nginx.
            try visit.browser.open(visit.address("/first"))
            #expect(try visit.browser.title == "backend")
            try visit.browser.open(visit.address("/second"))
            let began = try beginnings(visit)
            visit.expect("#message", shows: "refused your pass twice", within: 1)
            #expect(visit.browser.text("#message").contains("forged"))
            // The second turn waits for two to three seconds.
            let pause = began.suffix(2).reduce(0) { $1 - $0 }
            #expect(began.count >= 2 && (2000...8000).contains(pause), "\(began)")
            let before = try gateLines(visit)
            #expect(before <= 6, "the first page, and three looks at the second one")
            Thread.sleep(forTimeInterval: 3)
            #expect(try gateLines(visit) == before, "it has stopped")
            #expect(visit.browser.text("#rejoin") == "Join again")
            let metrics = try visit.stack.client().get("/metrics").text
            #expect(metrics.firstMatch(of: /vestibule_pass_refused_total{reason="forged"} [1-9]/) != nil)
            #expect(metrics.firstMatch(of: /vestibule_pass_disputed_total [1-9]/) != nil)
            let logs = try visit.stack.workerLogs(onceTheyHold: "")
            #expect(logs.joined().components(separatedBy: "nginx refuses a pass").count - 1 <= 2, "once a worker")
            #expect(try visit.backendLines("/second").isEmpty)
        }

        /// When the documents of this tab began, in milliseconds, until one of them says that it has stopped. The first
        /// one may be gone too soon to be seen.
        private func beginnings(_ visit: Visit) throws -> [Int64] {
            var times: [Int64] = []
            let hasStopped = Wait.until(seconds: 20) {
                // A document that goes away in the middle of the question gives no answer.
                let answer = try? visit.browser.evaluate("return Math.round(performance.timeOrigin);")
                if let time = answer?.integerValue, times.last != time { times.append(time) }
                return visit.browser.text("#message").contains("twice")
            }
            #expect(hasStopped, "\(visit.browser.text("body"))")
            return times
        }

        private func gateLines(_ visit: Visit) throws -> Int {
            try visit.stack.client().get("/metrics").text.split(separator: "\n").reduce(0) { sum, line in
                guard line.hasPrefix("vestibule_gate_total"), let count = line.split(separator: " ").last else {
                    return sum
                }
                return sum + (Int(count) ?? 0)
            }
        }
    }
}

extension VisitOf {
    /// From now on nginx refuses every pass: it keeps the key that it was started with, and the workers read another.
    func giveWorkersAnotherKey() throws {
        let secret = String(repeating: "CQkJ", count: 10) + "CQk"
        let key = #"{"kty":"oct","alg":"HS256","kid":"k9","k":"\#(secret)"}"#
        try stack.directory.write("keys.json", #"{"keys":[\#(key)]}"#)
        for pid in stack.pids["workers"]?.arrayValue ?? [] { kill(Int32(pid.integerValue ?? 0), SIGHUP) }
        // Each of them says so: answers of one would prove nothing of the other.
        _ = try stack.workerLogs(onceTheyHold: #""keys":"k9""#)
    }
}
