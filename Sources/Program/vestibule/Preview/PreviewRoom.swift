// SPDX-License-Identifier: Apache-2.0
//
// A room for a look at its page: the API that ships, over the model of the queue and a clock that moves when it is
// asked to. So a preview shows what the product says, and no words of its own.

import Admission
import GatewayWire
import Passes
import Reactor
import Simulation
import StrictJSON
import WaitingRoomAPI

/// A form that was sent to the page.
struct PreviewForm {
    var type = "application/x-www-form-urlencoded"
    var body: String
    /// The origin of another site.
    var sender: String?
}

/// One room in memory, and what a browser in one language is answered there.
final class PreviewRoom {
    /// What the script of the page gets.
    enum Answer {
        case response(status: Int, json: String)
        /// The network fails.
        case failure
        /// None comes.
        case never
    }

    private final class Clock {
        // The 9th of January 2026: any day, and the same each time.
        var milliseconds = 1_768_000_000_000
    }

    private let clock = Clock()
    private let store: ModelStore
    private let api: WaitingRoomAPI
    private let room: Room
    private let policy: RoomPolicy
    let language: Language

    /// - Parameter settings: of the room; what it asks of a join is left out unless a state is about it.
    init(_ id: String, _ settings: RoomSettings, language: Language, asksForNames: Bool = false) throws {
        let clock = clock
        var settings = settings
        settings.rules = JoinRules(enqueue: asksForNames ? .required : .off)
        settings.outage = .closed
        let brand = settings.web.brand
        settings.web = WebRules(pageStatus: settings.web.pageStatus)
        settings.web.brand = brand
        settings.defaults.mode = .open
        settings.defaults.burst = 1
        settings.defaults.rateMilli = PreviewRoom.rateMilli
        settings.defaults.claimWindowMilliseconds = 30_000
        self.language = language
        policy = settings.defaults
        store = ModelStore { clock.milliseconds }
        room = Room(id: id, settings: settings)
        var environment = APIEnvironment(
            nowMilliseconds: { clock.milliseconds },
            wallMilliseconds: { clock.milliseconds },
            random: { 0.5 }
        )
        // The same draw each time.
        environment.secret = { 7 }
        api = WaitingRoomAPI(
            store: store,
            rooms: [room],
            keys: try KeyRing(keys: [try SigningKey(kid: "preview", secret: Array(repeating: 7, count: 32))]),
            environment: environment
        )
    }

    /// One person in ten seconds: some minutes to wait for a few dozen.
    private static let rateMilli = 100

    // MARK: - What happens

    func pass(milliseconds: Int) {
        for _ in 0..<(milliseconds / 200) {
            clock.milliseconds += 200
            api.tickRooms(tickMilliseconds: 200)
        }
    }

    /// Changes the room's limits, as `vestibule room set` does.
    func change(_ edit: (inout RoomPolicy) -> Void) {
        var changed = policy
        edit(&changed)
        store.configure(room, changed)
        pass(milliseconds: 400)
    }

    /// Has the doors open later than now; before anybody comes.
    func open(inMilliseconds time: Int, draw: DrawKind = .off) {
        change {
            $0.opensMilliseconds = clock.milliseconds + time
            $0.draw = draw
        }
    }

    /// Ends the room, as `vestibule room end --message` does.
    func end(message: String) {
        store.setNotice(message, room)
        change { $0.mode = .ended }
    }

    /// Takes the store away.
    func loseStore(forMilliseconds time: Int = 0) {
        store.failure = .unavailable("preview")
        pass(milliseconds: time)
    }

    /// Some people come; the very first of all finds room. Returns the tickets of those who wait.
    @discardableResult
    func gather(_ waiting: Int) throws -> [String] {
        if store.model(of: room) == nil { _ = try arriveFirst() }
        return try gatherAll(waiting)
    }

    /// Some people come, and all of them wait.
    @discardableResult
    func gatherAll(_ waiting: Int) throws -> [String] {
        return try (0..<waiting).map { _ in try ticket(of: try ask("POST", "/join", body: joinBody)) }
    }

    /// The visitor whose page it is comes.
    func arrive() throws -> String {
        let ticket = try ticket(of: try ask("POST", "/join", body: joinBody))
        pass(milliseconds: 200)
        return ticket
    }

    /// The visitor comes first, and finds room.
    func arriveFirst() throws -> String { try ticket(of: try ask("POST", "/join", body: joinBody)) }

    private func ticket(of answer: GatewayResponse) throws -> String {
        guard let text = try JSONValue(parsing: answer.body)["waiting_token"]?.stringValue else {
            throw CommandFailure("PREVIEW_FAILED", String(decoding: answer.body, as: UTF8.self))
        }
        return text
    }

    // MARK: - What is answered

    private var joinBody: String { #"{"event_id":"\#(room.id)"}"# }

    /// The page, as it comes from the gate.
    /// - Parameters:
    ///   - form: what was sent to it, as a form of the own site or of another one.
    ///   - ticket: of a visitor who has a place.
    ///   - verdict: nginx's, on a pass that came.
    func page(
        _ ticket: String? = nil,
        query: String = "",
        verdict: String = "missing",
        form: PreviewForm? = nil
    ) throws -> String {
        var fields: [(GatewayField, String)] = [
            (.operation, "gate"), (.room, room.id), (.verdict, verdict), (.accept, "text/html"), (.scheme, "http"),
        ]
        if let ticket { fields.append((.cookie, "vestibule-ticket-\(room.id)=\(ticket)")) }
        guard let form else {
            return String(decoding: try ask("GET", "", query: query, fields).body, as: UTF8.self)
        }
        fields += [
            (.fetchMode, "navigate"), (.fetchDestination, "document"), (.contentType, form.type),
            (.fetchSite, form.sender == nil ? "same-origin" : "cross-site"),
        ]
        if let sender = form.sender { fields.append((.origin, sender)) }
        let answer = try ask("POST", "", query: query, body: form.body, fields)
        return String(decoding: answer.body, as: UTF8.self)
    }

    func join() throws -> Answer { shown(try ask("POST", "/join", body: joinBody)) }

    func status(_ ticket: String) throws -> Answer {
        // Nobody polls twice in one second.
        clock.milliseconds += 1000
        return shown(try ask("GET", "/status", query: "token=\(ticket)"))
    }

    func statusWithoutTicket() throws -> Answer { shown(try ask("GET", "/status")) }

    func enter(_ ticket: String) throws -> Answer { shown(try ask("POST", "/enter", query: "token=\(ticket)")) }

    func leave(_ ticket: String) throws { _ = try ask("DELETE", "/leave", query: "token=\(ticket)") }

    func board() throws -> Answer { shown(try ask("GET", "/board", query: "event_id=\(room.id)")) }

    /// Polls until the answer has a text in it.
    /// - Parameter step: what else happens between.
    func status(
        _ ticket: String,
        until text: String,
        _ step: (PreviewRoom) throws -> Void = { _ in }
    ) throws -> Answer {
        for _ in 0..<300 {
            try step(self)
            let answer = try status(ticket)
            if case .response(_, let json) = answer, json.contains(text) { return answer }
            pass(milliseconds: 200)
        }
        throw CommandFailure("PREVIEW_FAILED", "no answer of status has \(text) in it")
    }

    private func shown(_ response: GatewayResponse) -> Answer {
        .response(status: response.status, json: String(decoding: response.body, as: UTF8.self))
    }

    private func ask(
        _ method: String,
        _ path: String,
        query: String = "",
        body: String = "",
        _ fields: [(GatewayField, String)] = []
    ) throws -> GatewayResponse {
        var request = GatewayRequest()
        request.set(.method, method.utf8)
        request.set(
            .path,
            (path.isEmpty ? "/" : String(decoding: APISettings.standardPrefix, as: UTF8.self) + path).utf8
        )
        request.set(.query, query.utf8)
        request.set(.acceptLanguage, language.sentences.tag.utf8)
        for (field, value) in fields { request.set(field, value.utf8) }
        if !body.isEmpty { request.appendBody(Array(body.utf8)) }
        var answers: [GatewayResponse] = []
        api.handle(request) { answers.append($0) }
        // Near the front the answer comes with the next tick.
        if answers.isEmpty { pass(milliseconds: 200) }
        guard let answer = answers.first else {
            throw CommandFailure("PREVIEW_FAILED", "no answer to \(method) \(path)")
        }
        return answer
    }
}
