// SPDX-License-Identifier: Apache-2.0
//
// One value out of a query string.
// Why no library: URLComponents is a part of Foundation, which Sources must not import, and copies the whole query.

/// Reads `name=value&...`, percent-decoded, `+` as a space.
enum QueryString {
    /// The first value with this name; nil when it is absent or its percent-encoding is broken.
    /// A value without anything to decode, as tokens are, is a part of the query and costs no copy.
    static func value(_ name: StaticString, in query: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard let found = query.withUnsafeBufferPointer({ find(name, in: $0) }) else { return nil }
        let value = query[query.startIndex + found.range.lowerBound..<query.startIndex + found.range.upperBound]
        return found.isPlain ? value : decode(value).map { $0[...] }
    }

    /// Where the value is, and whether it stands for itself.
    private static func find(
        _ name: StaticString,
        in query: UnsafeBufferPointer<UInt8>
    ) -> (range: Range<Int>, isPlain: Bool)? {
        let nameBytes = name.utf8CodeUnitCount
        var start = 0
        while start < query.count {
            var at = 0
            while at < nameBytes, start + at < query.count, query[start + at] == name.utf8Start[at] { at += 1 }
            at += start
            let isNamed = at == start + nameBytes && at < query.count && query[at] == UInt8(ascii: "=")
            let valueStart = at + 1
            var isPlain = true
            while at < query.count, query[at] != UInt8(ascii: "&") {
                if query[at] == UInt8(ascii: "%") || query[at] == UInt8(ascii: "+") { isPlain = false }
                at += 1
            }
            if isNamed { return (valueStart..<at, isPlain) }
            start = at + 1
        }
        return nil
    }

    static func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        var out: [UInt8] = []
        out.reserveCapacity(text.count)
        var i = text.startIndex
        while i < text.endIndex {
            switch text[i] {
            case UInt8(ascii: "%"):
                guard i + 2 < text.endIndex, let high = hex(text[i + 1]), let low = hex(text[i + 2]) else { return nil }
                out.append(high << 4 | low)
                i += 3
            case UInt8(ascii: "+"):
                out.append(UInt8(ascii: " "))
                i += 1
            default:
                out.append(text[i])
                i += 1
            }
        }
        return out
    }

    private static func hex(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
