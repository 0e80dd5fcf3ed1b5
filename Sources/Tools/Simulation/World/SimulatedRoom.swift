// SPDX-License-Identifier: Apache-2.0
//
// One room of a run: its limits, its crowd, and the referee that watches it. The rooms share the store, the workers and
// their connections; what happens in one must not be seen in another.

internal import Admission
internal import Configuration

final class SimulatedRoom {
    let id: String
    /// The limits at the beginning.
    let policy: RoomPolicy
    let operations: [Scenario.Operation]
    let crowd: Crowd
    let referee: Referee
    /// The room at the workers that nginx reaches; kept, because every request asks for them.
    var serving: [WorkerRoom] = []
    /// How long after its last visitor the room may take to empty: the silent are swept, calls lapse.
    private let emptyingMilliseconds: Int

    /// The name of a room of a run with one room.
    static let firstID = "simulated"

    init(id: String, policy: RoomPolicy, operations: [Scenario.Operation], crowd: Crowd, referee: Referee) {
        (self.id, self.policy, self.operations) = (id, policy, operations)
        (self.crowd, self.referee) = (crowd, referee)
        emptyingMilliseconds = 3 * policy.abandonAfterMilliseconds + 2 * policy.claimWindowMilliseconds + 20_000
        crowd.workers = { [unowned self] in self.serving }
        referee.awaiting = { [unowned crowd] in crowd.awaiting(sinceMilliseconds: $0, $1) }
    }

    /// Whether the visits have ended and the room is empty, or is not there.
    /// - Parameter quietSince: when the last fault has ended.
    func isOver(_ room: (any QueueRules)?, nowMilliseconds now: Int, quietSince: Int) -> Bool {
        guard crowd.unsettled == 0 else { return false }
        guard let room else { return true }
        let (waiting, called) = (room.waiting.count, room.called.count)
        if waiting == 0, called == 0 { return true }
        if now > max(crowd.settledMilliseconds, quietSince) + emptyingMilliseconds {
            referee.report(.ghosts, "\(waiting) wait and \(called) are called, and nobody is left")
        }
        return false
    }
}
