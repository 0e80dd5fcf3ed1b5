// SPDX-License-Identifier: Apache-2.0
//
// base64url without padding (RFC 4648 section 5, RFC 7515 section 2). Only the canonical spelling is read: the last
// character of a text may carry two or four unused bits, and a reader that ignores them accepts several spellings
// of one token, which breaks everything that is keyed on the text.
// Why no library: Sources must not import Foundation, and refusing every second spelling would remain our own code.

/// base64url without padding.
public enum Base64URL {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// The six bits of a character; 255 for a byte outside the alphabet.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 255, count: 256)
        for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
        return values
    }()

    /// Whether a byte is a character of the alphabet.
    static func isCharacter(_ byte: UInt8) -> Bool { values[Int(byte)] != 255 }

    /// Characters of the text for this number of bytes.
    static func characterCount(_ byteCount: Int) -> Int { (byteCount * 4 + 2) / 3 }

    /// The text for some bytes, as ASCII.
    public static func encode(_ bytes: some Collection<UInt8>) -> [UInt8] {
        Array(bytes).withUnsafeBytes { bytes in
            [UInt8](unsafeUninitializedCapacity: characterCount(bytes.count)) { text, count in
                encode(bytes, into: text)
                count = characterCount(bytes.count)
            }
        }
    }

    /// The text for some bytes in the other alphabet of RFC 4648 (section 4), with its padding: what browsers read in
    /// `data:` URLs and compare the hashes of a Content-Security-Policy with.
    public static func encodeStandard(_ bytes: some Collection<UInt8>) -> String {
        let letters = encode(bytes).map { letter in
            letter == UInt8(ascii: "-") ? UInt8(ascii: "+") : letter == UInt8(ascii: "_") ? UInt8(ascii: "/") : letter
        }
        let padding = [UInt8](repeating: UInt8(ascii: "="), count: (4 - letters.count % 4) % 4)
        return String(decoding: letters + padding, as: UTF8.self)
    }

    /// Writes the text for some bytes, as ASCII.
    /// - Parameter text: has room for ``characterCount(_:)`` characters.
    static func encode(_ bytes: UnsafeRawBufferPointer, into text: UnsafeMutableBufferPointer<UInt8>) {
        precondition(text.count >= characterCount(bytes.count), "the text has no room")
        alphabet.withUnsafeBufferPointer { alphabet in
            var at = 0
            var pending: UInt32 = 0
            var pendingBitCount: UInt32 = 0
            for byte in bytes {
                pending = pending << 8 | UInt32(byte)
                pendingBitCount += 8
                while pendingBitCount >= 6 {
                    pendingBitCount -= 6
                    text[at] = alphabet[Int(pending >> pendingBitCount & 0x3F)]
                    at += 1
                }
            }
            if pendingBitCount > 0 { text[at] = alphabet[Int(pending << (6 - pendingBitCount) & 0x3F)] }
        }
    }

    /// The text for some bytes.
    public static func encodeString(_ bytes: some Collection<UInt8>) -> String {
        String(decoding: encode(bytes), as: UTF8.self)
    }

    /// The bytes a text stands for; nil when it has padding, a foreign character, an impossible length, or unused
    /// bits that are not zero.
    public static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count * 3 / 4)
        var pending: UInt32 = 0
        var pendingBitCount = 0
        for character in text {
            let value = values[Int(character)]
            guard value != 255 else { return nil }
            pending = (pending << 6 | UInt32(value)) & 0xFFFF
            pendingBitCount += 6
            if pendingBitCount >= 8 {
                pendingBitCount -= 8
                bytes.append(UInt8(truncatingIfNeeded: pending >> UInt32(pendingBitCount)))
            }
        }
        // Six left over bits are a lone character, which holds no byte.
        guard pendingBitCount < 6, pending & (1 << UInt32(pendingBitCount) - 1) == 0 else { return nil }
        return bytes
    }
}
