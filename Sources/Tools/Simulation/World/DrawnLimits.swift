// SPDX-License-Identifier: Apache-2.0
//
// Limits of a room and operations on it, drawn from a seed. The rooms are small, so that everything happens soon. It
// uses the generator that it is given. After its operations a room is open and has a rate, so that a run can end.

internal import Admission
internal import Chance
internal import Configuration

enum DrawnLimits {
    static func policy(_ random: inout SplitMix64) -> RoomPolicy {
        var policy = RoomPolicy.standard
        policy.abandonAfterMilliseconds = 4000 + 800 * random.upTo(10)
        policy.rateMilli = 1000 + 500 * random.upTo(30)
        policy.burst = 1 + random.upTo(8)
        policy.maxActive = random.upTo(2) > 0 ? 0 : 3 + random.upTo(15)
        policy.claimWindowMilliseconds = 3000 + 100 * random.upTo(50)
        policy.returnGraceMilliseconds = policy.abandonAfterMilliseconds + 1000 * random.upTo(10)
        policy.passLifetimeMilliseconds = 1000 * (2 + random.upTo(8))
        policy.capacity = random.upTo(4) > 0 ? 100_000 : 20 + random.upTo(60)
        return policy
    }

    /// Caps that a room of sixty people meets. A restore looks at the calls of ten ticks, as in the product.
    static func caps(_ random: inout SplitMix64) -> QueueCaps {
        let calls = 1 + random.upTo(4)
        return QueueCaps(
            lapsesPerTick: 1 + random.upTo(3),
            callsPerTick: calls,
            passesPerTick: 1 + random.upTo(3),
            calledPerRestore: 10 * calls
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
            var operation = Scenario.Operation(atMilliseconds: random.upTo(span))
            switch random.upTo(6) {
            case 0: operation.limits = [.rateMilli: 500 + 500 * random.upTo(40)]
            case 1: operation.limits = [.burst: 1 + random.upTo(12)]
            case 2: operation.limits = [.maxActive: random.upTo(1) == 0 ? 0 : 2 + random.upTo(15)]
            case 3: operation.isReset = true
            case let draw:
                operation.limits = [.mode: [RoomMode.paused, .closed, .bypass][draw - 4].rawValue]
                out.append(opening(atMilliseconds: operation.atMilliseconds + 500 + random.upTo(8000)))
            }
            out.append(operation)
        }
        // Whatever came last, nobody is left in a room that calls nobody.
        if out.contains(where: { $0.limits[.mode] != nil }) {
            out.append(opening(atMilliseconds: (out.map(\.atMilliseconds).max() ?? 0) + 1))
        }
        return out.sorted { $0.atMilliseconds < $1.atMilliseconds }
    }

    private static func opening(atMilliseconds: Int) -> Scenario.Operation {
        Scenario.Operation(atMilliseconds: atMilliseconds, [.mode: RoomMode.open.rawValue])
    }
}
