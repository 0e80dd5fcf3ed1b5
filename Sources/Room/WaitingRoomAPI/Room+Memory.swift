// SPDX-License-Identifier: Apache-2.0
//
// What this worker can give back to a store that has lost the room.

public import Admission

extension Room {
    /// The room as of this worker's last tick, with the numbers it has seen issued since.
    public var memory: RoomMemory {
        RoomMemory(
            generation: generation,
            next: next,
            openedMilliseconds: openedMilliseconds,
            firstTokens: firstTokens,
            epochMilliseconds: policy.epochMilliseconds,
            incarnation: incarnation,
            overrides: overrides,
            entries: recentEntries,
            chunks: mirror.chunkIndexes.compactMap { index in
                mirror.bitmap(chunk: index).map { (index: index, bitmap: $0) }
            }
        )
    }

    /// A room with a memory starts with empty buckets, whatever is said here.
    private var firstTokens: Int {
        guard next == 0, let quiet = quietMilliseconds() else { return policy.burst }
        return TokenBucket.tokens(afterMilliseconds: quiet, policy)
    }
}
