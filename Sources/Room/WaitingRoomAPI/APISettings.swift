// SPDX-License-Identifier: Apache-2.0
//
// What the operator's configuration says to the API. A start and a reload both apply these values, so that no setting
// can be in force after one of them only.

public import Admission

/// Everything of the configuration that the API uses, except the keys.
public struct APISettings {
    /// The rooms by name.
    public var rooms: [String: RoomSettings]
    /// Rooms that are made at their first join.
    public var templates: [RoomTemplate]
    /// A mirror older than this counts as degraded, in milliseconds.
    public var staleMilliseconds: Int
    /// Where the API is: the bytes of a path without a slash at its end.
    public var prefix: [UInt8]

    /// How often one address may come to the gate of this worker.
    public var gateLimit: JoinLimit

    /// 100 a second, and 51 at once: what nginx lets through with its standard limit and burst.
    public static let standardGateLimit = JoinLimit(joins: 51, periodMilliseconds: 510)
    /// The API's standard place.
    public static let standardPrefix = Array("/api/v1/queue".utf8)

    public init(
        rooms: [String: RoomSettings],
        templates: [RoomTemplate] = [],
        staleMilliseconds: Int,
        prefix: [UInt8] = APISettings.standardPrefix,
        gateLimit: JoinLimit = APISettings.standardGateLimit
    ) {
        self.rooms = rooms
        self.templates = templates
        self.staleMilliseconds = staleMilliseconds
        self.prefix = prefix
        self.gateLimit = gateLimit
    }
}
