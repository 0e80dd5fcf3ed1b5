// SPDX-License-Identifier: Apache-2.0
//
// Reads the Cookie header as a server should (RFC 6265 section 5.4 writes it): pairs between semicolons. Names are
// compared exactly; nginx compares them without case, which only matters to a client that fools itself.

/// The cookies of one request.
public struct CookieReader: Sendable {
    /// How many names ``names(withPrefix:)`` gives at most.
    public static let nameCountMax = 64

    private let header: [UInt8]

    /// Takes the value of the Cookie header; several header lines are joined with "; ".
    public init(_ header: [UInt8]) {
        self.header = header
    }

    /// The value of the first cookie of that name; may be empty.
    public func value(named name: String) -> [UInt8]? {
        let wanted = Array(name.utf8)
        var found: [UInt8]?
        forEachPair { pairName, value in
            guard pairName.elementsEqual(wanted) else { return true }
            found = Array(value)
            return false
        }
        return found
    }

    /// The names that begin with a text, in the order of the header, each once, at most ``nameCountMax``.
    public func names(withPrefix prefix: String) -> [String] {
        let wanted = Array(prefix.utf8)
        var names: [String] = []
        forEachPair { pairName, _ in
            if pairName.starts(with: wanted) {
                let name = String(decoding: pairName, as: UTF8.self)
                if !names.contains(name) { names.append(name) }
            }
            return names.count < CookieReader.nameCountMax
        }
        return names
    }

    /// Calls `body` with name and value of each pair until it answers false.
    private func forEachPair(_ body: (ArraySlice<UInt8>, ArraySlice<UInt8>) -> Bool) {
        var rest = header[...]
        while !rest.isEmpty {
            let end = rest.firstIndex(of: UInt8(ascii: ";")) ?? rest.endIndex
            let pair = rest[..<end]
            rest = end < rest.endIndex ? rest[(end + 1)...] : []
            guard let equals = pair.firstIndex(of: UInt8(ascii: "=")) else { continue }
            guard body(trimmed(pair[..<equals]), trimmed(pair[(equals + 1)...])) else { return }
        }
    }

    private func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes = bytes.drop { $0 == 0x20 || $0 == 0x09 }
        while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
        return bytes
    }
}
