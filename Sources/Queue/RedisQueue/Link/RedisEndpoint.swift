// SPDX-License-Identifier: Apache-2.0
//
// The values a connection is made of: address and time bounds.

/// Where Redis is, and as whom to speak to it.
public struct RedisEndpoint: Sendable, Equatable {
    public enum Address: Sendable, Equatable {
        case unix(path: String)
        /// A numeric address: hiredis resolves names by a call that blocks the loop.
        case tcp(address: String, port: Int)
    }

    public var address: Address
    /// ACL user; nil is the default user.
    public var username: String?
    public var password: String?

    public init(address: Address, username: String? = nil, password: String? = nil) {
        self.address = address
        self.username = username
        self.password = password
    }

    init(_ node: RedisHostPort, username: String? = nil, password: String?) {
        self.init(address: .tcp(address: node.host, port: node.port), username: username, password: password)
    }
}

/// Time bounds of a connection, and how often it is logged that there is none.
public struct RedisTiming: Sendable {
    public var connectMilliseconds = 1000
    public var commandMilliseconds = 1500
    public var backoffFirstMilliseconds = 50
    public var backoffLastMilliseconds = 1000
    /// Commands without a reply yet; more are refused with `busy`.
    public var inFlightMax = 16_384
    /// While Redis stays away the log says so this often.
    public var awayLogMilliseconds = 60_000

    public init() {}
}
