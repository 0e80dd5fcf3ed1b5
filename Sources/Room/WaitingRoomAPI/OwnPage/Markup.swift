// SPDX-License-Identifier: Apache-2.0
//
// HTML as a browser cuts it into tags and text (HTML Standard, 13.2.5), as far as a page of the operator's own is
// looked at: where a name of Mustache stands, and what the page would load or run.

/// One piece of the text of a page. Ranges are of its bytes.
struct Markup {
    enum Kind: Equatable {
        case text
        case tag
        case endTag
        /// What stands between the tags of an element that holds no other ones: a script, a style, a title.
        case raw
        /// A comment, or the document's type.
        case comment
    }

    struct Attribute {
        let name: String
        let value: String
        let range: Range<Int>
    }

    var kind: Kind
    /// Of the element; empty for text.
    var element = ""
    var attributes: [Attribute] = []
    var range: Range<Int>

    func value(_ name: String) -> String? { attributes.first { $0.name == name }?.value }

    private static let rawElements: Set<String> = [
        "script", "style", "title", "textarea", "xmp", "noembed",
    ]

    static func read(_ text: [UInt8]) -> [Markup] {
        var reader = MarkupReader(text: text)
        var found: [Markup] = []
        while let piece = reader.next() {
            found.append(piece)
            guard piece.kind == .tag, rawElements.contains(piece.element) else { continue }
            if let raw = reader.raw(piece.element) { found.append(raw) }
        }
        return found
    }
}

private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || 0x09...0x0d ~= byte }
private func isLetter(_ byte: UInt8) -> Bool { UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20 }

private struct MarkupReader {
    let text: [UInt8]
    var at = 0

    mutating func next() -> Markup? {
        guard at < text.count else { return nil }
        let start = at
        if beginsTag(at) { return tag() }
        if text[at...].starts(with: "<!".utf8) || text[at...].starts(with: "<?".utf8) {
            let isComment = text[at...].starts(with: "<!--".utf8)
            let end = text[(at + (isComment ? 4 : 2))...].firstRange(of: Array((isComment ? "-->" : ">").utf8))
            at = end?.upperBound ?? text.count
            return Markup(kind: .comment, range: start..<at)
        }
        at += 1
        while at < text.count, text[at] != UInt8(ascii: "<") { at += 1 }
        return Markup(kind: .text, range: start..<at)
    }

    private func beginsTag(_ place: Int) -> Bool {
        guard text[place] == UInt8(ascii: "<"), place + 1 < text.count else { return false }
        if text[place + 1] == UInt8(ascii: "/") { return place + 2 < text.count && isLetter(text[place + 2]) }
        return isLetter(text[place + 1])
    }

    private mutating func tag() -> Markup {
        let start = at
        let isEnd = text[at + 1] == UInt8(ascii: "/")
        at += isEnd ? 2 : 1
        let element = word { isSpace($0) || $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: ">") }
        var attributes: [Markup.Attribute] = []
        while at < text.count, text[at] != UInt8(ascii: ">") {
            if isSpace(text[at]) || text[at] == UInt8(ascii: "/") {
                at += 1
            } else {
                attributes.append(attribute())
            }
        }
        at = min(text.count, at + 1)
        return Markup(kind: isEnd ? .endTag : .tag, element: element, attributes: attributes, range: start..<at)
    }

    private mutating func attribute() -> Markup.Attribute {
        let start = at
        // An = at the beginning is a part of the name.
        at += 1
        _ = word { isSpace($0) || "/>=".utf8.contains($0) }
        let name = String(decoding: text[start..<at], as: UTF8.self).lowercased()
        let after = at
        while at < text.count, isSpace(text[at]) { at += 1 }
        guard at < text.count, text[at] == UInt8(ascii: "=") else {
            at = after
            return Markup.Attribute(name: name, value: "", range: start..<at)
        }
        at += 1
        while at < text.count, isSpace(text[at]) { at += 1 }
        guard at < text.count else { return Markup.Attribute(name: name, value: "", range: start..<at) }
        let quote = text[at]
        guard quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
            let from = at
            while at < text.count, !isSpace(text[at]), text[at] != UInt8(ascii: ">") { at += 1 }
            return Markup.Attribute(
                name: name,
                value: String(decoding: text[from..<at], as: UTF8.self),
                range: start..<at
            )
        }
        let from = at + 1
        at = text[from...].firstIndex(of: quote) ?? text.count
        let value = String(decoding: text[from..<at], as: UTF8.self)
        at = min(text.count, at + 1)
        return Markup.Attribute(name: name, value: value, range: start..<at)
    }

    private mutating func word(_ ends: (UInt8) -> Bool) -> String {
        let start = at
        while at < text.count, !ends(text[at]) { at += 1 }
        return String(decoding: text[start..<at], as: UTF8.self).lowercased()
    }

    /// What stands before the end tag of an element that holds text only.
    mutating func raw(_ element: String) -> Markup? {
        let (start, name) = (at, Array("</\(element)".utf8))
        while at < text.count {
            let isEnd = text[at...].prefix(name.count).elementsEqual(name) {
                $0 == $1 || isLetter($0) && $0 | 0x20 == $1
            }
            let after = at + name.count
            if isEnd, after >= text.count || isSpace(text[after]) || "/>".utf8.contains(text[after]) { break }
            at += 1
        }
        return at == start ? nil : Markup(kind: .raw, element: element, range: start..<at)
    }
}
