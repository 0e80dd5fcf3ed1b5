// SPDX-License-Identifier: Apache-2.0
//
// The waiting page from a template of the operator's own: the standard page's parts, script and answers in another
// frame.

internal import Admission

extension WaitingPage {
    /// The page in a language, but for what differs from visitor to visitor.
    static func template(_ language: Language, _ brand: PageBrand, of own: OwnPage) -> PageTemplate {
        let words = language.sentences
        let (start, script) = (ownStart, ownScript)
        var values = parts
        values["place"]?.replace(" aria-labelledby=\"heading\"", with: " aria-label=\"{{TITLE}}\"")
        values["vestibule"] = section(["languages", "HEADING", "place"] + OwnPage.needed, hasHeading: own.hasHeading)
        for (name, standard) in [
            ("title", words.title), ("explanation", words.explanation), ("positionLabel", words.positionLabel),
            ("waitLabel", words.waitLabel),
        ] {
            values[name] = sentence(name, standard, language, brand)
        }
        values["heading"] = "{{HEADING}}"
        values["room"] = "{{ROOM}}"
        values["language"] = words.tag
        values["direction"] = language.isRightToLeft ? "rtl" : "ltr"
        values["logo"] = logo(brand)
        let page = OwnPageMaker(
            own.rendered(values),
            head: ownHead,
            foot: (own.placesParts ? "" : section(OwnPage.needed, hasHeading: true)) + (parts["foot"] ?? ""),
            attributes: attributes
        )
        let texts = texts(language, brand) + [("STYLE", ownStyle), ("START", start), ("SCRIPT", script)]
        var template = PageTemplate(page.text, texts)
        template.securityPolicy = securityPolicy(
            styles: [ownStyle] + page.styles,
            scripts: [start, script] + page.scripts,
            styleAttributes: page.styleAttributes
        )
        template.headings = headings(language, brand)
        return template
    }

    /// What the standard page calls its parts, each cut out of it.
    private static let parts: [String: String] = {
        var (found, name) = ([String: String](), "")
        for line in String(decoding: PackageResources.waiting_html, as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.starts(with: ["<!--", "part:"]) {
                name = words[2] == "-->" ? "" : String(words[2])
            } else if !name.isEmpty {
                found[name, default: ""] += line.drop { $0 == " " } + "\n"
            }
        }
        return found
    }()

    /// What the standard page has in the tag of its `main`, for `html`.
    private static let attributes: String = {
        let page = bare(PackageResources.waiting_html)
        guard let start = page.firstRange(of: "<main"), let end = page.firstRange(of: " aria-labelledby") else {
            return ""
        }
        return String(page[start.upperBound..<end.lowerBound]) + #" data-language="{{LANGUAGE}}""#
    }()

    private static let ownStyle = bare(PackageResources.own_css)
    private static let ownScript = program([PackageResources.own_js])
    /// Scripts of the page find the wait there from the beginning.
    private static let ownStart =
        "window.cfWaitingRoom = JSON.parse(document.getElementById('wait').textContent);\n" + start

    private static let ownHead = """
        <link rel="icon" id="icon" href="data:,">
        <script type="application/json" id="wait">{{WAIT}}</script>
        <script>{{START}}</script>{{REFRESH}}</template>
        <style>{{STYLE}}</style>

        """

    private static func section(_ names: [String], hasHeading: Bool) -> String {
        let level = hasHeading ? "h2" : "h1"
        let inside = names.map { parts[$0] ?? "<\(level) id=\"heading\">{{HEADING}}</\(level)>\n" }.joined()
        return "<section id=\"vestibule\" lang=\"{{LANGUAGE}}\" dir=\"{{DIRECTION}}\" aria-label=\"{{TITLE}}\">\n"
            + "\(inside)</section>\n"
    }
}
