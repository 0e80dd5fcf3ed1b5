// SPDX-License-Identifier: Apache-2.0
//
// HMAC-SHA256 (RFC 2104, FIPS 198-1) over swift-crypto's SHA-256, and comparison in constant time.
// Why not swift-crypto's HMAC: it takes and returns generic sequences, which was measured as 40 % of a ticket's check.

import Crypto

/// HMAC-SHA256 under one key, ready to be used many times.
public struct MessageAuthentication: Sendable {
    /// How long a code is, in bytes.
    public static let byteCount = 32
    /// The block of SHA-256, in bytes (FIPS 180-4 section 1).
    private static let blockByteCount = 64

    // The two padded key blocks are hashed once here; every code starts from copies of these states. swift-crypto's
    // HMAC does the same, but takes messages and gives codes through generic sequences: 40 % of a ticket's check.
    private let inner: SHA256
    private let outer: SHA256

    /// Prepares a key of any length.
    public init(key: [UInt8]) {
        var block = key.count > Self.blockByteCount ? Array(SHA256.hash(data: key)) : key
        block += [UInt8](repeating: 0, count: Self.blockByteCount - block.count)
        var inner = SHA256()
        inner.update(data: block.map { $0 ^ 0x36 })
        var outer = SHA256()
        outer.update(data: block.map { $0 ^ 0x5c })
        self.inner = inner
        self.outer = outer
    }

    /// Calls `body` with the code of a message.
    private func withCode<Value>(
        for message: UnsafeRawBufferPointer,
        _ body: (UnsafeRawBufferPointer) -> Value
    ) -> Value {
        var state = inner
        state.update(bufferPointer: message)
        let digest = state.finalize()
        state = outer
        digest.withUnsafeBytes { state.update(bufferPointer: $0) }
        return state.finalize().withUnsafeBytes(body)
    }

    /// The code of a message, ``byteCount`` bytes.
    public func code(for message: [UInt8]) -> [UInt8] { code(for: message[...]) }

    /// The code of a message whose bytes are part of a longer array.
    func code(for message: ArraySlice<UInt8>) -> [UInt8] {
        message.withUnsafeBytes { withCode(for: $0) { [UInt8]($0) } }
    }

    /// Whether a text is the code of a message in base64url. Takes a time that depends on the lengths only.
    func isCode(base64URL text: Slice<UnsafeBufferPointer<UInt8>>, for message: UnsafeRawBufferPointer) -> Bool {
        withCode(for: message) { code in
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Base64URL.characterCount(code.count)) { expected in
                Base64URL.encode(code, into: expected)
                return Self.isEqual(expected, text)
            }
        }
    }

    /// The code of one message under one key, for callers that use the key once.
    public static func hmacSHA256(key: [UInt8], message: [UInt8]) -> [UInt8] {
        MessageAuthentication(key: key).code(for: message)
    }

    /// How many zero bits the SHA-256 of a message begins with.
    static func leadingZeroBits(ofDigestOf message: [UInt8]) -> Int {
        var bits = 0
        for byte in SHA256.hash(data: message) {
            bits += byte.leadingZeroBitCount
            if byte != 0 { break }
        }
        return bits
    }

    /// Whether two texts are the same, in a time that depends on their lengths only.
    public static func isEqual(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for (leftByte, rightByte) in zip(left, right) { difference |= leftByte ^ rightByte }
        return difference == 0
    }
}
