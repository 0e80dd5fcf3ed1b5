// SPDX-License-Identifier: Apache-2.0
//
// What the user of an ACL must be allowed to do: the rule for an operator to copy, and a script that tries each
// permission at a new connection, so that a missing one is named there and not found by a visitor.

/// The permissions that the queue needs, on keys that begin with `vq:`, or with the installation's prefix and that.
public enum RedisPermissions {
    /// The commands of the scripts, each in a form that changes nothing but a key of its own. They run in this order;
    /// an error about the type of that key is none about a permission.
    static let tries: [[String]] = [
        ["DEL", key], ["ZADD", key, "1", "m"], ["ZCARD", key], ["ZSCORE", key, "m"],
        ["ZMSCORE", key, "m"], ["ZINCRBY", key, "1", "m"],
        ["ZRANGEBYSCORE", key, "1", "1", "LIMIT", "0", "1"], ["ZREVRANGE", key, "0", "0"],
        ["ZINTERSTORE", key, "1", key], ["ZREM", key, "m"], ["UNLINK", key], ["HSET", key, "f", "1"],
        ["HGET", key, "f"], ["HMGET", key, "f"], ["HGETALL", key], ["HKEYS", key], ["HEXISTS", key, "f"],
        ["HLEN", key],
        ["HSETNX", key, "f", "1"], ["HINCRBY", key, "f", "1"], ["HDEL", key, "f"], ["SET", key, "v", "PX", "1000"],
        ["GET", key],
        ["GETEX", key, "PX", "1000"], ["EXISTS", key], ["PEXPIRE", key, "1000"], ["SETBIT", key, "0", "1"],
        ["APPEND", key, "v"], ["STRLEN", key],
        ["SETRANGE", key, "0", "v"], ["GETBIT", key, "0"], ["BITCOUNT", key], ["BITPOS", key, "1"],
        ["BITOP", "OR", key, key], ["RENAME", key, key], ["TIME"],
    ]
    private static let key = "KEY"

    /// What a connection needs beside them: INFO names the server, ROLE is asked of a Sentinel's master, CLUSTER and
    /// ASKING of a Cluster.
    private static let direct = ["eval", "evalsha", "script|load", "info", "role", "cluster|slots", "asking"]

    /// The rule for `ACL SETUSER vestibule`, without the user's name and password.
    public static let rule =
        "~vq:* resetchannels -@all "
        + (direct + tries.map { $0[0].lowercased() }).map { "+\($0)" }.joined(separator: " ")

    /// The first word of the probe's answer; the names of what is missing follow.
    private static let mark = "permissions"

    /// Tries each permission: EVAL with no keys, so that every node of a Cluster runs it. Redis looks at permissions
    /// before anything else, so a replica and a full server answer as well.
    /// - Parameter keyPrefix: of the installation.
    public static func probe(keyPrefix: String) -> [RedisArgument] {
        let name = KeySchema(room: "permissions", prefix: keyPrefix).state
        let calls = tries.map { words in
            "{" + words.map { $0 == key ? "'\(name)'" : "'\($0)'" }.joined(separator: ",") + "}"
        }.joined(separator: ",")
        let text = """
            local missing = {'\(mark)'}
            for _, call in ipairs({\(calls)}) do
              local reply = redis.pcall(unpack(call))
              local text = type(reply) == 'table' and reply.err or ''
              if string.find(text, 'NOPERM') or string.find(text, 'user executing the script') then
                missing[#missing + 1] = string.find(text, ' key') and '~vq:*' or '+' .. string.lower(call[1])
              end
            end
            redis.pcall('DEL', '\(name)')
            return missing
            """
        return ["EVAL", RedisArgument(text), 0]
    }

    private static func words(_ reply: RedisReply) -> [String] {
        reply.arrayValue?.map { $0.bytesValue.map { String(decoding: $0, as: UTF8.self) } ?? "" } ?? []
    }

    /// Whether a reply is the probe's.
    public static func isAnswer(_ reply: RedisReply) -> Bool { words(reply).first == mark }

    /// What is missing, by the probe's answer; nil when nothing is.
    public static func complaint(about reply: RedisReply) -> String? {
        let named = words(reply).dropFirst()
        guard !named.isEmpty else { return nil }
        let missing = named.contains("~vq:*") ? "~vq:*" : named.joined(separator: " ")
        return "NOPERM the user lacks \(missing); \(RedisPermissions.advice)"
    }

    static let advice = "give it the rule under \"An ACL user\" in deploy/README.md"
}
