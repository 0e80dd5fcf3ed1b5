// SPDX-License-Identifier: Apache-2.0
//
// HMAC-SHA256 (RFC 2104, FIPS 198-1) through swift-crypto, and comparison in constant time. This is the only file
// that knows which library does the hashing.

import Crypto

/// HMAC-SHA256 under one key, ready to be used many times.
public struct MessageAuthentication: Sendable {
    /// How long a code is, in bytes.
    public static let byteCount = 32

    // The two padded key blocks are hashed once here; every code starts from a copy of that state.
    private let keyed: HMAC<SHA256>

    /// Prepares a key of any length.
    public init(key: [UInt8]) {
        keyed = HMAC<SHA256>(key: SymmetricKey(data: key))
    }

    /// The code of a message, ``byteCount`` bytes.
    public func code(for message: [UInt8]) -> [UInt8] {
        var state = keyed
        state.update(data: message)
        return Array(state.finalize())
    }

    /// The code of a message whose bytes are part of a longer array.
    func code(for message: ArraySlice<UInt8>) -> [UInt8] {
        var state = keyed
        state.update(data: message)
        return Array(state.finalize())
    }

    /// The code of one message under one key, for callers that use the key once.
    public static func hmacSHA256(key: [UInt8], message: [UInt8]) -> [UInt8] {
        MessageAuthentication(key: key).code(for: message)
    }

    /// Whether two texts are the same, in a time that depends on their lengths only.
    public static func isEqual(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for (leftByte, rightByte) in zip(left, right) { difference |= leftByte ^ rightByte }
        return difference == 0
    }
}
