// SPDX-License-Identifier: Apache-2.0
//
// The states of the waiting page, each with how a room and its visitor come into it. A new state of the page is a new
// line here, and BrowserTests looks at it in every language.

import Admission
import WaitingRoomAPI

/// A page, and what its script is answered.
struct PreviewScene {
    var page: String
    /// By the last part of the path. The last answer of each is given again and again.
    var answers: [(call: String, answers: [PreviewRoom.Answer])] = []
    /// False for the page where no script runs.
    var runsScript = true
    /// How often the visitor has gone in just now and come back here.
    var turns = 0
}

struct PreviewState: Sendable {
    let name: String
    /// For the list of the files.
    let about: String
    var asksForNames = false
    let play: @Sendable (PreviewRoom) throws -> PreviewScene

    static let all = waits + openings + forms + troubles + refusals + plain

    private static let ahead = 41

    /// A visitor with a place, whose polls are answered.
    private static func waiting(
        _ room: PreviewRoom,
        behind ahead: Int = ahead,
        _ answers: (String) throws -> [PreviewRoom.Answer]
    ) throws -> PreviewScene {
        try room.gather(ahead)
        let ticket = try room.arrive()
        let page = try room.page(ticket)
        let status = try answers(ticket)
        return PreviewScene(page: page, answers: [("status", status), ("board", [try room.board()])])
    }

    private static let waits = [
        PreviewState(name: "joining", about: "the first moment, before there is an answer") { room in
            try room.gather(ahead)
            return PreviewScene(page: try room.page(), answers: [("join", [.never])])
        },
        PreviewState(name: "preparing", about: "many join, and the browser works for its place") { room in
            try room.gather(ahead)
            let challenge = #"{"error":{"code":"PROOF_REQUIRED","challenge":"preview","bits":1}}"#
            let answers: [PreviewRoom.Answer] = [.response(status: 403, json: challenge), .never]
            return PreviewScene(page: try room.page(), answers: [("join", answers)])
        },
        PreviewState(name: "waiting", about: "a place, minutes from the front") { room in
            try waiting(room) { [try room.status($0)] }
        },
        PreviewState(name: "waiting-long", about: "a place, hours from the front") { room in
            try waiting(room, behind: 1233) { [try room.status($0)] }
        },
        PreviewState(name: "returned", about: "people ahead came back to their places") { room in
            room.change {
                $0.abandonAfterMilliseconds = 4000
                $0.returnGraceMilliseconds = 60_000
            }
            let others = try room.gather(ahead)
            let ticket = try room.arrive()
            let page = try room.page(ticket)
            // All others fall silent and are swept, and the visitor's page goes on.
            let before = try room.status(ticket, until: #""position":1,"#)
            for other in others { _ = try room.status(other) }
            room.pass(milliseconds: 400)
            return PreviewScene(page: page, answers: [("status", [before, try room.status(ticket)])])
        },
        PreviewState(name: "paused", about: "the operator has paused the room") { room in
            try waiting(room) {
                room.change { $0.mode = .paused }
                return [try room.status($0)]
            }
        },
        PreviewState(name: "late", about: "two calls were missed") { room in
            try waiting(room, behind: 0) { ticket in
                // Others are there to go first.
                try room.gather(ahead)
                room.change { $0.claimWindowMilliseconds = 1000 }
                // The visitor does not enter when called.
                return [try room.status(ticket, until: #""late":true"#)]
            }
        },
        PreviewState(name: "ready", about: "the visitor's turn, while the way in does not answer") { room in
            try room.gather(ahead)
            let ticket = try room.arrive()
            let page = try room.page(ticket)
            room.change { $0.rateMilli = 100_000 }
            let status = try room.status(ticket, until: #""ready""#)
            room.loseStore()
            return PreviewScene(page: page, answers: [("status", [status]), ("enter", [try room.enter(ticket)])])
        },
    ]

    private static let openings = [
        PreviewState(name: "not-open", about: "the doors are not open yet") { room in
            room.open(inMilliseconds: 3 * 3_600_000 + 25 * 60_000)
            return try early(room)
        },
        PreviewState(name: "registered", about: "before a draw: everybody who is here takes part") { room in
            room.open(inMilliseconds: 5 * 60_000 + 30_000, draw: .seed)
            return try early(room)
        },
        PreviewState(name: "drawn", about: "the draw has given a place") { room in
            room.open(inMilliseconds: 2000, draw: .seed)
            let others = try room.gatherAll(ahead)
            let ticket = try room.arrive()
            let page = try room.page(ticket)
            _ = try room.status(ticket, until: #""drawn":true"#) { for each in others { _ = try $0.status(each) } }
            room.pass(milliseconds: 400)
            return PreviewScene(page: page, answers: [("status", [try room.status(ticket)])])
        },
        PreviewState(name: "ended", about: "the operator has ended the room: sold out") { room in
            try waiting(room) {
                room.end(message: "Sold out. Thank you for waiting.")
                return [try room.status($0)]
            }
        },
        PreviewState(name: "ended-newcomer", about: "the room is over, and somebody comes") { room in
            try room.gather(ahead)
            let page = try room.page()
            room.end(message: "Sold out. Thank you for waiting.")
            return PreviewScene(page: page, answers: [("join", [try room.join()])])
        },
    ]

    /// A visitor who is there before the doors open.
    private static func early(_ room: PreviewRoom) throws -> PreviewScene {
        try room.gatherAll(ahead)
        let ticket = try room.arrive()
        let page = try room.page(ticket)
        return PreviewScene(page: page, answers: [("status", [try room.status(ticket)])])
    }

    private static let forms = [
        PreviewState(name: "form-kept", about: "a form was sent: it waits with its sender") { room in
            try room.gather(ahead)
            let ticket = try room.arrive()
            let page = try room.page(ticket, form: PreviewForm(body: "a=1"))
            return PreviewScene(page: page, answers: [("status", [try room.status(ticket)])])
        },
        PreviewState(name: "form-lost", about: "a form with a file was sent") { room in
            try room.gather(ahead)
            let ticket = try room.arrive()
            let body =
                "--B\r\nContent-Disposition: form-data; name=\"letter\"\r\n\r\nDear all\r\n--B\r\n"
                + "Content-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\nx\r\n--B--\r\n"
            let page = try room.page(ticket, form: PreviewForm(type: "multipart/form-data; boundary=B", body: body))
            return PreviewScene(page: page, answers: [("status", [try room.status(ticket)])])
        },
        PreviewState(name: "form-ask", about: "another site has sent a form") { room in
            try room.gather(ahead)
            return PreviewScene(page: try room.page(form: PreviewForm(body: "a=1", sender: "https://bank.example")))
        },
        PreviewState(name: "form-plain", about: "a form was sent, and no script runs") { room in
            try room.gather(ahead)
            let ticket = try room.arrive()
            return PreviewScene(page: try room.page(ticket, form: PreviewForm(body: "a=1")), runsScript: false)
        },
    ]

    private static let troubles = [
        PreviewState(name: "degraded", about: "the store is away: the position may be old") { room in
            try waiting(room) {
                room.loseStore(forMilliseconds: 5000)
                return [try room.status($0)]
            }
        },
        PreviewState(name: "trouble", about: "the network fails while somebody waits") { room in
            try waiting(room) { [try room.status($0), .failure] }
        },
        PreviewState(name: "unreachable", about: "no place yet, and the store is away") { room in
            try room.gather(ahead)
            let page = try room.page()
            room.loseStore()
            return PreviewScene(page: page, answers: [("join", [try room.join()])])
        },
        PreviewState(name: "refused-pass", about: "nginx refuses the pass again and again") { room in
            let page = try room.page(try room.arriveFirst(), verdict: "forged")
            let admitted = PreviewRoom.Answer.response(status: 200, json: #"{"status":"admitted"}"#)
            return PreviewScene(page: page, answers: [("status", [admitted]), ("enter", [admitted])], turns: 2)
        },
    ]

    private static let refusals = [
        PreviewState(name: "closed", about: "the room is closed") { room in
            try refused(room) { $0.mode = .closed }
        },
        PreviewState(name: "full", about: "as many wait as the room takes") { room in
            try refused(room) { $0.capacity = 1 }
        },
        PreviewState(name: "limited", about: "too many joins from one network") { room in
            try room.gather(ahead)
            let json = #"{"error":{"code":"RATE_LIMITED"},"poll_after_ms":10000}"#
            return PreviewScene(page: try room.page(), answers: [("join", [.response(status: 429, json: json)])])
        },
        PreviewState(name: "sign-in", about: "the room takes only people whom the site names", asksForNames: true) {
            PreviewScene(page: try $0.page(), answers: [("join", [try $0.join()])])
        },
        PreviewState(name: "cookies-off", about: "the browser keeps no cookies") { room in
            try room.gather(ahead)
            let (page, joined) = (try room.page(), try room.join())
            return PreviewScene(
                page: page,
                answers: [("join", [joined, .never]), ("status", [try room.statusWithoutTicket()])]
            )
        },
        PreviewState(name: "left", about: "the visitor has left") { room in
            try waiting(room) {
                try room.leave($0)
                return [try room.status($0)]
            }
        },
        PreviewState(name: "expired", about: "the place has expired") { room in
            room.change {
                $0.abandonAfterMilliseconds = 4000
                $0.returnGraceMilliseconds = 1000
            }
            return try waiting(room) { ticket in
                room.pass(milliseconds: 30_000)
                return [try room.status(ticket)]
            }
        },
    ]

    private static func refused(
        _ room: PreviewRoom,
        _ edit: (inout RoomPolicy) -> Void
    ) throws -> PreviewScene {
        try room.gather(ahead)
        let page = try room.page()
        room.change(edit)
        return PreviewScene(page: page, answers: [("join", [try room.join()])])
    }

    private static let plain = [
        PreviewState(name: "plain-joining", about: "no script runs: the first moment") { room in
            try room.gather(ahead)
            return PreviewScene(page: try room.page(), runsScript: false)
        },
        PreviewState(name: "plain-waiting", about: "no script runs: a place") { room in
            try room.gather(ahead)
            let ticket = try room.arrive()
            return PreviewScene(page: try room.page(ticket, query: "vestibule-noscript=wait"), runsScript: false)
        },
        PreviewState(name: "plain-cookies-off", about: "no script runs, and the browser keeps no cookies") { room in
            try room.gather(ahead)
            return PreviewScene(page: try room.page(query: "vestibule-noscript=wait"), runsScript: false)
        },
    ]
}
