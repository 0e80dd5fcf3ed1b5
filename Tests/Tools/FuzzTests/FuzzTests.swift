// SPDX-License-Identifier: Apache-2.0
//
// Goal: no bytes from outside crash, hang or mislead what reads them. Method: the fuzzing program for some seconds,
// with fixed seeds and with a seed that every commit changes. The long run, 10 million inputs and more:
// `swift run -c release vestibule-fuzz --inputs 10000000`.

import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct FuzzTests {
    /// The first digits of the commit that is tested; what has no history gets a seed of its own.
    private static var commitSeed: UInt64 {
        let commit = try? TestProcess.output("git", ["-C", Repository.root, "rev-parse", "HEAD"])
        return commit.flatMap { UInt64($0.text.prefix(12), radix: 16) } ?? 20_261_124
    }

    @Test(arguments: [1, 2, commitSeed])
    func `whatever comes in, the readers of bytes from outside keep their promises`(seed: UInt64) throws {
        let run = try TestProcess.output(
            try Product.program("vestibule-fuzz"),
            ["--inputs", "100000", "--seed", "\(seed)"]
        )
        #expect(run.status == 0, "\(run.text)")
        #expect(run.text.hasSuffix("100000 inputs, seed \(seed): nothing found\n"), "\(run.text)")
        Attachment.record(run.text, named: "fuzz-\(seed).txt")
    }
}
