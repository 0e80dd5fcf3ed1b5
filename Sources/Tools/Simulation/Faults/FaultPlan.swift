// SPDX-License-Identifier: Apache-2.0
//
// What breaks in a run, and when. The plan is drawn from the seed before the run begins, so that the visitors'
// behaviour cannot change it. It uses the scenario's limits and the generator that it is given.

internal import Chance
internal import Configuration

/// Something that breaks. Times are milliseconds since the beginning.
struct Fault {
    enum Kind {
        case drop(worker: Int)
        case stall(length: Int)
        /// The store is away; it comes back as it was, or empty.
        case outage(length: Int, isEmptied: Bool)
        case flush
        case rollback(lag: Int)
        case death(worker: Int, rebirthAfter: Int)
        case clockStep(by: Int)
        case eviction(MemoryPart)
    }

    let atMilliseconds: Int
    let kind: Kind

    /// When its direct effect has ended.
    var endMilliseconds: Int {
        switch kind {
        case .drop, .flush, .rollback, .clockStep, .eviction: atMilliseconds
        case .stall(let length), .outage(let length, _), .death(_, let length): atMilliseconds + length
        }
    }
}

struct FaultPlan {
    private(set) var faults: [Fault] = []

    /// When the last fault has ended.
    var endMilliseconds: Int { faults.map(\.endMilliseconds).max() ?? 0 }

    init(_ limits: Scenario.Faults, workers: Int, _ random: inout SplitMix64) {
        func draw(_ most: Int, _ kind: (inout SplitMix64) -> Fault.Kind) {
            for _ in 0..<random.upTo(most) {
                let at = random.upTo(limits.untilMilliseconds)
                faults.append(Fault(atMilliseconds: at, kind: kind(&random)))
            }
        }
        let length = limits.lengthMilliseconds
        draw(limits.drops) { .drop(worker: $0.upTo(workers - 1)) }
        draw(limits.stalls) { .stall(length: 1 + $0.upTo(length)) }
        draw(limits.outages) { .outage(length: 1 + $0.upTo(length), isEmptied: false) }
        draw(limits.restarts) { .outage(length: 1 + $0.upTo(length), isEmptied: true) }
        draw(limits.flushes) { _ in .flush }
        draw(limits.rollbacks) { .rollback(lag: 1 + $0.upTo(limits.lagMilliseconds)) }
        draw(limits.clockSteps) {
            // Half of the steps are small: below and above what counts as another server's clock.
            let length = 1 + $0.upTo($0.upTo(1) == 0 ? 9999 : limits.clockStepMilliseconds)
            return .clockStep(by: $0.upTo(1) == 0 ? length : -length)
        }
        draw(limits.evictions) { .eviction(MemoryPart.allCases[$0.upTo(MemoryPart.allCases.count - 1)]) }
        draw(limits.deaths) { .death(worker: $0.upTo(workers - 1), rebirthAfter: 50 + $0.upTo(3000)) }
    }
}
