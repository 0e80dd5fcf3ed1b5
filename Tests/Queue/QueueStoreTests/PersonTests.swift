// SPDX-License-Identifier: Apache-2.0
//
// A person has one place at a time: what every queue store must do with the key of a person, and what it costs Redis.

import Admission
import TestSupport
import Testing

struct PersonTests {
    private let alice = JoinRequest(kind: .join, key: .person("alice"))
    private let aliceAtTheGate = JoinRequest(kind: .gate, key: .person("alice"))

    /// A room in which the first visitor has taken the only token, and then alice waits.
    private func waiting(_ kind: StoreKind, _ policy: RoomPolicy) throws -> (harness: QueueHarness, claim: TicketClaim)
    {
        let harness = try kind.harness(policy)
        _ = try harness.join(1)
        let number = try harness.join([alice]).numbers[0]
        return (harness, harness.claim(number))
    }

    private func expectKnown(_ claim: TicketClaim, _ harness: QueueHarness, _ note: Comment) throws {
        let known = JoinOutcome.known(number: claim.number, issuedMilliseconds: claim.issuedMilliseconds)
        #expect(try harness.join([alice]) == [known], note)
    }

    @Test("A person who waits, is called, is inside: the same ticket each time", arguments: StoreKind.allCases)
    func onePlace(_ kind: StoreKind) throws {
        let (harness, claim) = try waiting(kind, smallPolicy(rate: 1, burst: 1))
        try expectKnown(claim, harness, "waiting")
        try harness.advance(1000)
        #expect(try harness.tick(polled: [claim.number]).called == 1)
        try expectKnown(claim, harness, "called")
        let pass = try harness.enter(claim)
        #expect(pass == .entered(passExpiresMilliseconds: harness.nowMilliseconds + 6000))
        try harness.advance(5900)
        try expectKnown(claim, harness, "inside")
        #expect(try harness.stand(claim) == pass)
        try harness.advance(100)
        #expect(try harness.join([alice]).numbers[0] > claim.number, "the pass is over")
    }

    @Test(
        "A thousand joins of a person among others take one number, in one batch and in many",
        arguments: StoreKind.allCases
    )
    func thousand(_ kind: StoreKind) throws {
        let (harness, claim) = try waiting(kind, smallPolicy(burst: 1, capacity: 10_000))
        let other = JoinRequest(kind: .join, key: .person("bob"))
        let batch = (0..<500).flatMap { $0 % 10 == 0 ? [alice, JoinRequest(kind: .join), other] : [alice, other] }
        let outcomes = try harness.join(batch) + harness.join(batch)
        #expect(Set(zip(batch + batch, outcomes.numbers).filter { $0.0 == alice }.map(\.1)) == [claim.number])
        #expect(Set(zip(batch + batch, outcomes.numbers).filter { $0.0 == other }.map(\.1)).count == 1)
        #expect(try harness.tick().waiting.count == 1 + 1 + 100)
    }

    @Test("The first join of a person at several workers at once gives one number", arguments: StoreKind.allCases)
    func workers(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(burst: 1))
        _ = try harness.join(1)
        let first = harness.room
        var numbers = try harness.join([alice, alice]).numbers
        for _ in 0..<3 {
            harness.room = harness.newWorker()
            numbers += try harness.join([alice]).numbers
        }
        harness.room = first
        #expect(Set(numbers).count == 1)
        #expect(try harness.tick().waiting == [numbers[0]])
    }

    @Test("A person who left joins anew, behind the others", arguments: StoreKind.allCases)
    func left(_ kind: StoreKind) throws {
        let (harness, claim) = try waiting(kind, smallPolicy(burst: 1))
        let other = try harness.join(1).numbers[0]
        #expect(try harness.leave(claim) == .left)
        let again = try harness.join([alice])
        #expect(again == [.waiting(number: other + 1, position: 2)])
        #expect(try harness.join([alice]).numbers == again.numbers, "the key names the new place")
    }

    @Test("A person who leaves with a pass gets no other one beside it", arguments: StoreKind.allCases)
    func leftInside(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 10, burst: 3))
        let first = try harness.join([alice]).numbers[0]
        let claim = harness.claim(first)
        #expect(try harness.leave(claim) == .left)
        try harness.advance(5900)
        try expectKnown(claim, harness, "the pass goes on")
        #expect(try harness.stand(claim) == .left)
        _ = try harness.tick()
        try harness.advance(100)
        #expect(try harness.join([alice]).numbers == [first + 1], "it has ended")
    }

    @Test(
        "A person who fell silent has the old place within the grace, and then another",
        arguments: StoreKind.allCases
    )
    func grace(_ kind: StoreKind) throws {
        let (harness, claim) = try waiting(kind, smallPolicy(burst: 1))
        let other = try harness.join(1).numbers[0]
        for _ in 1...50 {
            try harness.advance(100)
            _ = try harness.tick(polled: [other])
        }
        #expect(try harness.tick().waiting == [other], "alice was swept")
        try expectKnown(claim, harness, "away")
        #expect(try harness.tick().waiting == [other], "to join is not yet to be back")
        #expect(try harness.stand(claim) == .waiting)
        #expect(try harness.tick().waiting == [claim.number, other])
        for _ in 1...170 {
            try harness.advance(100)
            _ = try harness.tick(polled: [other])
        }
        #expect(try harness.stand(claim) == .expired)
        #expect(try harness.join([alice]) == [.waiting(number: other + 1, position: 2)])
    }

    @Test("A call that lapsed is not the end of a person's place", arguments: StoreKind.allCases)
    func lapsed(_ kind: StoreKind) throws {
        let (harness, claim) = try waiting(kind, smallPolicy(rate: 1, burst: 1))
        try harness.advance(1000)
        _ = try harness.tick(polled: [claim.number])
        try harness.advance(2000)
        #expect(try harness.tick().counters.lapsed == 1)
        try expectKnown(claim, harness, "lapsed")
    }

    @Test("A key is kept for a day after its last use", arguments: StoreKind.allCases)
    func day(_ kind: StoreKind) throws {
        let (harness, claim) = try waiting(kind, smallPolicy(burst: 1))
        // Without ticks nobody is swept: only the key ends.
        for _ in 0..<2 {
            try harness.advance(86_399_900)
            try expectKnown(claim, harness, "used within a day")
        }
        try harness.advance(86_400_000)
        #expect(try harness.join([alice]).numbers[0] > claim.number)
    }

    @Test("A reset ends the places of persons, too", arguments: StoreKind.allCases)
    func reset(_ kind: StoreKind) throws {
        let (harness, claim) = try waiting(kind, smallPolicy(burst: 1))
        try harness.reset()
        _ = try harness.tick()
        let again = try harness.join([alice])
        #expect(again.numbers[0] > claim.number)
        #expect(try harness.join([alice]).numbers == again.numbers)
    }

    @Test(
        "A retry's key and a person's of the same letters have nothing to do with each other",
        arguments: StoreKind.allCases
    )
    func purposes(_ kind: StoreKind) throws {
        let (harness, claim) = try waiting(kind, smallPolicy(burst: 1))
        let retry = JoinRequest(kind: .join, key: .retry("alice"))
        let number = try harness.join([retry, alice, retry]).numbers
        #expect(number == [claim.number + 1, claim.number, claim.number + 1])
    }

    @Test(
        "A person at the gate gets the place there is, also in a closed or full room; without room none is taken",
        arguments: StoreKind.allCases
    )
    func gate(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(burst: 1, capacity: 1))
        let first = try harness.join([aliceAtTheGate])
        #expect(first.admittedCount == 1)
        let bob = JoinRequest(kind: .gate, key: .person("bob"))
        #expect(try harness.join([bob]) == [.noRoom])
        let waiting = JoinRequest(kind: .join, key: .person("bob"))
        let number = try harness.join([waiting]).numbers[0]
        #expect(number == first.numbers[0] + 1, "the gate took none for him")
        #expect(try harness.join([bob, aliceAtTheGate]).numbers == [number, first.numbers[0]])
        #expect(try harness.join([JoinRequest(kind: .join, key: .person("carol"))]) == [.full])
        try harness.configure(smallPolicy(burst: 1, mode: .closed, capacity: 1))
        #expect(try harness.join([waiting]).numbers == [number])
        #expect(try harness.join([JoinRequest(kind: .join, key: .person("carol"))]) == [.closed])
        try harness.configure(smallPolicy(burst: 1, mode: .bypass))
        #expect(try harness.join([JoinRequest(kind: .gate, key: .person("carol"))]) == [.bypassed])
    }

    /// The price of the memory being in Redis alone; README.md says so.
    @Test("A store that lost everything knows no person: the place is kept by its ticket, and a second is given")
    func memoryLost() throws {
        for kind in StoreKind.allCases {
            let (harness, claim) = try waiting(kind, smallPolicy(burst: 1))
            _ = try harness.tick()
            try harness.loseEverything()
            let second = try harness.join([alice]).numbers[0]
            #expect(second > claim.number)
            #expect(try harness.stand(claim) == .waiting)
            #expect(try harness.join([alice]).numbers == [second])
        }
    }

    @Test("A person costs Redis less than 250 bytes beside the bit")
    func memory() throws {
        let harness = try RedisHarness(
            redis: RedisServer(),
            policy: smallPolicy(burst: 1, capacity: 100_000),
            room: "demo"
        )
        let people = 20_000
        _ = try harness.join(1)
        func cost(_ requests: [JoinRequest]) throws -> (keys: Int, process: Int) {
            let before = (try harness.memoryOfKeys(), try harness.information("memory", "used_memory"))
            for start in stride(from: 0, to: requests.count, by: 1000) {
                _ = try harness.join(Array(requests[start..<start + 1000]))
            }
            let after = (try harness.memoryOfKeys(), try harness.information("memory", "used_memory"))
            return ((after.0 - before.0) / requests.count, (after.1 - before.1) / requests.count)
        }
        _ = try cost(Array(repeating: JoinRequest(kind: .join), count: 1000))
        // Keys as the API makes them: 22 characters.
        let named = try cost(
            (0..<people).map { JoinRequest(kind: .join, key: .person("abcdefghijklmnopq\($0 + 10_000)")) }
        )
        #expect((50..<250).contains(named.keys), "\(named)")
        #expect(named.process < 300, "\(named)")
        Attachment.record(
            "\(people) persons: \(named.keys) bytes each by MEMORY USAGE, \(named.process) by used_memory\n",
            named: "persons.txt"
        )
    }
}
