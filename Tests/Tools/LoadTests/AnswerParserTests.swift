// SPDX-License-Identifier: Apache-2.0
//
// Reading answers, whole and cut at every byte.

import Load
import Testing

@Suite struct AnswerParserTests {
    private static let waiting =
        #"{"status":"waiting","position":1640,"poll_after_ms":1400,"waiting_time":0,"degraded":false}"#
    private static let plain =
        "HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: application/json\r\n"
        + "Content-Length: \(waiting.utf8.count)\r\nConnection: keep-alive\r\nCache-Control: no-store\r\n\r\n\(waiting)"
    private static let closing = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    /// The data holds what looks like a last chunk.
    private static let chunked =
        "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n"
        + "A\r\nab\r\n0\r\n\r\nc\r\n5\r\nhello\r\n0\r\n\r\n"
    private static let bodiless = "HTTP/1.1 304 Not Modified\r\nServer: nginx\r\n\r\n"

    private func parse(_ text: String, cutAt cut: Int) -> (first: AnswerProgress, whole: AnswerProgress) {
        let bytes = Array(text.utf8)
        var parser = AnswerParser()
        let first = bytes[..<cut].withUnsafeBytes { parser.parse($0) }
        return (first, bytes.withUnsafeBytes { parser.parse($0) })
    }

    private func body(_ text: String) -> Range<Int> {
        let bytes = Array(text.utf8)
        let end = bytes.indices.first { bytes[$0...].starts(with: "\r\n\r\n".utf8) } ?? 0
        return end + 4..<bytes.count
    }

    @Test(arguments: [(plain, 200, false), (closing, 503, true), (chunked, 404, false), (bodiless, 304, false)])
    func `an answer is read alike wherever it is cut`(text: String, status: Int, closes: Bool) {
        let expected = AnswerFrame(status: status, body: body(text), closes: closes)
        for cut in 0..<text.utf8.count {
            let (first, whole) = parse(text, cutAt: cut)
            #expect(first == .incomplete, "cut at \(cut)")
            #expect(whole == .complete(expected), "cut at \(cut)")
        }
    }

    @Test(arguments: [plain, chunked]) func `an answer is read when it comes byte by byte`(text: String) {
        let bytes = Array(text.utf8)
        var parser = AnswerParser()
        for count in 1..<bytes.count {
            #expect(bytes[..<count].withUnsafeBytes { parser.parse($0) } == .incomplete)
        }
        let last = bytes.withUnsafeBytes { parser.parse($0) }
        guard case .complete(let frame) = last else {
            Issue.record("\(last)")
            return
        }
        #expect(frame.body == body(text))
    }

    @Test(arguments: [
        "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", "SSH-2.0-OpenSSH\r\n", "HTTP/1.1 2x0 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nServer: nginx\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        "HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n", "\(closing)H",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ])
    func `what is not an answer, or goes beyond it, is malformed`(text: String) {
        var parser = AnswerParser()
        #expect(Array(text.utf8).withUnsafeBytes { parser.parse($0) } == .malformed)
    }

    @Test func `a parser that was reset reads the next answer`() {
        var parser = AnswerParser()
        _ = Array(Self.closing.utf8).withUnsafeBytes { parser.parse($0) }
        parser.reset()
        let frame = AnswerFrame(status: 200, body: body(Self.plain), closes: false)
        #expect(Array(Self.plain.utf8).withUnsafeBytes { parser.parse($0) } == .complete(frame))
    }

    @Test func `members of a body are found by their names`() {
        Array(Self.waiting.utf8).withUnsafeBytes { bytes in
            let body = AnswerBody(bytes)
            #expect(body.standing == .waiting)
            #expect(body.pollAfterMilliseconds == 1400)
            #expect(!body.isDegraded)
            #expect(body.ticket == nil)
        }
        let ready = #"{"waiting_token":"v1.k1.demo.1.9.5.mac","status":"ready","pass":"a.b.c","degraded":true}"#
        Array(ready.utf8).withUnsafeBytes { bytes in
            let body = AnswerBody(bytes)
            #expect(body.standing == .mayEnter)
            #expect(body.isDegraded)
            #expect(body.ticket.map { String(decoding: $0, as: UTF8.self) } == "v1.k1.demo.1.9.5.mac")
            #expect(body.pass.map { String(decoding: $0, as: UTF8.self) } == "a.b.c")
            #expect(body.pollAfterMilliseconds == nil)
        }
        for (word, standing) in [("admitted", AnswerBody.Standing.mayEnter), ("left", .over), ("expired", .over)] {
            Array("{\"status\":\"\(word)\"}".utf8).withUnsafeBytes { #expect(AnswerBody($0).standing == standing) }
        }
    }

    @Test func `a member whose value is cut off is not there`() {
        Array(#"{"waiting_token":"v1.k1"#.utf8).withUnsafeBytes { #expect(AnswerBody($0).ticket == nil) }
        Array(#"{"poll_after_ms":"#.utf8).withUnsafeBytes { #expect(AnswerBody($0).pollAfterMilliseconds == nil) }
    }

    @Test func `the number of a visitor is in the ticket and in the pass`() {
        let number = { (read: (UnsafeRawBufferPointer) -> UInt64?, text: String) in
            Array(text.utf8).withUnsafeBytes { read($0) }
        }
        #expect(number(TokenNumber.ofTicket, "v1.k1.demo.1.115825319937.1795503269286.mac") == 115_825_319_937)
        #expect(number(TokenNumber.ofTicket, "v1.k1.demo.1") == nil)
        #expect(number(TokenNumber.ofTicket, "") == nil)
        // {"iss":"vestibule","aud":"demo","sub":"42","jti":"x"} without padding.
        let claims = "eyJpc3MiOiJ2ZXN0aWJ1bGUiLCJhdWQiOiJkZW1vIiwic3ViIjoiNDIiLCJqdGkiOiJ4In0"
        #expect(number(TokenNumber.ofPass, "h.\(claims).mac") == 42)
        #expect(number(TokenNumber.ofPass, "h.%%%.mac") == nil)
        #expect(number(TokenNumber.ofPass, "h.\(claims)") == nil)
    }
}
