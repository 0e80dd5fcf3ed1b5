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

        @Test(arguments: ["njs", "lua", "auth-request"], ["fastcgi", "scgi"])
        func `an upload without a pass is refused before it is sent, or goes on whole`(
            verifier: String,
            gateway: String
        ) throws {
            let options = ["--verifier", verifier, "--gateway", gateway]
            let stack = try DemoStack(rooms: "  demo: {rate: 0.001, burst: 1}", options: options)
            let file = stack.directory.file("upload")
            try stack.directory.write("upload", String(repeating: "0123456789", count: 50_000))
            let headers = ["-H", "Transfer-Encoding: chunked", "-H", "Expect:"]
            let upload = ["-si", "-m", "10", "-T", file, "-X", "POST"] + headers
            let address = "http://127.0.0.1:\(stack.port)/up"
            let first = try TestProcess.output("curl", upload + [address]).text
            #expect(first.hasPrefix("HTTP/1.1 200 ") && first.contains("This is the backend"), "\(first)")
            for lines in [["Content-Length: 500000"], ["Transfer-Encoding: chunked"], ["Expect: 100-continue"]] {
                let socket = try TestSocket(port: stack.port)
                let length = lines[0].hasPrefix("Expect") ? ["Content-Length: 5"] : []
                let head = ["POST /up HTTP/1.1", "Host: x", "Accept: */*"] + lines + length + ["", ""]
                socket.send(Array(head.joined(separator: "\r\n").utf8))
                var bytes: [UInt8] = []
                try socket.fill(&bytes)
                let text = String(decoding: bytes, as: UTF8.self)
                #expect(text.hasPrefix("HTTP/1.1 503 ") && text.contains("PASS_MISSING"), "\(lines): \(text)")
                #expect(text.contains("Retry-After: ") && !text.contains("100 Continue"), "\(lines): \(text)")
            }
            let arrived = try stack.backendLines()
            #expect(arrived.count == 1 && arrived[0].contains("length=500000"), "\(arrived)")
        }
    }
}
