// SPDX-License-Identifier: Apache-2.0
//
// What Redis refuses, on a real server: the rule of deploy/README.md is enough for everything a room does, each missing
// permission is named when the connection is made, and a server that has become a replica is left, with one line in the
// log.

import Admission
import Foundation
import QueueClient
import RedisQueue
import TestSupport
import Testing

struct PermissionTests {
    /// The command that deploy/README.md gives, as words.
    private static func documented() throws -> [String] {
        let text = try String(contentsOfFile: "\(Repository.root)/deploy/README.md", encoding: .utf8)
        let line = text.split(separator: "\n").first { $0.hasPrefix("ACL SETUSER vestibule") }
        return (line ?? "").split(separator: " ").map(String.init)
    }

    private static func makeUser(_ redis: RedisServer, _ changes: [String] = []) throws {
        let words = try documented().map { $0 == ">PASSWORD" ? ">secret" : $0 } + changes
        let answer = try TestProcess.redisCLI(["-s", redis.socketPath] + words)
        guard answer == "OK" else { throw TestFailure("\(words): \(answer)") }
    }

    private static func site(_ redis: RedisServer, _ policy: RoomPolicy) throws -> QueueSite {
        let endpoint = RedisEndpoint(
            address: .unix(path: redis.socketPath),
            username: "vestibule",
            password: "secret"
        )
        return try QueueSite(.server(endpoint), workers: 1, rooms: ["demo"], policy: policy)
    }

    @Test("The rule of the README is the one that is tried, and names each command of the scripts")
    func rule() throws {
        #expect(
            try Self.documented() == ["ACL", "SETUSER", "vestibule", "on", ">PASSWORD"]
                + RedisPermissions.rule.split(separator: " ").map(String.init)
        )
        let scripts = ScriptCatalog()
        var used: Set<String> = []
        for script in QueueScript.allCases {
            let source = String(decoding: scripts.source(of: script), as: UTF8.self)
            for call in source.matches(of: /redis\.call\('([A-Z]+)'/) { used.insert("+\(call.1.lowercased())") }
        }
        #expect(used.subtracting(RedisPermissions.rule.split(separator: " ").map(String.init)) == [])
    }

    @Test("With the rule of the README a room takes joins, calls, lets in, and comes back after a loss")
    func enough() throws {
        let redis = try RedisServer()
        try Self.makeUser(redis)
        var policy = RoomPolicy.standard
        (policy.rateMilli, policy.burst) = (20_000, 2)
        let site = try Self.site(redis, policy)
        defer { site.close() }
        #expect(site.untilMirrored())
        try site.join(12, "demo")
        let last = try #require(site.visitors.last)
        site.open([], joinEvery: 1000)
        #expect(site.run(seconds: 10) { site.entries.count >= 6 })
        try redis.command("FLUSHALL")
        #expect(site.run(seconds: 20) { site.entries.count == 12 })
        #expect(site.entries.last?.number == last.claim.number)
        #expect(site.workers[0].log.allSatisfy { !$0.contains("NOPERM") }, "\(site.workers[0].log)")
        #expect(try redis.command("EXISTS", "vq:{permissions}:state") == "0")
    }

    @Test(
        "A permission that is missing is named when the connection is made",
        arguments: [
            ("-bitop", "lacks +bitop"), ("-zinterstore", "lacks +zinterstore"), ("-getex", "lacks +getex"),
            ("-time", "lacks +time"), ("-info", "'info'"), ("-eval", "'eval'"), ("-script|load", "'script|load'"),
            ("resetkeys", "lacks ~vq:*"),
        ]
    )
    func missing(_ change: String, _ said: String) throws {
        let redis = try RedisServer()
        try Self.makeUser(redis, [change])
        let site = try Self.site(redis, .standard)
        defer { site.close() }
        let log = { site.workers[0].log }
        #expect(site.run(seconds: 5) { log().contains { $0.contains(said) } }, "\(log())")
        #expect(log().contains { $0.contains("NOPERM") && $0.contains("deploy/README.md") }, "\(log())")
        #expect(!site.workers[0].link.isReady(room: "demo"))
        // With the permission the worker goes on by itself.
        try Self.makeUser(redis)
        #expect(site.run(seconds: 5) { site.workers[0].link.isReady(room: "demo") })
    }

    @Test("A server that has become a replica is told once, is left, and is used again when it is a master")
    func replica() throws {
        let redis = try RedisServer()
        try Self.makeUser(redis)
        let site = try Self.site(redis, .standard)
        defer { site.close() }
        #expect(site.untilMirrored())
        let worker = site.workers[0]
        var complaints: [String] = []
        worker.store.complain = { complaints.append($0) }
        #expect(worker.store.refusal == nil)
        try redis.command("REPLICAOF", "127.0.0.1", "1")
        #expect(site.run(seconds: 5) { worker.store.refusal?.contains("READONLY") == true })
        #expect(worker.store.refusal?.contains("name the master") == true)
        let connected = { worker.log.filter { $0 == "redis connected" }.count }
        #expect(site.run(seconds: 5) { connected() == 2 }, "a forwarder leads to the new master")
        site.pass(milliseconds: 1000)
        #expect(complaints.count == 1, "\(complaints)")
        try redis.command("REPLICAOF", "NO", "ONE")
        #expect(site.run(seconds: 5) { worker.store.refusal == nil })
    }

    @Test("Two installations with prefixes of their own share a Redis and not their rooms")
    func prefixes() throws {
        let redis = try RedisServer()
        let server = RedisSite.server(RedisEndpoint(address: .unix(path: redis.socketPath)))
        var policy = RoomPolicy.standard
        (policy.rateMilli, policy.burst) = (0, 1)
        let sites = try ["", "shop:"].map {
            try QueueSite(server, workers: 1, rooms: ["demo"], policy: policy, keyPrefix: $0)
        }
        defer { for site in sites { site.close() } }
        for (site, count) in zip(sites, [3, 6]) {
            #expect(site.untilMirrored())
            try site.join(count, "demo")
            #expect(site.run(seconds: 5) { site.waiting("demo").count == count - 1 })
        }
        #expect(sites[0].waiting("demo").count == 2)
        #expect(try redis.command("HGET", "vq:{demo}:state", "waiting") == "2")
        #expect(try redis.command("HGET", "shop:vq:{demo}:state", "waiting") == "5")
        let names = try redis.command("KEYS", "*").split(separator: "\n")
        #expect(names.allSatisfy { $0.hasPrefix("vq:{demo}:") || $0.hasPrefix("shop:vq:{demo}:") })
    }
}
