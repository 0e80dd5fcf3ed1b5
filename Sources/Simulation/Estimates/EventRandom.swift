// SPDX-License-Identifier: Apache-2.0
//
// Chance of the estimate simulation: the same seed gives the same event.

internal import Admission

/// SplitMix64 (Steele, Lea and Flood, 2014) and the two distributions the events need.
struct EventRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// 0..<1.
    mutating func share() -> Double { Double(next() >> 11) * 0x1p-53 }

    mutating func exponential(mean: Double) -> Double { -Exponential.log(1 - share()) * mean }

    /// How many events of a Poisson process happen where `mean` are expected.
    mutating func poisson(_ mean: Double) -> Int {
        var (count, left) = (0, mean)
        while true {
            left -= exponential(mean: 1)
            if left < 0 { return count }
            count += 1
        }
    }
}
