// SPDX-License-Identifier: Apache-2.0
//
// Real Redis servers on loopback ports: a master with a replica and three sentinels, and a Cluster of three masters
// with one replica. All of them end with their owner.

import Foundation
import TestSupport

/// A redis-server on a port.
final class RedisNode {
    let port: Int
    private let directory: TemporaryDirectory
    private let arguments: [String]
    private(set) var process: TestProcess

    init(port: Int? = nil, _ options: [String] = []) throws {
        let port = try port ?? Loopback.freePort()
        directory = try TemporaryDirectory()
        self.port = port
        arguments =
            ["--port", "\(port)", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", directory.path]
            + ["--repl-diskless-sync-delay", "0", "--repl-timeout", "60"] + options
        process = try TestProcess("redis-server", arguments, log: directory.file("log"))
        try waitForAnswer()
    }

    private func waitForAnswer() throws {
        guard try Wait.until(seconds: 10, { try command("PING") == "PONG" }), process.isRunning else {
            throw TestFailure("redis-server on \(port): \(directory.read("log"))")
        }
    }

    @discardableResult
    func command(_ words: String...) throws -> String { try command(words) }

    @discardableResult
    func command(_ words: [String]) throws -> String {
        try TestProcess.redisCLI(["-p", "\(port)"] + words)
    }

    /// The first word of ROLE.
    var role: String { (try? command("ROLE").split(separator: "\n").first.map { String($0) }) ?? "" }

    func kill() { process.stop(signal: SIGKILL) }

    deinit {
        process.stop(signal: SIGKILL)
    }
}

/// A master, its replica, and three sentinels that agree by two.
final class SentinelSite {
    static let name = "mymaster"
    let master: RedisNode
    let replica: RedisNode
    let ports: [Int]
    private let directory: TemporaryDirectory
    private var sentinels: [TestProcess] = []

    init() throws {
        master = try RedisNode()
        replica = try RedisNode(["--replicaof", "127.0.0.1 \(master.port)"])
        directory = try TemporaryDirectory()
        ports = try (0..<3).map { _ in try Loopback.freePort() }
        for port in ports {
            try directory.write(
                "\(port).conf",
                """
                port \(port)
                bind 127.0.0.1
                dir \(directory.path)
                sentinel monitor \(SentinelSite.name) 127.0.0.1 \(master.port) 2
                sentinel down-after-milliseconds \(SentinelSite.name) 800
                sentinel failover-timeout \(SentinelSite.name) 3000

                """
            )
            let arguments = [directory.file("\(port).conf"), "--sentinel"]
            sentinels.append(try TestProcess("redis-server", arguments, log: directory.file("\(port).log")))
        }
        let areReady = try Wait.until(seconds: 15) {
            try ports.allSatisfy { port in
                let text = try SentinelSite.ask(port, "SENTINEL", "MASTER", SentinelSite.name).split(separator: "\n")
                func field(_ name: String) -> String {
                    text.firstIndex(of: name[...]).map { String(text[$0 + 1]) } ?? ""
                }
                return field("num-slaves") == "1" && field("num-other-sentinels") == "2" && field("flags") == "master"
            } && replica.command("INFO", "replication").contains("master_link_status:up")
        }
        guard areReady else { throw TestFailure("the sentinels did not agree: \(directory.read("\(ports[0]).log"))") }
    }

    @discardableResult
    static func ask(_ port: Int, _ words: String...) throws -> String {
        try TestProcess.output("redis-cli", ["-p", "\(port)"] + words).text
    }

    func stopSentinel(_ index: Int) { sentinels[index].stop(signal: SIGKILL) }

    deinit {
        for sentinel in sentinels { sentinel.stop(signal: SIGKILL) }
    }
}

/// Three masters, and a replica of the first.
final class ClusterSite {
    let masters: [RedisNode]
    let replica: RedisNode

    init() throws {
        let options = [
            "--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-replica-validity-factor", "0",
            "--cluster-allow-replica-migration", "no",
        ]
        masters = try (0..<3).map { _ in try RedisNode(options) }
        replica = try RedisNode(options)
        let addresses = masters.map { "127.0.0.1:\($0.port)" }
        let made = try TestProcess.output("redis-cli", ["--cluster", "create"] + addresses + ["--cluster-yes"])
        guard made.status == 0 else { throw TestFailure("no cluster: \(made.text)") }
        try replica.command("CLUSTER", "MEET", "127.0.0.1", "\(masters[0].port)")
        let first = try masters[0].command("CLUSTER", "MYID")
        let isReplica = try Wait.until(seconds: 10) { try replica.command("CLUSTER", "REPLICATE", first) == "OK" }
        let isUp = try Wait.until(seconds: 15) {
            try (masters + [replica]).allSatisfy {
                let info = try $0.command("CLUSTER", "INFO")
                return info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:4")
            } && replica.command("INFO", "replication").contains("master_link_status:up")
                && masters[1].command("CLUSTER", "NODES").contains(" slave \(first) ")
        }
        guard isReplica, isUp else { throw TestFailure("the cluster did not come up") }
    }

    /// The names of a room on each master, in their order.
    func roomOnEach() throws -> [String] {
        let ranges = [0...5460, 5461...10_922, 10_923...16_383]
        var rooms: [String?] = [nil, nil, nil]
        for number in 0..<60 where rooms.contains(nil) {
            let slot = Int(try masters[0].command("CLUSTER", "KEYSLOT", "room\(number)")) ?? -1
            guard let at = ranges.firstIndex(where: { $0.contains(slot) }), rooms[at] == nil else { continue }
            rooms[at] = "room\(number)"
        }
        return rooms.compactMap(\.self)
    }
}
