// SPDX-License-Identifier: Apache-2.0
//
// Writes JSON (RFC 8259): a string for those who put a text together themselves, and a whole value for reports. What is
// written for visitors is put together in WaitingRoomAPI/JSONWriter.swift, without a tree.
// Why no library: an encoder that is allowed here needs FoundationEssentials, which Sources must not import.

extension JSONValue {
    /// The value as JSON text without white space. A number that JSON cannot hold becomes null.
    public var text: String {
        var bytes: [UInt8] = []
        write(into: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// An object with these members, in this order.
    public static func members(_ members: [(String, JSONValue)]) -> JSONValue {
        .object(members.map { JSONMember(name: $0.0, value: $0.1) })
    }

    private func write(into bytes: inout [UInt8]) {
        switch self {
        case .null: bytes += "null".utf8
        case .bool(let flag): bytes += (flag ? "true" : "false").utf8
        case .integer(let number): bytes += "\(number)".utf8
        case .number(let number): bytes += (number.isFinite ? "\(number)" : "null").utf8
        case .string(let text): JSONText.writeLiteral(text.utf8) { bytes.append($0) }
        case .array(let elements):
            bytes.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                element.write(into: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                JSONText.writeLiteral(member.name.utf8) { bytes.append($0) }
                bytes.append(UInt8(ascii: ":"))
                member.value.write(into: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }
}

/// Writes JSON strings (RFC 8259 section 7).
public enum JSONText {
    /// A text as a JSON string, with its quotes.
    public static func literal(_ text: String) -> String { JSONValue.string(text).text }

    /// Writes a text with its quotes: quotes, backslashes and control characters are escaped, all else is as it was.
    /// - Parameter text: UTF-8.
    @inlinable
    public static func writeLiteral(_ text: some Sequence<UInt8>, _ write: (UInt8) -> Void) {
        write(UInt8(ascii: "\""))
        escape(text, write)
        write(UInt8(ascii: "\""))
    }

    /// The same without the quotes around it.
    @inlinable
    public static func escape(_ text: some Sequence<UInt8>, _ write: (UInt8) -> Void) {
        for byte in text {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                write(UInt8(ascii: "\\"))
                write(byte)
            case 0..<0x20:
                for character in "\\u00".utf8 { write(character) }
                write(UInt8(ascii: "0") + byte >> 4)
                let low = byte & 15
                write(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + (low - 10))
            default: write(byte)
            }
        }
    }
}
