// SPDX-License-Identifier: Apache-2.0
//
// A reply copied out of hiredis, which frees its own when the callback returns.

internal import CHiredis

/// One RESP2 reply.
public enum RedisReply: Equatable, Sendable {
    case integer(Int)
    case bytes([UInt8])
    case status(String)
    case error(String)
    case array([RedisReply])
    case null

    init(copying reply: UnsafePointer<redisReply>) {
        let value = reply.pointee
        switch value.type {
        case REDIS_REPLY_INTEGER:
            self = .integer(Int(value.integer))
        case REDIS_REPLY_STRING:
            self = .bytes(RedisReply.bytes(of: value))
        case REDIS_REPLY_STATUS:
            self = .status(String(decoding: RedisReply.bytes(of: value), as: UTF8.self))
        case REDIS_REPLY_ERROR:
            self = .error(String(decoding: RedisReply.bytes(of: value), as: UTF8.self))
        case REDIS_REPLY_ARRAY:
            self = .array(
                (0..<Int(value.elements)).map { i in
                    guard let element = value.element[i] else { return .null }
                    return RedisReply(copying: element)
                }
            )
        default:
            self = .null
        }
    }

    private static func bytes(of value: redisReply) -> [UInt8] {
        guard let start = value.str else { return [] }
        return Array(UnsafeRawBufferPointer(start: start, count: Int(value.len)))
    }

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
