// SPDX-License-Identifier: Apache-2.0
//
// What distinguishes two states of a waiting bitmap, word by word: for those who watch a queue step by step.

extension RankIndex {
    /// The numbers that wait here and do not wait in `other`, ascending.
    public func numbers(notIn other: RankIndex) -> [Int] {
        var out: [Int] = []
        for chunk in chunks {
            let (found, at) = other.slot(of: chunk.index)
            // Mostly the same storage, which costs one comparison.
            if found, chunk.words == other.chunks[at].words { continue }
            for word in 0..<RankChunk.wordCount {
                var bits = chunk.words[word] & ~(found ? other.chunks[at].words[word] : 0)
                while bits != 0 {
                    let bit = bits.leadingZeroBitCount
                    out.append(chunk.index * RankIndex.chunkSize + word << 6 + bit)
                    bits &= ~(1 << UInt64(63 - bit))
                }
            }
        }
        return out
    }
}
