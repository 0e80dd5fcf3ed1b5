// SPDX-License-Identifier: Apache-2.0
//
// Which visitors polled since the last flush: one bit per number, in Redis' bit order, so that a flush sends the bytes
// without changing them.

/// Heartbeats collected in memory. Bound: `chunkMax` chunks of 8 KiB; beyond it a mark is dropped and counted
/// (the visitor then keeps the place by the next poll, or by the grace).
public struct Heartbeats {
    /// 256 chunks are 16.7 million numbers and 2 MiB.
    public static let chunkMax = 256

    private var indexes: [Int] = []
    private var bitmaps: [[UInt8]] = []
    private var lastSlot = 0
    /// Marks that found no room.
    public private(set) var dropped = 0

    public init() {}

    public var isEmpty: Bool { indexes.isEmpty }

    /// Whether three quarters of the chunks are taken.
    var isNearlyFull: Bool { indexes.count >= Heartbeats.chunkMax * 3 / 4 }

    public mutating func mark(_ number: Int) {
        let chunk = number / RankIndex.chunkSize
        guard let slot = slot(of: chunk) else {
            dropped += 1
            return
        }
        let offset = number % RankIndex.chunkSize
        bitmaps[slot][offset >> 3] |= 0x80 >> UInt8(offset & 7)
    }

    private mutating func slot(of chunk: Int) -> Int? {
        if lastSlot < indexes.count, indexes[lastSlot] == chunk { return lastSlot }
        if let found = indexes.firstIndex(of: chunk) {
            lastSlot = found
            return found
        }
        guard indexes.count < Heartbeats.chunkMax else { return nil }
        indexes.append(chunk)
        bitmaps.append(Array(repeating: 0, count: RankIndex.chunkSize / 8))
        lastSlot = indexes.count - 1
        return lastSlot
    }

    /// Hands out the bitmaps without their trailing zeros, and starts anew.
    public mutating func drain() -> [(chunk: Int, bitmap: [UInt8])] {
        var out: [(chunk: Int, bitmap: [UInt8])] = []
        for (index, bitmap) in zip(indexes, bitmaps) {
            let end = bitmap.lastIndex { $0 != 0 } ?? -1
            if end >= 0 { out.append((index, Array(bitmap[...end]))) }
        }
        indexes = []
        bitmaps = []
        lastSlot = 0
        return out
    }

    /// The numbers of a bitmap.
    public static func numbers(chunk: Int, bitmap: [UInt8]) -> [Int] {
        var out: [Int] = []
        for (i, byte) in bitmap.enumerated() where byte != 0 {
            for bit in 0..<8 where byte & (0x80 >> UInt8(bit)) != 0 {
                out.append(chunk * RankIndex.chunkSize + i * 8 + bit)
            }
        }
        return out
    }

    /// Puts bitmaps back that could not be flushed.
    public mutating func restore(_ drained: [(chunk: Int, bitmap: [UInt8])]) {
        for (chunk, bitmap) in drained {
            guard let slot = slot(of: chunk) else {
                dropped += 1
                continue
            }
            for (i, byte) in bitmap.enumerated() { bitmaps[slot][i] |= byte }
        }
    }
}
