// SPDX-License-Identifier: Apache-2.0
//
// The two distributions that the events of the estimate bench draw from.

internal import Admission
internal import Chance

extension SplitMix64 {
    mutating func exponential(mean: Double) -> Double { -Exponential.log(1 - fraction()) * mean }

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
