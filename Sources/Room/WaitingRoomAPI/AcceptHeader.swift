// SPDX-License-Identifier: Apache-2.0
//
// What a client takes (RFC 9110 section 12.5), as far as the gate has to choose: a page, or JSON for a program; and
// whether the page may be compressed. nginx's map $vsb_page reads the header by the same rule.

/// The weights of an Accept header, in thousandths; nil for what it does not name. Of several well written ones, the
/// first.
struct AcceptHeader {
    /// Of text/html or application/xhtml+xml by name.
    private var html: Int?
    /// Of application/json, or anything with +json, by name.
    private var json: Int?
    /// Of text/* or */*.
    private var wildcard: Int?
    private let isEmpty: Bool

    /// Bytes that are looked at; browsers send some 150.
    private static let lengthMax = 1024

    init(_ header: ArraySlice<UInt8>) {
        isEmpty = header.allSatisfy { $0 == 0x20 || $0 == 0x09 }
        for item in AcceptHeader.items(header) { take(item) }
    }

    /// The weight that a header of the same form gives a name, such as Accept-Encoding (section 12.5.3) a coding; nil
    /// when it does not name it.
    static func weight(of name: Substring, in header: ArraySlice<UInt8>) -> Int? {
        items(header).first { $0.first == name }.flatMap { weight($0.dropFirst()) }
    }

    /// What stands between the commas, each cut at its semicolons, in small letters.
    private static func items(_ header: ArraySlice<UInt8>) -> [[Substring]] {
        let text = String(decoding: header.prefix(lengthMax), as: UTF8.self).lowercased()
        return pieces(text, at: ",").map { pieces($0, at: ";") }
    }

    /// Whether the client asks for a page, and for nothing more than for that.
    var prefersHTML: Bool {
        guard let html, html > 0 else { return false }
        return html >= json ?? 0
    }

    /// Whether a page is of any use to the client.
    var allowsHTML: Bool { isEmpty || (html ?? wildcard ?? 0) > 0 }

    private mutating func take(_ parts: [Substring]) {
        guard let type = parts.first, let weight = AcceptHeader.weight(parts.dropFirst()) else { return }
        switch type {
        case "text/html", "application/xhtml+xml": html = html ?? weight
        case "application/json": json = json ?? weight
        case "*/*", "text/*": wildcard = wildcard ?? weight
        case _ where type.hasSuffix("+json"): json = json ?? weight
        default: break
        }
    }

    /// The weight among a range's parameters; 1000 without any, nil for a value that is no weight.
    private static func weight(_ parameters: ArraySlice<Substring>) -> Int? {
        guard let sent = parameters.first(where: { $0.hasPrefix("q=") })?.dropFirst(2) else { return 1000 }
        let parts = sent.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let decimals = parts.count > 1 ? parts[1] : ""
        guard parts[0] == "0" || parts[0] == "1", decimals.count <= 3,
            decimals.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let fraction = Int((decimals + "000").prefix(3))
        else { return nil }
        let weight = parts[0] == "1" ? 1000 + fraction : fraction
        return weight <= 1000 ? weight : nil
    }

    /// The pieces of a list, without the blanks around them. What stands in quotes is one piece.
    private static func pieces(_ text: some StringProtocol, at separator: Character) -> [Substring] {
        var (pieces, start, isQuoted, isEscaped): ([Substring], _, _, _) = ([], text.startIndex, false, false)
        let whole = Substring(text)
        func add(_ end: String.Index) {
            let blanks: Set<Character> = [" ", "\t"]
            var piece = whole[start..<end].drop { blanks.contains($0) }
            while let last = piece.last, blanks.contains(last) { piece.removeLast() }
            pieces.append(piece)
        }
        for index in whole.indices {
            let character = whole[index]
            if isEscaped {
                isEscaped = false
            } else if isQuoted, character == "\\" {
                isEscaped = true
            } else if character == "\"" {
                isQuoted.toggle()
            } else if character == separator, !isQuoted {
                add(index)
                start = whole.index(after: index)
            }
        }
        add(whole.endIndex)
        return pieces
    }
}
