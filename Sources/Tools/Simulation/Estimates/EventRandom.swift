// SPDX-License-Identifier: Apache-2.0
//
// The two distributions from which the events of the estimate bench are drawn. They use the logarithm of Admission and
// not that of the C library, so that a seed gives the same event on every machine.

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
