// SPDX-License-Identifier: Apache-2.0
//
// The arrival number inside a ticket and inside a pass. Nothing is verified: these tokens came from the server.

/// Reads numbers out of tokens.
public enum TokenNumber {
    /// The fifth field of `v1.<kid>.<room>.<generation>.<number>.<issued>.<mac>`; nil when it does not fit.
    public static func ofTicket(_ bytes: UnsafeRawBufferPointer) -> UInt64? {
        var dots = 0
        for (index, byte) in bytes.enumerated() where byte == UInt8(ascii: ".") {
            dots += 1
            if dots == 4 { return bytes.integer(at: index + 1).flatMap { UInt64(exactly: $0) } }
        }
        return nil
    }

    /// The claim `sub` of a pass, a JWT.
    public static func ofPass(_ bytes: UnsafeRawBufferPointer) -> UInt64? {
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        let claims = decodeBase64URL(parts[1])
        return claims.withUnsafeBytes { text in
            text.integer(of: "\"sub\":\"").flatMap { UInt64(exactly: $0) }
        }
    }

    /// Characters outside the alphabet end the text.
    private static func decodeBase64URL(_ text: Slice<UnsafeRawBufferPointer>) -> [UInt8] {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(text.count * 3 / 4)
        var bits: UInt32 = 0
        var bitCount = 0
        for character in text {
            guard let value = base64URLValue(character) else { break }
            bits = bits << 6 | value
            bitCount += 6
            if bitCount >= 8 {
                bitCount -= 8
                decoded.append(UInt8(truncatingIfNeeded: bits >> UInt32(bitCount)))
            }
        }
        return decoded
    }

    private static func base64URLValue(_ character: UInt8) -> UInt32? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "-"): 62
        case UInt8(ascii: "_"): 63
        default: nil
        }
    }
}
