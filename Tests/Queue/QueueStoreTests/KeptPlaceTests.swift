// SPDX-License-Identifier: Apache-2.0
//
// What the page promises of a place, on the model and on Redis: it is kept for that time after the last sign of life,
// also when that is hours.

import Admission
import TestSupport
import Testing

struct KeptPlaceTests {
    @Test("A visitor who is silent for all the promised time has the old place", arguments: StoreKind.allCases)
    func promised(_ kind: StoreKind) throws {
        for hours in [0, 6] {
            var policy = smallPolicy(burst: 1)
            if hours > 0 {
                policy.abandonAfterMilliseconds = hours * 3_600_000 / RoomPolicy.gracePerAbandon
                policy.returnGraceMilliseconds = hours * 3_600_000
            }
            #expect(policy.keptMilliseconds == policy.returnGraceMilliseconds)
            let harness = try kind.harness(policy)
            let numbers = try harness.join(3).numbers
            _ = try harness.tick(polled: numbers)
            var left = policy.keptMilliseconds - 100
            while left > 0 {
                let step = min(left, policy.epochMilliseconds / 2)
                try harness.advance(step)
                _ = try harness.tick(polled: [numbers[2]])
                left -= step
            }
            #expect(try harness.tick().waiting == [numbers[2]], "silent: no longer counted")
            #expect(try harness.stand(harness.claim(numbers[1])) == .waiting)
            #expect(try harness.tick().waiting == [numbers[1], numbers[2]], "at the old place")
        }
    }
}
