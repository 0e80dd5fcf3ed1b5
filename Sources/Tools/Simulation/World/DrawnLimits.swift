// SPDX-License-Identifier: Apache-2.0
//
// Limits of a room and operations on it, drawn from a seed. The rooms are small, so that everything happens soon. It
// uses the generator that it is given. After its operations a room is open and has a rate, so that a run can end.

internal import Admission
internal import Chance
internal import Configuration

enum DrawnLimits {
    static func policy(_ random: inout SplitMix64) -> RoomPolicy {
        let abandon = 4000 + 800 * random.upTo(10)
        return RoomPolicy(
            rateMilli: 1000 + 500 * random.upTo(30),
            burst: 1 + random.upTo(8),
            maxActive: random.upTo(2) > 0 ? 0 : 3 + random.upTo(15),
            claimWindowMilliseconds: 3000 + 100 * random.upTo(50),
            abandonAfterMilliseconds: abandon,
            returnGraceMilliseconds: abandon + 1000 * random.upTo(10),
            passLifetimeMilliseconds: 1000 * (2 + random.upTo(8)),
            mode: .open,
            capacity: random.upTo(4) > 0 ? 100_000 : 20 + random.upTo(60)
        )
    }

    /// Operations in pairs where one must be undone: the room ends open, and at a rate.
    static func operations(
        _ scenario: Scenario,
        _ policy: RoomPolicy,
        _ random: inout SplitMix64
    ) -> [Scenario.Operation] {
        var out: [Scenario.Operation] = []
        let span = max(1000, scenario.faults.untilMilliseconds, scenario.arrivalMilliseconds)
        for _ in 0..<random.upTo(scenario.drawnOperations) {
            var operation = Scenario.Operation()
            operation.atMilliseconds = random.upTo(span)
            switch random.upTo(4) {
            case 0: operation.rateMilli = 500 + 500 * random.upTo(40)
            case 1: operation.burst = 1 + random.upTo(12)
            case 2: operation.maxActive = random.upTo(1) == 0 ? 0 : 2 + random.upTo(15)
            case let draw:
                operation.mode = draw == 3 ? .paused : .closed
                var end = Scenario.Operation()
                end.atMilliseconds = operation.atMilliseconds + 500 + random.upTo(8000)
                end.mode = .open
                out.append(end)
            }
            out.append(operation)
        }
        // Whatever came last, nobody is left in a room that calls nobody.
        if out.contains(where: { $0.mode != nil }) {
            var open = Scenario.Operation()
            open.atMilliseconds = (out.map(\.atMilliseconds).max() ?? 0) + 1
            open.mode = .open
            out.append(open)
        }
        return out.sorted { $0.atMilliseconds < $1.atMilliseconds }
    }
}
