// SPDX-License-Identifier: Apache-2.0
//
// Many requests on one connection without waiting for each answer (RFC 9112 section 9.3.2). It costs the client so
// little that the server is what is measured, also on a machine with two cores.

/// One connection with several requests in flight. Not for use from several threads.
public final class PipelinedClient {
    private let socket: TestSocket
    private var buffer: [UInt8] = []
    private var start = 0

    public init(port: Int, timeoutSeconds: Int = 20) throws {
        socket = try TestSocket(port: port, timeoutSeconds: timeoutSeconds)
    }

    /// The bytes of a request.
    public static func request(
        _ method: String,
        _ path: String,
        _ headers: [(String, String)] = [],
        body: String? = nil
    ) -> [UInt8] {
        HTTPClient.bytes(method, path, headers + (body == nil ? [] : [("Content-Type", "application/json")]), body)
    }

    /// Sends requests and reads their answers, which come in the same order.
    /// - Parameter each: index of the request, status and body of its answer; the body is valid during the call.
    public func exchange(_ requests: [[UInt8]], _ each: (Int, Int, ArraySlice<UInt8>) throws -> Void) throws {
        guard socket.send(Array(requests.joined())) else { throw TestFailure("send failed") }
        for index in requests.indices {
            let (status, body) = try answer()
            try each(index, status, body)
        }
    }

    private func fill() throws {
        buffer.removeFirst(start)
        start = 0
        try socket.fill(&buffer)
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
