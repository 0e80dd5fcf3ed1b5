// SPDX-License-Identifier: Apache-2.0
//
// Renewal of an entry, on the model and on Redis: a visitor who shows the present pass stays, up to pass_max.

import Admission
import TestSupport
import Testing

struct RenewalTests {
    private func policy(passMax: Int = 15_000) -> RoomPolicy {
        var policy = smallPolicy(maxActive: 1)
        policy.passMaxMilliseconds = passMax
        return policy
    }

    /// A room in which one visitor is inside: the claim of the pass, as it is shown.
    private func inside(_ harness: QueueHarness) throws -> TicketClaim {
        let numbers = try harness.join(2).numbers
        return TicketClaim(generation: 1, number: numbers[0], issuedMilliseconds: shown(harness.nowMilliseconds + 6000))
    }

    private func shown(_ expires: Int) -> Int { expires / 1000 * 1000 }

    private func at(_ claim: TicketClaim, _ expires: Int) -> TicketClaim {
        TicketClaim(generation: claim.generation, number: claim.number, issuedMilliseconds: shown(expires))
    }

    @Test("An entry is lengthened up to pass_max, and the place of max_active with it", arguments: StoreKind.allCases)
    func slides(_ kind: StoreKind) throws {
        let harness = try kind.harness(policy())
        let began = harness.nowMilliseconds
        let claim = try inside(harness)
        try harness.advance(4000)
        let first = try harness.renewal(claim)
        #expect(first.standing == .entered(passExpiresMilliseconds: began + 10_000) && first.isRenewable)
        // The page's other requests show the old pass: they get the same entry, and lengthen nothing.
        try harness.advance(500)
        #expect(try harness.renewal(claim).standing == first.standing)
        #expect(try harness.enter(claim) == first.standing, "a repeated enter gives the renewed pass")
        try harness.advance(4500)
        let last = try harness.renewal(at(claim, began + 10_000))
        #expect(last.standing == .entered(passExpiresMilliseconds: began + 15_000) && !last.isRenewable)
        try harness.advance(5000)
        #expect(try harness.renewal(at(claim, began + 15_000)).standing == last.standing)
        #expect(try harness.tick().active == 1)
        try harness.advance(1000)
        #expect(try harness.tick().active == 0)
        #expect(try harness.renewal(at(claim, began + 15_000)).standing == .expired)
    }

    @Test("Whoever left, or is fenced by a reset, or was never inside, is not renewed", arguments: StoreKind.allCases)
    func refused(_ kind: StoreKind) throws {
        let harness = try kind.harness(policy())
        let claim = try inside(harness)
        #expect(
            try harness.renewal(at(TicketClaim(generation: 1, number: claim.number + 1, issuedMilliseconds: 0), 0))
                .standing == .expired
        )
        try harness.advance(4000)
        try harness.reset()
        #expect(try harness.renewal(claim).standing == .fenced)
        let other = try kind.harness(policy())
        let leaver = try inside(other)
        try other.advance(4000)
        #expect(try other.leave(leaver) == .left)
        #expect(try other.renewal(leaver).standing == .expired)
    }

    @Test("With a pass_max that is no longer than a pass, nothing is renewed", arguments: StoreKind.allCases)
    func fixed(_ kind: StoreKind) throws {
        let harness = try kind.harness(policy(passMax: 0))
        let began = harness.nowMilliseconds
        let claim = try inside(harness)
        try harness.advance(4000)
        let reply = try harness.renewal(claim)
        #expect(reply.standing == .entered(passExpiresMilliseconds: began + 6000) && !reply.isRenewable)
    }
}
