// SPDX-License-Identifier: Apache-2.0
//
// The draw of places among those who registered before a room opened. It uses SHA-256 and nothing else, so that a few
// lines of another language compute the same (Tests/Rules/FairnessTests/draw.py).
//
// Against whom it is fair:
//   Visitors. The seed is secret until the doors open, and its digest is public before, so nobody who registers can
//   know or choose a place, and the seed cannot be exchanged afterwards.
//   Operators, if the room asks for a beacon: a value that nobody can know while people may still register, from a
//   source that is named before. The order depends on it, so neither the seed nor the registrations can be chosen after
//   the outcome is known. Without a beacon, somebody who can read the seed in Redis can try how many registrations more
//   would be good for a friend.
// Invariant: every field of a record is part of the key, and the key makes the order. So another value of any field is
// another order, which `digest` shows.

internal import Admission
internal import Crypto

/// What is needed to compute a draw again.
public struct DrawRecord: Equatable, Sendable {
    public var room: String
    public var generation: Int
    /// When the doors opened, in milliseconds since 1970.
    public var opensMilliseconds: Int
    /// The number of the first registration.
    public var first: Int
    /// How many numbers were registered.
    public var registered: Int
    /// SHA-256 of the text of the seed, in hexadecimal digits. Public from the beginning.
    public var commitment: String
    /// Random, in hexadecimal digits. Public when the places are drawn.
    public var seed: String
    /// Where the beacon comes from, as it was announced before the doors opened; empty for none.
    public var source: String
    /// The value of the source; empty for none.
    public var beacon: String

    public init(
        room: String,
        generation: Int,
        opensMilliseconds: Int,
        first: Int,
        registered: Int,
        commitment: String,
        seed: String,
        source: String,
        beacon: String
    ) {
        self.room = room
        self.generation = generation
        self.opensMilliseconds = opensMilliseconds
        self.first = first
        self.registered = registered
        self.commitment = commitment
        self.seed = seed
        self.source = source
        self.beacon = beacon
    }

    /// A seed of random words, each of 64 bits.
    public static func seed(_ words: [UInt64]) -> String {
        hex(words.flatMap { word in withUnsafeBytes(of: word.bigEndian) { Array($0) } })
    }

    /// The digest of a seed, as it is published before.
    public static func commitment(to seed: String) -> String { hex(SHA256.hash(data: Array(seed.utf8))) }

    /// Whether the seed is the one whose digest was published.
    public var keepsCommitment: Bool { commitment == DrawRecord.commitment(to: seed) }

    /// What is hashed to the key: all fields, each on a line of its own. A field has no line break.
    public var text: String {
        let numbers = "\(generation)\n\(opensMilliseconds)\n\(first)\n\(registered)\n"
        return "vestibule draw 1\n\(room)\n" + numbers + "\(commitment)\n\(seed)\n\(source)\n\(beacon)\n"
    }

    /// The order of the draw.
    public func order() -> DrawOrder { DrawOrder(count: registered, key: Array(SHA256.hash(data: Array(text.utf8)))) }

    static func hex(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

/// A permutation of registrations: Fisher and Yates' shuffle, with words of SHA-256 over the key and a counter.
/// Words that would make some places likelier than others are left out.
public struct DrawOrder: Equatable, Sendable {
    /// The place of each registration, counted from 0, in the order of registration.
    public let places: [UInt32]

    /// - Parameters:
    ///   - count: at most `QueueConstants.registeredMax`.
    ///   - key: 32 bytes.
    public init(count: Int, key: [UInt8]) {
        var places = (0..<UInt32(max(0, min(count, QueueConstants.registeredMax)))).map { $0 }
        var words = DrawWords(key: key)
        for last in stride(from: places.count - 1, to: 0, by: -1) {
            places.swapAt(last, words.next(below: last + 1))
        }
        self.places = places
    }

    /// SHA-256 of all places, four bytes each, the highest first, in hexadecimal digits.
    public var digest: String {
        var hash = SHA256()
        for place in places { withUnsafeBytes(of: place.bigEndian) { hash.update(bufferPointer: $0) } }
        return DrawRecord.hex(hash.finalize())
    }
}

/// Even numbers from a key.
private struct DrawWords {
    private var keyed: SHA256
    private var counter: UInt64 = 0
    private var block: [UInt8] = []
    private var at = 0

    init(key: [UInt8]) {
        keyed = SHA256()
        keyed.update(data: key)
    }

    private mutating func word() -> UInt64 {
        if at == block.count {
            var hash = keyed
            withUnsafeBytes(of: counter.bigEndian) { hash.update(bufferPointer: $0) }
            block = Array(hash.finalize())
            counter += 1
            at = 0
        }
        defer { at += 4 }
        return UInt64(block[at]) << 24 | UInt64(block[at + 1]) << 16 | UInt64(block[at + 2]) << 8
            | UInt64(block[at + 3])
    }

    /// A number from 0 to `bound` - 1, all equally likely.
    mutating func next(below bound: Int) -> Int {
        let limit = (1 << 32) - (1 << 32) % UInt64(bound)
        while true {
            let word = word()
            if word < limit { return Int(word % UInt64(bound)) }
        }
    }
}
