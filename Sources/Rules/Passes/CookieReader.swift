// SPDX-License-Identifier: Apache-2.0
//
// Reads the Cookie header as a server should (RFC 6265 section 5.4 writes it): pairs between semicolons, names
// compared exactly. vestibule.js and vestibule.lua read it by the same rule. nginx's own $cookie_ variables do not:
// they split at commas, too, and ignore case.
// Why no library: swift-http-types has no cookies, and a reader over Strings would copy the header in every poll.

/// The cookies of one request.
public struct CookieReader: Sendable {
    private let header: ArraySlice<UInt8>

    /// Values of one name that are looked at; another host of the site can plant some beside ours.
    public static let valuesMax = 16

    /// Takes the value of the Cookie header; several header lines are joined with "; ".
    public init(_ header: ArraySlice<UInt8>) {
        self.header = header
    }

    public init(_ header: [UInt8]) {
        self.init(header[...])
    }

    /// The value of the first cookie of that name; may be empty.
    public func value(named name: String) -> [UInt8]? {
        var rest = header
        while let (sent, value) = CookieReader.nextPair(&rest) {
            if sent.elementsEqual(name.utf8) { return Array(CookieReader.trimmed(value)) }
        }
        return nil
    }

    /// The values of all cookies of these names, in the order of the header, without empty ones; at most ``valuesMax``.
    public func values(named names: [String]) -> [[UInt8]] {
        var found: [[UInt8]] = []
        var rest = header
        while found.count < CookieReader.valuesMax, let (sent, value) = CookieReader.nextPair(&rest) {
            let isWanted = names.contains { sent.elementsEqual($0.utf8) }
            let value = CookieReader.trimmed(value)
            if isWanted, !value.isEmpty { found.append(Array(value)) }
        }
        return found
    }

    /// The next name and what stands behind its equals sign, taken off the rest.
    private static func nextPair(
        _ rest: inout ArraySlice<UInt8>
    ) -> (name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)? {
        while !rest.isEmpty {
            let end = rest.firstIndex(of: UInt8(ascii: ";")) ?? rest.endIndex
            let pair = rest[..<end]
            rest = end < rest.endIndex ? rest[(end + 1)...] : []
            if let equals = pair.firstIndex(of: UInt8(ascii: "=")) {
                return (trimmed(pair[..<equals]), pair[(equals + 1)...])
            }
        }
        return nil
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes = bytes.drop { $0 == 0x20 || $0 == 0x09 }
        while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
        return bytes
    }
}
