// SPDX-License-Identifier: Apache-2.0
//
// An answer of a site, with what differs from one time to the next taken out, and how it is got.

import Foundation
import TestSupport

/// Status, headers in their order, and body without its chunks.
struct SiteAnswer: Equatable, CustomStringConvertible {
    var status: Int
    var headers: [String]
    var body: [UInt8]

    /// The headers whose values are times, and so differ: Date, and Expires when nginx counts from now.
    private static let timed = ["date: ", "expires: "]

    init(_ bytes: [UInt8]) {
        var rest = bytes[...]
        var head = ""
        repeat {
            let end = rest.firstRange(of: Array("\r\n\r\n".utf8)) ?? rest.endIndex..<rest.endIndex
            head = String(decoding: rest[..<end.lowerBound], as: UTF8.self)
            rest = rest[end.upperBound...]
            // 100 Continue is followed by the answer; nothing follows 101 in this form.
        } while head.hasPrefix("HTTP/1.1 100 ") && !rest.isEmpty
        let lines = head.replacing("\r\n", with: "\n").split(separator: "\n").map(String.init)
        status = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        headers = lines.map { line in
            let name = SiteAnswer.timed.first { line.lowercased().hasPrefix($0) }
            // "Expires: 0" and the like are no times.
            return name.map { line.contains(":00 GMT") || line.hasSuffix(" GMT") ? $0 + "TIME" : line } ?? line
        }
        body = Array(rest)
        if values("transfer-encoding") == ["chunked"] { body = SiteAnswer.joined(body) }
    }

    /// The content of chunks; what is no chunk, as it is.
    private static func joined(_ bytes: [UInt8]) -> [UInt8] {
        var (body, rest) = ([UInt8](), bytes[...])
        while let end = rest.firstRange(of: [13, 10]) {
            guard let size = Int(String(decoding: rest[..<end.lowerBound], as: UTF8.self), radix: 16) else {
                return bytes
            }
            rest = rest[end.upperBound...]
            if size == 0 { return body }
            body += rest.prefix(size)
            rest = rest.dropFirst(size + 2)
        }
        return body + Array("(cut off)".utf8)
    }

    func values(_ name: String) -> [String] {
        headers.filter { $0.lowercased().hasPrefix("\(name): ") }.map { String($0.dropFirst(name.count + 2)) }
    }

    var text: String { String(decoding: body, as: UTF8.self) }

    /// Whether Vestibule has answered: the waiting page, or a problem for programs; never content of the site, each
    /// piece of which says that it is.
    var isOurs: Bool {
        let isMarked = values("cache-control").contains("no-store") && !text.contains("of-the-site")
        let types = values("content-type").map { $0.prefix { $0 != ";" } }
        if values("content-encoding") == ["gzip"] { return isMarked }
        let isPage = types.contains("text/html") && (body.isEmpty || text.lowercased().contains("vestibule"))
        let isProblem = ["application/problem+json", "application/json"].contains { types.contains($0) }
        return [200, 401, 429, 503].contains(status) && isMarked && (isPage || isProblem)
    }

    /// The answer as it would be had the gate not let the visitor in with it: without our cookies, and without
    /// Cache-Control, which is `no-store` on the one answer that brings a pass.
    var withoutAdmission: SiteAnswer {
        var answer = self
        answer.headers.removeAll { line in
            let line = line.lowercased()
            return line.hasPrefix("cache-control: ") || line.hasPrefix("expires: ")
                || line.hasPrefix("set-cookie: vestibule-") || line.hasPrefix("set-cookie: __host-vestibule-")
        }
        return answer
    }

    var description: String {
        (headers + [String(text.prefix(1500))]).joined(separator: "\n    ")
    }
}

/// Sends a request and reads what comes until the server closes.
struct SiteClient {
    let ports: [Int]
    /// Names the run in `X-Row`, which the site's software writes into its log.
    let phase: String
    /// The value of the Cookie header to put in front; nil for a visitor without a pass.
    let cookie: (SiteRequest) -> String?

    private func headers(of request: SiteRequest) -> [(name: String, value: String)] {
        var headers = request.headers
        if let cookie = cookie(request) {
            if let index = headers.firstIndex(where: { $0.name == "Cookie" }) {
                headers[index].value = "\(cookie); \(headers[index].value)"
            } else {
                headers.append(("Cookie", cookie))
            }
        }
        return headers + [("X-Row", "\(phase)-\(request.row)")]
    }

    func send(_ request: SiteRequest) throws -> SiteAnswer {
        if request.isTLS || request.isIPv6 { return try sendByCurl(request) }
        let source = request.source ?? "127.0.1.\(request.row % 250 + 1)"
        let socket = try TestSocket(port: ports[request.port], timeoutSeconds: 10, from: source)
        socket.send(bytes(of: request))
        var (received, wasReleased, hasSpoken) = ([UInt8](), false, false)
        while let more = socket.receive(), !more.isEmpty {
            received += more
            if SiteClient.isKeptAfter(received, request.method) { break }
            if let target = request.release, !wasReleased, received.firstRange(of: Array("data: ".utf8)) != nil {
                wasReleased = true
                var release = request
                (release.target, release.release, release.row) = (target, nil, request.row + 10_000)
                _ = try send(release)
            }
            if !hasSpoken, received.firstRange(of: Array("\r\n\r\n".utf8)) != nil,
                received.starts(with: Array("HTTP/1.1 101 ".utf8))
            {
                hasSpoken = true
                socket.send(SiteClient.frame(request.message ?? "nothing"))
            }
        }
        guard !received.isEmpty else { return SiteAnswer(Array("closed\r\n\r\n".utf8)) }
        return SiteAnswer(received)
    }

    /// Whether this is the whole answer, and the server waits for another request: we did not ask it to close.
    private static func isKeptAfter(_ received: [UInt8], _ method: String) -> Bool {
        guard let end = received.firstRange(of: Array("\r\n\r\n".utf8)) else { return false }
        let answer = SiteAnswer(Array(received[..<end.upperBound]))
        guard answer.values("connection") == ["keep-alive"] else { return false }
        if let length = answer.values("content-length").first.flatMap({ Int($0) }), method != "HEAD" {
            return received.count - end.upperBound >= length
        }
        let isChunked = !answer.values("transfer-encoding").isEmpty
        return !isChunked || received.suffix(5).elementsEqual("0\r\n\r\n".utf8)
    }

    private func bytes(of request: SiteRequest) -> [UInt8] {
        var lines = ["\(request.method) \(request.target) HTTP/1.\(request.isHTTP10 ? 0 : 1)"]
        var headers = headers(of: request)
        if !headers.contains(where: { $0.name == "Connection" }) { headers.append(("Connection", "close")) }
        var body = request.body ?? ""
        if request.isChunked {
            headers.append(("Transfer-Encoding", "chunked"))
            body = "\(String(body.utf8.count, radix: 16))\r\n\(body)\r\n0\r\n\r\n"
        } else if request.body != nil {
            headers.append(("Content-Length", "\(body.utf8.count)"))
        }
        lines += headers.map { "\($0.name): \($0.value)" }
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n" + body).utf8)
    }

    /// A masked text frame, and a masked close frame.
    private static func frame(_ text: String) -> [UInt8] {
        let mask: [UInt8] = [1, 2, 3, 4]
        func masked(_ opcode: UInt8, _ payload: [UInt8]) -> [UInt8] {
            [0x80 | opcode, 0x80 | UInt8(payload.count)] + mask
                + payload.enumerated().map { $0.element ^ mask[$0.offset % 4] }
        }
        return masked(1, Array(text.utf8)) + masked(8, [3, 232])
    }

    private func sendByCurl(_ request: SiteRequest) throws -> SiteAnswer {
        let host = request.isIPv6 ? "[::1]" : "127.0.0.1"
        let base = "\(request.isTLS ? "https" : "http")://\(host):\(ports[request.port])"
        // curl does not put an absolute address together by itself.
        let isPath = request.target.hasPrefix("/")
        let url = isPath ? [base + request.target] : [base + "/", "--request-target", request.target]
        var words = ["-sk", "-i", "--path-as-is", "-g", "-m", "10", request.isHTTP2 ? "--http2" : "--http1.1"]
        words += request.method == "HEAD" ? ["-I"] : ["-X", request.method]
        if !request.isIPv6 { words += ["--interface", request.source ?? "127.0.1.\(request.row % 250 + 1)"] }
        for header in headers(of: request) { words += ["-H", "\(header.name): \(header.value)"] }
        if let body = request.body { words += ["--data-binary", body] }
        // Not as text: an answer may hold any bytes.
        let directory = try TemporaryDirectory()
        _ = try TestProcess("curl", words + url, log: directory.file("answer")).wait()
        let bytes = FileManager.default.contents(atPath: directory.file("answer")).map { Array($0) } ?? []
        // curl has joined the chunks.
        return SiteAnswer(
            Array(
                String(decoding: bytes, as: UTF8.self)
                    .replacing("Transfer-Encoding: chunked\r\n", with: "").utf8
            )
        )
    }
}
