// SPDX-License-Identifier: Apache-2.0
//
// What every queue store must do when it has lost its memory, or has gone back to an older one: the same suite over the
// model and over Redis.

import Admission
import TestSupport
import Testing
import WaitingRoomAPI

struct RestoreTests {
    @Test(
        "A store that lost everything is restored by a worker: same order, empty buckets, held for a while",
        arguments: StoreKind.allCases
    )
    func restored(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 1, burst: 3))
        let numbers = try harness.join(8).numbers
        #expect(try harness.tick().waiting == Array(numbers[3...]))
        try harness.loseEverything()
        let state = try harness.tick()
        #expect(state.waiting == Array(numbers[3...]), "nobody is called: the buckets are empty")
        #expect(state.next > numbers[7] + 60_000)
        #expect(try harness.standing(harness.claim(numbers[5])).standing == .waiting)
        #expect(try harness.tick().waiting.firstIndex(of: numbers[5]) == 2)
        try harness.advance(RoomMemory.holdMilliseconds + 900)
        #expect(try harness.tick(polled: numbers).waiting == Array(numbers[3...]), "held, and then a token in a second")
        try harness.advance(100)
        #expect(try harness.tick(polled: numbers).waiting == Array(numbers[4...]))
        #expect(try harness.join(1).numbers[0] > numbers[7])
    }

    @Test("A store that went back never issues a number again that its worker knows", arguments: StoreKind.allCases)
    func wentBack(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 0.5, burst: 1))
        let before = try harness.join(3).numbers
        _ = try harness.tick()
        try harness.keep()
        let after = try harness.join(4).numbers
        #expect(try harness.tick().waiting == before[1...] + after)
        try harness.goBack()
        #expect(try harness.tick().waiting == before[1...] + after)
        #expect(try harness.join(1).numbers[0] > after[3])
    }

    @Test(
        "After a failover no number is issued again, though no worker knew the lost ones, and the buckets are empty",
        arguments: StoreKind.allCases
    )
    func failover(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 1, burst: 3))
        #expect(try harness.join(2).admittedCount == 2)
        _ = try harness.tick()
        try harness.keep()
        let lost = try harness.join(4)
        #expect(lost.admittedCount == 1)
        try harness.goBack()
        // A worker that has just been started comes first.
        harness.room = harness.newWorker()
        let after = try harness.join(2)
        #expect(after.admittedCount == 0, "one more has entered than the replica knows")
        #expect(after.numbers[0] > lost.numbers[3])
        #expect(try harness.stand(harness.claim(lost.numbers[2])) == .waiting, "whoever holds a lost number keeps it")
        #expect(try harness.tick().waiting == [lost.numbers[2]] + after.numbers)
    }

    @Test(
        "What a worker without a memory has made is merged with what the others remember, and keeps its buckets",
        arguments: StoreKind.allCases
    )
    func merged(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 1, burst: 2))
        let numbers = try harness.join(5).numbers
        _ = try harness.tick()
        let remembers = harness.room
        let others = harness.newWorker()
        try harness.tick(others)
        try harness.advance(10_000)
        try harness.loseEverything()
        harness.room = harness.newWorker()
        let newcomers = try harness.join(3)
        #expect(newcomers.admittedCount == 2, "a worker that knows nothing makes a new room")
        harness.room = remembers
        let state = try harness.tick()
        #expect(state.waiting == Array(numbers[2...]) + [newcomers.numbers[2]])
        let all = numbers + newcomers.numbers
        try harness.advance(RoomMemory.holdMilliseconds + 900)
        #expect(try harness.tick(polled: all).waiting == Array(numbers[2...]) + [newcomers.numbers[2]])
        // Another worker that remembers comes later: what is there is not held again.
        try harness.tick(others)
        try harness.advance(100)
        #expect(try harness.tick(polled: all).waiting == Array(numbers[3...]) + [newcomers.numbers[2]])
    }

    @Test(
        "Who entered through a worker is inside, with the same pass, though the replica has never heard of it",
        arguments: StoreKind.allCases
    )
    func entriesRemembered(_ kind: StoreKind) throws {
        var policy = smallPolicy(rate: 1, burst: 3)
        policy.maxActive = 4
        let harness = try kind.harness(policy)
        let numbers = try harness.join(6).numbers
        try harness.advance(3000)
        #expect(try harness.tick(polled: numbers).called == 1)
        try harness.keep()
        let pass = try harness.enter(harness.claim(numbers[3]))
        guard case .entered = pass else { throw TestFailure("not let in: \(pass)") }
        try harness.goBack()
        let state = try harness.tick(polled: numbers)
        #expect(state.called == 0, "the replica knew the call and not the entry")
        #expect(state.active == 4)
        #expect(try harness.enter(harness.claim(numbers[3])) == pass)
        #expect(state.waiting == Array(numbers[4...]))
    }

    @Test("A worker remembers the last of the entries it has granted, and a bounded number of them")
    func entriesBounded() {
        let room = Room(id: "demo", defaults: smallPolicy())
        for number in 1...100_000 {
            room.noteEntered(number, passExpiresMilliseconds: number, beganMilliseconds: 0)
        }
        let kept = room.memory.entries.map(\.number)
        #expect((4096...8192).contains(kept.count))
        #expect(kept == Array((100_001 - kept.count)...100_000))
        let entered = StandingReply(
            standing: .entered(passExpiresMilliseconds: 100_000),
            nowMilliseconds: 0,
            waiting: 0
        )
        for _ in 0..<20_000 { room.noteEntry(entered, of: 100_000, .enter) }
        #expect(room.memory.entries.map(\.number) == kept, "whoever asks again pushes nobody out")
    }

    @Test(
        "A failover brings nobody back whose grace was over, but those whom the replica has never heard of",
        arguments: StoreKind.allCases
    )
    func doubt(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(burst: 1))
        let numbers = try harness.join(3).numbers
        for _ in 1...300 {
            try harness.advance(100)
            _ = try harness.tick(polled: [numbers[2]])
        }
        #expect(try harness.stand(harness.claim(numbers[1], issuedAgo: 30_000)) == .expired)
        try harness.keep()
        let lost = try harness.join(1).numbers[0]
        try harness.goBack()
        harness.room = harness.newWorker()
        #expect(try harness.stand(harness.claim(numbers[1], issuedAgo: 30_000)) == .expired)
        try harness.advance(9000)
        #expect(try harness.stand(harness.claim(lost, issuedAgo: 20_000)) == .waiting)
        // After a total loss nobody knows anything: every ticket is believed for a grace, also through a failover.
        try harness.loseEverything()
        _ = try harness.join(1)
        try harness.keep()
        try harness.goBack()
        #expect(try harness.stand(harness.claim(numbers[1], issuedAgo: 40_000)) == .waiting)
    }

    @Test(
        "A failover to a server whose clock is behind stops nobody for longer than the hold",
        arguments: StoreKind.allCases,
        [true, false]
    )
    func clockBehind(_ kind: StoreKind, isRemembered: Bool) throws {
        var policy = smallPolicy(rate: 1, burst: 1)
        policy.abandonAfterMilliseconds = 120_000
        policy.returnGraceMilliseconds = 300_000
        let harness = try kind.harness(policy)
        let numbers = try harness.join(3).numbers
        _ = try harness.tick()
        try harness.keep()
        try harness.goBack()
        try harness.advance(-60_000)
        if !isRemembered { harness.room = harness.newWorker() }
        #expect(try harness.tick(polled: numbers).called == 0)
        try harness.advance(RoomMemory.holdMilliseconds + 1000)
        #expect(try harness.tick(polled: numbers).called == 1)
    }

    @Test(
        "While memories still come the hold goes on, up to a limit, and one that comes later prolongs nothing",
        arguments: StoreKind.allCases
    )
    func holdGoesOn(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 1, burst: 1))
        let numbers = try harness.join(3).numbers
        var others: [Room] = []
        for _ in 0..<8 {
            others.append(harness.newWorker())
            try harness.tick(others[others.count - 1])
        }
        try harness.advance(1000)
        try harness.loseEverything()
        #expect(try harness.tick(polled: numbers).called == 0)
        // Each comes 100 ms before the hold would end: 3.9 s after the loss, and 2.4 s after the one before.
        try harness.advance(RoomMemory.holdMilliseconds - RoomMemory.reportMilliseconds)
        for other in others[..<5] {
            try harness.advance(RoomMemory.reportMilliseconds - 100)
            try harness.tick(other)
            #expect(try harness.tick(polled: numbers).called == 0)
        }
        // The last was so late that the hold ends by its limit, and calls begin a token later.
        try harness.advance(RoomMemory.holdMillisecondsMax - 1500 - 5 * (RoomMemory.reportMilliseconds - 100))
        #expect(try harness.tick(polled: numbers).called == 0)
        try harness.advance(900)
        #expect(try harness.tick(polled: numbers).called == 0)
        try harness.tick(others[5])
        try harness.advance(100)
        #expect(try harness.tick(polled: numbers).called == 1)
    }

    @Test("While admission is held a caller is told to come back after the hold", arguments: StoreKind.allCases)
    func heldCall(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 1, burst: 1))
        let numbers = try harness.join(3).numbers
        try harness.advance(1000)
        #expect(try harness.tick(polled: numbers).called == 1)
        try harness.keep()
        try harness.goBack()
        #expect(try harness.tick(polled: numbers).called == 1)
        let hold = RoomMemory.holdMilliseconds
        #expect(try harness.enter(harness.claim(numbers[1])) == .retry(afterMilliseconds: hold + 1000))
        try harness.advance(hold + 999)
        #expect(try harness.tick(polled: numbers).called == 1, "who has claimed in time keeps the call through it")
        #expect(try harness.enter(harness.claim(numbers[1])) == .retry(afterMilliseconds: 50))
        try harness.advance(1)
        guard case .entered = try harness.enter(harness.claim(numbers[1])) else { throw TestFailure("still held") }
    }

    @Test(
        "A room that nobody remembers begins with its burst, or with what has flowed since its host ran it",
        arguments: StoreKind.allCases
    )
    func nobodyRemembers(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 1, burst: 3))
        #expect(try harness.join(5).admittedCount == 3)
        for (quiet, admitted) in [(0, 0), (999, 0), (2500, 2), (60_000, 3), (nil, 3)] as [(Int?, Int)] {
            try harness.loseEverything()
            harness.room = harness.newWorker()
            harness.room.quietMilliseconds = { quiet }
            #expect(try harness.join(5).admittedCount == admitted, "\(String(describing: quiet)) ms")
            _ = try harness.tick()
            try harness.advance(1000)
            #expect(try harness.tick().called == 1, "and goes on at its rate")
        }
    }

    @Test("A worker that remembers the room asks nobody when it was run", arguments: StoreKind.allCases)
    func remembersItself(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 1, burst: 3))
        _ = try harness.join(5)
        _ = try harness.tick()
        harness.room.quietMilliseconds = { 60_000 }
        try harness.loseEverything()
        #expect(try harness.join(1).admittedCount == 0)
        #expect(try harness.tick().called == 0, "its buckets are empty")
    }

    @Test("A room that is lost twice within a second issues no number again", arguments: StoreKind.allCases)
    func lostTwice(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy())
        var numbers: Set<Int> = []
        for _ in 0..<5 {
            numbers.formUnion(try harness.join(100).numbers)
            try harness.loseEverything()
            harness.room = harness.newWorker()
            try harness.advance(100)
        }
        #expect(numbers.count == 500)
    }

    @Test("Who left in what the store still knows does not wait again", arguments: StoreKind.allCases)
    func doneStaysDone(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 0, burst: 1))
        let numbers = try harness.join(4).numbers
        _ = try harness.tick()
        _ = try harness.leave(harness.claim(numbers[2]))
        try harness.keep()
        _ = try harness.join(1)
        let remembers = harness.newWorker()
        harness.room = remembers
        _ = try harness.tick()
        try harness.goBack()
        #expect(try harness.tick().waiting.prefix(2) == [numbers[1], numbers[3]])
    }

    @Test("A store that went back behind a reset drops those whose generation has ended", arguments: StoreKind.allCases)
    func behindReset(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 0, burst: 1))
        _ = try harness.join(4)
        _ = try harness.tick()
        try harness.keep()
        try harness.reset()
        let generation = try harness.tick().generation
        let newcomers = try harness.join(2).numbers
        _ = try harness.tick()
        try harness.goBack()
        let state = try harness.tick()
        #expect(state.generation == generation)
        #expect(state.waiting == newcomers)
        #expect(state.called == 0)
    }

    @Test(
        "A ticket of a later generation proves the reset that a loss has undone: it holds, whatever the visitor asks",
        arguments: StoreKind.allCases,
        VisitAction.allCases
    )
    func resetThenLost(_ kind: StoreKind, _ action: VisitAction) throws {
        let harness = try kind.harness(smallPolicy(rate: 0, burst: 1))
        let before = try harness.join(4).numbers
        _ = try harness.tick()
        let unaware = harness.room
        try harness.reset()
        harness.room = harness.newWorker()
        let generation = try harness.tick().generation
        let after = try harness.join(2).numbers
        try harness.loseEverything()
        // The worker that had not ticked since the reset brings the room back as it was before.
        harness.room = unaware
        #expect(try harness.tick().waiting == Array(before[1...]))
        let proof = harness.claim(after[0], generation: generation)
        switch action {
        case .stand: #expect(try harness.stand(proof) == .waiting)
        case .enter: #expect(try harness.enter(proof) == .waiting)
        case .leave: #expect(try harness.leave(proof) == .left)
        // It proves no place: see RenewalTests.
        case .renew: #expect(try harness.stand(proof) == .waiting)
        }
        let other = harness.claim(after[1], generation: generation)
        #expect(try harness.stand(other) == .waiting)
        let state = try harness.tick()
        #expect(state.generation == generation)
        #expect(state.waiting == (action == .leave ? [after[1]] : after))
        #expect(try harness.stand(harness.claim(before[1])) == .fenced)
        #expect(try harness.join(1).numbers[0] > after[1])
        #expect(try harness.tick().waiting.count == state.waiting.count + 1)
    }

    @Test("After a total loss tickets are believed, but not a hoard of old ones", arguments: StoreKind.allCases)
    func oldTickets(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(mode: .paused))
        let numbers = try harness.join(4).numbers
        try harness.advance(1000)
        try harness.loseEverything()
        harness.room = harness.newWorker()
        _ = try harness.tick()
        let most = QueueConstants.ticketBelievedMilliseconds
        #expect(try harness.stand(harness.claim(numbers[1], issuedAgo: most + 1)) == .expired)
        #expect(try harness.stand(harness.claim(numbers[2], issuedAgo: most)) == .waiting)
        // A place that is known is kept, however old its ticket.
        #expect(try harness.stand(harness.claim(numbers[2], issuedAgo: 3 * most)) == .waiting)
    }

    @Test("Before 2026 no number is negative", arguments: StoreKind.allCases)
    func before2026(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(), HarnessSetting(startMilliseconds: 1_500_000_000_000))
        let first = try harness.join(2).numbers
        #expect(first.allSatisfy { $0 > 0 })
        _ = try harness.tick()
        try harness.loseEverything()
        #expect(try harness.join(1).numbers[0] > first[1], "a worker that remembers")
    }

    @Test("What an operator had set comes back with a room that nobody remembers", arguments: StoreKind.allCases)
    func markedOverrides(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 1))
        _ = try harness.join(1)
        try harness.advance(1000)
        try harness.loseEverything()
        harness.room = harness.newWorker()
        harness.room.markedOverrides = {
            PolicyField.allCases.map { $0 == .mode ? RoomMode.paused.rawValue : nil }
        }
        #expect(try harness.join(5).admittedCount == 0)
        _ = try harness.tick()
        #expect(harness.room.policy.mode == .paused)
        #expect(harness.room.policy.rateMilli == 1000)
    }
}
