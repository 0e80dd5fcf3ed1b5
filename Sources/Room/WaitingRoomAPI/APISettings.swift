// SPDX-License-Identifier: Apache-2.0
//
// What the operator's configuration says to the API. A start and a reload both apply these values, so that no setting
// can be in force after one of them only.

public import Admission

/// One room as the configuration describes it.
public struct RoomSettings {
    public var id: String
    /// The limits of the room until an operator overrides them in Redis.
    public var policy: RoomPolicy
    public var rules: JoinRules
    public var outage: OutagePolicy
    public var eta: EstimateSettings

    public init(
        id: String,
        policy: RoomPolicy,
        rules: JoinRules = .standard,
        outage: OutagePolicy = .closed,
        eta: EstimateSettings = .standard
    ) {
        self.id = id
        self.policy = policy
        self.rules = rules
        self.outage = outage
        self.eta = eta
    }
}

/// Everything of the configuration that the API uses, except the keys.
public struct APISettings {
    public var rooms: [RoomSettings]
    /// A mirror older than this counts as degraded, in milliseconds.
    public var staleMilliseconds: Int
    /// Polls per second that the hints aim at for each room, over all workers.
    public var pollBudgetPerSecond: Int

    public init(rooms: [RoomSettings], staleMilliseconds: Int, pollBudgetPerSecond: Int) {
        self.rooms = rooms
        self.staleMilliseconds = staleMilliseconds
        self.pollBudgetPerSecond = pollBudgetPerSecond
    }
}
