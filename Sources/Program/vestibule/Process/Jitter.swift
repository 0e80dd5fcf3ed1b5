// SPDX-License-Identifier: Apache-2.0
//
// Numbers that spread polls in time. Nothing secret comes from here.

/// xorshift64* (Vigna 2016), as numbers in 0..<1.
struct Jitter {
    private var state: UInt64

    init(seed: UInt64) {
        // Zero would stay zero.
        state = seed | 1
    }

    mutating func next() -> Double {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return Double((state &* 0x2545_f491_4f6c_dd1d) >> 11) * 0x1p-53
    }
}
