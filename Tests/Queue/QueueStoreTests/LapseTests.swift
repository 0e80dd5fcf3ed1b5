// SPDX-License-Identifier: Apache-2.0
//
// Goal: visitors who are called and do not come cannot stop those who wait behind them, and lose as little as possible.
// Method: the conformance suite's harness, on the model and on Redis.

import Admission
import QueueClient
import TestSupport
import Testing
import WaitingRoomAPI

struct LapseTests {
    /// Advances in ticks of 200 ms, with these visitors polling.
    private func run(_ harness: QueueHarness, _ milliseconds: Int, polled: [Int]) throws -> RoomSnapshot {
        for _ in 0..<max(1, milliseconds / 200) {
            try harness.advance(200)
            _ = try harness.tick(polled: polled)
        }
        return try harness.tick()
    }

    private func claim(_ harness: QueueHarness, _ number: Int) -> TicketClaim { harness.claim(number, issuedAgo: 5000) }

    /// Lets the first call of a number lapse that is in front, and the call after its look.
    private func lapseTwice(_ harness: QueueHarness, _ number: Int, polled: [Int]) throws {
        _ = try run(harness, 2400, polled: polled)
        guard case .called = try harness.stand(claim(harness, number)) else {
            throw TestFailure("the look of a visitor whose call lapsed is the call")
        }
        _ = try run(harness, 2400, polled: polled)
    }

    @Test("Without a token the visitor waits in front, and is called with the next", arguments: StoreKind.allCases)
    func waitsInFront(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 1, burst: 1))
        let numbers = try harness.join(3).numbers
        _ = try run(harness, 1000, polled: numbers)
        _ = try run(harness, 2000, polled: numbers)
        // The entry bucket's only token goes to the second.
        guard case .entered = try harness.enter(claim(harness, numbers[2])) else { throw TestFailure("no entry") }
        #expect(try harness.stand(claim(harness, numbers[1])) == .waiting)
        #expect(try run(harness, 1000, polled: numbers).waiting.isEmpty)
        guard case .entered = try harness.enter(claim(harness, numbers[1])) else { throw TestFailure("no entry") }
    }

    @Test(
        "After two lapses a visitor waits behind everybody, after the third the place ends",
        arguments: StoreKind.allCases
    )
    func behindEverybody(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 2, burst: 1))
        let numbers = try harness.join(3).numbers
        _ = try run(harness, 1000, polled: numbers)
        try lapseTwice(harness, numbers[1], polled: numbers)
        try harness.configure(smallPolicy(rate: 0, burst: 1))
        let others = try harness.join(4).numbers
        let reply = try harness.standing(claim(harness, numbers[1]))
        #expect(reply.standing == .waiting)
        #expect(reply.place == numbers[1] + RankIndex.lateOffset)
        let state = try harness.tick(polled: numbers + others)
        #expect(state.waiting.last == reply.place)
        #expect(harness.room.mirror.place(of: numbers[1])?.position == state.waiting.count)
        #expect(harness.room.mirror.punctualCount == state.waiting.count - 1)

        // A newcomer comes before it, too; it is called when nobody else waits.
        let newcomer = try harness.join(1).numbers[0]
        #expect(try harness.tick(polled: [numbers[1]]).waiting.last == reply.place)
        for number in others + [newcomer] + [numbers[2]] { _ = try harness.leave(claim(harness, number)) }
        try harness.configure(smallPolicy(rate: 2, burst: 1))
        #expect(try run(harness, 1000, polled: [numbers[1]]).waiting.isEmpty)
        guard case .called = try harness.stand(claim(harness, numbers[1])) else { throw TestFailure("not called") }
        _ = try run(harness, 2400, polled: [])
        #expect(try harness.stand(claim(harness, numbers[1])) == .expired)
    }

    @Test(
        "Called visitors who lapsed before hold no place of max_active, and take one when they enter",
        arguments: StoreKind.allCases
    )
    func holdNoPlace(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 10, burst: 10, maxActive: 1))
        let numbers = try harness.join(4).numbers
        guard case .left = try harness.leave(claim(harness, numbers[0])) else { throw TestFailure("not left") }
        #expect(try run(harness, 200, polled: numbers).waiting == Array(numbers[2...]))
        #expect(try run(harness, 2200, polled: numbers).waiting == [numbers[3]], "the first has lapsed")
        // numbers[2] holds the only place. It enters, and leaves; the first looks again while there is room.
        guard case .entered = try harness.enter(claim(harness, numbers[2])) else { throw TestFailure("no entry") }
        #expect(try harness.stand(claim(harness, numbers[1])) == .waiting, "no place")
        _ = try harness.leave(claim(harness, numbers[2]))
        let state = try run(harness, 200, polled: numbers)
        #expect(state.called == 2, "the first is called again and holds nothing, so the next is called as well")
        guard case .entered = try harness.enter(claim(harness, numbers[3])) else { throw TestFailure("no entry") }
        guard case .retry(let wait) = try harness.enter(claim(harness, numbers[1])) else {
            throw TestFailure("not full")
        }
        #expect(wait >= QueueConstants.placeRetryMilliseconds)
        _ = try harness.leave(claim(harness, numbers[3]))
        guard case .entered = try harness.enter(claim(harness, numbers[1])) else { throw TestFailure("no entry") }
    }

    @Test(
        "Tokens that lapsed calls give back are not lost to the bucket's capacity while people wait",
        arguments: StoreKind.allCases
    )
    func tokensKept(_ kind: StoreKind) throws {
        // Rate 5 and burst 5: the call bucket holds 5. All five called lapse at once, and five more are due meanwhile.
        let harness = try kind.harness(smallPolicy(rate: 5, burst: 5))
        let numbers = try harness.join(45).numbers
        let alive = Array(numbers[15...])
        // Until two seconds have passed, 10 more are called; none enters, and each lapses two seconds later.
        let before = try run(harness, 2000, polled: numbers)
        #expect(before.waiting.count == 30)
        let after = try run(harness, 2000, polled: alive)
        #expect(before.waiting.count - after.waiting.count == 20, "ten by the rate, and ten that came back")
    }

    @Test(
        "Calls that lapsed and are more than one tick ends are ended by ticks that follow at once",
        arguments: StoreKind.allCases
    )
    func pile(_ kind: StoreKind) throws {
        var setting = HarnessSetting()
        setting.caps.lapsesPerTick = 2
        let harness = try kind.harness(smallPolicy(rate: 10, burst: 10), setting)
        let numbers = try harness.join(16).numbers
        #expect(try run(harness, 1000, polled: numbers).called == 6)
        try harness.advance(3000)
        for left in [4, 2, 0] {
            #expect(try harness.tick().called == left)
            #expect(harness.room.seen.last.lapsesLeft == (left > 0 ? 1 : 0))
        }
        #expect(try harness.tick().counters.lapsed == 6)
    }

    @Test(
        "A room in bypass calls those who wait in order, a part with each tick, and takes no tokens",
        arguments: StoreKind.allCases
    )
    func bypass(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 0, burst: 1, maxActive: 1))
        let numbers = try harness.join(51).numbers
        try harness.configure(smallPolicy(rate: 0, burst: 1, maxActive: 1, mode: .bypass))
        var waiting = 50
        for _ in 0..<3 {
            try harness.advance(200)
            let state = try harness.tick(polled: numbers)
            waiting = max(0, waiting - QueueConstants.bypassCallsMin)
            #expect(state.waiting == Array(numbers.suffix(waiting)))
        }
        for number in numbers[1...] {
            guard case .entered = try harness.enter(claim(harness, number)) else { throw TestFailure("no entry") }
        }
    }

    @Test(
        "In bypass the look of a visitor who was away is the call, and lapses are not counted",
        arguments: StoreKind.allCases
    )
    func bypassLapses(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 0, burst: 1))
        let numbers = try harness.join(2).numbers
        try harness.configure(smallPolicy(rate: 0, burst: 1, mode: .bypass))
        for _ in 0..<4 {
            _ = try run(harness, 2400, polled: numbers)
            guard case .called = try harness.stand(claim(harness, numbers[1])) else { throw TestFailure("not called") }
        }
        guard case .entered = try harness.enter(claim(harness, numbers[1])) else { throw TestFailure("no entry") }
    }

    @Test("Eleven who poll and never enter do not stop the twenty behind them", arguments: StoreKind.allCases)
    func decliners(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 10, burst: 5, maxActive: 5))
        let numbers = try harness.join(36).numbers
        let (decliners, honest) = (numbers[5..<16], Array(numbers[16...]))
        var entered: Set<Int> = []
        for _ in 0..<300 where entered.count < honest.count {
            try harness.advance(200)
            let waits = Set(try harness.tick(polled: numbers).waiting)
            for number in decliners where !waits.contains(number) { _ = try harness.stand(claim(harness, number)) }
            for number in honest where !waits.contains(number) && !entered.contains(number) {
                if case .entered = try harness.enter(claim(harness, number)) {
                    entered.insert(number)
                    _ = try harness.leave(claim(harness, number))
                }
            }
        }
        #expect(entered.count == honest.count)
        // Three rounds of five hold the places for a claim window each, then the others go at the rate.
        let limit = QueueHarness.startMilliseconds + 6000 + 3 * 2000 + 20 * 100 + 3000
        #expect(harness.nowMilliseconds < limit, "\(harness.nowMilliseconds - QueueHarness.startMilliseconds) ms")
    }

    // aws-solutions/virtual-waiting-room-on-aws#154: its room was stuck when those who were next had closed their tabs.
    @Test(
        "People who abandon the line before they are called do not hold places of max_active",
        arguments: StoreKind.allCases
    )
    func abandoned(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 50, burst: 10, maxActive: 10))
        let numbers = try harness.join(30).numbers
        let honest = Array(numbers[20...])
        #expect(try harness.tick(polled: numbers).active == 10)
        // The ten behind those inside close their tabs; six seconds later the passes end.
        var entered: Set<Int> = []
        for _ in 0..<100 where entered.count < honest.count {
            try harness.advance(200)
            let waits = Set(try harness.tick(polled: honest).waiting)
            for number in honest where !waits.contains(number) && !entered.contains(number) {
                if case .entered = try harness.enter(claim(harness, number)) { entered.insert(number) }
            }
        }
        #expect(entered.count == honest.count)
        #expect(harness.nowMilliseconds - QueueHarness.startMilliseconds < 12_000)
    }

    @Test("Who waits behind everybody is restored there, once", arguments: StoreKind.allCases)
    func restored(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 2, burst: 1))
        let numbers = try harness.join(3).numbers
        _ = try run(harness, 1000, polled: numbers)
        try lapseTwice(harness, numbers[1], polled: numbers)
        try harness.configure(smallPolicy(rate: 0, burst: 1))
        let other = try harness.join(1).numbers[0]
        _ = try harness.stand(claim(harness, numbers[1]))
        let before = try harness.tick(polled: numbers + [other])
        #expect(before.waiting.last == numbers[1] + RankIndex.lateOffset)
        try harness.loseEverything()
        #expect(try harness.tick().waiting == before.waiting)
        let place = try harness.standing(claim(harness, numbers[1])).place
        #expect(place == numbers[1] + RankIndex.lateOffset)
        #expect(try harness.tick().waiting == before.waiting)
    }
}
