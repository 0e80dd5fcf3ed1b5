// SPDX-License-Identifier: Apache-2.0
//
// Chance that can be repeated: the one generator of the load generator, the simulation, the fuzzer and the tests, and
// of the spread of polls. It imports nothing. Nothing secret may come from it.
//
// Invariant: equal seeds give equal streams, because failing runs are reported by their seed.
// Why no library: the generator of the standard library cannot be seeded, and none of the allowed packages has one.

/// SplitMix64 (Steele, Lea and Flood, 2014): small, fast, and good enough to spread visitors and make histories.
public struct SplitMix64: RandomNumberGenerator, Sendable {
    @usableFromInline var state: UInt64

    /// Starts a stream; equal seeds give equal streams.
    @inlinable
    public init(seed: UInt64) { state = seed }

    @inlinable
    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// A whole number from 0 to `most`, for `most` below 2^32; cheaper than `Int.random`, and even enough here.
    @inlinable
    public mutating func upTo(_ most: Int) -> Int {
        most <= 0 ? 0 : Int(truncatingIfNeeded: ((next() >> 32) &* UInt64(most + 1)) >> 32)
    }

    /// True in `perMille` of a thousand cases.
    @inlinable
    public mutating func happens(perMille: Int) -> Bool { perMille > 0 && upTo(999) < perMille }

    /// A number in 0..<1.
    @inlinable
    public mutating func fraction() -> Double { Double(next() >> 11) * 0x1p-53 }
}
