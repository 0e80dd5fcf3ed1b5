// SPDX-License-Identifier: Apache-2.0
//
// `redis` in the file: where it is, and what its keys begin with.

import Configuration
import Testing

struct RedisPlaceTests {
    @Test("Redis may be at a socket or at a numeric address, and the port is 6379 unless told otherwise")
    func redisAddresses() throws {
        func redis(_ text: String) throws -> Configuration.RedisAddress {
            try Configuration(yaml: "rooms: {demo: {}}\nredis: {\(text)}\n").redis
        }
        #expect(try redis("socket: /tmp/r.sock") == .socket(path: "/tmp/r.sock"))
        #expect(try redis("host: 10.0.0.1") == .tcp(host: "10.0.0.1", port: 6379))
        #expect(try redis("host: \"::1\", port: 7000") == .tcp(host: "::1", port: 7000))
        #expect(try Configuration(yaml: "rooms: {demo: {}}\nworkers: auto\n").workers == nil)
    }

    @Test("Redis may be the master that sentinels name, or a Cluster")
    func redisTopologies() throws {
        let watched = try Configuration(
            yaml: """
                rooms: {demo: {}}
                redis:
                  sentinel:
                    name: mymaster
                    addresses: [127.0.0.1:26379, "[::1]:26380"]
                    password_file: /etc/vestibule/sentinel
                  username: worker
                  password_file: /etc/vestibule/redis
                """
        )
        let addresses = [("127.0.0.1", 26_379), ("::1", 26_380)].map { Configuration.RedisNode(host: $0, port: $1) }
        let sentinel = Configuration.Sentinel(
            name: "mymaster",
            addresses: addresses,
            passwordFile: "/etc/vestibule/sentinel"
        )
        #expect(watched.redis == .sentinel(sentinel))
        #expect(watched.redisUsername == "worker" && watched.redisPasswordFile == "/etc/vestibule/redis")
        let cluster = try Configuration(yaml: "rooms: {demo: {}}\nredis: {cluster: [10.0.0.1:7001, 10.0.0.2:7002]}\n")
        let nodes = [("10.0.0.1", 7001), ("10.0.0.2", 7002)].map { Configuration.RedisNode(host: $0, port: $1) }
        #expect(cluster.redis == .cluster(nodes))
    }

    @Test("The keys of an installation may have a prefix, which is none by default and changes at a restart")
    func prefix() throws {
        let read = try Configuration(yaml: "rooms: {demo: {}}\nredis: {socket: /r.sock, prefix: \"shop:\"}\n")
        let plain = try Configuration(yaml: "rooms: {demo: {}}\nredis: {socket: /r.sock}\n")
        #expect(read.redisPrefix == "shop:" && plain.redisPrefix.isEmpty)
        #expect(read.restartKeys(differingFrom: plain) == ["redis"])
    }
}
