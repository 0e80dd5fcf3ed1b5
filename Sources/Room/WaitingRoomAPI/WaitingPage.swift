// SPDX-License-Identifier: Apache-2.0
//
// The page people wait on: one file, no assets, filled in for a room and a language. With JavaScript it joins, polls
// and enters by itself; without, it loads itself again (NoScript.swift).

internal import GatewayWire
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
        /// Why the visitor may not join.
        var refusal: Joiner.Refusal?
        /// nginx's verdict on the pass that came; nil when none did.
        var refused: String?
        var noScript: NoScript.Refresh
    }

    static func response(_ content: Content, language: Language, status: Int) -> GatewayResponse {
        let (template, words) = (language == .korean ? korean : english, language.sentences)
        let body = template.filled { slot in
            switch slot {
            case .room: content.room
            case .api: String(decoding: content.api, as: UTF8.self)
            case .step: content.firstStep.rawValue
            case .refused: content.refused.map(word) ?? ""
            case .heading: content.refusal == nil ? words.queued : words.title
            case .hidden: content.refusal == nil ? "" : " hidden"
            case .message: content.refusal.map { sentence($0, words) } ?? ""
            case .position: content.position.map { grouped($0) } ?? "–"
            case .refresh: content.noScript.metaElement
            case .noScript: content.noScript.paragraph(words, position: content.position)
            }
        }
        var response = GatewayResponse(status: status, contentType: "text/html; charset=utf-8", body: body)
        response.isUncacheable = true
        response.addHeader("Vary", "Accept-Language, Cookie")
        response.addHeader("Referrer-Policy", "same-origin")
        // The page is one file: it may talk to its own server and load nothing else.
        response.addHeader(
            "Content-Security-Policy",
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
                + "img-src data:; base-uri 'none'; form-action 'none'"
        )
        return response
    }

    /// A verdict as it may stand in an attribute: the room in it is not for the visitor.
    private static func word(_ verdict: String) -> String {
        verdict.hasPrefix(VerdictWord.okPrefix)
            ? VerdictWord.foreign : verdict.filter { $0.isASCII && $0.isLetter || $0 == "-" }
    }

    /// Digits in threes, as the page's script writes them in both languages.
    private static func grouped(_ number: Int) -> String {
        var digits = String(number)
        var at = digits.endIndex
        while digits.distance(from: digits.startIndex, to: at) > 3 {
            at = digits.index(at, offsetBy: -3)
            digits.insert(",", at: at)
        }
        return digits
    }

    private static func sentence(_ refusal: Joiner.Refusal, _ words: any Sentences.Type) -> String {
        switch refusal {
        case .missing: words.tokenMissing
        case .malformed, .invalid: words.tokenInvalid
        }
    }

    private static let english = template(EnglishSentences.self)
    private static let korean = template(KoreanSentences.self)

    private static func template(_ words: any Sentences.Type) -> Template {
        // What the script of the page says.
        let strings: [(String, String)] = [
            ("title", words.title), ("heading", words.queued), ("updated", words.updated),
            ("enqueueMissing", words.tokenMissing), ("enqueueInvalid", words.tokenInvalid),
            ("paused", "\(words.paused)"), ("degraded", words.degraded), ("trouble", words.trouble),
            ("expired", "\(words.expired)"), ("left", "\(words.left)"), ("unreachable", words.unreachable),
            ("closed", words.closed), ("full", words.full), ("preparing", words.preparing), ("cookies", words.cookies),
            ("refused", words.refused),
        ]
        return Template([
            ("LANGUAGE", words.tag), ("TITLE", words.title), ("EXPLANATION", words.explanation),
            ("POSITION_LABEL", words.positionLabel), ("WAIT_LABEL", words.waitLabel), ("LEAVE", words.leave),
            ("REJOIN", words.rejoin),
            ("STRINGS", JSONValue.members(strings.map { ($0.0, .string($0.1)) }).text),
        ])
    }
}

/// The page in one language, cut where something of the visitor's goes in.
private struct Template {
    enum Slot: String, CaseIterable {
        case room = "{{ROOM}}"
        case api = "{{API}}"
        case step = "{{STEP}}"
        case refused = "{{REFUSED}}"
        case heading = "{{HEADING}}"
        case hidden = "{{HIDDEN}}"
        case message = "{{MESSAGE}}"
        case position = "{{POSITION}}"
        case refresh = "{{REFRESH}}"
        case noScript = "{{NOSCRIPT}}"
    }

    /// Each piece is followed by its slot; the last by none.
    private let pieces: [(bytes: [UInt8], slot: Slot?)]
    private let length: Int

    init(_ texts: [(name: String, value: String)]) {
        var page = String(decoding: PackageResources.waiting_html, as: UTF8.self)[...]
        var pieces: [(bytes: [UInt8], slot: Slot?)] = []
        var piece: [UInt8] = []
        while let start = page.firstRange(of: "{{"), let end = page[start.upperBound...].firstRange(of: "}}") {
            piece += page[..<start.lowerBound].utf8
            let name = page[start.upperBound..<end.lowerBound]
            if let text = texts.first(where: { $0.name == name }) {
                piece += text.value.utf8
            } else {
                pieces.append((piece, Slot(rawValue: "{{\(name)}}")))
                piece = []
            }
            page = page[end.upperBound...]
        }
        piece += page.utf8
        pieces.append((piece, nil))
        self.pieces = pieces
        self.length = pieces.reduce(0) { $0 + $1.bytes.count }
    }

    func filled(_ value: (Slot) -> String) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(length + 1024)
        for piece in pieces {
            out += piece.bytes
            if let slot = piece.slot { out += value(slot).utf8 }
        }
        return out
    }
}
