// SPDX-License-Identifier: Apache-2.0
//
// Many requests on one connection without waiting for each answer (RFC 9112 section 9.3.2). It costs the client so
// little that the server is what is measured, also on a machine with two cores.

internal import Glibc

/// One connection with several requests in flight. Not for use from several threads.
public final class PipelinedClient {
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var start = 0

    public init(port: Int, timeoutSeconds: Int = 20) throws {
        descriptor = try Loopback.connect(port: port, timeoutSeconds: timeoutSeconds)
    }

    deinit {
        close(descriptor)
    }

    /// The bytes of a request.
    public static func request(_ method: String, _ path: String, body: String? = nil) -> [UInt8] {
        var text = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\n"
        if let body { text += "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n" }
        return Array((text + "\r\n" + (body ?? "")).utf8)
    }

    /// Sends requests and reads their answers, which come in the same order.
    /// - Parameter each: index of the request, status and body of its answer; the body is valid during the call.
    public func exchange(_ requests: [[UInt8]], _ each: (Int, Int, ArraySlice<UInt8>) throws -> Void) throws {
        try write(Array(requests.joined()))
        for index in requests.indices {
            let (status, body) = try answer()
            try each(index, status, body)
        }
    }

    private func write(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw TestFailure("send: \(errno)") }
            sent += count
        }
    }

    private func fill() throws {
        if start > 0 {
            buffer.removeFirst(start)
            start = 0
        }
        let before = buffer.count
        buffer.append(contentsOf: repeatElement(0, count: 65_536))
        let count = buffer[before...].withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
        buffer.removeLast(65_536 - max(0, count))
        guard count > 0 else { throw TestFailure(count == 0 ? "the server closed the connection" : "recv: \(errno)") }
    }

    /// Status and body of the next answer. All answers of the API have a Content-Length.
    private func answer() throws -> (Int, ArraySlice<UInt8>) {
        while true {
            if let (status, bodyStart, length) = try head() {
                while buffer.count - start < bodyStart + length { try fill() }
                let body = buffer[(start + bodyStart)..<(start + bodyStart + length)]
                start += bodyStart + length
                return (status, body)
            }
            try fill()
        }
    }

    /// Status, length of the head, length of the body; nil when the head is not all there.
    private func head() throws -> (status: Int, bodyStart: Int, length: Int)? {
        let bytes = buffer[start...]
        var lineStart = start
        var length: Int?
        for index in bytes.indices where bytes[index] == 10 {
            let line = bytes[lineStart..<index]
            if line.count <= 1 {
                guard let length, let status = Int(String(decoding: bytes.dropFirst(9).prefix(3), as: UTF8.self)) else {
                    throw TestFailure("not an answer of the API: \(String(decoding: bytes.prefix(200), as: UTF8.self))")
                }
                return (status, index + 1 - start, length)
            }
            if line.first == UInt8(ascii: "C"), line.starts(with: "Content-Length: ".utf8) {
                length = Int(String(decoding: line.dropFirst(16).dropLast(), as: UTF8.self))
            }
            lineStart = index + 1
        }
        return nil
    }
}
