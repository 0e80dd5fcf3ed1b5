// SPDX-License-Identifier: Apache-2.0
//
// The learned estimator computes what its training code computes, and the elementary functions are right.

import Admission
import Glibc
import Testing

struct NetworkTests {
    /// Small weights, made by a formula: two inputs, one unit, one query, one in the middle.
    private static let tiny = "gru 2 1 1 1 " + Array(repeating: "3f000000", count: 9 + 6 + 3 + 6).joined(separator: " ")

    @Test("Inference gives the bits of the reference, and what PyTorch gives within its single precision")
    func parity() throws {
        var network = try #require(RecurrentNetwork.embedded())
        var at = 0
        for (index, row) in NetworkVectors.rows.enumerated() {
            while at < row.steps {
                network.step((0..<LearnedInputs.count).map { Double((at * 7 + $0 * 13) % 17) / 8 - 1 })
                at += 1
            }
            let k = Double(index % 6)
            let answer = network.answer([0.125 * k, 0.25 + 0.0625 * k])
            let ours = [answer.low, answer.middle, answer.high]
            #expect(ours.map(\.bitPattern) == row.bits)
            // PyTorch rounds every sum of 16 to 18 terms to 24 bits, 300 steps long: some units of 2^-23 of values
            // around one. A wrong gate or a swapped weight is off by more than a hundredth.
            for (mine, torch) in zip(ours, row.torch) { #expect(abs(mine - torch) <= 0x1p-19, "\(mine) \(torch)") }
        }
        #expect(at == 300)
    }

    @Test("Weights that are cut, too many, not numbers or of a strange shape are no network")
    func malformed() {
        #expect(RecurrentNetwork(text: Array(NetworkTests.tiny.utf8)) != nil)
        for text in [
            "", "gru", "gru 2 1 1 1", NetworkTests.tiny + " 3f000000", String(NetworkTests.tiny.dropLast(9)),
            "lstm" + NetworkTests.tiny.dropFirst(3), NetworkTests.tiny.replacing("3f000000", with: "7fc00000"),
            NetworkTests.tiny.replacing("gru 2", with: "gru 0"), NetworkTests.tiny.replacing("gru 2", with: "gru 999"),
        ] {
            #expect(RecurrentNetwork(text: Array(text.utf8)) == nil, "\(text.prefix(30))")
        }
    }

    @Test("exp and log agree with the C library to a few units in the last place")
    func functions() {
        for i in -6900...6900 {
            let x = Double(i) / 10.007
            let exact = Glibc.exp(x)
            #expect(abs(Exponential.exp(x) - exact) <= 4 * exact.ulp)
            #expect(abs(Exponential.log(exact) - Glibc.log(exact)) <= 1e-14 * max(1, abs(x)))
        }
        #expect(Exponential.exp(-.infinity) == 0 && Exponential.exp(0) == 1 && Exponential.log(1) == 0)
    }
}
