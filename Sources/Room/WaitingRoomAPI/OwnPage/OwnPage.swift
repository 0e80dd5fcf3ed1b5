// SPDX-License-Identifier: Apache-2.0
//
// A page of the operator's own: HTML with Mustache in a room's folder. It is read and made once for each language, as
// the standard page is; what differs from visitor to visitor stays a gap in it. Its variables: deploy/README.md.

internal import Admission
internal import Mustache
internal import StrictJSON

/// A template that has everything a visitor needs, and nothing that its policy would not let run.
package struct OwnPage {
    /// Parts of the standard page that a template places, each once, with three braces.
    static let parts = ["languages", "place", "status", "form", "actions", "noscript"]
    /// Those that no visitor can do without.
    static let needed = ["status", "form", "actions", "noscript"]
    /// All of them in one.
    static let whole = "vestibule"
    /// Sentences of the language, and the logo.
    static let texts = [
        "title", "heading", "explanation", "positionLabel", "waitLabel", "language", "direction", "room", "logo",
    ]
    /// Always 0: a section of it is never shown.
    static let percentiles: Set<String> = ["waitTime25Percentile", "waitTime50Percentile", "waitTime75Percentile"]

    static let names = Set(parts + [whole] + texts).union(WaitFields.changing).union(WaitFields.constant.map(\.name))

    private let template: MustacheTemplate
    /// Whether the template places the parts itself.
    let placesParts: Bool
    /// Whether it has a heading of the first level.
    let hasHeading: Bool

    /// - Throws: what is wrong with it, with its line.
    package init(_ source: String) throws(OwnPageError) {
        guard source.utf8.count <= PageBrand.pageByteCountMax else {
            throw OwnPageError(.tooLarge, line: 1, "the page has more than \(PageBrand.pageByteCountMax) bytes")
        }
        // As a browser reads the ends of lines before it takes the hash of a script.
        let text = Array(source.replacing("\r\n", with: "\n").replacing("\r", with: "\n").utf8)
        let tags = try MustacheTags.read(text)
        let markup = Markup.read(text)
        try OwnPageCheck(text: text, markup: markup, tags: tags).run()
        placesParts = tags.contains { OwnPage.needed.contains($0.name) || $0.name == OwnPage.whole }
        hasHeading = markup.contains { $0.kind == .tag && $0.element == "h1" }
        let renamed = MustacheTags.renamed(text, tags, later: WaitFields.changing, never: OwnPage.percentiles)
        do {
            template = try MustacheTemplate(string: renamed)
        } catch let error as MustacheTemplate.ParserError {
            throw OwnPageError(.syntax, line: error.context.lineNumber, "\(error.error)")
        } catch {
            throw OwnPageError(.syntax, line: 1, "\(error)")
        }
    }

    /// The page with marks where the wait comes (OwnPageMark).
    /// - Parameter values: for ``texts`` and the parts.
    func rendered(_ values: [String: String]) -> String {
        var context: [String: Any] = values
        for (name, value) in WaitFields.constant {
            switch value {
            case .bool(let flag): context[name] = flag
            case .integer(let number): context[name] = number
            case .string(let text) where !text.isEmpty: context[name] = text
            default: break
            }
        }
        for name in WaitFields.changing {
            context[name] = OwnPageMark.value(name)
            for condition in ["if", "not"] {
                let isInverted = condition == "not"
                context["\(condition)-\(name)"] = MustacheLambda { inside in
                    OwnPageMark.begin(name, isInverted) + inside + OwnPageMark.end(name, isInverted)
                }
            }
        }
        return template.render(context)
    }
}

/// Where in a rendered page something of a visitor's wait comes: a word between two characters of the private use area,
/// which no template may have.
enum OwnPageMark {
    static let open: Character = "\u{E000}"
    static let close: Character = "\u{E001}"

    static func value(_ name: String) -> String { "\(open)@\(name)\(close)" }
    static func begin(_ name: String, _ isInverted: Bool) -> String {
        "\(open)+\(isInverted ? "!" : "")\(name)\(close)"
    }
    static func end(_ name: String, _ isInverted: Bool) -> String { "\(open)-\(isInverted ? "!" : "")\(name)\(close)" }

    /// The text with each mark replaced.
    static func replacing(_ text: String, _ replacement: (_ kind: Character, _ name: Substring) -> String) -> String {
        var (out, rest) = ("", text[...])
        while let start = rest.firstIndex(of: open), let end = rest[start...].firstIndex(of: close) {
            let word = rest[rest.index(after: start)..<end]
            out += rest[..<start]
            if let kind = word.first { out += replacement(kind, word.dropFirst()) }
            rest = rest[rest.index(after: end)...]
        }
        return out + rest
    }
}
