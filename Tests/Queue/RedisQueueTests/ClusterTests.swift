// SPDX-License-Identifier: Apache-2.0
//
// Goal: rooms live on any master of a Cluster, move with their slots, and survive the death of a master.
// Method: a real Cluster of three masters and a replica on loopback; two workers with visitors.

import Admission
import QueueClient
import Reactor
import RedisQueue
import TestSupport
import Testing
import WaitingRoomAPI

@Suite(.serialized)
struct ClusterTests {
    private static var policy: RoomPolicy {
        var policy = RoomPolicy.standard
        policy.rateMilli = 20_000
        policy.burst = 10
        return policy
    }

    private func queue(_ site: ClusterSite, _ rooms: [String]) throws -> QueueSite {
        let seeds = ClusterSettings(
            nodes: site.masters.prefix(2).map { RedisHostPort(host: "127.0.0.1", port: $0.port) }
        )
        let queue = try QueueSite(.cluster(seeds), workers: 2, rooms: rooms, policy: ClusterTests.policy)
        let isReady = queue.run(seconds: 5) {
            queue.workers.allSatisfy { worker in rooms.allSatisfy { worker.link.isReady(room: $0) } }
        }
        guard isReady else { throw TestFailure("no cluster: \(queue.workers[0].link.lastErrorText)") }
        return queue
    }

    /// How often a node has said something like MOVED.
    private func errors(_ name: String, _ node: RedisNode) throws -> Int {
        let info = try node.command("INFO", "errorstats")
        let form = try Regex("errorstat_\(name):count=(\\d+)", as: (Substring, Substring).self)
        return info.firstMatch(of: form).flatMap { Int($0.1) } ?? 0
    }

    private func move(_ slot: String, from source: RedisNode, to target: RedisNode, keys: [String]) throws {
        guard !keys.isEmpty else { return }
        let words = ["MIGRATE", "127.0.0.1", "\(target.port)", "", "0", "2000", "KEYS"] + keys
        guard try source.command(words) == "OK" else { throw TestFailure("MIGRATE of slot \(slot) failed") }
    }

    private func keys(_ slot: String, _ node: RedisNode) throws -> [String] {
        try node.command("CLUSTER", "GETKEYSINSLOT", slot, "1000").split(separator: "\n").map { String($0) }
            .filter { !$0.isEmpty }
    }

    @Test(
        "Rooms are on different masters, found at once; a slot that moves takes its room along with every place"
    )
    func migration() throws {
        let site = try ClusterSite()
        let rooms = try site.roomOnEach()
        #expect(rooms.count == 3)
        let queue = try queue(site, rooms)
        defer { queue.close() }
        for room in rooms { try queue.join(30, room) }
        for (node, room) in zip(site.masters, rooms) {
            #expect(try node.command("EXISTS", "vq:{\(room)}:state") == "1")
            #expect(try errors("MOVED", node) == 0, "the slot map and CRC16 name the right node at once")
        }
        queue.open(rooms, joinEvery: 40)
        #expect(queue.run(seconds: 5) { queue.entries.count >= 60 })

        // The keys that scripts name only while they run are on the way, all others are still there: the room is away
        // as a whole, and no script runs half-way.
        let (source, target, room) = (site.masters[1], site.masters[2], rooms[1])
        try source.command("HSET", "vq:{\(room)}:config", "capacity", "100000", "version", "1")
        let slot = try source.command("CLUSTER", "KEYSLOT", room)
        let ids = try site.masters.map { try $0.command("CLUSTER", "MYID") }
        #expect(try target.command("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[1]) == "OK")
        #expect(try source.command("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[2]) == "OK")
        let all = try keys(slot, source)
        #expect(all.count >= 4, "\(all)")
        let named = Set(["state", "config", "chunks", "called", "active", "flow"].map { "vq:{\(room)}:\($0)" })
        try move(slot, from: source, to: target, keys: all.filter { !named.contains($0) })
        // What was answered before has been read by then.
        queue.pass(milliseconds: 100)
        let joined = queue.visitors.count
        let inRoom = queue.entries.filter { $0.room == room }.count
        queue.pass(milliseconds: 500)
        #expect(queue.visitors.count > joined, "the other rooms go on")
        #expect(queue.entries.filter { $0.room == room }.count == inRoom)
        #expect(
            queue.failures.contains { if case .unavailable(let text) = $0 { text.contains("TRYAGAIN") } else { false } }
        )
        #expect(queue.failures.allSatisfy { if case .unavailable = $0 { true } else { false } }, "\(queue.failures)")

        // All keys moved and the target knows itself as the owner, the source does not yet: ASK.
        try move(slot, from: source, to: target, keys: try keys(slot, source))
        #expect(try target.command("CLUSTER", "SETSLOT", slot, "NODE", ids[2]) == "OK")
        let asked = try errors("ASK", source)
        let waited = queue.visitors.filter { $0.room == room }.count
        #expect(queue.run(seconds: 5) { queue.visitors.filter { $0.room == room }.count > waited + 3 })
        #expect(try errors("ASK", source) > asked || errors("MOVED", source) > 0)
        // The move is over: MOVED, once for each worker or so, and then nothing but the right node.
        #expect(try source.command("CLUSTER", "SETSLOT", slot, "NODE", ids[2]) == "OK")
        #expect(try site.masters[0].command("CLUSTER", "SETSLOT", slot, "NODE", ids[2]) == "OK")
        #expect(queue.run(seconds: 10) { queue.entries.filter { $0.room == room }.count >= inRoom + 20 })
        let moved = try errors("MOVED", source)
        queue.pass(milliseconds: 500)
        #expect(try errors("MOVED", source) == moved)
        expectAllWell(queue)
    }

    @Test("A master that is killed is followed by its replica, and the queue goes on as it was")
    func failover() throws {
        let site = try ClusterSite()
        let rooms = try site.roomOnEach()
        let queue = try queue(site, rooms)
        defer { queue.close() }
        for room in rooms { try queue.join(40, room) }
        queue.open(rooms, joinEvery: 40)
        #expect(queue.run(seconds: 5) { queue.entries.filter { $0.room == rooms[0] }.count >= 20 })
        site.masters[0].kill()
        #expect(queue.run(seconds: 5) { queue.workers.allSatisfy { !$0.link.isReady(room: rooms[0]) } })
        let others = queue.entries.filter { $0.room == rooms[1] }.count
        #expect(queue.run(seconds: 5) { queue.entries.filter { $0.room == rooms[1] }.count > others })
        #expect(queue.run(seconds: 20) { queue.workers.allSatisfy { $0.link.isReady(room: rooms[0]) } })
        let before = queue.entries.filter { $0.room == rooms[0] }.count
        #expect(queue.run(seconds: 10) { queue.entries.filter { $0.room == rooms[0] }.count >= before + 40 })
        #expect(site.replica.role == "master")
        expectAllWell(queue)

        let directory = try TemporaryDirectory()
        let text = rooms.map { "  \($0): {rate: 20, burst: 10}\n" }.joined()
        try directory.write("v.yaml", "rooms:\n\(text)redis: {cluster: [127.0.0.1:\(site.masters[1].port)]}\n")
        let listed = try TestProcess.output(
            try Product.vestibule(),
            ["room", "list", "--config", directory.file("v.yaml")]
        )
        #expect(listed.status == 0, "\(listed.text)")
        for room in rooms { #expect(listed.text.contains("\(room) mode=open"), "\(listed.text)") }
    }

    private func expectAllWell(_ queue: QueueSite) {
        queue.expectNothingTwice()
        queue.expectBound(ClusterTests.policy)
        #expect(queue.untilMirrored())
        queue.expectOrder()
    }
}

struct RedirectionTests {
    /// Answers every command of a worker: the greeting, and what `script` says to EVALSHA.
    private static func answers(_ bytes: [UInt8], slots: String, script: String) -> [UInt8] {
        let text = String(decoding: bytes, as: UTF8.self)
        let commands = text.split(separator: "\r\n").filter {
            ["INFO", "EVAL", "SCRIPT", "CLUSTER", "EVALSHA", "ASKING", "HKEYS"].contains($0)
        }
        return Array(
            commands.map { command -> String in
                switch command {
                case "CLUSTER": slots
                case "EVALSHA", "HKEYS": script
                default: "+OK\r\n"
                }
            }.joined().utf8
        )
    }

    /// One range of the slot map: all slots at a port.
    private static func range(_ first: Int, _ last: Int, port: Int) -> String {
        "*3\r\n:\(first)\r\n:\(last)\r\n*2\r\n$9\r\n127.0.0.1\r\n:\(port)\r\n"
    }

    private static func link(_ loop: EventLoop, port: Int, connectMilliseconds: Int = 300) -> any RedisLink {
        let settings = ClusterSettings(nodes: [RedisHostPort(host: "127.0.0.1", port: port)])
        var timing = briskTiming()
        timing.connectMilliseconds = connectMilliseconds
        return RedisSite.cluster(settings).link(loop: loop, scripts: ScriptCatalog(), timing: timing) { _ in }
    }

    /// Sends `count` commands as soon as that is possible, and runs for a second and a half: long after the last
    /// redirection, so that a completion which ran twice would be seen.
    private static func results(
        _ loop: EventLoop,
        _ link: any RedisLink,
        commands count: Int
    ) -> [Result<RedisReply, RedisFailure>] {
        var results: [Result<RedisReply, RedisFailure>] = []
        var isSent = false
        loop.beforeSleep {
            if link.isReady(room: "demo") && !isSent {
                isSent = true
                for _ in 0..<count { link.send(["HKEYS", "vq:{demo}:config"], room: "demo") { results.append($0) } }
            }
            link.flush()
        }
        link.open()
        let limit = loop.schedule(afterMilliseconds: 1500) { loop.stop() }
        loop.run()
        limit.cancel()
        return results
    }

    @Test("Two nodes that send a command to and fro are left after five redirections, and the command fails once")
    func circle() throws {
        let loop = try EventLoop()
        let ports = [try Loopback.freePort(), try Loopback.freePort()]
        let slots = "*1\r\n" + RedirectionTests.range(0, 16_383, port: ports[0])
        let nodes = try (0...1).map { index in
            try FakePeer(loop: loop, port: ports[index]) {
                RedirectionTests.answers($0, slots: slots, script: "-MOVED 7 127.0.0.1:\(ports[1 - index])\r\n")
            }
        }
        let link = RedirectionTests.link(loop, port: ports[0])
        defer { link.close() }
        let results = RedirectionTests.results(loop, link, commands: 1)
        #expect(results == [.failure(.unavailable("redirected more than 5 times"))])
        #expect(nodes.allSatisfy { $0.connectionCount == 1 })
    }

    @Test("Commands for a node that cannot be reached are held for a moment, and no more than 1,024 of them")
    func held() throws {
        let loop = try EventLoop()
        let (port, nobody) = (try Loopback.freePort(), try Loopback.freePort())
        let slots = "*1\r\n" + RedirectionTests.range(0, 16_383, port: port)
        var rest: [UInt8] = []
        let node = try FakePeer(loop: loop, port: port) { bytes in
            rest += bytes
            // So many commands may come in pieces.
            let whole = rest[...(rest.lastIndex(of: UInt8(ascii: "\n")) ?? -1)]
            rest.removeFirst(whole.count)
            return RedirectionTests.answers(Array(whole), slots: slots, script: "-ASK 7 127.0.0.1:\(nobody)\r\n")
        }
        let link = RedirectionTests.link(loop, port: port)
        defer { link.close() }
        let results = RedirectionTests.results(loop, link, commands: 1100)
        #expect(results.count == 1100 && node.connectionCount == 1)
        #expect(results.filter { $0 == .failure(.busy) }.count == 76)
        #expect(results.allSatisfy { if case .failure = $0 { true } else { false } })
    }

    @Test("A slot map of more masters than a Cluster has, or of more slots, is refused", arguments: [1001, 3, 2])
    func masters(_ count: Int) throws {
        let loop = try EventLoop()
        let port = try Loopback.freePort()
        // 1,001 masters of one slot each; or three that have all slots each.
        let ranges = (0..<count).map { index in
            count > 3
                ? RedirectionTests.range(index, index, port: 20_000 + index)
                : RedirectionTests.range(0, 16_383, port: port)
        }
        let node = try FakePeer(loop: loop, port: port) {
            RedirectionTests.answers($0, slots: "*\(count)\r\n" + ranges.joined(), script: "+OK\r\n")
        }
        // The peer runs on the same loop: where it stands still, the connection must not count as lost.
        let link = RedirectionTests.link(loop, port: port, connectMilliseconds: 5000)
        defer { link.close() }
        #expect(RedirectionTests.results(loop, link, commands: 1).isEmpty)
        #expect(node.connectionCount == 1)
        #expect(link.lastErrorText.contains("has no slot map"))
    }
}
