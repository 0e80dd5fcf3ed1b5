// SPDX-License-Identifier: Apache-2.0
//
// The page people wait on: one file, no assets, filled in for a room and a language.

internal import GatewayWire

enum WaitingPage {
    /// What the page does first. Its script cannot know: the ticket cookie is HttpOnly.
    enum FirstStep: String {
        case join
        case poll
    }

    static func response(room: String, firstStep: FirstStep, language: Language) -> GatewayResponse {
        let page = language == .korean ? korean : english
        let withRoom = replacing("{{ROOM}}", with: room, in: page)
        let body = replacing("{{STEP}}", with: firstStep.rawValue, in: withRoom)
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

    private static let english = filled([
        ("LANGUAGE", "en"),
        ("TITLE", "Waiting room"),
        ("HEADING", "You are in the queue"),
        ("EXPLANATION", "Many people are here right now. Keep this page open: you will be let in automatically."),
        ("POSITION_LABEL", "Your position"),
        ("WAIT_LABEL", "Estimated wait"),
        ("LEAVE", "Leave the queue"),
        ("REJOIN", "Join again"),
        ("NOSCRIPT", "This page needs JavaScript to keep your place. Please turn it on and load the page again."),
        (
            "STRINGS",
            """
            {"title":"Waiting room","updated":"Updated",\
            "degraded":"The position may be a little old. Your place is kept.",\
            "trouble":"Connection trouble. Your place is kept, trying again…",\
            "expired":"Your place has expired. Please join again.","left":"You have left the queue.",\
            "unreachable":"The queue cannot be reached just now. Trying again…",\
            "closed":"The waiting room is closed at the moment. This page tries again by itself.",\
            "full":"The queue is full right now. This page tries again by itself.",\
            "cookies":"Please allow cookies for this site, then join again: your place is kept in one."}
            """
        ),
    ])

    private static let korean = filled([
        ("LANGUAGE", "ko"),
        ("TITLE", "대기실"),
        ("HEADING", "대기 중입니다"),
        ("EXPLANATION", "지금 접속자가 많습니다. 이 페이지를 열어 두시면 차례가 되었을 때 자동으로 이동합니다."),
        ("POSITION_LABEL", "내 순서"),
        ("WAIT_LABEL", "예상 대기 시간"),
        ("LEAVE", "대기열에서 나가기"),
        ("REJOIN", "다시 참여하기"),
        ("NOSCRIPT", "순서를 유지하려면 자바스크립트가 필요합니다. 자바스크립트를 켜고 페이지를 다시 열어 주세요."),
        (
            "STRINGS",
            """
            {"title":"대기실","updated":"업데이트","degraded":"순서가 조금 늦게 표시될 수 있습니다. 순서는 유지됩니다.",\
            "trouble":"연결이 원활하지 않습니다. 순서는 유지되며 다시 시도합니다…",\
            "expired":"대기 순서가 만료되었습니다. 다시 참여해 주세요.","left":"대기열에서 나갔습니다.",\
            "unreachable":"대기열에 연결할 수 없습니다. 다시 시도합니다…",\
            "closed":"지금은 대기실이 닫혀 있습니다. 자동으로 다시 시도합니다.",\
            "full":"지금은 대기열이 가득 찼습니다. 자동으로 다시 시도합니다.",\
            "cookies":"이 사이트의 쿠키를 허용한 뒤 다시 참여해 주세요. 순서는 쿠키에 보관됩니다."}
            """
        ),
    ])

    private static func filled(_ values: [(String, String)]) -> [UInt8] {
        var page = PackageResources.waiting_html
        for (name, value) in values { page = replacing("{{\(name)}}", with: value, in: page) }
        return page
    }

    private static func replacing(_ placeholder: String, with value: String, in page: [UInt8]) -> [UInt8] {
        let wanted = Array(placeholder.utf8)
        var out: [UInt8] = []
        out.reserveCapacity(page.count)
        var i = 0
        while i < page.count {
            if page[i] == wanted[0], page[i...].starts(with: wanted) {
                out += value.utf8
                i += wanted.count
            } else {
                out.append(page[i])
                i += 1
            }
        }
        return out
    }
}
