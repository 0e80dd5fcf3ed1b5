// SPDX-License-Identifier: Apache-2.0
//
// Goal: a restore costs Redis little more than writing down those inside: 60 rooms of four workers with full memories,
// and one room of a hundred workers.
// Method: Redis' own processor time of all the ticks that restore, beside that of the bare ZADDs of the same entries in
// the same run. Each worker remembers as many entries as it keeps, each of them another than the others', and those who
// wait.

import Admission
import TestSupport
import Testing
import WaitingRoomAPI

struct RestoreCostTests {
    /// How often the time of the bare ZADDs a restore may take. Commands for each entry took ten times as
    /// long.
    private static let factorMax = 4

    /// Processor time of Redis in milliseconds: for the ticks after a loss, and for the bare ZADDs.
    private func restore(rooms: Int, workers: Int) throws -> (ticks: Int, bare: Int) {
        let harness = try RedisHarness(
            redis: RedisServer(),
            policy: smallPolicy(burst: 1, capacity: 100_000),
            room: "demo"
        )
        var all: [[Room]] = []
        for index in 0..<rooms {
            harness.room = Room(id: "room-\(index)", defaults: harness.room.defaults)
            let first = try #require(try harness.join(500).numbers.first)
            let members = (0..<workers).map { _ in harness.newWorker() }
            for (worker, room) in members.enumerated() {
                try harness.tick(room)
                // Numbers that went in before, in turn through the workers.
                let oldest = first - workers * RecentEntries.kept
                for entry in 0..<RecentEntries.kept {
                    let end = harness.nowMilliseconds + 600_000
                    room.noteEntered(oldest + entry * workers + worker, passExpiresMilliseconds: end)
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
        let before = try harness.processorMilliseconds()
        for room in all.joined() { try harness.tick(room) }
        let ticked = try harness.processorMilliseconds()
        for room in all.joined() { try harness.writeDown(room.memory.entries, in: "bare:\(room.id)") }
        let bare = try harness.processorMilliseconds() - ticked
        for members in all {
            harness.room = members[0]
            #expect(try harness.count("active") == workers * RecentEntries.kept)
            #expect(try harness.field("active") == workers * RecentEntries.kept)
            #expect(try harness.field("waiting") == 499)
        }
        return (ticked - before, bare)
    }

    @Test("A restore takes at most four times what it takes to write down those inside")
    func cost() throws {
        let many = try restore(rooms: 60, workers: 4)
        let one = try restore(rooms: 1, workers: 100)
        Attachment.record(
            """
            60 rooms of 4 workers: \(many.ticks) ms of Redis, \(many.bare) the bare ZADDs
            1 room of 100 workers: \(one.ticks) ms, \(one.bare) the bare ZADDs

            """,
            named: "restore-cost.txt"
        )
        #expect(many.ticks <= RestoreCostTests.factorMax * many.bare, "\(many)")
        #expect(one.ticks <= RestoreCostTests.factorMax * one.bare, "\(one)")
    }
}
