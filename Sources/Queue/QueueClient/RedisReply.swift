// SPDX-License-Identifier: Apache-2.0
//
// One reply of Redis. The connection makes it (RedisReply+hiredis in RedisQueue), or a simulated server.

/// One RESP2 reply.
public enum RedisReply: Equatable, Sendable {
    case integer(Int)
    case bytes([UInt8])
    case status(String)
    case error(String)
    case array([RedisReply])
    case null

    /// The integer, also when Redis sent it as text (hash fields, scores).
    public var integerValue: Int? {
        switch self {
        case .integer(let value): value
        case .bytes(let bytes): Int(String(decoding: bytes, as: UTF8.self))
        default: nil
        }
    }

    public var arrayValue: [RedisReply]? {
        if case .array(let elements) = self { return elements }
        return nil
    }

    public var bytesValue: [UInt8]? {
        if case .bytes(let bytes) = self { return bytes }
        return nil
    }
}
