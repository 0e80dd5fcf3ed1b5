// SPDX-License-Identifier: Apache-2.0
//
// What every queue store must do, said once and run against the model and against Redis.

import Admission
import TestSupport
import Testing

/// The stores under test.
enum StoreKind: String, CaseIterable, Sendable {
    case model
    case redis

    /// A new room over a new store of this kind.
    func harness(_ policy: RoomPolicy, _ setting: HarnessSetting = HarnessSetting()) throws -> QueueHarness {
        switch self {
        case .model: ModelHarness(policy: policy, setting)
        case .redis: try RedisHarness(redis: try RedisServer(), policy: policy, room: "room", setting)
        }
    }
}

/// Small limits, all times whole tenths of a second.
func smallPolicy(
    rate: Double = 0,
    burst: Int = 3,
    maxActive: Int = 0,
    mode: RoomMode = .open,
    capacity: Int = 1000
) -> RoomPolicy {
    var policy = RoomPolicy.standard
    policy.rateMilli = Int(rate * 1000)
    policy.burst = burst
    policy.maxActive = maxActive
    policy.claimWindowMilliseconds = 2000
    policy.abandonAfterMilliseconds = 4000
    policy.returnGraceMilliseconds = 10_000
    policy.passLifetimeMilliseconds = 6000
    policy.mode = mode
    policy.capacity = capacity
    return policy
}

extension [JoinOutcome] {
    /// The number of each, or 0 where none was taken.
    var numbers: [Int] {
        map {
            switch $0 {
            case .waiting(let number, _), .admitted(let number, _), .known(let number, _): number
            default: 0
            }
        }
    }

    var admittedCount: Int {
        count {
            if case .admitted = $0 { return true }
            return false
        }
    }
}

struct ConformanceTests {
    @Test(
        "Whoever comes to an empty room is admitted while the buckets last; the next one waits",
        arguments: StoreKind.allCases
    )
    func admission(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy())
        let outcomes = try harness.join(5)
        #expect(outcomes.admittedCount == 3)
        let first = outcomes.numbers[0]
        #expect(outcomes.numbers == [first, first + 1, first + 2, first + 3, first + 4])
        #expect(outcomes[3] == .waiting(number: first + 3, position: 1))
        #expect(outcomes[4] == .waiting(number: first + 4, position: 2))
        let state = try harness.tick()
        #expect(state.waiting == [first + 3, first + 4])
        #expect(state.active == 3)
        #expect(state.counters.entered == 3)
    }

    @Test("While anyone waits, nobody is admitted on join, even when tokens are there", arguments: StoreKind.allCases)
    func noOvertaking(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 10, burst: 1))
        let first = try harness.join(2).numbers[0]
        try harness.advance(1000)
        #expect(try harness.join(1) == [.waiting(number: first + 2, position: 2)])
    }

    @Test("The highest rate that a file may ask for is delivered", arguments: StoreKind.allCases)
    func highestRate(_ kind: StoreKind) throws {
        let tick = 200
        let rate = RoomPolicy.rateMilliMax(tickMilliseconds: tick) / 1000
        var policy = smallPolicy(rate: Double(rate), burst: 1, capacity: 10_000)
        policy.claimWindowMilliseconds = 60_000
        let harness = try kind.harness(policy)
        let numbers = try harness.join(8000).numbers
        for ticks in 1...2 {
            try harness.advance(tick)
            #expect(try harness.tick(polled: numbers).called == ticks * rate * tick / 1000)
        }
    }

    @Test("Calls are in strict number order, as many as tokens came in", arguments: StoreKind.allCases)
    func order(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 2, burst: 2))
        let numbers = try harness.join(10).numbers
        _ = try harness.tick()
        try harness.advance(1000)
        var state = try harness.tick()
        #expect(state.called == 2)
        #expect(state.waiting == Array(numbers[4...]))
        try harness.advance(500)
        state = try harness.tick()
        #expect(state.waiting == Array(numbers[5...]))
        #expect(
            try harness.stand(harness.claim(numbers[4]))
                == .called(deadlineMilliseconds: harness.nowMilliseconds + 2000)
        )
        #expect(try harness.stand(harness.claim(numbers[5])) == .waiting)
    }

    @Test(
        "A called visitor enters once; repeating it gives the same pass and takes no second token",
        arguments: StoreKind.allCases
    )
    func enterTwice(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 1, burst: 1))
        let numbers = try harness.join(2).numbers
        try harness.advance(1000)
        _ = try harness.tick()
        let claim = harness.claim(numbers[1])
        let first = try harness.enter(claim)
        #expect(first == .entered(passExpiresMilliseconds: harness.nowMilliseconds + 6000))
        try harness.advance(700)
        #expect(try harness.enter(claim) == first)
        #expect(try harness.stand(claim) == first)
        #expect(try harness.tick().counters.entered == 2)
    }

    @Test("Enter before the call is refused and changes nothing", arguments: StoreKind.allCases)
    func enterTooEarly(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(burst: 1))
        let numbers = try harness.join(2).numbers
        #expect(try harness.enter(harness.claim(numbers[1])) == .waiting)
        #expect(try harness.tick().waiting == [numbers[1]])
    }

    @Test(
        "A call that is not claimed lapses, its token returns, and its visitor comes back to the front",
        arguments: StoreKind.allCases
    )
    func lapse(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 1, burst: 1))
        let numbers = try harness.join(3).numbers
        try harness.advance(1000)
        #expect(try harness.tick(polled: Array(numbers[1...])).waiting == [numbers[2]])
        try harness.advance(2000)
        let state = try harness.tick(polled: [numbers[2]])
        #expect(state.counters.lapsed == 1)
        #expect(state.waiting.isEmpty)
        #expect(try harness.stand(harness.claim(numbers[2])) != .waiting)
        #expect(try harness.stand(harness.claim(numbers[1], issuedAgo: 3000)) == .waiting)
        try harness.advance(1000)
        #expect(try harness.tick(polled: [numbers[1]]).waiting.isEmpty)
    }

    @Test(
        "Entries in any window stay within burst and rate, also when many calls are open",
        arguments: StoreKind.allCases
    )
    func entryBucket(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 1, burst: 3))
        let numbers = try harness.join(10).numbers
        var entered: [Int] = Array(repeating: 0, count: 3)
        for step in 1...60 {
            try harness.advance(100)
            _ = try harness.tick(polled: numbers)
            for number in numbers {
                if case .entered(let expires) = try harness.enter(harness.claim(number)),
                    expires == harness.nowMilliseconds + 6000
                {
                    entered.append(step * 100)
                }
            }
        }
        for (i, start) in entered.enumerated() {
            for (j, end) in entered.enumerated() where j >= i {
                #expect(j - i + 1 <= 3 + (end - start) / 1000)
            }
        }
        #expect(entered.count >= 3 + 6)
    }

    @Test("max_active counts called and inside; a leaver frees a place at once", arguments: StoreKind.allCases)
    func maxActive(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 100, burst: 10, maxActive: 2))
        let numbers = try harness.join(4).numbers
        try harness.advance(1000)
        #expect(try harness.tick(polled: numbers).waiting == [numbers[2], numbers[3]])
        #expect(try harness.leave(harness.claim(numbers[0])) == .left)
        try harness.advance(200)
        #expect(try harness.tick(polled: numbers).waiting == [numbers[3]])
        // The second pass ends after 6 s: its place is free then, but the third holds a call.
        try harness.advance(5000)
        let state = try harness.tick(polled: numbers)
        #expect(state.active == 0)
    }

    @Test("Silent visitors are swept within abandon_after; those who poll stay", arguments: StoreKind.allCases)
    func sweep(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(burst: 1))
        let numbers = try harness.join(5).numbers
        let alive = [numbers[2], numbers[4]]
        var sweptAt = 0
        for step in 1...45 {
            try harness.advance(100)
            let state = try harness.tick(polled: alive)
            if sweptAt == 0, state.counters.abandoned > 0 { sweptAt = step * 100 }
        }
        #expect(try harness.tick().waiting == alive)
        #expect((3000...4100).contains(sweptAt), "swept after \(sweptAt) ms")
    }

    @Test("A visitor swept returns to the old number within the grace, and not after it", arguments: StoreKind.allCases)
    func grace(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(burst: 1))
        let numbers = try harness.join(4).numbers
        let issued = harness.claim(numbers[1])
        for _ in 1...50 {
            try harness.advance(100)
            _ = try harness.tick(polled: [numbers[2], numbers[3]])
        }
        #expect(try harness.tick().waiting == [numbers[2], numbers[3]])
        #expect(try harness.stand(issued) == .waiting)
        #expect(try harness.tick().waiting == [numbers[1], numbers[2], numbers[3]])
        for _ in 1...170 {
            try harness.advance(100)
            _ = try harness.tick(polled: [numbers[2], numbers[3]])
        }
        #expect(try harness.stand(issued) == .expired)
        #expect(try harness.enter(issued) == .expired)
        #expect(try harness.tick().waiting == [numbers[2], numbers[3]])
    }

    @Test("After a gap in the ticks nobody is swept until everyone had time to poll", arguments: StoreKind.allCases)
    func gap(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(burst: 1))
        let numbers = try harness.join(3).numbers
        _ = try harness.tick()
        try harness.advance(60_000)
        #expect(try harness.tick().waiting == [numbers[1], numbers[2]])
        try harness.advance(3000)
        #expect(try harness.tick(polled: [numbers[1]]).waiting == [numbers[1], numbers[2]])
        try harness.advance(1000)
        #expect(try harness.tick(polled: [numbers[1]]).waiting == [numbers[1]])
    }

    @Test("Leaving is for good, is idempotent, and moves the others up", arguments: StoreKind.allCases)
    func leave(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(burst: 1))
        let numbers = try harness.join(4).numbers
        #expect(try harness.leave(harness.claim(numbers[2])) == .left)
        #expect(try harness.leave(harness.claim(numbers[2])) == .left)
        #expect(try harness.stand(harness.claim(numbers[2])) == .left)
        #expect(try harness.enter(harness.claim(numbers[2])) == .left)
        let state = try harness.tick()
        #expect(state.waiting == [numbers[1], numbers[3]])
        #expect(state.counters.left == 1)
    }

    @Test("The same key gives the same number, also within one batch, for five minutes", arguments: StoreKind.allCases)
    func idempotentJoin(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(burst: 1))
        let issued = TicketClaim.issueTime(nowMilliseconds: harness.nowMilliseconds, key: .retry("a"))
        let twice = JoinRequest(kind: .join, idempotencyKey: "a")
        let outcomes = try harness.join([twice, JoinRequest(kind: .join), twice])
        let number = outcomes.numbers[0]
        #expect(outcomes[2] == .known(number: number, issuedMilliseconds: issued))
        try harness.advance(299_900)
        #expect(try harness.join([twice]) == [.known(number: number, issuedMilliseconds: issued)])
        // A second longer, because issue times are whole seconds.
        try harness.advance(1100)
        #expect(try harness.join([twice]).numbers[0] > number)
    }

    @Test("A gate takes a number only when it is admitted", arguments: StoreKind.allCases)
    func gate(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(burst: 1))
        let gate = JoinRequest(kind: .gate)
        let outcomes = try harness.join([gate, gate, JoinRequest(kind: .join), gate])
        #expect(outcomes.admittedCount == 1)
        #expect(outcomes[1] == .noRoom)
        #expect(outcomes[3] == .noRoom)
        #expect(outcomes.numbers[2] == outcomes.numbers[0] + 1)
    }

    @Test(
        "Paused keeps places and calls nobody; closed takes no joins; bypass lets everybody in",
        arguments: StoreKind.allCases
    )
    func modes(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 10, burst: 1))
        let numbers = try harness.join(3).numbers
        try harness.configure(smallPolicy(rate: 10, burst: 1, mode: .paused))
        try harness.advance(1000)
        #expect(try harness.tick(polled: numbers).waiting == [numbers[1], numbers[2]])
        #expect(try harness.join(1) == [.waiting(number: numbers[2] + 1, position: 3)])
        try harness.configure(smallPolicy(rate: 10, burst: 1, mode: .closed))
        #expect(try harness.join(1) == [.closed])
        #expect(try harness.standing(harness.claim(numbers[2])).standing == .waiting)
        #expect(try harness.tick(polled: numbers).waiting.firstIndex(of: numbers[2]) == 1)
        try harness.configure(smallPolicy(rate: 10, burst: 1, mode: .bypass))
        #expect(try harness.join([JoinRequest(kind: .gate)]) == [.bypassed])
        #expect(try harness.join(2).admittedCount == 2)
        #expect(
            try harness.enter(harness.claim(numbers[1]))
                == .entered(passExpiresMilliseconds: harness.nowMilliseconds + 6000)
        )
    }

    @Test("A full room refuses joins and keeps those who wait", arguments: StoreKind.allCases)
    func capacity(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(burst: 1, capacity: 2))
        let outcomes = try harness.join(5)
        #expect(outcomes.admittedCount == 1)
        #expect(outcomes[3] == .full)
        #expect(outcomes[4] == .full)
        #expect(try harness.tick().waiting.count == 2)
    }

    @Test("A reset ends the generation: old tickets are fenced, numbers go on", arguments: StoreKind.allCases)
    func reset(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(burst: 1))
        let keyed = JoinRequest(kind: .join, idempotencyKey: "before the reset")
        let numbers = try harness.join([keyed, keyed] + Array(repeating: JoinRequest(kind: .join), count: 2)).numbers
            .dropFirst().map { $0 }
        try harness.reset()
        #expect(try harness.stand(harness.claim(numbers[1])) == .fenced)
        #expect(try harness.leave(harness.claim(numbers[1])) == .fenced)
        let state = try harness.tick()
        #expect(state.waiting.isEmpty)
        #expect(state.generation > 1)
        #expect(try harness.join(1).numbers == [numbers[2] + 1])
        #expect(try harness.join([keyed]).numbers[0] == numbers[2] + 2)
    }

    @Test(
        "A signed number the store never issued jumps the numbers past it and gets its place",
        arguments: StoreKind.allCases
    )
    func healing(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(burst: 1))
        let numbers = try harness.join(2).numbers
        let unknown = numbers[1] + 500
        #expect(try harness.stand(harness.claim(unknown)) == .waiting)
        #expect(try harness.tick().waiting == [numbers[1], unknown])
        #expect(try harness.join(1).numbers[0] > unknown)
    }

    @Test("A clock that goes back neither mints tokens nor loses them", arguments: StoreKind.allCases)
    func clockBack(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 1, burst: 1))
        let numbers = try harness.join(4).numbers
        try harness.advance(1000)
        #expect(try harness.tick(polled: numbers).waiting.count == 2)
        // A longer step back is as another server, see MendingTests.
        try harness.advance(-QueueConstants.stepBackMilliseconds)
        #expect(try harness.tick(polled: numbers).waiting.count == 2)
        try harness.advance(QueueConstants.stepBackMilliseconds + 1000)
        #expect(try harness.tick(polled: numbers).waiting.count == 1)
    }
}
