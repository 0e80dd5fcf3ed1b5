// SPDX-License-Identifier: Apache-2.0
//
// Goal: the load generator finds every entry in Redis, also those that the workers have brought back after a loss.

import Load
import TestSupport
import Testing

@Suite struct ProbeTests {
    /// Page 1 holds the numbers from 1,022 on: a record is two bytes of the number in it, and six of the pass' end.
    private static let bringing = """
        redis.call('SET', 'vq:{demo}:brought:1', struct.pack('>I2I6I2I6', 3, ARGV[1], 4, ARGV[2]))
        redis.call('ZADD', 'vq:{demo}:brought', ARGV[1], 1, ARGV[1], 9)
        """

    @Test func `entries that were brought back count once, beside the others`() throws {
        let server = try RedisServer()
        let end = 1_768_000_000_000
        // 1,026 is in both, as when the set was made again behind its page.
        try server.command("ZADD", "vq:{demo}:active", "\(end)", "7", "\(end + 20)", "1026")
        try server.command("EVAL", Self.bringing, "0", "\(end + 5)", "\(end + 10)")
        let probe = try #require(RedisProbe(socketPath: server.socketPath))
        let found = try #require(probe.entryMicroseconds(room: "demo"))
        #expect(found.sorted() == [end, end + 5, end + 20].map { $0 * 1000 })
        #expect(probe.entryMicroseconds(room: "other") == [])
    }
}
