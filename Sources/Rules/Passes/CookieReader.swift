// SPDX-License-Identifier: Apache-2.0
//
// Reads the Cookie header as a server should (RFC 6265 section 5.4 writes it): pairs between semicolons. Names are
// compared exactly. nginx compares them without case, which makes a difference only to a client that sends both forms.
// Why no library: swift-http-types has no cookies, and a reader over Strings would copy the header in every poll.

/// The cookies of one request.
public struct CookieReader: Sendable {
    private let header: [UInt8]

    /// Takes the value of the Cookie header; several header lines are joined with "; ".
    public init(_ header: [UInt8]) {
        self.header = header
    }

    /// The value of the first cookie of that name; may be empty.
    public func value(named name: String) -> [UInt8]? {
        var rest = header[...]
        while !rest.isEmpty {
            let end = rest.firstIndex(of: UInt8(ascii: ";")) ?? rest.endIndex
            let pair = rest[..<end]
            rest = end < rest.endIndex ? rest[(end + 1)...] : []
            guard let equals = pair.firstIndex(of: UInt8(ascii: "=")) else { continue }
            if trimmed(pair[..<equals]).elementsEqual(name.utf8) { return Array(trimmed(pair[(equals + 1)...])) }
        }
        return nil
    }

    private func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes = bytes.drop { $0 == 0x20 || $0 == 0x09 }
        while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
        return bytes
    }
}
