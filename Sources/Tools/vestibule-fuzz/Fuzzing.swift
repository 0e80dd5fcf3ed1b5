// SPDX-License-Identifier: Apache-2.0
//
// What all fuzz targets share: inputs that are made from a seed, changes that reach behind the first check of a reader,
// and findings. A finding can be repeated from its target, seed and index.

import TestSupport

/// A property that an input broke.
struct Finding: Error {
    let text: String
    let input: [UInt8]

    init(_ text: String, _ input: [UInt8] = []) {
        self.text = text
        self.input = input
    }
}

/// One part of the program under fuzzing. `run` makes one input of the chance it is given and checks its properties.
protocol FuzzTarget {
    /// Inputs that got past the first check, whether what is behind it took them or not.
    var deepInputs: Int { get }
    mutating func run(_ chance: inout Chance) throws
}

/// The source of one input.
struct Chance {
    private var random: SeededRandom

    /// The same three numbers give the same input.
    init(seed: UInt64, target: Int, index: Int) {
        var first = SeededRandom(seed: seed &+ UInt64(target) &* 0x1000_0000_0000)
        random = SeededRandom(seed: first.next() &+ UInt64(index) &* 0xd134_2543_de82_ef95)
    }

    mutating func bits() -> UInt64 { random.next() }

    /// 0..<count. The bias of the remainder is far below what matters here.
    mutating func below(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }

    mutating func oneIn(_ count: Int) -> Bool { below(count) == 0 }

    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }

    mutating func bytes(_ count: Int) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(count + 8)
        while out.count < count {
            withUnsafeBytes(of: random.next()) { out.append(contentsOf: $0) }
        }
        out.removeLast(out.count - count)
        return out
    }

    /// Small numbers mostly, borders often, anything sometimes.
    mutating func number() -> Int {
        switch below(4) {
        case 0: below(300)
        case 1: pick([0, 1, 127, 128, 255, 256, 32_767, 32_768, 65_535, 65_536, 1 << 31, 1 << 53, Int.max])
        case 2: below(70_000)
        default: Int(truncatingIfNeeded: random.next() >> 1)
        }
    }

    /// Changes some bytes: flips, cuts, repeats, swaps in words that mean something to the reader.
    mutating func mutate(_ bytes: inout [UInt8], words: [[UInt8]], times: Int) {
        for _ in 0..<times {
            let at = below(bytes.count + 1)
            switch below(9) {
            case 0 where at < bytes.count: bytes[at] ^= 1 << UInt8(below(8))
            case 1 where at < bytes.count: bytes[at] = UInt8(truncatingIfNeeded: random.next())
            case 2: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: at)
            case 3: bytes.removeSubrange(at..<min(bytes.count, at + 1 + below(8)))
            case 4: bytes.removeLast(bytes.count - at)
            case 5 where !words.isEmpty: bytes.insert(contentsOf: pick(words), at: at)
            case 6 where !words.isEmpty:
                let word = pick(words)
                bytes.replaceSubrange(at..<min(bytes.count, at + word.count), with: word)
            case 7:
                let end = min(bytes.count, at + 1 + below(40))
                bytes.insert(contentsOf: bytes[at..<end], at: below(bytes.count + 1))
            default: bytes.insert(contentsOf: Array("\(number())".utf8), at: at)
            }
        }
    }
}

extension [UInt8] {
    init(_ text: String) { self = Array(text.utf8) }
    var text: String { String(decoding: self, as: UTF8.self) }

    /// Whether a word is somewhere in these bytes.
    func holds(_ word: StaticString) -> Bool {
        let length = word.utf8CodeUnitCount
        guard count >= length else { return false }
        return withUnsafeBufferPointer { bytes in
            for start in 0...(bytes.count - length) where bytes[start] == word.utf8Start[0] {
                var same = 1
                while same < length, bytes[start + same] == word.utf8Start[same] { same += 1 }
                if same == length { return true }
            }
            return false
        }
    }
}
