// SPDX-License-Identifier: Apache-2.0
//
// What may be wrong with a page of the operator's own. It is found when the file is read, with a line: a browser would
// leave out in silence what the page's policy does not allow.

internal import Admission

struct OwnPageCheck {
    let text: [UInt8]
    let markup: [Markup]
    let tags: [MustacheTag]

    /// Identifiers of the parts that the script looks for.
    private static let ownIdentifiers: Set<String> = [
        "room", "wait", "icon", "languages", "language", "site", "count", "place", "position", "eta", "progress",
        "kept",
        "notice", "message", "form", "actions", "enter", "rejoin", "notify", "leave", "updated", "record", "plain",
        "confirm", "question", "stay", "confirm-leave", "text", "sent", "lost", "copy", "copy-text", "back",
        "vestibule",
    ]
    private static let refusedElements: Set<String> = [
        "base", "iframe", "frame", "frameset", "object", "embed", "portal",
    ]
    private static let loadingAttributes: Set<String> = [
        "src", "srcset", "poster", "background", "xlink:href", "imagesrcset",
    ]

    func run() throws(OwnPageError) {
        if let place = text.firstRange(of: [0xee, 0x80]) {
            throw OwnPageError(
                .syntax,
                line: line(place.lowerBound),
                "characters of the private use area are kept for us"
            )
        }
        try checkNames()
        try checkParts()
        for piece in markup {
            switch piece.kind {
            case .tag: try check(tag: piece)
            case .raw: try check(raw: piece)
            case .text, .endTag, .comment: continue
            }
        }
    }

    private func line(_ place: Int) -> Int { 1 + text[..<place].count { $0 == UInt8(ascii: "\n") } }

    // MARK: - Names

    private func checkNames() throws(OwnPageError) {
        var pieces = markup[...]
        for tag in tags where tag.kind != .comment {
            guard OwnPage.names.contains(tag.name) else {
                throw OwnPageError(.unknownName, line: tag.line, "{{\(tag.name)}} is no name of a page")
            }
            pieces = pieces.drop { $0.range.upperBound <= tag.range.lowerBound }
            let isInText = pieces.first?.kind == .text
            let isSection = tag.kind == .section || tag.kind == .inverted
            if OwnPage.parts.contains(tag.name) || tag.name == OwnPage.whole {
                guard tag.kind == .unescaped, isInText, tag.depth == 0 else {
                    let way = "is a part of the page: write {{{\(tag.name)}}} between elements, and in no section"
                    throw OwnPageError(.misplaced, line: tag.line, "{{\(tag.name)}} \(way)")
                }
            } else if tag.name == "logo" {
                guard tag.kind == .unescaped, isInText else {
                    throw OwnPageError(.misplaced, line: tag.line, "the logo is an element: write {{{logo}}}")
                }
            } else if WaitFields.changing.contains(tag.name) {
                guard !isSection || isInText else {
                    let way = "stands around elements, and not in a tag, a title, a style or a script"
                    throw OwnPageError(.misplaced, line: tag.line, "a section of {{\(tag.name)}} \(way)")
                }
                guard pieces.first?.element != "style" else {
                    throw OwnPageError(.misplaced, line: tag.line, "a style is the same for all visitors")
                }
            }
        }
    }

    // MARK: - Parts

    private func checkParts() throws(OwnPageError) {
        for element in ["html", "head", "title", "body"]
        where !markup.contains(where: { $0.kind == .tag && $0.element == element }) {
            throw OwnPageError(.missing, line: 1, "the page has no <\(element)>")
        }
        guard let end = markup.last(where: { $0.kind == .endTag && $0.element == "body" }) else {
            throw OwnPageError(.missing, line: line(text.count), "the page has no </body>")
        }
        func placed(_ name: String) -> [MustacheTag] { tags.filter { $0.name == name } }
        for name in OwnPage.parts + [OwnPage.whole] {
            if let second = placed(name).dropFirst().first {
                throw OwnPageError(.misplaced, line: second.line, "{{{\(name)}}} stands there twice")
            }
        }
        let isWhole = !placed(OwnPage.whole).isEmpty
        if isWhole, let part = tags.first(where: { OwnPage.parts.contains($0.name) }) {
            throw OwnPageError(.misplaced, line: part.line, "{{{\(part.name)}}} is in {{{vestibule}}} already")
        }
        let missing = OwnPage.needed.filter { placed($0).isEmpty }
        if !isWhole, !missing.isEmpty, missing.count < OwnPage.needed.count {
            let names = missing.map { "{{{\($0)}}}" }.joined(separator: ", ")
            throw OwnPageError(.missing, line: line(end.range.lowerBound), "a visitor needs \(names), too")
        }
    }

    // MARK: - Elements

    private func check(tag piece: Markup) throws(OwnPageError) {
        let place = line(piece.range.lowerBound)
        guard !OwnPageCheck.refusedElements.contains(piece.element) else {
            throw OwnPageError(.refused, line: place, "<\(piece.element)> is not possible: the page loads nothing")
        }
        for attribute in piece.attributes {
            let line = line(attribute.range.lowerBound)
            if attribute.name.hasPrefix("on") {
                let way = "put it into a <script>, with addEventListener"
                throw OwnPageError(.refused, line: line, "\(attribute.name)= would not run: \(way)")
            }
            if attribute.name == "id", OwnPageCheck.ownIdentifiers.contains(attribute.value) {
                throw OwnPageError(.refused, line: line, "id=\"\(attribute.value)\" is one of the page's own")
            }
            if attribute.name == "style", attribute.value.contains("{{") || attribute.value.contains("&") {
                throw OwnPageError(.misplaced, line: line, "a style is the same for all visitors, and has no & in it")
            }
            try check(address: attribute, of: piece, line: line)
        }
        if piece.element == "html", piece.value("id") != nil {
            throw OwnPageError(.refused, line: place, "<html> has an id of its own: \"room\"")
        }
    }

    private func check(address attribute: Markup.Attribute, of piece: Markup, line: Int) throws(OwnPageError) {
        let value = attribute.value.drop { $0 == " " }.lowercased()
        if value.hasPrefix("javascript:") {
            throw OwnPageError(.refused, line: line, "javascript: would not run: put it into a <script>")
        }
        let loads =
            OwnPageCheck.loadingAttributes.contains(attribute.name)
            || attribute.name == "href" && ["link", "image", "use", "feimage"].contains(piece.element)
        guard loads else { return }
        if piece.element == "script" {
            throw OwnPageError(.refused, line: line, "a script is written into the page: <script>…</script>")
        }
        guard value.hasPrefix("data:") || value.hasPrefix("#") else {
            let way = "it is one answer: use {{{logo}}} or a data: URL, and a <style> for a style sheet"
            throw OwnPageError(.refused, line: line, "the page would load \(attribute.value.prefix(80)); \(way)")
        }
    }

    private func check(raw piece: Markup) throws(OwnPageError) {
        guard piece.element == "style" else { return }
        let style = text[piece.range]
        if let place = style.firstRange(of: Array("@import".utf8)) {
            throw OwnPageError(.refused, line: line(place.lowerBound), "the page would load a style sheet (@import)")
        }
        var rest = style
        while let found = rest.firstRange(of: Array("url(".utf8)) {
            rest = rest[found.upperBound...]
            let address = rest.drop { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "'") || $0 == 0x20 }
            guard address.starts(with: "data:".utf8) || address.starts(with: "#".utf8) else {
                throw OwnPageError(.refused, line: line(found.lowerBound), "url() of a style is a data: URL here")
            }
        }
    }
}
