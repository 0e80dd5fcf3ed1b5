// SPDX-License-Identifier: Apache-2.0
//
// A client's address as nginx writes it, read as far as the rules need it: which source a join is counted for, and
// which network a pass may be bound to.

/// A whole IPv4 address, or the first half of an IPv6 one: within it a subscriber chooses the rest.
public enum ClientAddress: Equatable, Sendable {
    case v4(UInt32)
    /// The first 64 bits.
    case v6(UInt64)

    /// Reads an address as nginx writes it; nil for none, and for what is no address (`unix:`).
    public init?(_ text: some Collection<UInt8>) {
        guard (2...45).contains(text.count) else { return nil }
        if text.contains(UInt8(ascii: ":")) {
            guard let read = ClientAddress.v6(text) else { return nil }
            self = read
        } else {
            guard let bits = ClientAddress.v4(text) else { return nil }
            self = .v4(bits)
        }
    }

    /// The network of a mobile or home connection, as far as it seldom changes: a /24 of IPv4 in three bytes, a /48 of
    /// IPv6 in six, in network order.
    public var networkBytes: [UInt8] {
        switch self {
        case .v4(let bits): (1...3).map { UInt8(truncatingIfNeeded: bits >> (32 - 8 * $0)) }
        case .v6(let bits): (1...6).map { UInt8(truncatingIfNeeded: bits >> (64 - 8 * $0)) }
        }
    }

    private static func v6(_ text: some Collection<UInt8>) -> ClientAddress? {
        var groups: [UInt16] = []
        var gapAt: Int?
        let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if part.isEmpty {
                // "::" is an empty part inside, or two at an end.
                let isEdge = index == 0 || index == parts.count - 1
                if !isEdge || parts.count == 2 { gapAt = gapAt ?? groups.count }
            } else if index == parts.count - 1, part.contains(UInt8(ascii: ".")) {
                guard let low = v4(part) else { return nil }
                groups += [UInt16(low >> 16), UInt16(low & 0xFFFF)]
            } else {
                guard part.count <= 4, let group = UInt16(String(decoding: part, as: UTF8.self), radix: 16) else {
                    return nil
                }
                groups.append(group)
            }
        }
        guard groups.count <= 8, groups.count == 8 || gapAt != nil else { return nil }
        if let gapAt { groups.insert(contentsOf: repeatElement(0, count: 8 - groups.count), at: gapAt) }
        // ::ffff:1.2.3.4 is the IPv4 address itself (RFC 4291 section 2.5.5.2).
        if groups[..<6] == [0, 0, 0, 0, 0, 0xFFFF] { return .v4(UInt32(groups[6]) << 16 | UInt32(groups[7])) }
        return .v6(groups[..<4].reduce(0) { $0 << 16 | UInt64($1) })
    }

    private static func v4(_ text: some Collection<UInt8>) -> UInt32? {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bits: UInt32 = 0
        for part in parts {
            guard part.count <= 3, let byte = UInt8(String(decoding: part, as: UTF8.self)) else { return nil }
            bits = bits << 8 | UInt32(byte)
        }
        return bits
    }
}
