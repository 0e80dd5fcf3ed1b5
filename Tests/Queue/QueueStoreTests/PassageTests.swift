// SPDX-License-Identifier: Apache-2.0
//
// A request that no person has sent goes on with a token and without a number, while nobody waits.

import Admission
import TestSupport
import Testing

struct PassageTests {
    private let passage = JoinRequest(kind: .passage)
    private let person = JoinRequest(kind: .join)

    @Test("A passage takes a token of both buckets, and neither a number nor a place", arguments: StoreKind.allCases)
    func tokens(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 1, burst: 3, maxActive: 1))
        let before = try harness.tick()
        let outcomes = try harness.join([passage, person, passage, passage, passage])
        #expect(outcomes.admittedCount == 1 && outcomes.count { $0 == .passed } == 2)
        #expect(outcomes.last == .noRoom, "three tokens were there")
        var state = try harness.tick()
        #expect(state.next == before.next + 1 && state.active == 1)
        #expect(state.counters.entered == 1 && state.counters.joined == 1)
        // max_active is for people: the room is full of them, and a token still lets a passage through.
        try harness.advance(1000)
        #expect(try harness.join([passage, passage]) == [.passed, .noRoom])
        state = try harness.tick()
        #expect(state.next == before.next + 1 && state.waiting.isEmpty)
    }

    @Test("What passages take is missing to the joins behind them", arguments: StoreKind.allCases)
    func bound(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(burst: 3))
        let outcomes = try harness.join([passage, passage, person, person, passage, person])
        #expect(outcomes.admittedCount == 1)
        #expect(outcomes[4] == .noRoom, "somebody waits by now")
        #expect(outcomes.numbers[5] == outcomes.numbers[3] + 1)
    }

    @Test("While anybody waits or is called there is no passage for a token of theirs", arguments: StoreKind.allCases)
    func behindPeople(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 1, burst: 1))
        let numbers = try harness.join(2).numbers
        #expect(try harness.join([passage]) == [.noRoom])
        try harness.advance(1000)
        #expect(try harness.tick(polled: numbers).called == 1)
        #expect(try harness.join([passage]) == [.noRoom], "the token is for the called visitor")
        guard case .entered = try harness.enter(harness.claim(numbers[1])) else {
            throw TestFailure("the called visitor does not get in")
        }
        try harness.advance(1000)
        #expect(try harness.join([passage]) == [.passed])
    }

    @Test("In each mode of the room", arguments: StoreKind.allCases)
    func modes(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 10, burst: 10))
        _ = try harness.tick()
        for (mode, outcome) in [
            (RoomMode.paused, JoinOutcome.noRoom), (.closed, .closed), (.bypass, .bypassed), (.open, .passed),
        ] {
            try harness.configure(smallPolicy(rate: 10, burst: 10, mode: mode))
            #expect(try harness.join([passage]) == [outcome], "\(mode)")
        }
    }
}
