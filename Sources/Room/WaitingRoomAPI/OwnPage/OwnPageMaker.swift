// SPDX-License-Identifier: Apache-2.0
//
// From a rendered page of the operator's own to the text of a PageTemplate: marks become gaps, the parts that every
// page needs are put in, and what may run and be shown is noted for its hashes.

struct OwnPageMaker {
    /// What comes directly behind `<head>`, before `</body>`, and into the tag of `<html>`.
    let head: String
    let foot: String
    let attributes: String

    private(set) var text = ""
    /// What stands in scripts, styles and `style` attributes: the policy allows these and no others.
    private(set) var scripts: [String] = []
    private(set) var styles: [String] = []
    private(set) var styleAttributes: [String] = []

    init(_ rendered: String, head: String, foot: String, attributes: String) {
        (self.head, self.foot, self.attributes) = (head, foot, attributes)
        let bytes = Array(rendered.utf8)
        let markup = Markup.read(bytes)
        let end = markup.lastIndex { $0.kind == .endTag && $0.element == "body" }
        var script: Markup?
        for (index, piece) in markup.enumerated() {
            let own = String(decoding: bytes[piece.range], as: UTF8.self)
            if index == end { text += foot }
            switch piece.kind {
            case .comment where piece.range.lowerBound > 0 && own.hasPrefix("<!--"): continue
            case .comment, .endTag: text += own
            case .text: text += OwnPageMaker.filled(text: own)
            case .raw: add(raw: own, piece.element, script)
            case .tag:
                script = piece
                let next = index + 1 < markup.count ? markup[index + 1] : piece
                let readsWait = next.kind == .raw && bytes[next.range].contains(0xee) && piece.element == "script"
                add(tag: readsWait ? own.dropLast() + " data-again>" : own, piece)
            }
        }
    }

    private mutating func add(tag own: String, _ piece: Markup) {
        if let style = piece.value("style") { styleAttributes.append(style) }
        switch piece.element {
        case "html":
            let language = piece.value("lang") == nil ? #" lang="{{LANGUAGE}}" dir="{{DIRECTION}}""# : ""
            text += "<html\(language)\(attributes)\(OwnPageMaker.filled(attribute: String(own.dropFirst(5))))"
        case "head": text += "<head>\n\(head)"
        // The page loads itself again where no script runs, and only there.
        case "meta" where piece.value("http-equiv")?.lowercased() == "refresh": return
        default: text += OwnPageMaker.filled(attribute: own)
        }
    }

    private mutating func add(raw own: String, _ element: String, _ tag: Markup?) {
        let type = tag?.value("type")?.lowercased() ?? ""
        let runs = type.isEmpty || type == "module" || type.hasSuffix("/javascript")
        switch element {
        case "script" where runs:
            let filled = OwnPageMaker.filled(script: own)
            // It runs again when the wait has changed: in a block, so that it may declare its constants again.
            let script = filled == own || type == "module" ? filled : "{\(filled)}"
            scripts.append(script)
            text += script
        case "style":
            styles.append(own)
            text += own
        default: text += OwnPageMaker.filled(attribute: own)
        }
    }

    // MARK: - Marks

    /// A value is an element that the script can write into. A section stands between two templates; where it is not
    /// shown, it stands in the first one.
    private static func filled(text: String) -> String {
        OwnPageMark.replacing(text) { kind, name in
            switch kind {
            case "@": "<span data-wait=\"\(name)\">{{@\(name)}}</span>"
            case "+": "<template data-if=\"\(name)\">{{+\(name)}}"
            default: "{{-\(name)}}<template data-end></template>"
            }
        }
    }

    private static func filled(attribute text: String) -> String {
        OwnPageMark.replacing(text) { kind, name in kind == "@" ? "{{@\(name)}}" : "" }
    }

    /// A script is the same for all visitors, so that its hash is: it reads the value from an object that the page has.
    private static func filled(script: String) -> String {
        script.split(separator: "\n", omittingEmptySubsequences: false).map(scriptLine).joined(separator: "\n")
    }

    private static func scriptLine(_ line: Substring) -> String {
        var (out, quote, isEscaped) = ("", Character?.none, false)
        var rest = line
        while let character = rest.first {
            rest = rest.dropFirst()
            if character == OwnPageMark.open, let end = rest.firstIndex(of: OwnPageMark.close) {
                let value = "cfWaitingRoom.\(rest[..<end].dropFirst())"
                rest = rest[rest.index(after: end)...]
                switch quote {
                case nil: out += value
                case "`": out += "${\(value)}"
                case let mark?: out += "\(mark) + \(value) + \(mark)"
                }
                continue
            }
            out.append(character)
            if isEscaped {
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if let open = quote {
                if character == open { quote = nil }
            } else if "\"'`".contains(character) {
                quote = character
            }
        }
        return out
    }
}
