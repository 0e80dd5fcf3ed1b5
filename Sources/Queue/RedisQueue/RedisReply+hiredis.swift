// SPDX-License-Identifier: Apache-2.0
//
// A reply copied out of hiredis, which frees its own when the callback returns.

internal import CHiredis
internal import QueueClient

extension RedisReply {
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
}
