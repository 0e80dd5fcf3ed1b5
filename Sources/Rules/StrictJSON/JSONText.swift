// SPDX-License-Identifier: Apache-2.0
//
// The other direction, as far as there is one: how a text is written as a JSON string. What is written for visitors is
// put together in WaitingRoomAPI/JSONWriter.swift, without a tree.

/// Writes JSON strings (RFC 8259 section 7).
public enum JSONText {
    /// Writes a text with its quotes: quotes, backslashes and control characters are escaped, all else is as it was.
    /// - Parameter text: UTF-8.
    @inlinable
    public static func writeLiteral(_ text: some Sequence<UInt8>, _ write: (UInt8) -> Void) {
        write(UInt8(ascii: "\""))
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
        write(UInt8(ascii: "\""))
    }
}
