// SPDX-License-Identifier: Apache-2.0
//
// The waiting bitmap with counts over it: how many wait before a number, in two look-ups and one popcount. Every
// worker keeps one as a mirror of Redis (37 KB for 300,000 people), and the reference model keeps one as its truth.

/// 65,408 consecutive numbers, one bit each. Bit 0 is the most significant bit of the first byte, as in Redis.
struct RankChunk {
    static let wordCount = RankIndex.chunkSize / 64

    let index: Int
    private(set) var words: [UInt64]
    /// Set bits in the words before this one.
    private var before: [UInt32]
    private(set) var count: Int

    init(index: Int) {
        self.index = index
        self.words = Array(repeating: 0, count: RankChunk.wordCount)
        self.before = Array(repeating: 0, count: RankChunk.wordCount)
        self.count = 0
    }

    /// `bitmap` may be shorter than the chunk: Redis leaves out nothing but trailing zeros. Longer input is cut.
    /// Not generic: an unspecialised loop over 8,176 bytes would cost every tick of every worker.
    init(index: Int, bitmap: [UInt8]) {
        self.init(index: index)
        for position in 0..<min(bitmap.count, RankChunk.wordCount * 8) {
            words[position >> 3] |= UInt64(bitmap[position]) << UInt64(56 - (position & 7) * 8)
        }
        recount(from: 0)
    }

    private mutating func recount(from word: Int) {
        var sum = word == 0 ? 0 : Int(before[word - 1]) + words[word - 1].nonzeroBitCount
        for i in word..<RankChunk.wordCount {
            before[i] = UInt32(sum)
            sum += words[i].nonzeroBitCount
        }
        count = sum
    }

    func contains(_ offset: Int) -> Bool {
        (words[offset >> 6] << UInt64(offset & 63)) >> 63 == 1
    }

    /// Set bits before `offset`.
    func rank(_ offset: Int) -> Int {
        let bit = offset & 63
        let partial = bit == 0 ? 0 : (words[offset >> 6] >> UInt64(64 - bit)).nonzeroBitCount
        return Int(before[offset >> 6]) + partial
    }

    /// Returns whether the bit changed.
    mutating func set(_ offset: Int, to value: Bool) -> Bool {
        guard contains(offset) != value else { return false }
        let word = offset >> 6
        words[word] ^= 1 << UInt64(63 - (offset & 63))
        // One more or one less in front of every later word: cheaper than counting bits again.
        if value {
            for later in word + 1..<RankChunk.wordCount { before[later] &+= 1 }
            count += 1
        } else {
            for later in word + 1..<RankChunk.wordCount { before[later] &-= 1 }
            count -= 1
        }
        return true
    }

    /// First set bit at or after `offset`.
    func next(from offset: Int) -> Int? {
        var word = offset >> 6
        guard word < RankChunk.wordCount else { return nil }
        var bits = (words[word] << UInt64(offset & 63)) >> UInt64(offset & 63)
        while bits == 0 {
            word += 1
            guard word < RankChunk.wordCount else { return nil }
            bits = words[word]
        }
        return word << 6 + bits.leadingZeroBitCount
    }

    /// The set bit with `rank` set bits before it.
    func offset(atRank rank: Int) -> Int? {
        guard rank < count else { return nil }
        var low = 0
        var high = RankChunk.wordCount - 1
        while low < high {
            let middle = (low + high + 1) / 2
            if Int(before[middle]) <= rank { low = middle } else { high = middle - 1 }
        }
        var bits = words[low]
        for _ in 0..<(rank - Int(before[low])) { bits &= ~(1 << UInt64(63 - bits.leadingZeroBitCount)) }
        return low << 6 + bits.leadingZeroBitCount
    }

    /// The chunk in Redis's byte order, 8,176 bytes.
    var bitmap: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(RankChunk.wordCount * 8)
        for word in words {
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
            }
        }
        return bytes
    }
}

/// Who waits, by place in the line, with ranks. A place is a non-negative integer below 2^53: the visitor's number, or,
/// of a visitor who let two calls lapse, the number plus `lateOffset`, which is behind every number.
public struct RankIndex {
    /// Numbers in a chunk: with what Redis puts around these 8,176 bytes, a bitmap takes exactly 8 KiB of its
    /// allocator. At 65,536 it would take 10 KiB.
    public static let chunkSize = 65_408

    /// From a number to its place behind everybody else.
    public static let lateOffset = QueueConstants.lateChunks * chunkSize

    /// Sorted by index.
    private(set) var chunks: [RankChunk] = []
    /// Waiting visitors in the chunks before this one.
    private var before: [Int] = []
    /// How many wait.
    public private(set) var count = 0

    public init() {}

    /// Indexes of the chunks that exist, ascending.
    public var chunkIndexes: [Int] { chunks.map(\.index) }

    func slot(of chunk: Int) -> (found: Bool, at: Int) {
        // The last chunk holds most of those who poll while a queue grows; then binary search.
        if let last = chunks.last, last.index == chunk { return (true, chunks.count - 1) }
        var low = 0
        var high = chunks.count
        while low < high {
            let middle = (low + high) / 2
            if chunks[middle].index < chunk { low = middle + 1 } else { high = middle }
        }
        return (low < chunks.count && chunks[low].index == chunk, low)
    }

    private mutating func recount(from slot: Int) {
        var sum = slot == 0 ? 0 : before[slot - 1] + chunks[slot - 1].count
        for i in slot..<chunks.count {
            before[i] = sum
            sum += chunks[i].count
        }
        count = sum
    }

    public func contains(_ number: Int) -> Bool {
        let (found, at) = slot(of: number / RankIndex.chunkSize)
        return found && chunks[at].contains(number % RankIndex.chunkSize)
    }

    /// How many wait with a lower number.
    public func rank(_ number: Int) -> Int {
        let (found, at) = slot(of: number / RankIndex.chunkSize)
        if found { return before[at] + chunks[at].rank(number % RankIndex.chunkSize) }
        return at < chunks.count ? before[at] : count
    }

    /// People ahead plus one, or nil when this number does not wait.
    public func position(_ number: Int) -> Int? {
        let (found, at) = slot(of: number / RankIndex.chunkSize)
        guard found, chunks[at].contains(number % RankIndex.chunkSize) else { return nil }
        return before[at] + chunks[at].rank(number % RankIndex.chunkSize) + 1
    }

    /// How many wait at their numbers. Behind them stand those who let two calls lapse.
    public var punctualCount: Int { rank(RankIndex.lateOffset) }

    /// The lowest number that waits at its place.
    public var punctualHead: Int? { next(from: 0).flatMap { $0 < RankIndex.lateOffset ? $0 : nil } }

    /// Where the visitor with this number waits, and the position there; nil when it does not wait.
    public func place(of number: Int) -> (place: Int, position: Int)? {
        if let position = position(number) { return (number, position) }
        return position(number + RankIndex.lateOffset).map { (number + RankIndex.lateOffset, $0) }
    }

    /// The lowest waiting number at or after `number`.
    public func next(from number: Int) -> Int? {
        let first = slot(of: number / RankIndex.chunkSize).at
        for chunk in chunks[first...] {
            let start = max(0, number - chunk.index * RankIndex.chunkSize)
            if let offset = chunk.next(from: start) { return chunk.index * RankIndex.chunkSize + offset }
        }
        return nil
    }

    public mutating func insert(_ number: Int) { set(number, to: true) }

    public mutating func remove(_ number: Int) { set(number, to: false) }

    private mutating func set(_ number: Int, to value: Bool) {
        let index = number / RankIndex.chunkSize
        let (found, at) = slot(of: index)
        if !found {
            guard value else { return }
            chunks.insert(RankChunk(index: index), at: at)
            before.insert(0, at: at)
        }
        if chunks[at].set(number % RankIndex.chunkSize, to: value) { recount(from: at) }
    }

    /// Replaces a chunk by the bitmap Redis sent.
    public mutating func replace(chunk index: Int, bitmap: [UInt8]) {
        let (found, at) = slot(of: index)
        let chunk = RankChunk(index: index, bitmap: bitmap)
        if found {
            chunks[at] = chunk
        } else {
            chunks.insert(chunk, at: at)
            before.insert(0, at: at)
        }
        recount(from: at)
    }

    /// Drops every chunk that is not in `live` (ascending).
    public mutating func keep(only live: [Int]) {
        guard chunks.contains(where: { !live.contains($0.index) }) else { return }
        chunks.removeAll { !live.contains($0.index) }
        before = Array(repeating: 0, count: chunks.count)
        recount(from: 0)
    }

    public mutating func removeAll() {
        chunks = []
        before = []
        count = 0
    }

    /// The bitmap of a chunk in Redis's byte order (8,176 bytes), or nil when there is none.
    public func bitmap(chunk index: Int) -> [UInt8]? {
        let (found, at) = slot(of: index)
        return found ? chunks[at].bitmap : nil
    }
}

extension RankIndex {
    /// The waiting number with exactly `rank` people ahead, or nil when fewer wait.
    public func number(atRank rank: Int) -> Int? {
        guard rank >= 0, rank < count else { return nil }
        var low = 0
        var high = chunks.count - 1
        while low < high {
            let middle = (low + high + 1) / 2
            if before[middle] <= rank { low = middle } else { high = middle - 1 }
        }
        return chunks[low].offset(atRank: rank - before[low]).map { chunks[low].index * RankIndex.chunkSize + $0 }
    }
}
