// SPDX-License-Identifier: Apache-2.0
//
// The tags of a Mustache template, found before swift-mustache reads it: a name that means nothing would be left out in
// silence there, and a line is wanted for it. Sections of what changes from visitor to visitor get other names, since
// they are decided when the page is sent, and not when it is made.

/// One `{{tag}}`.
struct MustacheTag {
    enum Kind: Equatable {
        case escaped
        case unescaped
        case section
        case inverted
        case end
        case comment
    }

    let kind: Kind
    let name: String
    /// Bytes of the text, with the braces.
    let range: Range<Int>
    let line: Int
    /// How many sections stand open at it.
    var depth = 0
}

enum MustacheTags {
    /// Sections that stand in each other at most.
    static let depthMax = 16

    /// - Throws: PAGE_SYNTAX for a tag without an end, a kind of tag that is not offered, and sections that do not
    ///   close in order.
    static func read(_ text: [UInt8]) throws(OwnPageError) -> [MustacheTag] {
        var tags: [MustacheTag] = []
        var open: [MustacheTag] = []
        var (at, line) = (0, 1)
        while at < text.count {
            if text[at] == UInt8(ascii: "\n") { line += 1 }
            guard text[at...].starts(with: "{{".utf8) else {
                at += 1
                continue
            }
            var tag = try tag(text, at, line)
            switch tag.kind {
            case .section, .inverted:
                tag.depth = open.count
                open.append(tag)
                guard open.count <= depthMax else {
                    throw OwnPageError(.syntax, line: line, "more than \(depthMax) sections stand in each other")
                }
            case .end:
                guard let begin = open.popLast(), begin.name == tag.name else {
                    throw OwnPageError(.syntax, line: line, "{{/\(tag.name)}} closes no section of that name")
                }
                tag.depth = open.count
            default: tag.depth = open.count
            }
            line += text[tag.range].count { $0 == UInt8(ascii: "\n") }
            at = tag.range.upperBound
            tags.append(tag)
        }
        if let begin = open.last {
            throw OwnPageError(.syntax, line: begin.line, "the section {{#\(begin.name)}} has no end")
        }
        return tags
    }

    private static func tag(_ text: [UInt8], _ start: Int, _ line: Int) throws(OwnPageError) -> MustacheTag {
        let isTriple = text[start...].starts(with: "{{{".utf8)
        let inside = start + (isTriple ? 3 : 2)
        let closing = isTriple ? "}}}" : "}}"
        guard let end = text[inside...].firstRange(of: Array(closing.utf8)) else {
            throw OwnPageError(.syntax, line: line, "{{ without an end")
        }
        var words = text[inside..<end.lowerBound]
        var kind = isTriple ? MustacheTag.Kind.unescaped : .escaped
        let kinds: [UInt8: MustacheTag.Kind] = [
            UInt8(ascii: "#"): .section, UInt8(ascii: "^"): .inverted, UInt8(ascii: "/"): .end,
            UInt8(ascii: "!"): .comment, UInt8(ascii: "&"): .unescaped,
        ]
        if !isTriple, let first = words.first, let found = kinds[first] {
            kind = found
            words = words.dropFirst()
        }
        let name = String(decoding: words, as: UTF8.self).split { $0 == " " || $0 == "\t" }.joined(separator: " ")
        let isName =
            !name.isEmpty && name.utf8.allSatisfy { UInt8(ascii: "A")...UInt8(ascii: "z") ~= $0 || 0x30...0x39 ~= $0 }
        guard isName || kind == .comment else {
            throw OwnPageError(
                .syntax,
                line: line,
                "{{\(name)}} is no name: there are variables, sections and comments, and no partials or delimiters"
            )
        }
        return MustacheTag(kind: kind, name: name, range: start..<end.upperBound, line: line)
    }

    /// The names of sections that are decided later: `if-NAME` and `not-NAME`.
    static func renamed(_ text: [UInt8], _ tags: [MustacheTag], later: Set<String>, never: Set<String>) -> String {
        var out: [UInt8] = []
        var (copied, open) = (0, [String]())
        for tag in tags {
            out += text[copied..<tag.range.lowerBound]
            copied = tag.range.upperBound
            let isLater = later.contains(tag.name)
            switch tag.kind {
            case .section, .inverted:
                let prefix = !isLater ? "" : tag.kind == .section ? "if-" : "not-"
                let name = never.contains(tag.name) ? "none" : prefix + tag.name
                open.append(name)
                out += "{{\(tag.kind == .section || isLater ? "#" : "^")\(name)}}".utf8
            case .end: out += "{{/\(open.removeLast())}}".utf8
            case .comment: break
            case .escaped: out += "{{\(tag.name)}}".utf8
            case .unescaped: out += "{{{\(tag.name)}}}".utf8
            }
        }
        return String(decoding: out + text[copied...], as: UTF8.self)
    }
}
