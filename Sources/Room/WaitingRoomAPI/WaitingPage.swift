// SPDX-License-Identifier: Apache-2.0
//
// The page people wait on: one file, no assets, filled in for a room and a language. With JavaScript it joins, polls
// and enters by itself; without, it loads itself again (NoScript.swift).

internal import GatewayWire

enum WaitingPage {
    /// What the page does first. Its script cannot know: the ticket cookie is HttpOnly.
    enum FirstStep: String {
        case join
        case poll
    }

    /// What differs from visitor to visitor.
    struct Content {
        var room: String
        var firstStep: FirstStep
        /// People ahead plus one, where the gate knows it.
        var position: Int?
        /// Why the visitor may not join.
        var refusal: Joiner.Refusal?
        var noScript: NoScript.Refresh
    }

    static func response(_ content: Content, language: Language) -> GatewayResponse {
        let (template, words) = language == .korean ? (korean, Words.korean) : (english, Words.english)
        let body = template.filled { slot in
            switch slot {
            case .room: content.room
            case .step: content.firstStep.rawValue
            case .heading: words.heading(content.refusal)
            case .hidden: content.refusal == nil ? "" : " hidden"
            case .message: content.refusal.map { words.sentence($0) } ?? ""
            case .position: content.position.map { grouped($0) } ?? "–"
            case .refresh: content.noScript.metaElement
            case .noScript: content.noScript.paragraphs(language, position: content.position)
            }
        }
        var response = GatewayResponse(status: 200, contentType: "text/html; charset=utf-8", body: body)
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

    private static let english = Template([
        ("LANGUAGE", "en"),
        ("TITLE", Words.english.title),
        ("EXPLANATION", "Many people are here right now. Keep this page open: you will be let in automatically."),
        ("POSITION_LABEL", "Your position"),
        ("WAIT_LABEL", "Estimated wait"),
        ("LEAVE", "Leave the queue"),
        ("REJOIN", "Join again"),
        (
            "STRINGS",
            """
            {"title":"\(Words.english.title)","heading":"\(Words.english.queued)","updated":"Updated",\
            "enqueueMissing":"\(Words.english.tokenMissing)","enqueueInvalid":"\(Words.english.tokenInvalid)",\
            "paused":"\(String(describing: WaitMessage.paused.english))",\
            "degraded":"The position may be a little old. Your place is kept.",\
            "trouble":"Connection trouble. Your place is kept, trying again…",\
            "expired":"Your place has expired. Please join again.","left":"You have left the queue.",\
            "unreachable":"The queue cannot be reached just now. Trying again…",\
            "closed":"The waiting room is closed at the moment. This page tries again by itself.",\
            "full":"The queue is full right now. This page tries again by itself.",\
            "preparing":"Preparing your place…",\
            "cookies":"Please allow cookies for this site, then join again: your place is kept in one."}
            """
        ),
    ])

    private static let korean = Template([
        ("LANGUAGE", "ko"),
        ("TITLE", Words.korean.title),
        ("EXPLANATION", "지금 접속자가 많습니다. 이 페이지를 열어 두시면 차례가 되었을 때 자동으로 이동합니다."),
        ("POSITION_LABEL", "내 순서"),
        ("WAIT_LABEL", "예상 대기 시간"),
        ("LEAVE", "대기열에서 나가기"),
        ("REJOIN", "다시 참여하기"),
        (
            "STRINGS",
            """
            {"title":"\(Words.korean.title)","heading":"\(Words.korean.queued)","updated":"업데이트",\
            "enqueueMissing":"\(Words.korean.tokenMissing)","enqueueInvalid":"\(Words.korean.tokenInvalid)",\
            "paused":"\(String(describing: WaitMessage.paused.korean))",\
            "degraded":"순서가 조금 늦게 표시될 수 있습니다. 순서는 유지됩니다.",\
            "trouble":"연결이 원활하지 않습니다. 순서는 유지되며 다시 시도합니다…",\
            "expired":"대기 순서가 만료되었습니다. 다시 참여해 주세요.","left":"대기열에서 나갔습니다.",\
            "unreachable":"대기열에 연결할 수 없습니다. 다시 시도합니다…",\
            "closed":"지금은 대기실이 닫혀 있습니다. 자동으로 다시 시도합니다.",\
            "full":"지금은 대기열이 가득 찼습니다. 자동으로 다시 시도합니다.",\
            "preparing":"순서를 준비하고 있습니다…",\
            "cookies":"이 사이트의 쿠키를 허용한 뒤 다시 참여해 주세요. 순서는 쿠키에 보관됩니다."}
            """
        ),
    ])
}

/// What both the page and its script say.
private struct Words {
    let title: String
    let queued: String
    let tokenMissing: String
    let tokenInvalid: String

    func heading(_ refusal: Joiner.Refusal?) -> String { refusal == nil ? queued : title }

    func sentence(_ refusal: Joiner.Refusal) -> String {
        switch refusal {
        case .missing: tokenMissing
        case .malformed, .invalid: tokenInvalid
        }
    }

    static let english = Words(
        title: "Waiting room",
        queued: "You are in the queue",
        tokenMissing: "There is one place for each person here: sign in on this site, then open this page again.",
        tokenInvalid: "Your sign-in no longer counts here: sign in on this site again, then open this page again."
    )

    static let korean = Words(
        title: "대기실",
        queued: "대기 중입니다",
        tokenMissing: "한 사람당 한 자리입니다. 이 사이트에 로그인한 뒤 이 페이지를 다시 열어 주세요.",
        tokenInvalid: "로그인 확인이 만료되었습니다. 이 사이트에 다시 로그인한 뒤 이 페이지를 다시 열어 주세요."
    )
}

/// The page in one language, cut where something of the visitor's goes in.
private struct Template {
    enum Slot: String, CaseIterable {
        case room = "{{ROOM}}"
        case step = "{{STEP}}"
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
