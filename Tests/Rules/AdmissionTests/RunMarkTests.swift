// SPDX-License-Identifier: Apache-2.0
//
// What a mark of the last run says: how long nobody can have entered, and how much has flowed into a bucket since.

import Admission
import Testing

@Suite struct RunMarkTests {
    @Test func `Nobody has entered since the mark, but for the time in which somebody still may have`() {
        func quiet(_ now: Int) -> Int { RunMark.quietMilliseconds(since: 10_000, nowMilliseconds: now) }
        #expect(quiet(10_000) == 0 && quiet(13_000) == 0)
        #expect(quiet(13_001) == 1 && quiet(70_000) == 57_000)
        #expect(quiet(9_000) == 0, "a clock that went back")
    }

    @Test func `A bucket that was empty has the tokens of the time since, and at most its burst`() {
        var policy = RoomPolicy.standard
        (policy.rateMilli, policy.burst) = (1500, 7)
        func tokens(_ milliseconds: Int) -> Int { RunMark.tokens(afterMilliseconds: milliseconds, policy) }
        #expect(tokens(0) == 0 && tokens(666) == 0 && tokens(667) == 1)
        #expect(tokens(4000) == 6 && tokens(4667) == 7 && tokens(1_000_000) == 7)
        #expect(tokens(.max) == 7 && tokens(-5) == 0)
    }

    @Test func `A room that nobody knows is made some time after the first look that found nothing`() {
        var delay = MakingDelay()
        func mayMake(_ now: Int) -> Bool { delay.isOver(nowMilliseconds: now) }
        let whole = MakingDelay.standardMilliseconds
        // The process has run for an hour without a store: that does not count.
        let first = 3_600_000
        for now in stride(from: first, to: first + whole, by: 250) {
            #expect(!mayMake(now), "\(now - first) ms")
        }
        #expect(mayMake(first + whole))
        // Away once more: others may come back after the store as late as before.
        #expect(!mayMake(first + whole + 60_000))
        #expect(!mayMake(first + whole + 61_000))
        var alone = MakingDelay(milliseconds: 0)
        let isAtOnce = alone.isOver(nowMilliseconds: 5)
        #expect(isAtOnce)
    }
}
