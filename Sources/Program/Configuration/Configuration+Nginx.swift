// SPDX-License-Identifier: Apache-2.0
//
// The part of the file about nginx itself: whose processes may speak to the workers, and what the include files say
// about limits.

public import Admission
public import NginxFiles
internal import Yams

extension Configuration {
    /// What the workers and the include files know of nginx.
    public struct Nginx: Equatable, Sendable {
        /// Users whose processes may connect to the workers; nil is those of `usersStandard` that the system has.
        public var users: [String]?
        /// The pid file of nginx. If given, only children of that process may connect as one of the users.
        public var pidFile: String?
        /// What one address may ask of the queue, as nginx writes a rate; nil is `NginxConfiguration`'s own.
        public var limit: String?
        /// How many requests an address may be ahead of that rate; nil is `NginxConfiguration`'s own.
        public var limitBurst: Int?
        /// Addresses and CIDR blocks that are not limited.
        public var limitExempt: [String] = []
        /// Whether the addresses and passwords of the site's server hold at the gate, too.
        public var obeysServerAccess = true
        /// Where the requests to the queue are logged.
        public var apiLog = NginxConfiguration.APILog.off
        /// Where nginx keeps boards; nil is `NginxConfiguration`'s own.
        public var cacheDirectory: String?

        /// The user of nginx as Debian and nginx.org name it.
        public static let usersStandard = ["www-data", "nginx"]
        /// Users, or exempt blocks, in the file at most.
        public static let entriesMax = 64

        public init() {}
    }

    /// How often one address may come to the gate of one worker: at the rate of `nginx.limit`, and as many at once as
    /// nginx would let through with `nginx.limit_burst`.
    public var gateLimit: JoinLimit {
        let rate = nginx.limit ?? NginxConfiguration.standardAPIRate
        let requests = (nginx.limitBurst ?? NginxConfiguration.standardAPIBurst) + 1
        let unit = rate.hasSuffix("r/m") ? 60_000 : 1000
        let period = requests * unit / max(1, Int(rate.dropLast(3)) ?? 1)
        return JoinLimit(joins: requests, periodMilliseconds: max(1, period))
    }

    mutating func readNginx(_ node: Node) throws(ConfigurationError) {
        for (key, value) in try Configuration.members(of: node, in: "nginx") {
            switch key.text {
            case "users": nginx.users = try Configuration.texts(value, key)
            case "pid_file": nginx.pidFile = try Configuration.path(value, key)
            case "limit": nginx.limit = try Configuration.limit(value, key)
            case "limit_burst": nginx.limitBurst = try value.integer(key, in: 1...100_000)
            case "limit_exempt":
                nginx.limitExempt = try Configuration.texts(value, key)
                for block in nginx.limitExempt {
                    if let complaint = Configuration.complaint(addressBlock: block) {
                        throw key.error("limit_exempt: \(block): \(complaint)")
                    }
                }
            case "gate_access":
                switch try value.text(key) {
                case "server": nginx.obeysServerAccess = true
                case "none": nginx.obeysServerAccess = false
                default: throw key.error("gate_access is server or none")
                }
            case "cache_directory": nginx.cacheDirectory = try Configuration.path(value, key)
            case "api_log":
                switch try value.text(key) {
                case "off": nginx.apiLog = .off
                case "site": nginx.apiLog = .site
                default: nginx.apiLog = .file(try Configuration.path(value, key))
                }
            default: throw key.unknown(in: "nginx")
            }
        }
    }

    private static func path(_ value: Node, _ key: Node) throws(ConfigurationError) -> String {
        let path = try value.text(key)
        guard path.hasPrefix("/") else { throw key.error("\(key.text) needs an absolute path") }
        return path
    }

    private static func limit(_ value: Node, _ key: Node) throws(ConfigurationError) -> String {
        let text = try value.text(key)
        guard NginxConfiguration.isRate(text) else {
            throw key.error("\(key.text) is a rate as nginx writes it, such as 100r/s or 30r/m")
        }
        return text
    }

    /// A list of texts that are not empty, or one.
    private static func texts(_ node: Node, _ key: Node) throws(ConfigurationError) -> [String] {
        guard case .sequence(let list) = node else { return [try node.text(key)] }
        guard list.count <= Nginx.entriesMax else {
            throw key.error("\(key.text) has more than \(Nginx.entriesMax) entries")
        }
        var found: [String] = []
        for item in list { found.append(try item.text(key)) }
        return found
    }
}
