// SPDX-License-Identifier: Apache-2.0
//
// Where to find the Redis of the rooms: makes the link to one server, through Sentinel, or to a Cluster.

public import QueueClient
public import Reactor

extension RedisConnection: RedisLink {
    public var isOneServer: Bool { true }

    public func isReady(room: String) -> Bool { isReady }

    public func send(_ arguments: [RedisArgument], room: String, _ completion: @escaping Completion) {
        send(arguments) { [weak self] result in
            if case .success(.error(let text)) = result, text.hasPrefix("READONLY") {
                self?.leaveReplica(RedisReply.explained(error: text))
            }
            completion(result)
        }
    }
}

/// Where to find the Redis of the rooms, and as whom to speak to it.
public enum RedisSite: Sendable {
    case server(RedisEndpoint)
    case sentinel(SentinelSettings)
    case cluster(ClusterSettings)

    /// The link to it.
    public func link(
        loop: EventLoop,
        scripts: ScriptCatalog,
        timing: RedisTiming = RedisTiming(),
        log: @escaping (String) -> Void
    ) -> any RedisLink {
        switch self {
        case .server(let endpoint):
            let greeting = RedisGreeting(scripts: scripts)
            return RedisConnection(loop: loop, endpoint: endpoint, timing: timing, greeting: greeting, log: log)
        case .sentinel(let settings):
            return SentinelLink(loop: loop, settings: settings, scripts: scripts, timing: timing, log: log)
        case .cluster(let settings):
            return ClusterLink(loop: loop, settings: settings, scripts: scripts, timing: timing, log: log)
        }
    }
}

/// A numeric address and a port.
public struct RedisHostPort: Hashable, Sendable, CustomStringConvertible {
    public var host: String
    public var port: Int

    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Nil unless the host is numeric: hiredis resolves names by a call that blocks the loop.
    init?(numeric host: String, port: Int) {
        guard (1...65_535).contains(port), RedisHostPort.isNumeric(host) else { return nil }
        self.init(host: host, port: port)
    }

    private static func isNumeric(_ host: String) -> Bool {
        if host.contains(":") {
            return host.utf8.allSatisfy { byte in
                (UInt8(ascii: "0")...UInt8(ascii: ":")).contains(byte) || byte == UInt8(ascii: ".")
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
            }
        }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    }

    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
