// SPDX-License-Identifier: Apache-2.0
//
// Goal: the journey is the same with each protocol to the workers, each verifier, and with or without TLS.
// Method: join, wait, be called, enter, reach the backend, leave; by curl, which speaks HTTP/1.1 and HTTP/2 over TLS.

import Foundation
import StrictJSON
import TestSupport
import Testing

extension Integration {
    @Suite struct GatewayParityTests {
        @Test(arguments: ["fastcgi", "scgi"], ["njs", "lua", "auth-request"])
        func `the journey is the same over every gateway, verifier and scheme`(gateway: String, verifier: String) throws
        {
            let stack = try DemoStack(
                rooms: "  demo: {rate: 0.001, burst: 1}",
                options: ["--gateway", gateway, "--verifier", verifier]
            )
            let plain = try journey(stack, "http://127.0.0.1:\(stack.port)", prefix: "")
            let secure = try journey(stack, "https://localhost:\(stack.tlsPort)", prefix: "__Host-")
            #expect(plain == secure)
            #expect(plain == Journey.expected)
            // The last request of each journey: nginx keeps lines of its access log for up to a second.
            let accesses = try stack.directory.read("access.log", onceItHolds: "/api/v1/queue/leave", times: 2)
            let log = accesses + stack.directory.read("nginx-error.log")
            #expect(!log.contains("[error]") && !log.contains("[crit]"), "\(log)")
        }

        /// What was seen on the way, without what differs from visitor to visitor.
        private struct Journey: Equatable {
            var words: [String] = []

            static let expected = Journey(words: [
                "join 202 waiting", "enter early 403 NOT_READY", "page 503 waits", "json 503 PASS_MISSING",
                "ready", "enter 200 granted", "again 200 same pass", "cookie same pass", "page 200 backend",
                "status admitted", "forged 503 PASS_INVALID", "big body 413 BODY_TOO_LARGE", "leave 200 left",
            ])
        }

        private func journey(_ stack: DemoStack, _ base: String, prefix: String) throws -> Journey {
            var seen = Journey()
            // Others come first, until enough of them have to wait: the queue must not be empty before the page is
            // asked for. It moves when the rate is raised, after what is asked while waiting.
            try setRate(stack, "default")
            while try stack.client().join().status == 200 {}
            for _ in 0..<12 { #expect(try stack.client().join().status == 202) }
            let api = "\(base)/api/v1/queue"
            let joined = try curl("\(api)/join", ["-d", #"{"event_id":"demo"}"#])
            seen.words.append("join \(joined.status) \(joined.word)")
            let token = #"{"waiting_token":"\#(joined.ticket)"}"#
            let early = try curl("\(api)/enter", ["-d", token])
            seen.words.append("enter early \(early.status) \(early.errorCode ?? "")")
            let page = try curl("\(base)/shop", ["-H", "Accept: text/html"])
            seen.words.append("page \(page.status) \(page.text.contains("/api/v1/queue/") ? "waits" : "?")")
            let program = try curl("\(base)/shop", ["-H", "Accept: application/json"])
            seen.words.append("json \(program.status) \(program.errorCode ?? "")")

            try setRate(stack, "20")
            let isReady = try Wait.until(seconds: 5) {
                try curl("\(api)/status?token=\(joined.ticket)").word == "ready"
            }
            seen.words.append(isReady ? "ready" : "not ready")
            let entered = try curl("\(api)/enter", ["-d", token])
            seen.words.append("enter \(entered.status) \(entered.json["admission"]?.stringValue ?? "")")
            let again = try curl("\(api)/enter", ["-d", token])
            seen.words.append("again \(again.status) \(again.pass == entered.pass ? "same" : "other") pass")
            let name = "\(prefix)vestibule-pass-demo"
            seen.words.append("cookie \(entered.cookie(name) == entered.pass ? "same" : "other") pass")
            let inside = try curl("\(base)/shop", ["-H", "Cookie: \(name)=\(entered.pass)"])
            seen.words.append("page \(inside.status) \(inside.text.contains("This is the backend") ? "backend" : "?")")
            let status = try curl("\(api)/status", ["-H", "Authorization: Bearer \(joined.ticket)"])
            seen.words.append("status \(status.word)")
            let forged = try curl(
                "\(base)/shop",
                ["-H", "Accept: application/json", "-H", "Cookie: \(name)=\(entered.pass.dropLast(4))AAAA"]
            )
            seen.words.append("forged \(forged.status) \(forged.errorCode ?? "")")
            let big = try curl("\(api)/join", ["-d", String(repeating: "x", count: 20_000)])
            seen.words.append("big body \(big.status) \(big.errorCode ?? "")")
            let left = try curl("\(api)/leave?token=\(joined.ticket)", ["-X", "DELETE"])
            seen.words.append("leave \(left.status) \(left.word)")
            return seen
        }

        private func setRate(_ stack: DemoStack, _ rate: String) throws {
            let set = try stack.room("set", "demo", "rate=\(rate)")
            guard set.status == 0 else { throw TestFailure(set.text) }
        }

        /// One request of a new connection; headers and body as curl prints them.
        private func curl(_ url: String, _ options: [String] = []) throws -> HTTPAnswer {
            let output = try TestProcess.output(
                "curl",
                ["-sik", "--max-time", "10", "-H", "Content-Type: application/json", "-H", "Expect:"] + options + [url]
            )
            guard output.status == 0 else { throw TestFailure("curl ended with \(output.status): \(url)") }
            let text = output.text.replacingOccurrences(of: "\r\n", with: "\n")
            let parts = text.components(separatedBy: "\n\n")
            let lines = parts[0].components(separatedBy: "\n")
            let status = Int(lines[0].components(separatedBy: " ").dropFirst().first ?? "") ?? 0
            let headers = lines.dropFirst().map { line -> (name: String, value: String) in
                let pair = line.components(separatedBy: ": ")
                return (pair[0], pair.dropFirst().joined(separator: ": "))
            }
            return HTTPAnswer(
                status: status,
                headers: headers,
                body: Array(parts.dropFirst().joined(separator: "\n\n").utf8)
            )
        }
    }
}
