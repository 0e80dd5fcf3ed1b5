// SPDX-License-Identifier: Apache-2.0
//
// Goal: a request that is larger than a worker takes gets a reason, and costs nobody else anything.
// Method: the real worker closes its connection; nginx must not call that a waiting room that does not answer.

import Foundation
import TestSupport
import Testing

extension Integration {
    @Suite struct LargeRequestTests {
        @Test func `cookies that are too large get 431 with a reason`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 1, burst: 1}")
            func ask(_ path: String, _ cookies: Int, _ accept: String) throws -> String {
                // nginx takes four lines of 8 KiB, and joins cookies.
                let lines = (0..<cookies).flatMap { ["-H", "Cookie: c\($0)=\(String(repeating: "x", count: 8175))"] }
                let words = ["-si", "-m", "10", "-H", "Accept: \(accept)"] + lines
                return try TestProcess.output("curl", words + ["http://127.0.0.1:\(stack.port)\(path)"]).text
            }
            for path in ["/", "/api/v1/queue/status"] {
                let large = try ask(path, 4, "*/*")
                #expect(large.hasPrefix("HTTP/1.1 431 ") && large.contains("HEADERS_TOO_LARGE"), "\(path): \(large)")
                let small = try ask(path, 1, "*/*")
                #expect(!small.hasPrefix("HTTP/1.1 431") && !small.contains("UNAVAILABLE"), "\(path)")
            }
            #expect(
                stack.directory.read("backend.log").split(separator: "\n").count <= 1,
                "only the small one had room"
            )
            #expect(stack.workerPids.count == 2)
            _ = try stack.client().join()
        }
    }
}
