// SPDX-License-Identifier: Apache-2.0
//
// The configuration file as values: what it says, with the defaults that deploy/vestibule.yaml shows.

public import Admission
public import NginxFiles

/// Everything `vestibule serve` needs to know.
public struct Configuration: Equatable, Sendable {
    /// When the file was changed last, in milliseconds since 1970; below 0 without a file.
    public var revision = -1

    /// A room and its limits.
    public struct RoomEntry: Equatable, Sendable {
        public var id: String
        public var policy: RoomPolicy
        /// How the wait is estimated.
        public var eta: EstimateSettings
        /// Which visitors may join, and how often.
        public var rules: JoinRules
        /// What happens at the door while Redis is away.
        public var outage: OutagePolicy
        /// How the room speaks HTTP.
        public var web: WebRules
        /// What the guard in nginx protects for this room; nil when that is left to nginx's own files.
        public var protection: RoomProtection?

        public init(
            id: String,
            policy: RoomPolicy,
            eta: EstimateSettings = .standard,
            rules: JoinRules = .standard,
            outage: OutagePolicy = .closed,
            web: WebRules = .standard,
            protection: RoomProtection? = nil
        ) {
            self.id = id
            self.policy = policy
            self.eta = eta
            self.rules = rules
            self.outage = outage
            self.web = web
            self.protection = protection
        }
    }

    /// Where Redis is.
    public enum RedisAddress: Equatable, Sendable {
        case socket(path: String)
        /// A numeric address.
        case tcp(host: String, port: Int)
        /// The master that sentinels name.
        case sentinel(Sentinel)
        /// A Redis Cluster, by some of its nodes.
        case cluster([RedisNode])
    }

    /// A numeric address and a port.
    public struct RedisNode: Equatable, Sendable {
        public var host: String
        public var port: Int

        public init(host: String, port: Int) {
            self.host = host
            self.port = port
        }
    }

    /// Where to ask for the master.
    public struct Sentinel: Equatable, Sendable {
        /// The master's name in sentinel.conf.
        public var name: String
        public var addresses: [RedisNode]
        /// A file whose first line is the sentinels' own password.
        public var passwordFile: String?

        public init(name: String, addresses: [RedisNode], passwordFile: String? = nil) {
            self.name = name
            self.addresses = addresses
            self.passwordFile = passwordFile
        }
    }

    /// Rooms in the order of the file.
    public var rooms: [RoomEntry] = []
    /// Rooms that are made at their first join, in the order of the file.
    public var templates: [Template] = []
    public var redis = RedisAddress.socket(path: "/run/redis/redis.sock")
    public var redisUsername: String?
    /// A file whose first line is the password; passwords are not written into the configuration.
    public var redisPasswordFile: String?
    /// What the keys in Redis begin with; empty for none. Two installations on one Redis have different ones.
    public var redisPrefix = ""
    public var keysPath = "/etc/vestibule/keys.json"
    /// Number of workers; nil is one a core.
    public var workers: Int?
    public var tickMilliseconds = 200
    /// Polls a second that the poll hints aim at for each room, over all workers.
    public var pollBudgetPerSecond = 20_000
    /// Where the queue's API is: a path without a slash at its end.
    public var apiPrefix = NginxConfiguration.standardAPIPrefix
    /// Sockets, the scoreboard and the process ids are here.
    public var runDirectory = "/run/vestibule"
    /// Group that may connect to the workers' sockets: the group of nginx. Nil leaves the process's own.
    public var socketGroup: String?
    public var nginx = Nginx()

    public init() {}

    /// Workers at most, half as many as the scoreboard has rows.
    public static let workersMax = 256
    /// Sentinels, or nodes of a Cluster, in the file at most: a worker connects to each.
    public static let redisNodesMax = 16
    /// Rooms at most: each worker ticks each of them.
    public static let roomsMax = 1000

    /// Socket of worker `index` for FastCGI.
    public func fastCGISocket(_ index: Int) -> String { "\(runDirectory)/worker-\(index).fcgi.sock" }
    /// Socket of worker `index` for SCGI.
    public func scgiSocket(_ index: Int) -> String { "\(runDirectory)/worker-\(index).scgi.sock" }
    /// The rooms that the guard in nginx protects.
    public var protectedRooms: [ProtectedRoom] {
        rooms.compactMap { room in room.protection.map { ProtectedRoom(id: room.id, protection: $0) } }
    }
    public var scoreboardPath: String { "\(runDirectory)/scoreboard" }
    /// A mirror counts as degraded after five ticks without a reply, and never within a second.
    public var staleMilliseconds: Int { max(1000, 5 * tickMilliseconds) }

    /// The keys of the file whose values differ from `other` and take effect only when the program starts again.
    public func restartKeys(differingFrom other: Configuration) -> [String] {
        let isSameRedis =
            redis == other.redis && redisUsername == other.redisUsername && redisPasswordFile == other.redisPasswordFile
            && redisPrefix == other.redisPrefix
        let differing = [
            ("redis", !isSameRedis), ("workers", workers != other.workers),
            ("run_dir", runDirectory != other.runDirectory), ("socket_group", socketGroup != other.socketGroup),
            ("nginx.users", nginx.users != other.nginx.users), ("nginx.pid_file", nginx.pidFile != other.nginx.pidFile),
        ]
        return differing.filter(\.1).map(\.0)
    }
}

/// What is wrong with a configuration, and where.
public struct ConfigurationError: Error, Equatable, CustomStringConvertible, Sendable {
    /// Line of the file, from 1; 0 when there is none to name.
    public var line: Int
    public var message: String

    public init(line: Int, message: String) {
        self.line = line
        self.message = message
    }

    public var description: String { line > 0 ? "line \(line): \(message)" : message }
}
