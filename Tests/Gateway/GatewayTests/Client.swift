// SPDX-License-Identifier: Apache-2.0
//
// What a client of the two servers sends and reads, in bytes.

import TestSupport

extension TestSocket {
    /// Whether the server closes without another byte.
    func isClosed() -> Bool { receive() == [] }

    /// Everything up to the end of the stream.
    func receiveAll() -> [UInt8] {
        var all: [UInt8] = []
        while let bytes = receive(), !bytes.isEmpty { all += bytes }
        return all
    }

    /// The standard output of one FastCGI answer; nil when it does not end properly.
    func fastCGIAnswer() -> String? {
        var output: [UInt8] = []
        while true {
            while pending.count >= 8 {
                let content = Int(pending[4]) << 8 | Int(pending[5])
                let end = 8 + content + Int(pending[6])
                guard pending.count >= end else { break }
                if pending[1] == 6 { output += pending[8..<8 + content] }
                let isEnd = pending[1] == 3
                pending.removeFirst(end)
                if isEnd { return String(decoding: output, as: UTF8.self) }
            }
            guard let bytes = receive(), !bytes.isEmpty else { return nil }
            pending += bytes
        }
    }

    /// Sends a request and returns the answer.
    func ask(_ path: String, cookie: Int = 0, body: [UInt8] = []) -> String? {
        send(fastCGI(path, cookie: cookie, body: body))
        return fastCGIAnswer()
    }
}

/// A request as nginx sends it; `cookie` bytes of cookie make it as large as a test needs.
func fastCGI(
    _ path: String,
    cookie: Int = 0,
    body: [UInt8] = [],
    keep: Bool = true,
    piece: Int = 32_768,
    padding: Int = 0
) -> [UInt8] {
    var parameters = pair("REQUEST_METHOD", Array((body.isEmpty ? "GET" : "POST").utf8))
    parameters += pair("DOCUMENT_URI", Array(path.utf8)) + pair("UNKNOWN", Array("ignored".utf8))
    if cookie > 0 { parameters += pair("HTTP_COOKIE", [UInt8](repeating: 0x63, count: cookie)) }
    return fastCGI(parameters: parameters, body: body, keep: keep, piece: piece, padding: padding)
}

func scgi(_ path: String, cookie: Int = 0, body: String = "", length: String? = nil) -> [UInt8] {
    var headers = "CONTENT_LENGTH\u{0}\(length ?? String(body.utf8.count))\u{0}SCGI\u{0}1\u{0}"
    headers += "REQUEST_METHOD\u{0}\(body.isEmpty ? "GET" : "POST")\u{0}DOCUMENT_URI\u{0}\(path)\u{0}"
    if cookie > 0 { headers += "HTTP_COOKIE\u{0}\(String(repeating: "c", count: cookie))\u{0}" }
    return Array("\(headers.utf8.count):\(headers),\(body)".utf8)
}
