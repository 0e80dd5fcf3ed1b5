// SPDX-License-Identifier: Apache-2.0
//
// What the tests look at in Redis itself, and change there from outside.

import Admission
import QueueClient
import TestSupport
import WaitingRoomAPI

extension RedisHarness {
    /// What Redis says the room's keys take, names and overhead included.
    func memoryOfKeys() throws -> Int {
        let sum = """
            local bytes = 0
            for _, key in ipairs(redis.call('KEYS', 'vq:{*')) do bytes = bytes + redis.call('MEMORY', 'USAGE', key) end
            return bytes
            """
        guard let bytes = try command(["EVAL", RedisArgument(sum), 0]).integerValue else {
            throw TestFailure("no sum of memory")
        }
        return bytes
    }

    /// A number of Redis' INFO.
    func information(_ section: String, _ field: String) throws -> Int {
        let reply = try command(["INFO", RedisArgument(section)])
        let text = String(decoding: reply.bytesValue ?? [], as: UTF8.self)
        let line = text.split(whereSeparator: \.isNewline).first { $0.hasPrefix("\(field):") }
        guard let value = line.flatMap({ Int($0.dropFirst(field.utf8.count + 1)) }) else {
            throw TestFailure("INFO has no \(field)")
        }
        return value
    }

    /// Processor time that Redis has used, in milliseconds.
    func processorMilliseconds() throws -> Int {
        let text = String(decoding: try command(["INFO", "cpu"]).bytesValue ?? [], as: UTF8.self)
        let lines = text.split(whereSeparator: \.isNewline)
        let seconds = ["used_cpu_user:", "used_cpu_sys:"].compactMap { name in
            lines.first { $0.hasPrefix(name) }.flatMap { Double($0.dropFirst(name.count)) }
        }
        guard seconds.count == 2 else { throw TestFailure("INFO has no processor time") }
        return Int((seconds[0] + seconds[1]) * 1000)
    }

    /// Entries in a sorted set of their own, a thousand in a command.
    func writeDown(_ entries: [RememberedEntry], in key: String) throws {
        for start in stride(from: 0, to: entries.count, by: 1000) {
            let words = entries[start..<min(start + 1000, entries.count)].flatMap {
                [RedisArgument($0.passExpiresMilliseconds), RedisArgument($0.number)]
            }
            _ = try command(["ZADD", RedisArgument(key)] + words)
        }
    }

    /// Removes every key of the room whose name begins so, as an eviction would. Returns how many there were.
    func remove(_ name: String) throws -> Int {
        let script = """
            local keys = redis.call('KEYS', ARGV[1] .. '*')
            for _, key in ipairs(keys) do redis.call('DEL', key) end
            return #keys
            """
        let prefix = "vq:{\(room.id)}:\(name)"
        return try command(["EVAL", RedisArgument(script), 0, RedisArgument(prefix)]).integerValue ?? 0
    }

    /// The names of the room's keys that begin so.
    func names(_ name: String) throws -> [String] {
        let reply = try command(["KEYS", RedisArgument("vq:{\(room.id)}:\(name)*")])
        return (reply.arrayValue ?? []).compactMap(\.bytesValue).map { String(decoding: $0, as: UTF8.self) }
    }

    private var stateKey: String { KeySchema(room: room.id).state }

    /// A field of the room's state as it is written there; nil when there is none.
    func text(_ name: String) throws -> String? {
        try command(["HGET", RedisArgument(stateKey), RedisArgument(name)]).bytesValue
            .map { String(decoding: $0, as: UTF8.self) }
    }

    /// Writes a field of the room's state.
    func setText(_ name: String, _ value: String) throws {
        _ = try command(["HSET", RedisArgument(stateKey), RedisArgument(name), RedisArgument(value)])
    }

    /// A field of the room's state.
    func field(_ name: String) throws -> Int { try text(name).flatMap { Int($0) } ?? -1 }

    /// How many members a sorted set of the room has.
    func count(_ name: String) throws -> Int {
        try command(["ZCARD", RedisArgument("vq:{\(room.id)}:\(name)")]).integerValue ?? -1
    }
}
