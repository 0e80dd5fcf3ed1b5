// SPDX-License-Identifier: Apache-2.0
//
// Goal: a status poll does not grow dearer unnoticed. Instructions are counted by callgrind and do not depend on what
// else the machine does. The recorded number is in instructions.txt beside poll-cost; a change that makes a poll
// cheaper, or dearer with a reason, records the new number.

import Foundation
import TestSupport
import Testing

@Suite struct PollCostTests {
    /// Growth that fails, in percent.
    private static let growthPercentMax = 10

    private static let folder = URL(fileURLWithPath: "\(Repository.root)/Tests/Tools/poll-cost")

    /// Instructions of the polls alone. valgrind 3.19 cannot read Swift's debug information, so it gets a copy without.
    /// Hash tables are seeded alike in every run.
    private func instructions(polls: Int, _ program: String, _ directory: TemporaryDirectory) throws -> Int {
        let run = try TestProcess.output(
            "env",
            [
                "SWIFT_DETERMINISTIC_HASHING=1", "valgrind", "--tool=callgrind", "--toggle-collect=*countedPolls*",
                "--callgrind-out-file=\(directory.file("out"))", program, "\(polls)",
            ]
        )
        let line = run.text.split(separator: "\n").last { $0.contains("Collected :") }
        guard run.status == 0, let text = line?.split(separator: " ").last, let count = Int(text) else {
            throw TestFailure("callgrind gave no count: \(run.text.suffix(2000))")
        }
        return count
    }

    @Test func `a status poll takes at most a tenth more instructions than recorded`() throws {
        let directory = try TemporaryDirectory()
        let program = directory.file("poll-cost")
        let copy = try TestProcess.output("objcopy", ["-g", try Product.program("poll-cost"), program])
        #expect(copy.status == 0, "\(copy.text)")
        let polls = 2000
        let perPoll = try instructions(polls: polls, program, directory) / polls
        let text = try String(contentsOf: Self.folder.appendingPathComponent("instructions.txt"), encoding: .utf8)
        let recorded = try #require(Int(text.trimmingCharacters(in: .whitespacesAndNewlines)))
        let limit = recorded * (100 + Self.growthPercentMax) / 100
        Attachment.record("\(perPoll) instructions a poll, \(recorded) recorded\n", named: "poll-cost.txt")
        #expect(perPoll > recorded / 2, "so much less is a mistake, or worth recording: \(perPoll)")
        #expect(perPoll <= limit, "\(perPoll) instructions, recorded \(recorded)")
    }
}
