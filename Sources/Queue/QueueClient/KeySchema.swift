// SPDX-License-Identifier: Apache-2.0
//
// The names of a room's keys. All share the hash tag {room}, so a room is one slot of a Redis Cluster. What stands
// before the names keeps two installations on one Redis apart.

/// Names keys; mirrored in the KEYS header of each script.
public struct KeySchema: Sendable {
    public let room: String
    private let prefix: String

    /// - Parameter prefix: of the installation; empty for none.
    public init(room: String, prefix: String = "") { (self.room, self.prefix) = (room, prefix) }

    private func key(_ name: String) -> String { "\(prefix)vq:{\(room)}:\(name)" }

    public var state: String { key("state") }
    public var config: String { key("config") }
    public var chunks: String { key("chunks") }
    public var called: String { key("called") }
    public var active: String { key("active") }
    public var flow: String { key("flow") }
    /// The pages of the entries that a restore has brought; see brought.lua.
    public var brought: String { key("brought") }

    /// The rooms made at run time, under the name of a slot and not of a room.
    var list: String { key("list") }

    /// KEYS 1...6 of every script.
    public var scriptKeys: [String] { [state, config, chunks, called, active, flow] }

    /// KEYS 7: a key that never exists. It ends with the identity of the server that gets the call, so a script sees
    /// whether another one wrote the state. And while a slot of a Cluster moves, Redis refuses a call that names a key
    /// it does not have, before the script runs: otherwise one could fail half-way, at a key that has moved already.
    var here: String { key("at:") }

    /// KEYS 8, where all rooms are at one server: which of them have changed or are due. Without a hash tag.
    var index: String { "\(prefix)vq:index" }

    /// KEYS 2 of news.lua: as `here`, for the index.
    var indexHere: String { "\(prefix)vq:at:" }
}
