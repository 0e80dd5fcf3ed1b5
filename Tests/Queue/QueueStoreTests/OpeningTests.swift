// SPDX-License-Identifier: Apache-2.0
//
// Rooms that open and close at a time, rooms that are over, and the draw of places among those who came before: what
// every store must do, and what remains of a draw when the store loses it.

import Admission
import Fairness
import QueueClient
import TestSupport
import Testing
import WaitingRoomAPI

struct OpeningTests {
    /// Opens ten seconds from the beginning of a test.
    private func policy(_ draw: DrawKind = .off, burst: Int = 3) -> RoomPolicy {
        var policy = smallPolicy(rate: 10, burst: burst)
        policy.opensMilliseconds = QueueHarness.startMilliseconds + 10_000
        policy.draw = draw
        return policy
    }

    private func prepare(_ harness: QueueHarness) throws {
        _ = try harness.tick()
        let commitment = DrawRecord.commitment(to: "5eed")
        #expect(try harness.draw(.prepare(commitment: commitment, seed: "5eed")) == .done)
    }

    /// Computes the draw as a worker does; answers the places by registration.
    private func hold(_ harness: QueueHarness) throws -> [UInt32] {
        _ = try harness.tick()
        let found = harness.room.seen.last.draw
        let places = DrawOrder(count: found.registered, key: Array(found.seed.utf8)).places
        guard case .bits(let version, let chunks) = try harness.draw(.read) else {
            throw TestFailure("nothing to draw")
        }
        #expect(try harness.draw(.apply(version: version, found.moved(chunks, places: places))) == .done)
        return places
    }

    @Test("Before the doors open people take numbers, and nobody is called or admitted", arguments: StoreKind.allCases)
    func waits(_ kind: StoreKind) throws {
        let harness = try kind.harness(policy())
        let numbers = try harness.join(5).numbers
        #expect(try harness.join([JoinRequest(kind: .gate)]) == [.noRoom])
        #expect(try harness.join([JoinRequest(kind: .passage)]) == [.noRoom])
        try harness.advance(9000)
        #expect(try harness.tick(polled: numbers).waiting == numbers)
        #expect(try harness.enter(harness.claim(numbers[0])) == .waiting)
        try harness.advance(1000)
        // From the opening on in the order of coming: the bucket has waited full.
        let state = try harness.tick(polled: numbers)
        #expect(state.called == 5)
        guard case .entered = try harness.enter(harness.claim(numbers[0])) else {
            Issue.record("the first may not enter")
            return
        }
    }

    @Test("Behind its end a room takes no joins, and calls those who wait", arguments: StoreKind.allCases)
    func closes(_ kind: StoreKind) throws {
        var policy = smallPolicy(rate: 1, burst: 1)
        policy.closesMilliseconds = QueueHarness.startMilliseconds + 1000
        let harness = try kind.harness(policy)
        let numbers = try harness.join(3).numbers
        try harness.advance(1000)
        #expect(try harness.join(1) == [.closed])
        try harness.advance(1000)
        #expect(try harness.tick(polled: numbers).called > 0)
        #expect(harness.room.policy.mode == .closed)
    }

    @Test("A room that is over takes nobody and calls nobody; the places are kept", arguments: StoreKind.allCases)
    func ends(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 10, burst: 1))
        let numbers = try harness.join(4).numbers
        try harness.configure(smallPolicy(rate: 10, burst: 1, mode: .ended))
        try harness.advance(1000)
        #expect(try harness.join(1) == [.closed])
        #expect(try harness.tick(polled: numbers).called == 0)
        try harness.configure(smallPolicy(rate: 10, burst: 1))
        try harness.advance(200)
        #expect(try harness.tick(polled: numbers).called > 0)
    }

    @Test("Those who registered get the drawn places, and later ones stand behind them", arguments: StoreKind.allCases)
    func draws(_ kind: StoreKind) throws {
        let harness = try kind.harness(policy(.seed, burst: 1))
        try prepare(harness)
        let numbers = try harness.join(40).numbers
        let leaver = harness.claim(numbers[7])
        #expect(try harness.leave(leaver) == .left)
        try harness.advance(3000)
        _ = try harness.tick(polled: numbers)
        #expect(harness.room.seen.last.draw.state == .registering)
        #expect(try harness.draw(.read) == .refused)
        try harness.advance(7000)
        // One who comes between the opening and the draw.
        let late = try harness.join(1).numbers[0]
        #expect(try harness.tick(polled: numbers).called == 0)
        let places = try hold(harness)
        let behind = numbers[0] + 40
        #expect(late == behind + 40)
        let expected = numbers.indices.filter { $0 != 7 }.map { behind + Int(places[$0]) }.sorted() + [late]
        try harness.advance(200)
        let moved = RoomDrawState(try harness.tick(), harness)
        #expect(moved.state == .drawn)
        // The first of the drawn order are called by the tick that shows it.
        #expect(moved.waiting == Array(expected.dropFirst(moved.called)))
        #expect(moved.called > 0)
        // A worker that has not heard of the draw cannot do harm, and the leaver has left.
        #expect(throws: StoreFailure.self) { try harness.stand(harness.claim(numbers[0])) }
        #expect(try harness.stand(leaver) == .left)
        #expect(try harness.stand(harness.claim(behind + Int(places[7]))) == .left)
        // Nobody is swept for silence at once, and everybody is there under the new number.
        for index in [0, 39] {
            let answer = try harness.stand(harness.claim(behind + Int(places[index])))
            #expect(answer == .waiting || { if case .called = answer { true } else { false } }())
        }
        #expect(try harness.draw(.read) == .refused)
    }

    @Test("A draw with a beacon waits for its value, which cannot be changed", arguments: StoreKind.allCases)
    func beacon(_ kind: StoreKind) throws {
        let harness = try kind.harness(policy(.beacon))
        try prepare(harness)
        #expect(try harness.draw(.announce(source: "drand")) == .done)
        #expect(try harness.draw(.beacon(value: "too early")) == .refused)
        let numbers = try harness.join(10).numbers
        try harness.advance(10_000)
        #expect(try harness.tick(polled: numbers).called == 0)
        #expect(try harness.draw(.read) == .refused)
        #expect(try harness.draw(.announce(source: "another")) == .refused)
        #expect(try harness.draw(.beacon(value: "a1b2")) == .done)
        #expect(try harness.draw(.beacon(value: "c3d4")) == .refused)
        _ = try hold(harness)
        _ = try harness.tick()
        #expect(harness.room.seen.last.draw.beacon == "a1b2")
        #expect(harness.room.seen.last.draw.source == "drand")
    }

    @Test(
        "What has changed between reading and moving is not lost: the draw is computed again",
        arguments: StoreKind.allCases
    )
    func races(_ kind: StoreKind) throws {
        let harness = try kind.harness(policy(.seed))
        try prepare(harness)
        let numbers = try harness.join(10).numbers
        try harness.advance(10_000)
        _ = try harness.tick(polled: numbers)
        guard case .bits(let version, _) = try harness.draw(.read) else { throw TestFailure("nothing to draw") }
        // Another worker is not let in meanwhile.
        #expect(try harness.draw(.read) == .refused)
        #expect(try harness.leave(harness.claim(numbers[3])) == .left)
        #expect(try harness.draw(.apply(version: version, [])) == .refused)
        try harness.advance(300)
        let places = try hold(harness)
        _ = try harness.tick()
        #expect(try harness.stand(harness.claim(numbers[0] + 10 + Int(places[3]))) == .left)
    }

    @Test("A store that has lost a draw gets it back from a worker, at any state of it", arguments: StoreKind.allCases)
    func isBrought(_ kind: StoreKind) throws {
        let harness = try kind.harness(policy(.seed, burst: 1))
        try prepare(harness)
        let numbers = try harness.join(10).numbers
        try harness.advance(10_000)
        let places = try hold(harness)
        _ = try harness.tick()
        let known = harness.room.seen.last.draw
        try harness.loseEverything()
        _ = try harness.tick()
        #expect(harness.room.seen.last.draw.state == .none)
        #expect(try harness.draw(.bring(known)) == .done)
        #expect(try harness.draw(.bring(known)) == .refused)
        try harness.advance(5000)
        _ = try harness.tick()
        #expect(harness.room.seen.last.draw == known)
        #expect(throws: StoreFailure.self) { try harness.stand(harness.claim(numbers[0])) }
        let last = try #require(places.indices.max { places[$0] < places[$1] })
        let standing = try harness.stand(harness.claim(numbers[0] + 10 + Int(places[last])))
        #expect(standing == .waiting || { if case .called = standing { true } else { false } }())
    }

    @Test("A reset ends a draw, and another opening begins another one", arguments: StoreKind.allCases)
    func again(_ kind: StoreKind) throws {
        let harness = try kind.harness(policy(.seed))
        try prepare(harness)
        _ = try harness.join(3)
        try harness.advance(10_000)
        _ = try hold(harness)
        var later = policy(.seed)
        later.opensMilliseconds += 60_000
        try harness.configure(later)
        try prepare(harness)
        let first = try harness.join(1).numbers[0]
        _ = try harness.tick()
        #expect(harness.room.seen.last.draw.state == .registering)
        #expect(harness.room.seen.last.draw.first == first)
        try harness.reset()
        _ = try harness.tick()
        #expect(harness.room.seen.last.draw.state == .none)
    }

    @Test("A draw takes a million registrations, and no more")
    func isBounded() throws {
        let harness = try RedisHarness(redis: try RedisServer(), policy: policy(.seed), room: "room")
        try prepare(harness)
        _ = try harness.join(1)
        // As if all but two had registered before.
        let missing = RedisArgument(3 - QueueConstants.registeredMax)
        _ = try harness.command(["HINCRBY", "vq:{room}:state", "draw_first", missing])
        #expect(try harness.join(3).map { if case .waiting = $0 { true } else { false } } == [true, true, false])
    }

    /// What a tick shows of the room and its draw.
    private struct RoomDrawState {
        let state: DrawState
        let waiting: [Int]
        let called: Int

        init(_ snapshot: RoomSnapshot, _ harness: QueueHarness) {
            state = harness.room.seen.last.draw.state
            (waiting, called) = (snapshot.waiting, snapshot.called)
        }
    }
}
