// SPDX-License-Identifier: Apache-2.0
//
// A small blocking HTTP/1.1 client on one kept connection: it shows exactly what was sent and what came back.

internal import Foundation
public import StrictJSON

/// An answer as it came.
public struct HTTPAnswer: Sendable {
    public var status: Int
    public var headers: [(name: String, value: String)]
    public var body: [UInt8]

    /// An answer read by other means, such as curl.
    public init(status: Int, headers: [(name: String, value: String)], body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    public var text: String { String(decoding: body, as: UTF8.self) }

    /// The body as JSON; null when it is not.
    public var json: JSONValue { (try? JSONValue(parsing: body)) ?? .null }

    /// All values of a header, in order.
    public func values(_ name: String) -> [String] {
        headers.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
    }

    public func header(_ name: String) -> String? { values(name).first }

    /// The value of a cookie this answer sets.
    public func cookie(_ name: String) -> String? {
        for value in values("Set-Cookie") where value.hasPrefix("\(name)=") {
            return String(value.dropFirst(name.count + 1).prefix { $0 != ";" })
        }
        return nil
    }

    public var errorCode: String? { json["error"]?["code"]?.stringValue }
}

/// One connection to 127.0.0.1. Not for use from several threads.
public final class HTTPClient {
    public let port: Int
    private let timeoutSeconds: Int
    private let source: String?
    private var socket: TestSocket?
    private var buffer: [UInt8] = []

    /// - Parameter source: the address it comes from, one of 127.0.0.0/8; nil leaves it to the system (127.0.0.1).
    public init(port: Int, timeoutSeconds: Int = 10, from source: String? = nil) {
        self.port = port
        self.source = source
        self.timeoutSeconds = timeoutSeconds
    }

    /// Sends a request and reads the whole answer. A kept connection that the server has closed is opened again once.
    public func send(
        _ method: String,
        _ path: String,
        headers: [(String, String)] = [],
        body: String? = nil
    ) throws -> HTTPAnswer {
        let bytes = HTTPClient.bytes(method, path, headers, body)
        let isFresh = socket == nil
        do {
            return try exchange(bytes, method)
        } catch {
            guard !isFresh else { throw error }
            return try exchange(bytes, method)
        }
    }

    /// Sends a request on a connection of its own and closes it without waiting for the answer.
    public func sendAndHangUp(_ method: String, _ path: String, headers: [(String, String)], body: String) throws {
        let other = try TestSocket(port: port, timeoutSeconds: timeoutSeconds)
        guard other.send(HTTPClient.bytes(method, path, headers, body)) else { throw TestFailure("send failed") }
    }

    static func bytes(
        _ method: String,
        _ path: String,
        _ headers: [(String, String)],
        _ body: String?
    ) -> [UInt8] {
        var head = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        if let body { head += "Content-Length: \(body.utf8.count)\r\n" }
        return Array((head + "\r\n" + (body ?? "")).utf8)
    }

    public func get(_ path: String, _ headers: (String, String)...) throws -> HTTPAnswer {
        try send("GET", path, headers: headers)
    }

    public func postJSON(_ path: String, _ body: String, _ headers: (String, String)...) throws -> HTTPAnswer {
        try send("POST", path, headers: [("Content-Type", "application/json")] + headers, body: body)
    }

    private func exchange(_ bytes: [UInt8], _ method: String) throws -> HTTPAnswer {
        if socket == nil {
            socket = try TestSocket(port: port, timeoutSeconds: timeoutSeconds, from: source)
            buffer = []
        }
        do {
            guard socket?.send(bytes) == true else { throw TestFailure("send failed") }
            return try readAnswer(hasBody: method != "HEAD")
        } catch {
            socket = nil
            throw error
        }
    }

    private func fill() throws { try socket?.fill(&buffer) }

    private func line() throws -> String {
        while true {
            if let end = buffer.firstIndex(of: 10) {
                let text = String(decoding: buffer[..<end].filter { $0 != 13 }, as: UTF8.self)
                buffer.removeFirst(end + 1)
                return text
            }
            try fill()
        }
    }

    private func take(_ count: Int) throws -> [UInt8] {
        while buffer.count < count { try fill() }
        defer { buffer.removeFirst(count) }
        return Array(buffer[..<count])
    }

    private func readAnswer(hasBody: Bool) throws -> HTTPAnswer {
        let words = try line().split(separator: " ")
        guard words.count >= 2, let status = Int(words[1]) else { throw TestFailure("not an HTTP answer: \(words)") }
        var answer = HTTPAnswer(status: status, headers: [], body: [])
        while true {
            let text = try line()
            if text.isEmpty { break }
            let parts = text.split(separator: ":", maxSplits: 1)
            answer.headers.append(
                (String(parts[0]), parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : "")
            )
        }
        if hasBody && status != 204 && status != 304 { answer.body = try readBody(answer) }
        if answer.header("Connection")?.lowercased() == "close" { socket = nil }
        return answer
    }

    private func readBody(_ answer: HTTPAnswer) throws -> [UInt8] {
        if let length = answer.header("Content-Length").flatMap(Int.init) { return try take(length) }
        guard answer.header("Transfer-Encoding")?.lowercased() == "chunked" else {
            while (try? fill()) != nil {}
            defer { buffer = [] }
            return buffer
        }
        var body: [UInt8] = []
        while true {
            guard let size = Int(try line().prefix { $0 != ";" }, radix: 16) else { throw TestFailure("bad chunk") }
            body += try take(size)
            _ = try line()
            if size == 0 { return body }
        }
    }
}
