// SPDX-License-Identifier: Apache-2.0
//
// The page people wait on: one answer, no assets, filled in for a room and a language. With JavaScript it joins, polls
// and enters by itself; without, it loads itself again (NoScript.swift). Its parts: Page.

internal import Admission
internal import Crypto
internal import GatewayWire
internal import Passes
internal import StrictJSON

enum WaitingPage {
    /// What the page does first. Its script cannot know: the ticket cookie is HttpOnly.
    enum FirstStep: String {
        case join
        case poll
        /// The ticket may not have come with this request: poll, and join when there is none.
        case find
    }

    /// What differs from visitor to visitor.
    struct Content {
        var room: String
        /// Where the API is: a path without a slash at its end.
        var api: [UInt8]
        var firstStep: FirstStep
        /// People ahead plus one, where the gate knows it.
        var position: Int?
        /// For how long the place is kept for a visitor who closes the page, in seconds.
        var keptSeconds: Int
        /// Why the visitor may not join.
        var refusal: Joiner.Refusal?
        /// nginx's verdict on the pass that came; nil when none did.
        var refused: String?
        /// The form that was sent; nil when none was.
        var form: FormKeeper.Section?
        var noScript: NoScript.Refresh
        /// For a page of the operator's own.
        var wait: WaitFields?

        fileprivate var showsPlace: Bool { refusal == nil && form?.manner != .bounce && form?.manner != .ask }
        fileprivate var sendsForm: Bool { form.map { $0.manner != .lost } ?? false }
    }

    /// - Parameters:
    ///   - template: the page in that language.
    ///   - isZipped: as a gzip stream, for a client that takes one.
    static func response(
        _ content: Content,
        _ template: PageTemplate,
        language: Language,
        status: Int,
        isZipped: Bool
    ) -> GatewayResponse {
        let words = language.sentences
        func value(_ slot: PageTemplate.Slot) -> String {
            switch slot {
            case .room: content.room
            case .api: String(decoding: content.api, as: UTF8.self)
            case .step: content.firstStep.rawValue
            case .refused: content.refused ?? ""
            case .heading: content.showsPlace ? template.headings.queued : template.headings.title
            case .hidden: content.showsPlace ? "" : " hidden"
            case .message: content.refusal.map { sentence($0, words) } ?? ""
            case .position: content.position.map { String($0) } ?? "–"
            case .kept: String(content.keptSeconds)
            case .manner: content.form?.manner.rawValue ?? ""
            case .form: content.form?.html ?? ""
            case .refresh: content.noScript.metaElement
            case .noScript: content.noScript.paragraph(words, position: content.position)
            case .wait: content.wait?.json.text ?? "{}"
            }
        }
        let body = isZipped ? template.zipped(value, wait: content.wait) : template.filled(value, wait: content.wait)
        var response = GatewayResponse(status: status, contentType: "text/html; charset=utf-8", body: body)
        if isZipped { response.addHeader("Content-Encoding", "gzip") }
        response.isUncacheable = true
        response.addHeader("Vary", "Accept-Encoding, Accept-Language, Cookie")
        response.addHeader("Referrer-Policy", "same-origin")
        response.addHeader("Content-Security-Policy", template.securityPolicy + (content.sendsForm ? "" : noFormPolicy))
        return response
    }

    private static func sentence(_ refusal: Joiner.Refusal, _ words: any Sentences.Type) -> String {
        switch refusal {
        case .missing: words.tokenMissing
        case .malformed, .invalid: words.tokenInvalid
        }
    }

    /// Decides whether the rest runs. Before everything that it decides about.
    static let start = bare(PackageResources.start_js)
    private static let style = bare(PackageResources.waiting_css)

    /// The parts share one scope: they are one program, cut by what they are about.
    private static let script = program([])

    /// - Parameter more: what stands before the journey begins.
    static func program(_ more: [[UInt8]]) -> String {
        let parts = [
            PackageResources.client_js, PackageResources.view_js, PackageResources.board_js, PackageResources.proof_js,
        ]
        let all = parts + more + [PackageResources.journey_js]
        return "'use strict';\n(function () {\n\(all.map(bare).joined())}());\n"
    }

    /// A file without what only its readers need: indents, and comments in lines of their own.
    static func bare(_ file: [UInt8]) -> String {
        String(decoding: file, as: UTF8.self).split(separator: "\n").map { $0.drop { $0 == " " } }
            .filter { !$0.hasPrefix("//") && !$0.hasPrefix("<!--") }.map { $0 + "\n" }.joined()
    }

    /// The page is one answer: it may talk to its own server and load nothing else, and nothing runs in it but its own
    /// scripts, whatever a visitor's address or a site puts into it.
    /// - Parameter styleAttributes: what stands in `style` attributes.
    static func securityPolicy(styles: [String], scripts: [String], styleAttributes: [String] = []) -> String {
        func hashes(_ texts: [String]) -> String {
            texts.map { "'sha256-\(Base64URL.encodeStandard(Array(SHA256.hash(data: Array($0.utf8)))))'" }
                .joined(separator: " ")
        }
        let attributes =
            styleAttributes.isEmpty ? "" : "style-src-attr 'unsafe-hashes' \(hashes(styleAttributes)); "
        return "default-src 'none'; style-src \(hashes(styles)); \(attributes)script-src \(hashes(scripts)); "
            + "connect-src 'self'; img-src data:; base-uri 'none'"
    }

    /// Where there is a form to be sent again, nothing is said of it: Chromium holds the addresses to which the backend
    /// leads on after the form to this, too, such as a payment provider's. The form has no address but the page's own.
    private static let noFormPolicy = "; form-action 'none'"

    /// The page in a language, but for what differs from visitor to visitor. Making it takes a millisecond or two, most
    /// of it to compress: see ``APIContext/pageTemplate(_:)``.
    /// - Parameters:
    ///   - brand: what the room's operator has changed of it.
    ///   - own: the operator's own HTML.
    static func template(_ language: Language, _ brand: PageBrand? = nil, _ own: OwnPage? = nil) -> PageTemplate {
        if let brand, let own { return template(language, brand, of: own) }
        let style = style + colours(brand)
        let page = bare(PackageResources.waiting_html)
        var template = PageTemplate(
            page,
            texts(language, brand) + [("STYLE", style), ("START", start), ("SCRIPT", script)]
        )
        template.securityPolicy = securityPolicy(styles: [style], scripts: [start, script])
        template.headings = headings(language, brand)
        return template
    }

    static func sentence(_ name: String, _ standard: String, _ language: Language, _ brand: PageBrand?) -> String {
        brand?.text(name, language.sentences.tag) ?? standard
    }

    static func headings(_ language: Language, _ brand: PageBrand?) -> (queued: String, title: String) {
        let words = language.sentences
        return (
            HTML.escaped(sentence("queued", words.queued, language, brand)),
            HTML.escaped(sentence("title", words.title, language, brand))
        )
    }

    /// What stands for the names in the page, but for style and scripts.
    static func texts(_ language: Language, _ brand: PageBrand?) -> [(name: String, value: String)] {
        let words = language.sentences
        func own(_ name: String, _ standard: String) -> String {
            HTML.escaped(sentence(name, standard, language, brand))
        }
        let languages = Language.allCases.map { other in
            let (tag, name) = (other.sentences.tag, other.sentences.name)
            return #"<option value="\#(tag)" lang="\#(tag)">\#(name)</option>"#
        }
        return [
            ("LANGUAGE", words.tag), ("DIRECTION", language.isRightToLeft ? "rtl" : "ltr"),
            ("TITLE", own("title", words.title)), ("LANGUAGES", languages.joined()),
            ("LANGUAGE_LABEL", words.languageLabel), ("LOGO", logo(brand)),
            ("EXPLANATION", own("explanation", words.explanation)),
            ("POSITION_LABEL", own("positionLabel", words.positionLabel)),
            ("WAIT_LABEL", own("waitLabel", words.waitLabel)), ("PROGRESS_LABEL", words.progressLabel),
            ("ENTER", own("enter", words.enter)), ("LEAVE", own("leave", words.leave)),
            ("LEAVE_QUESTION", words.leaveQuestion), ("STAY", words.stay), ("NOTIFY", own("notify", words.notify)),
            ("REJOIN", own("rejoin", words.rejoin)), ("RECORD", words.drawRecord),
            ("STRINGS", strings(language, brand)),
        ]
    }

    /// What the script of the page says, as JSON.
    private static func strings(_ language: Language, _ brand: PageBrand?) -> String {
        let words = language.sentences
        let strings: [(String, String)] = [
            ("title", sentence("title", words.title, language, brand)),
            ("heading", sentence("queued", words.queued, language, brand)), ("updated", words.updated),
            ("enqueueMissing", words.tokenMissing), ("enqueueInvalid", words.tokenInvalid),
            ("paused", "\(words.paused)"), ("degraded", words.degraded), ("trouble", words.trouble),
            ("expired", "\(words.expired)"), ("left", "\(words.left)"), ("unreachable", words.unreachable),
            ("closed", words.closed), ("full", words.full), ("limited", words.limited), ("preparing", words.preparing),
            ("cookies", words.cookies),
            ("ready", "\(words.ready)"), ("about", words.about), ("lessThan", words.lessThan), ("kept", words.kept),
            ("opensIn", words.opensIn), ("enterIn", words.enterIn), ("drawn", words.drawn),
            ("returned", words.returned), ("rings", words.rings), ("refused", words.refused),
        ]
        return JSONValue.members(strings.map { ($0.0, .string($0.1)) }).text
    }

    /// After the page's own style, whose colours it replaces.
    private static func colours(_ brand: PageBrand?) -> String {
        let light = brand?.accent.map { ":root { --accent: \($0); }\n" } ?? ""
        let dark = brand?.darkAccent.map {
            "@media (prefers-color-scheme: dark) { :root { --accent: \($0); } }\n"
        }
        // Without a colour of its own for the dark the page has there what it always has.
        let standard = light.isEmpty ? "" : "@media (prefers-color-scheme: dark) { :root { --accent: #8ab4ff; } }\n"
        return light + (dark ?? standard)
    }

    static func logo(_ brand: PageBrand?) -> String {
        guard let brand, !brand.logo.isEmpty else { return "" }
        return "<img id=\"logo\" src=\"\(brand.logo)\" alt=\"\(HTML.escaped(brand.logoText))\">\n"
    }
}
