// SPDX-License-Identifier: Apache-2.0
//
// How the gate's page deals with a form that was sent. A form of the own site goes on by itself once its sender is in.
// So does one of another site, but not without being asked: what the page sends counts as the own site's, and brings
// the cookies that the browser has kept back from the other site (SameSite=Lax), as if the visitor had sent the form
// here. Only where the room says that other sites send people back (`returns`: a bank, an identity provider) it is
// sent at once. Both come before a number is taken: with the cookies the visitor may have a pass, or a place.

internal import Admission
internal import GatewayWire

/// A form at the gate, and how its page goes on with it.
struct FormKeeper {
    enum Manner: String {
        /// It is sent again when the visitor is in.
        case kept
        /// It is sent again at once, so that the visitor's cookies come with it.
        case bounce
        /// The visitor decides whether it is sent again.
        case ask
        /// The visitor goes back, and sends it again.
        case lost
    }

    private let type: [UInt8]
    private let body: ArraySlice<UInt8>
    private let isOwn: Bool
    private let isReturn: Bool
    /// The site that has sent it, for its name to be shown.
    private let sender: String

    /// Nil for a request that is no form.
    init?(_ request: GatewayRequest, _ web: WebRules) {
        guard request[.method].spells("POST") else { return nil }
        type = Array(request[.contentType])
        body = request.body
        isOwn = request.isFromOwnOrigin || request.hasListedOrigin(web)
        let path = String(decoding: request[.path], as: UTF8.self)
        isReturn = web.leadsBack(to: path)
        let origin = String(decoding: request[.origin], as: UTF8.self)
        sender = origin.firstRange(of: "://").map { String(origin[$0.upperBound...]) } ?? ""
    }

    /// The form for the page.
    /// - Parameter isForeign: whether another site has sent it, so that the visitor's cookies have not come with it.
    func section(_ words: any Sentences.Type, isForeign: Bool) -> Section {
        let sent = SentForm(type: type, body: body)
        switch sent.content {
        case .lost(let text): return Section(manner: .lost, html: FormKeeper.lost(text, words))
        case .fields(let fields, let encoding): return section(words, fields, encoding, isForeign: isForeign)
        }
    }

    private func section(
        _ words: any Sentences.Type,
        _ fields: [SentForm.Field],
        _ encoding: SentForm.Encoding,
        isForeign: Bool
    ) -> Section {
        let manner: Manner = isForeign && isReturn ? .bounce : isOwn || isReturn ? .kept : .ask
        var note = words.formKept
        if manner != .kept {
            let name = sender.isEmpty ? words.formOtherSite : "\u{2068}\(HTML.escaped(sender))\u{2069}"
            note = words.formFrom.replacing("{}", with: name)
        }
        var html =
            "<p>\(note)</p>\n<form id=\"sent\" method=\"post\" enctype=\"\(encoding.rawValue)\""
            + " accept-charset=\"utf-8\">"
        for field in fields {
            let value = field.isEmptyFile ? "" : " value=\"\(HTML.escaped(field.value))\""
            html +=
                "<input type=\"\(field.isEmptyFile ? "file" : "hidden")\" name=\"\(HTML.escaped(field.name))\""
                + "\(value)\(field.isEmptyFile ? " hidden" : "")>"
        }
        if manner != .kept { html += "<button class=\"first\">\(words.formSend)</button>" }
        return Section(manner: manner, html: html + "</form>\n")
    }

    /// What stands in the page for a form.
    struct Section {
        let manner: Manner
        let html: String
    }

    private static func lost(_ text: String?, _ words: any Sentences.Type) -> String {
        var html =
            "<p id=\"lost\" data-in=\"\(HTML.escaped(words.formBack))\" "
            + "data-copied=\"\(HTML.escaped(words.formCopied))\">"
            + "\(words.formLost)</p>\n"
        if let text {
            html +=
                "<textarea id=\"copy-text\" readonly rows=\"4\" aria-label=\"\(HTML.escaped(words.formText))\">\n"
                + "\(HTML.escaped(text))</textarea>\n"
                + "<button id=\"copy\" type=\"button\" hidden>\(words.formCopy)</button>\n"
        }
        return html + "<button id=\"back\" type=\"button\" class=\"first\" hidden>\(words.formGoBack)</button>\n"
    }
}

extension GatewayRequest {
    /// Whether a page of the very same origin has sent this, or no page at all.
    fileprivate var isFromOwnOrigin: Bool {
        let site = self[.fetchSite]
        return site.isEmpty ? !isCrossSite : site.spells("same-origin") || site.spells("none")
    }
}
