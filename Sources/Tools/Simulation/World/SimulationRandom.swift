// SPDX-License-Identifier: Apache-2.0
//
// Chance, all of it from the seed of the run.

/// SplitMix64 (Steele, Lea and Flood 2014): small, and good enough for histories.
public struct SimulationRandom: RandomNumberGenerator {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// A whole number from 0 to `most`; cheaper than `Int.random`, and even enough here.
    mutating func upTo(_ most: Int) -> Int {
        most <= 0 ? 0 : Int(truncatingIfNeeded: ((next() >> 32) &* UInt64(most + 1)) >> 32)
    }

    /// True in `perMille` of a thousand cases.
    mutating func happens(perMille: Int) -> Bool { perMille > 0 && upTo(999) < perMille }

    /// A number in 0..<1.
    mutating func fraction() -> Double { Double(next() >> 11) * 0x1p-53 }
}
