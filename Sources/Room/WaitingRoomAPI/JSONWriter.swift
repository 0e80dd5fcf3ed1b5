// SPDX-License-Identifier: Apache-2.0
//
// JSON text of flat answers, written straight into bytes: no tree, no reflection, one buffer.
// Why no library: the encoders for Swift need Foundation, which Sources must not import, and build a tree for each
// answer; a poll has one answer.

internal import GatewayWire
internal import StrictJSON

/// Writes one object (members may be nested objects or arrays of integers).
struct JSONWriter: ~Copyable {
    private var bytes = ByteWriter(capacity: 1024)
    private var needsComma = false

    init() {
        bytes.append(UInt8(ascii: "{"))
    }

    private mutating func name(_ name: StaticString) {
        bytes.reserve(name.utf8CodeUnitCount + 4)
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
        bytes.append(UInt8(ascii: "\""))
        bytes.append(name)
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
    }

    mutating func member(_ key: StaticString, _ value: Int) {
        name(key)
        bytes.append(decimal: value)
    }

    /// A number or null.
    mutating func member(_ key: StaticString, _ value: Int?) {
        guard let value else { return memberNull(key) }
        member(key, value)
    }

    mutating func memberNull(_ key: StaticString) {
        name(key)
        bytes.append("null")
    }

    /// A number with `digits` decimals, from an integer scaled by ten to that power (0.8 is 8 with one digit).
    mutating func member(_ key: StaticString, scaled value: Int, digits: Int) {
        name(key)
        var unit = 1
        for _ in 0..<digits { unit *= 10 }
        bytes.append(decimal: value / unit)
        bytes.append(UInt8(ascii: "."))
        var rest = value % unit
        for _ in 0..<digits {
            unit /= 10
            bytes.append(UInt8(ascii: "0") + UInt8(rest / unit))
            rest %= unit
        }
    }

    mutating func member(_ key: StaticString, _ value: Bool) {
        name(key)
        bytes.append(value ? "true" : "false")
    }

    mutating func member(_ key: StaticString, _ value: some StringProtocol) {
        name(key)
        append(value.utf8)
    }

    /// Text of the program's own, without characters to escape.
    mutating func member(_ key: StaticString, _ value: StaticString) {
        beginText(key)
        text(value)
        endText()
    }

    /// Text as bytes; it must be UTF-8.
    mutating func member(_ key: StaticString, text: some Sequence<UInt8>) {
        name(key)
        append(text)
    }

    // Text put together of words and numbers of the program's own, none of them with a character to escape.

    mutating func beginText(_ key: StaticString) {
        name(key)
        bytes.append(UInt8(ascii: "\""))
    }

    mutating func text(_ words: StaticString) { bytes.append(words) }

    mutating func text(_ number: Int) { bytes.append(decimal: number) }

    /// Text of somebody else.
    mutating func text(escaping words: String) { JSONText.escape(words.utf8) { bytes.append($0) } }

    mutating func endText() { bytes.append(UInt8(ascii: "\"")) }

    mutating func member(_ key: StaticString, pairs: [(Int, Int)]) {
        name(key)
        bytes.append(UInt8(ascii: "["))
        for (i, pair) in pairs.enumerated() {
            if i > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.append(UInt8(ascii: "["))
            bytes.append(decimal: pair.0)
            bytes.append(UInt8(ascii: ","))
            bytes.append(decimal: pair.1)
            bytes.append(UInt8(ascii: "]"))
        }
        bytes.append(UInt8(ascii: "]"))
    }

    mutating func beginObject(_ key: StaticString) {
        name(key)
        bytes.append(UInt8(ascii: "{"))
        needsComma = false
    }

    mutating func endObject() {
        bytes.append(UInt8(ascii: "}"))
        needsComma = true
    }

    private mutating func append(_ text: some Sequence<UInt8>) {
        JSONText.writeLiteral(text) { bytes.append($0) }
    }

    /// Closes the object and gives its bytes.
    consuming func finish() -> [UInt8] {
        bytes.append(UInt8(ascii: "}"))
        return bytes.array
    }
}
