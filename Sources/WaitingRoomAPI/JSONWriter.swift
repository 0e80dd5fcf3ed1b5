// SPDX-License-Identifier: Apache-2.0
//
// JSON text of flat answers, written straight into bytes: no tree, no reflection, one buffer.

/// Writes one object (members may be nested objects or arrays of integers).
struct JSONWriter {
    private(set) var bytes: [UInt8] = []
    private var needsComma = false

    init() {
        bytes.reserveCapacity(512)
        bytes.append(UInt8(ascii: "{"))
    }

    private mutating func name(_ name: StaticString) {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
    }

    mutating func member(_ key: StaticString, _ value: Int) {
        name(key)
        append(value)
    }

    /// A number or null.
    mutating func member(_ key: StaticString, _ value: Int?) {
        guard let value else { return memberNull(key) }
        member(key, value)
    }

    mutating func memberNull(_ key: StaticString) {
        name(key)
        bytes.append(contentsOf: "null".utf8)
    }

    /// A number with `digits` decimals, from an integer scaled by ten to that power (0.8 is 8 with one digit).
    mutating func member(_ key: StaticString, scaled value: Int, digits: Int) {
        name(key)
        var unit = 1
        for _ in 0..<digits { unit *= 10 }
        append(value / unit)
        bytes.append(UInt8(ascii: "."))
        bytes.append(contentsOf: String(unit + value % unit).utf8.dropFirst())
    }

    mutating func member(_ key: StaticString, _ value: Bool) {
        name(key)
        bytes.append(contentsOf: (value ? "true" : "false").utf8)
    }

    mutating func member(_ key: StaticString, _ value: some StringProtocol) {
        name(key)
        append(value.utf8)
    }

    /// Text of the program's own, without characters to escape.
    mutating func member(_ key: StaticString, _ value: StaticString) {
        name(key)
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: UnsafeBufferPointer(start: value.utf8Start, count: value.utf8CodeUnitCount))
        bytes.append(UInt8(ascii: "\""))
    }

    /// Text as bytes; it must be UTF-8.
    mutating func member(_ key: StaticString, text: some Sequence<UInt8>) {
        name(key)
        append(text)
    }

    mutating func member(_ key: StaticString, pairs: [(Int, Int)]) {
        name(key)
        bytes.append(UInt8(ascii: "["))
        for (i, pair) in pairs.enumerated() {
            if i > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.append(UInt8(ascii: "["))
            append(pair.0)
            bytes.append(UInt8(ascii: ","))
            append(pair.1)
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

    /// By hand: String(value) was a tenth of a poll's instructions.
    private mutating func append(_ value: Int) {
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        var rest = value.magnitude
        var divisor: UInt = 1
        while rest / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(rest / divisor))
            rest %= divisor
            divisor /= 10
        }
    }

    private mutating func append(_ text: some Sequence<UInt8>) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0..<0x20:
                let digits = Array("0123456789abcdef".utf8)
                bytes.append(contentsOf: "\\u00".utf8)
                bytes.append(digits[Int(byte >> 4)])
                bytes.append(digits[Int(byte & 15)])
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Closes the object and gives its bytes.
    consuming func finish() -> [UInt8] {
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }
}
