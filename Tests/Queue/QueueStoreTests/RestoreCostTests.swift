// SPDX-License-Identifier: Apache-2.0
//
// Goal: rooms are back within a second or two after Redis has lost them, or was replaced: 60 rooms of four
// workers with full memories within 1 s, one room of a hundred workers within 2 s.
// Method: Redis' own processor time of all the ticks that restore, beside that of the bare ZADDs of the same entries in
// the same run. Each worker remembers as many entries as it keeps, each of them another than the others', and those who
// wait.

import Admission
import TestSupport
import Testing
import WaitingRoomAPI

@Suite(.serialized) struct RestoreCostTests {
    /// Processor time of Redis in milliseconds.
    private struct Cost {
        /// Of the ticks after Redis has lost everything.
        var lost: Int
        /// Of the ticks after a failover to a replica that has everything.
        var replaced: Int
        /// Of the bare ZADDs of the same entries.
        var bare: Int
    }

    private static let passMilliseconds = 600_000

    /// - Parameter passMilliseconds: how long the passes go on that the workers remember. Those that go on for longer
    ///   than a pass lives are of a clock that was ahead.
    private func restore(rooms: Int, workers: Int, passMilliseconds: Int) throws -> Cost {
        var policy = smallPolicy(burst: 1, capacity: 100_000)
        policy.passLifetimeMilliseconds = Self.passMilliseconds
        let harness = try RedisHarness(redis: RedisServer(), policy: policy, room: "demo")
        var all: [[Room]] = []
        for index in 0..<rooms {
            harness.room = Room(id: "room-\(index)", defaults: policy)
            let first = try #require(try harness.join(500).numbers.first)
            let members = (0..<workers).map { _ in harness.newWorker() }
            for (worker, room) in members.enumerated() {
                try harness.tick(room)
                // Numbers that went in before, in turn through the workers.
                let oldest = first - workers * RecentEntries.kept
                for entry in 0..<RecentEntries.kept {
                    room.noteEntered(
                        oldest + entry * workers + worker,
                        passExpiresMilliseconds: harness.nowMilliseconds + passMilliseconds,
                        beganMilliseconds: harness.nowMilliseconds + passMilliseconds - Self.passMilliseconds
                    )
                }
            }
            all.append(members)
        }
        for members in all {
            harness.room = members[0]
            try harness.loseEverything()
        }
        // Later, so that the room is made anew with another incarnation.
        try harness.advance(1000)
        func cost(_ body: () throws -> Void) throws -> Int {
            let before = try harness.processorMilliseconds()
            try body()
            return try harness.processorMilliseconds() - before
        }
        func check() throws {
            for members in all {
                harness.room = members[0]
                #expect(try harness.field("active") == workers * RecentEntries.kept)
                #expect(try harness.field("waiting") == 499)
            }
        }
        let lost = try cost { for room in all.joined() { try harness.tick(room) } }
        try check()
        for members in all {
            harness.room = members[0]
            try harness.keep()
            try harness.goBack()
        }
        let replaced = try cost { for room in all.joined() { try harness.tick(room) } }
        try check()
        let bare = try cost {
            for room in all.joined() { try harness.writeDown(room.memory.entries, in: "bare:\(room.id)") }
        }
        return Cost(lost: lost, replaced: replaced, bare: bare)
    }

    @Test(
        "60 rooms of four workers are back within a second of Redis, a room of a hundred workers within two",
        arguments: [passMilliseconds, 2 * passMilliseconds]
    )
    func cost(_ passMilliseconds: Int) throws {
        let many = try restore(rooms: 60, workers: 4, passMilliseconds: passMilliseconds)
        let one = try restore(rooms: 1, workers: 100, passMilliseconds: passMilliseconds)
        Attachment.record("60 rooms of 4: \(many)\n1 room of 100: \(one)\n", named: "restore-cost.txt")
        #expect(max(many.lost, many.replaced) <= 1000, "\(many)")
        #expect(max(one.lost, one.replaced) <= 2000, "\(one)")
    }
}
