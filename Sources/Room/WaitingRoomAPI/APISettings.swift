// SPDX-License-Identifier: Apache-2.0
//
// What the operator's configuration says to the API. A start and a reload both apply these values, so that no setting
// can be in force after one of them only.

/// Everything of the configuration that the API uses, except the keys.
public struct APISettings {
    /// The rooms by name.
    public var rooms: [String: RoomSettings]
    /// A mirror older than this counts as degraded, in milliseconds.
    public var staleMilliseconds: Int
    /// Polls per second that the hints aim at for each room, over all workers.
    public var pollBudgetPerSecond: Int

    public init(rooms: [String: RoomSettings], staleMilliseconds: Int, pollBudgetPerSecond: Int) {
        self.rooms = rooms
        self.staleMilliseconds = staleMilliseconds
        self.pollBudgetPerSecond = pollBudgetPerSecond
    }
}
