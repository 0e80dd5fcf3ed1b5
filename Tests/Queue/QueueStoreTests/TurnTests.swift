// SPDX-License-Identifier: Apache-2.0
//
// Goal: called visitors who find no token of the entry bucket come again one after the other, not all at once and not
// too late for a token.

import Admission
import TestSupport
import Testing

@Suite struct TurnTests {
    private func wait(_ harness: QueueHarness, _ number: Int) throws -> Int {
        guard case .retry(let wait) = try harness.enter(harness.claim(number)) else { throw TestFailure("let in") }
        return wait
    }

    @Test(
        "Each of the next three tokens is for three who were refused; the others come later, and nobody is called",
        arguments: StoreKind.allCases
    )
    func turns(_ kind: StoreKind) throws {
        var limits = smallPolicy(rate: 20, burst: 1)
        limits.claimWindowMilliseconds = 20_000
        limits.abandonAfterMilliseconds = 60_000
        let harness = try kind.harness(limits)
        let numbers = try harness.join(30).numbers
        try harness.advance(1000)
        #expect(try harness.tick(polled: numbers).called == 20)
        limits.rateMilli = 1000
        try harness.configure(limits)
        guard case .entered = try harness.enter(harness.claim(numbers[1])) else { throw TestFailure("not let in") }
        let waits = try (2..<14).map { try wait(harness, numbers[$0]) }
        #expect(waits == [1000, 1000, 1000, 2000, 2000, 2000, 3000, 3000, 3000, 9500, 9500, 9500])
        // Nine visitors have the tokens of three seconds: one more who is called could only wait for the same ones.
        try harness.advance(900)
        #expect(try harness.tick(polled: numbers).called == 19)
        try harness.advance(200)
        #expect(try harness.tick(polled: numbers).called == 19)
        guard case .entered = try harness.enter(harness.claim(numbers[2])) else { throw TestFailure("not let in") }
        // Three are on their way to the next token, and three to that behind it.
        #expect(try wait(harness, numbers[3]) == 3000)
        // Their times are over, and nobody comes: the next token is for the next who asks.
        try harness.advance(3000)
        guard case .entered = try harness.enter(harness.claim(numbers[3])) else { throw TestFailure("not let in") }
        #expect(try wait(harness, numbers[4]) == 1000)
        #expect(try harness.tick(polled: numbers).called > 18)
    }

    /// A client that is refused more than fifty times a second is taken for an abuser (PollPacing).
    @Test("Where tokens come fast a visitor is not sent back sooner than after 50 ms", arguments: StoreKind.allCases)
    func fast(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 200, burst: 1))
        let numbers = try harness.join(30).numbers
        try harness.advance(1000)
        #expect(try harness.tick(polled: numbers).called > 10)
        guard case .entered = try harness.enter(harness.claim(numbers[1])) else { throw TestFailure("not let in") }
        #expect(try (2..<6).map { try wait(harness, numbers[$0]) }.allSatisfy { $0 >= 50 })
    }
}
