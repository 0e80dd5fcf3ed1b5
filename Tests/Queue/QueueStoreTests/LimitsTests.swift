// SPDX-License-Identifier: Apache-2.0
//
// Goal: hosts whose files differ work with the same limits, those of the newest file, so none can change the bound.
// Method: workers with files of different age call the same room, on the model and on Redis.

import Admission
import QueueClient
import TestSupport
import Testing
import WaitingRoomAPI

struct LimitsTests {
    private func worker(_ harness: QueueHarness, _ policy: RoomPolicy, revision: Int) -> Room {
        Room(id: harness.room.id, defaults: policy, revision: revision)
    }

    @Test("The limits of the newest file are in force for every caller", arguments: StoreKind.allCases)
    func newest(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 1, burst: 1))
        let (old, new) = (harness.room, worker(harness, smallPolicy(rate: 7, burst: 5), revision: 1))
        try harness.tick(old)
        #expect(old.policy.burst == 1)
        try harness.tick(new)
        try harness.tick(old)
        #expect(old.policy == new.defaults)
        #expect(old.disagreement == [.rateMilli, .burst])
        #expect(new.disagreement.isEmpty)
        for revision in [-1, 0, 1] {
            let other = worker(harness, smallPolicy(rate: 1000, burst: 90), revision: revision)
            try harness.tick(other)
            #expect(other.policy == new.defaults, "revision \(revision) is not newer")
        }
        old.settings.revision = 2
        try harness.tick(old)
        try harness.tick(new)
        #expect(new.policy == old.defaults, "the file was changed again")
        #expect(new.disagreement == [.rateMilli, .burst])
    }

    @Test("Two callers with different files let in what one file allows", arguments: StoreKind.allCases)
    func bound(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 10, burst: 10))
        let rich = worker(harness, smallPolicy(rate: 1000, burst: 100), revision: -1)
        let numbers = try harness.join(200).numbers
        var entries = 10
        for step in 0..<50 {
            try harness.advance(100)
            try harness.tick(step % 2 == 0 ? rich : harness.room)
            for number in numbers[entries..<min(entries + 20, 200)] {
                guard case .entered = try harness.enter(harness.claim(number)) else { break }
                entries += 1
            }
        }
        #expect(entries <= 10 + 50, "\(entries) in five seconds at 10 a second")
        #expect(entries >= 10 + 45)
    }

    @Test("A file with a smaller burst counts from the call that brings it", arguments: StoreKind.allCases)
    func firstCall(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 10, burst: 50))
        try harness.tick(harness.room)
        harness.room = worker(harness, smallPolicy(rate: 10, burst: 2), revision: 1)
        #expect(try harness.join(10).admittedCount == 2)
    }

    @Test(
        "An operator's limits stand over every file, and default goes back to the newest",
        arguments: StoreKind.allCases
    )
    func overrides(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 1, burst: 1))
        try harness.tick(harness.room)
        try harness.configure(smallPolicy(rate: 3, burst: 9))
        try harness.tick(harness.room)
        #expect(harness.room.policy.burst == 9)
        let new = worker(harness, smallPolicy(rate: 7, burst: 5), revision: 1)
        try harness.tick(new)
        #expect(new.policy.burst == 9)
        #expect(new.disagreement.isEmpty, "an operator's word is no disagreement of files")
    }

    @Test(
        "A file and an operator's limit that do not fit each other are cut to what the bitmaps can hold",
        arguments: StoreKind.allCases
    )
    func clamped(_ kind: StoreKind) throws {
        var policy = smallPolicy()
        policy.abandonAfterMilliseconds = 400
        let harness = try kind.harness(policy)
        try harness.tick(harness.room)
        #expect(harness.room.policy.returnGraceMilliseconds == 400 * RoomPolicy.gracePerAbandon)
    }

    @Test("After a total loss the newest file of those who call again is in force", arguments: StoreKind.allCases)
    func lost(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 1, burst: 1))
        let new = worker(harness, smallPolicy(rate: 7, burst: 5), revision: 1)
        try harness.tick(new)
        try harness.loseEverything()
        try harness.tick(harness.room)
        try harness.tick(new)
        try harness.tick(harness.room)
        #expect(harness.room.policy == new.defaults)
    }

    @Test(
        "While more wait than the budget has polls for, everybody may be silent for longer; hints keep to the budget",
        arguments: StoreKind.allCases
    )
    func patience(_ kind: StoreKind) throws {
        var policy = smallPolicy(rate: 0, burst: 1)
        policy.pollBudget = 10
        let harness = try kind.harness(policy)
        let numbers = Array(try harness.join(21).numbers[1...])
        func abandonAfter() -> Int { harness.room.policy.abandonAfterMilliseconds }
        // Twenty who wait need 12 s for three polls each, at five polls a second.
        for _ in 0..<12 {
            try harness.advance(100)
            _ = try harness.tick(polled: numbers)
        }
        #expect(abandonAfter() == 16_000)
        #expect(harness.room.disagreement.isEmpty)
        let hint = PollPacing.hintMilliseconds(
            etaSeconds: 1000,
            position: 500,
            waiting: numbers.count,
            budgetPerSecond: policy.pollBudget,
            policy: harness.room.policy,
            jitter: 0
        )
        #expect(hint * 10 / 9 >= numbers.count * 1000 / 5, "\(hint) ms")
        for _ in 0..<110 {
            try harness.advance(100)
            _ = try harness.tick()
        }
        #expect(try harness.tick().waiting == numbers, "silent for 11 s")
        // When most have left, abandon_after is what was asked for again, and nobody is swept for as long.
        for number in numbers.dropFirst(2) { _ = try harness.leave(harness.claim(number)) }
        for _ in 0..<45 {
            try harness.advance(100)
            _ = try harness.tick()
        }
        #expect(abandonAfter() == 4000)
        for _ in 0..<60 {
            try harness.advance(100)
            _ = try harness.tick()
        }
        #expect(try harness.tick().waiting == [])
        #expect(try harness.stand(harness.claim(numbers[0], issuedAgo: 60_000)) == .waiting, "back within the grace")
    }
}
