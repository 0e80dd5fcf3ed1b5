// SPDX-License-Identifier: Apache-2.0
//
// Finding members of the product's flat JSON answers without parsing them: the generator sees tens of thousands of
// answers a second and must cost less than what it measures. The product writes members without spaces.

internal import CLinux
internal import Glibc

extension UnsafeRawBufferPointer {
    /// Where `text` (at least 1 byte) first begins at or after an offset.
    func find(_ text: StaticString, from start: Int = 0) -> Int? {
        guard start < count, let base = baseAddress else { return nil }
        let found = memmem(base + start, count - start, text.utf8Start, text.utf8CodeUnitCount)
        return found.map { UnsafeRawPointer($0) - base }
    }

    /// Whether some bytes (at least 1) occur.
    func contains(_ bytes: [UInt8]) -> Bool {
        guard let base = baseAddress else { return false }
        return memmem(base, count, bytes, bytes.count) != nil
    }

    func digit(at index: Int) -> Int? {
        guard index < count else { return nil }
        let value = Int(self[index]) - 48
        return (0...9).contains(value) ? value : nil
    }

    /// The number, at most 15 digits, that stands at an offset.
    func integer(at start: Int) -> Int? {
        var value = 0
        var index = start
        while let digit = digit(at: index), index - start < 15 {
            value = value * 10 + digit
            index += 1
        }
        return index == start ? nil : value
    }

    /// The hexadecimal number, 1 to 8 digits, that fills a range.
    func hexadecimal(_ range: Range<Int>) -> Int? {
        guard (1...8).contains(range.count) else { return nil }
        var value = 0
        for index in range {
            switch self[index] {
            case 0x30...0x39: value = value * 16 + Int(self[index]) - 0x30
            case 0x41...0x46: value = value * 16 + Int(self[index]) - 0x37
            case 0x61...0x66: value = value * 16 + Int(self[index]) - 0x57
            default: return nil
            }
        }
        return value
    }

    /// The number of a member whose quoted name and colon are given, such as `"poll_after_ms":`.
    func integer(of name: StaticString) -> Int? {
        find(name).flatMap { integer(at: $0 + name.utf8CodeUnitCount) }
    }

    /// The bytes of a text member without escapes, such as a token. The name is given with the opening quote of the
    /// value: `"pass":"`.
    func text(of name: StaticString) -> UnsafeRawBufferPointer? {
        guard let start = find(name).map({ $0 + name.utf8CodeUnitCount }), let base = baseAddress,
            let quote = memchr(base + start, 0x22, count - start)
        else { return nil }
        return UnsafeRawBufferPointer(rebasing: self[start..<UnsafeRawPointer(quote) - base])
    }
}

/// What the generator needs of an answer's body.
public struct AnswerBody {
    private let bytes: UnsafeRawBufferPointer

    /// Looks into bytes that must outlive this value.
    public init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// When to ask again, in milliseconds.
    public var pollAfterMilliseconds: Int? { bytes.integer(of: #""poll_after_ms":"#) }

    /// The promised wait; nil while no time is named.
    public var wait: (seconds: Int, lowSeconds: Int, highSeconds: Int)? {
        guard let start = bytes.find(#""eta_sec":"#) else { return nil }
        // The three stand one behind the other.
        let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
        guard let seconds = rest.integer(of: #""eta_sec":"#), let low = rest.integer(of: #""eta_low_sec":"#),
            let high = rest.integer(of: #""eta_high_sec":"#)
        else { return nil }
        return (seconds, low, high)
    }

    /// The ticket of a join.
    public var ticket: UnsafeRawBufferPointer? { bytes.text(of: "\"waiting_token\":\"") }

    /// The pass of an entry.
    public var pass: UnsafeRawBufferPointer? { bytes.text(of: "\"pass\":\"") }

    /// Where the visitor stands; nil when the answer does not say. One search: the member comes first in a status
    /// answer, and its first letter tells the words apart.
    public var standing: Standing? {
        guard let start = bytes.find("\"status\":\"").map({ $0 + 10 }), start < bytes.count else { return nil }
        switch bytes[start] {
        case UInt8(ascii: "w"), UInt8(ascii: "p"): return .waiting
        case UInt8(ascii: "r"), UInt8(ascii: "a"): return .mayEnter
        case UInt8(ascii: "l"), UInt8(ascii: "e"): return .over
        default: return nil
        }
    }

    /// Whether Redis was away when the answer was made.
    public var isDegraded: Bool { bytes.find("\"degraded\":true") != nil }

    /// What a status answer asks of the visitor.
    public enum Standing: Sendable {
        /// `waiting` or `paused`: ask again.
        case waiting
        /// `ready` or `admitted`: enter, which gives the pass, also for the second time.
        case mayEnter
        /// `left` or `expired`: the place is gone.
        case over
    }
}
