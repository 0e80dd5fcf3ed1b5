// SPDX-License-Identifier: Apache-2.0
//
// The part of the file that says where Redis is: a socket, an address, the sentinels of a master, or a Cluster.

internal import Glibc
internal import Yams

extension Configuration {
    /// Characters of a prefix at most.
    public static let redisPrefixLengthMax = 32

    /// No braces: the room's name must be the first thing in braces, by which a Cluster finds the slot.
    private static func keyPrefix(_ value: Node, _ key: Node) throws(ConfigurationError) -> String {
        let text = try value.text(key)
        let isPlain = text.utf8.allSatisfy {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                || ":_.-".utf8.contains($0)
        }
        guard isPlain, text.utf8.count <= redisPrefixLengthMax else {
            throw key.error("prefix must be at most \(redisPrefixLengthMax) of letters, digits and :_.-")
        }
        return text
    }

    mutating func readRedis(_ node: Node) throws(ConfigurationError) {
        var places: [RedisAddress] = []
        var port: (key: Node, value: Int)?
        for (key, value) in try Configuration.members(of: node, in: "redis") {
            switch key.text {
            case "socket": places.append(.socket(path: try value.text(key)))
            case "host":
                let host = try value.text(key)
                guard Configuration.isNumericAddress(host) else {
                    throw key.error("host must be a numeric address such as 127.0.0.1 (a name would block the workers)")
                }
                places.append(.tcp(host: host, port: 6379))
            case "port": port = (key, try value.integer(key, in: 1...65_535))
            case "sentinel": places.append(.sentinel(try Configuration.sentinel(value)))
            case "cluster": places.append(.cluster(try Configuration.nodes(value, of: key)))
            case "username": redisUsername = try value.text(key)
            case "password_file": redisPasswordFile = try value.text(key)
            case "prefix": redisPrefix = try Configuration.keyPrefix(value, key)
            default: throw key.unknown(in: "redis")
            }
        }
        guard places.count == 1 else { throw node.error("redis needs either socket, host, sentinel or cluster") }
        redis = places[0]
        if let port {
            guard case .tcp(let host, _) = redis else { throw port.key.error("port belongs to host") }
            redis = .tcp(host: host, port: port.value)
        }
    }

    private static func sentinel(_ node: Node) throws(ConfigurationError) -> Sentinel {
        var sentinel = Sentinel(name: "", addresses: [])
        for (key, value) in try members(of: node, in: "sentinel") {
            switch key.text {
            case "name": sentinel.name = try value.text(key)
            case "addresses": sentinel.addresses = try nodes(value, of: key)
            case "password_file": sentinel.passwordFile = try value.text(key)
            default: throw key.unknown(in: "sentinel")
            }
        }
        guard !sentinel.name.isEmpty, !sentinel.addresses.isEmpty else {
            throw node.error("sentinel needs name (of the master) and addresses")
        }
        return sentinel
    }

    /// A list of "address:port", each once.
    private static func nodes(_ node: Node, of key: Node) throws(ConfigurationError) -> [RedisNode] {
        let form = "such as 127.0.0.1:26379 or [::1]:26379 (a name would block the workers)"
        guard case .sequence(let list) = node, (1...redisNodesMax).contains(list.count) else {
            throw key.error("\(key.text) must be a list of 1 to \(redisNodesMax) addresses \(form)")
        }
        var found: [RedisNode] = []
        for item in list {
            guard let address = redisNode(item.text) else { throw item.error("\(item.text) is no address \(form)") }
            if found.contains(address) { throw item.error("\(item.text) is given twice in \(key.text)") }
            found.append(address)
        }
        return found
    }

    private static func redisNode(_ text: String) -> RedisNode? {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (1...65_535).contains(port)
        else { return nil }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
        } else if host.contains(":") {
            return nil
        }
        return isNumericAddress(host) ? RedisNode(host: host, port: port) : nil
    }

    private static func isNumericAddress(_ text: String) -> Bool {
        var address = in6_addr()  // large enough for both families
        return inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1
    }
}
