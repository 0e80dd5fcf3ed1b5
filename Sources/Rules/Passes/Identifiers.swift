// SPDX-License-Identifier: Apache-2.0
//
// The alphabets of the names that stand inside tickets, passes and cookie names. All of them are ASCII without dots,
// quotes or white space, so that no field can be mistaken for another and nothing needs escaping.

/// Whether a text is a room id: `^[a-z0-9][a-z0-9_-]{0,63}$`.
public func isRoomIdentifier(_ text: String) -> Bool {
    isIdentifier(text.utf8, byteCountMax: 64)
}

/// Whether some bytes are a room id: `^[a-z0-9][a-z0-9_-]{0,63}$`.
public func isRoomIdentifier(_ bytes: some Collection<UInt8>) -> Bool {
    isIdentifier(bytes, byteCountMax: 64)
}

/// Whether a text is a key id: `^[a-z0-9][a-z0-9_-]{0,15}$`.
func isKeyIdentifier(_ text: String) -> Bool {
    isIdentifier(text.utf8, byteCountMax: 16)
}

private func isIdentifier(_ bytes: some Collection<UInt8>, byteCountMax: Int) -> Bool {
    guard let first = bytes.first, bytes.count <= byteCountMax, isLowerLetterOrDigit(first) else { return false }
    return bytes.allSatisfy { isLowerLetterOrDigit($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") }
}

private func isLowerLetterOrDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
}

/// The largest integer that JavaScript, and so njs and browsers, hold exactly: 2^53 - 1.
let exactIntegerMax: Int64 = 9_007_199_254_740_991

/// Reads a canonical decimal in 1...2^53-1: no sign, no leading zero.
func positiveInteger(_ digits: some Collection<UInt8>) -> Int64? {
    guard let first = digits.first, first != UInt8(ascii: "0"), digits.count <= 16 else { return nil }
    var value: Int64 = 0
    for digit in digits {
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
        value = value * 10 + Int64(digit - UInt8(ascii: "0"))
    }
    return value <= exactIntegerMax ? value : nil
}
