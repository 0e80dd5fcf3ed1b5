// SPDX-License-Identifier: Apache-2.0
//
// A WebSocket client (RFC 6455) for text messages on loopback: Foundation has none on Linux, and WebDriver BiDi has no
// other way in.

import TestSupport

/// One connection; not for use from several threads. Closed with its owner.
final class WebSocket {
    private let socket: TestSocket
    private var received: [UInt8] = []

    /// Connects, and throws unless the server switches protocols.
    init(port: Int, path: String, timeoutSeconds: Int) throws {
        socket = try TestSocket(port: port, timeoutSeconds: timeoutSeconds)
        let head = """
            GET \(path) HTTP/1.1\r
            Host: 127.0.0.1:\(port)\r
            Connection: Upgrade\r
            Upgrade: websocket\r
            Sec-WebSocket-Version: 13\r
            Sec-WebSocket-Key: dmVzdGlidWxlLXRlc3RzIQ==\r
            \r

            """
        guard socket.send(Array(head.utf8)) else { throw TestFailure("the browser takes no request") }
        let end = Array("\r\n\r\n".utf8)
        while received.firstRange(of: end) == nil { try socket.fill(&received) }
        let answer = String(decoding: received, as: UTF8.self)
        guard answer.hasPrefix("HTTP/1.1 101"), let endOfHead = received.firstRange(of: end) else {
            throw TestFailure("no WebSocket: \(answer.prefix(200))")
        }
        received.removeSubrange(..<endOfHead.upperBound)
    }

    func send(_ text: String) throws {
        guard socket.send(WebSocket.frame(opcode: 1, Array(text.utf8))) else {
            throw TestFailure("the browser closed the connection")
        }
    }

    /// A last frame of a client. Section 5.3 wants a mask; Firefox takes one of zeros for none.
    private static let mask: [UInt8] = [0x5a, 0xa5, 0x3c, 0xc3]

    private static func frame(opcode: UInt8, _ payload: [UInt8]) -> [UInt8] {
        let length: [UInt8]
        switch payload.count {
        case ..<126: length = [UInt8(payload.count)]
        case ..<65_536: length = [126] + bigEndian(payload.count, 2)
        default: length = [127] + bigEndian(payload.count, 8)
        }
        let masked = payload.enumerated().map { $1 ^ mask[$0 % 4] }
        return [0x80 | opcode, 0x80 | length[0]] + length.dropFirst() + mask + masked
    }

    private static func bigEndian(_ number: Int, _ count: Int) -> [UInt8] {
        (0..<count).reversed().map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }

    /// The next message, from all its frames. Throws when the peer closes, and when nothing comes.
    func receive() throws -> [UInt8] {
        var message: [UInt8] = []
        while true {
            let head = try take(2)
            var count = Int(head[1] & 0x7f)
            if count == 126 { count = try take(2).reduce(0) { $0 << 8 | Int($1) } }
            if count == 127 { count = try take(8).reduce(0) { $0 << 8 | Int($1) } }
            let payload = try take(count)
            switch head[0] & 0x0f {
            case 0, 1: message += payload
            case 8: throw TestFailure("the browser closed the connection")
            case 9: _ = socket.send(WebSocket.frame(opcode: 10, payload))
            default: break
            }
            if head[0] & 0x80 != 0, head[0] & 0x0f <= 1 { return message }
        }
    }

    private func take(_ count: Int) throws -> [UInt8] {
        while received.count < count { try socket.fill(&received) }
        defer { received.removeFirst(count) }
        return Array(received[..<count])
    }
}
