// SPDX-License-Identifier: Apache-2.0
//
// The arrival number inside a ticket and inside a pass. Nothing is verified: these tokens came from the server.

internal import Passes

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
        return Base64URL.decode(parts[1])?.withUnsafeBytes { text in
            text.integer(of: "\"sub\":\"").flatMap { UInt64(exactly: $0) }
        }
    }
}
