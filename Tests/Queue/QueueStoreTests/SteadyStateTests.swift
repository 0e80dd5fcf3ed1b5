// SPDX-License-Identifier: Apache-2.0
//
// Goal: what a room costs Redis while people only wait does not grow with them: the same commands a second for 10,000,
// 300,000 and 1,000,000, and less than a byte of memory each.
// Method: the real store and two workers' rooms over a real Redis, through two minutes of the scripts' clock, in which
// everybody polls every ten seconds at one of the two. Joins do not count.

import Admission
import TestSupport
import Testing
import WaitingRoomAPI

@Suite(.serialized) struct SteadyStateTests {
    private struct Cost {
        var commandsPerSecond: Double
        var bytesPerPerson: Double
    }

    private static let seconds = 120
    private static let tickMilliseconds = 200

    @Test func `Redis is asked as often, and keeps less than a byte a person, however many wait`() throws {
        var costs: [Int: Cost] = [:]
        for people in [10_000, 300_000, 1_000_000] { costs[people] = try measure(people) }
        let text = costs.sorted { $0.key < $1.key }.map {
            "\($0.key) waiting: \($0.value.commandsPerSecond) commands/s with those inside of scripts, "
                + "\($0.value.bytesPerPerson) bytes a person\n"
        }
        Attachment.record(text.joined(), named: "steady-state.txt")
        let few = try #require(costs[10_000])
        #expect(few.commandsPerSecond < 100)
        for people in [300_000, 1_000_000] {
            let many = try #require(costs[people])
            #expect(many.commandsPerSecond < few.commandsPerSecond * 1.1, "\(people): \(many), 10,000: \(few)")
            #expect(many.bytesPerPerson < 1, "\(people): \(many)")
        }
    }

    private func measure(_ people: Int) throws -> Cost {
        let server = try RedisServer()
        var policy = RoomPolicy.standard
        policy.rateMilli = 0
        policy.burst = 1
        let harness = try RedisHarness(redis: server, policy: policy, room: "steady")
        let workers = [harness.room, Room(id: "steady", defaults: policy)]
        for worker in workers { try harness.tick(worker) }
        // The first is admitted at once; after it Redis has the scripts.
        _ = try harness.join(1)
        var joined = 0
        while joined < people {
            let batch = min(1024, people - joined)
            joined += try harness.join(batch).count
        }
        for worker in workers { try harness.tick(worker) }
        let first = try #require(harness.room.mirror.next(from: 0))
        #expect(harness.room.mirror.count == people)

        // Through a whole abandon_after, so that every epoch has its polls; then what is counted.
        try wait(harness, workers, first..<first + people)
        let before = try harness.information("stats", "total_commands_processed")
        let moves = try wait(harness, workers, first..<first + people)
        let commands = try harness.information("stats", "total_commands_processed") - before - moves
        #expect(harness.room.mirror.count == people, "nobody was swept")
        let memory = try harness.memoryOfKeys()
        return Cost(
            commandsPerSecond: Double(commands) / Double(Self.seconds),
            bytesPerPerson: Double(memory) / Double(people)
        )
    }

    /// Lets two minutes pass; returns how many commands it took to move the clock.
    @discardableResult
    private func wait(_ harness: RedisHarness, _ workers: [Room], _ numbers: Range<Int>) throws -> Int {
        var moves = 0
        for step in 0..<(Self.seconds * 1000 / Self.tickMilliseconds) {
            moves += try harness.moveClock(Self.tickMilliseconds)
            if step % (10_000 / Self.tickMilliseconds) == 0 {
                for number in numbers { workers[number % workers.count].markAlive(number) }
            }
            for worker in workers { try harness.tick(worker) }
        }
        return moves
    }
}
