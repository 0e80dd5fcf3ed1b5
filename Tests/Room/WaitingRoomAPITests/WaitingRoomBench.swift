// SPDX-License-Identifier: Apache-2.0
//
// A waiting room without sockets: the API over the model, a clock and a dice of the test's own, a store that counts
// its calls, and answers taken apart into status, headers and body.

import Admission
import GatewayWire
import Passes
import Simulation
import StrictJSON
import Telemetry
import TestSupport
import WaitingRoomAPI

/// An answer as nginx would see it.
struct Answer {
    var status = 0
    var headers: [(name: String, value: String)] = []
    var body: [UInt8] = []

    init(_ response: GatewayResponse) throws {
        var bytes = ByteWriter(capacity: 64)
        response.serialize(into: &bytes)
        guard let end = bytes.array.firstRange(of: Array("\r\n\r\n".utf8)) else {
            throw TestFailure("no end of the header")
        }
        body = Array(bytes.array[end.upperBound...])
        let header = String(decoding: bytes.array[..<end.lowerBound], as: UTF8.self)
        for line in header.split(separator: "\r\n") {
            guard let colon = line.firstRange(of: ": ") else { throw TestFailure("not a header: \(line)") }
            headers.append((String(line[..<colon.lowerBound]), String(line[colon.upperBound...])))
        }
        status = Int(self["Status"]?.prefix(3) ?? "") ?? 0
    }

    subscript(header: String) -> String? { headers.first { $0.name == header }?.value }
    var cookies: [String] { headers.filter { $0.name == "Set-Cookie" }.map(\.value) }
    var text: String { String(decoding: body, as: UTF8.self) }

    /// The body, which must be one JSON object.
    var json: JSONValue {
        get throws {
            let value = try JSONValue(parsing: body)
            guard value.objectValue != nil else { throw TestFailure("not an object: \(text)") }
            return value
        }
    }

    func string(_ name: String) throws -> String? { try json[name]?.stringValue }
    func integer(_ name: String) throws -> Int? { try json[name]?.integerValue.map { Int($0) } }
    var errorCode: String? { get throws { try json["error"]?["code"]?.stringValue } }

    /// The value of a cookie that this answer sets.
    func cookie(_ name: String) -> String? {
        cookies.first { $0.hasPrefix("\(name)=") }?.dropFirst(name.utf8.count + 1).split(
            separator: ";",
            omittingEmptySubsequences: false
        ).first.map { String($0) }
    }
}

/// A request under construction.
struct Call {
    var method = "GET"
    var path = ""
    var fields: [(GatewayField, String)] = []
    var body: [UInt8] = []

    init(_ method: String, _ path: String, body: String = "", _ fields: [(GatewayField, String)] = []) {
        self.method = method
        self.path = path
        self.fields = fields
        self.body = Array(body.utf8)
    }

    var request: GatewayRequest {
        var request = GatewayRequest()
        request.set(.method, method.utf8)
        if let mark = path.firstIndex(of: "?") {
            request.set(.path, path[..<mark].utf8)
            request.set(.query, path[path.index(after: mark)...].utf8)
        } else {
            request.set(.path, path.utf8)
        }
        for (field, value) in fields { request.set(field, value.utf8) }
        if !body.isEmpty { request.appendBody(body) }
        return request
    }
}

/// A store that counts the calls it passes on.
final class CountingStore: QueueStore {
    private let inner: any QueueStore
    /// Calls about visitors, without ticks.
    private(set) var calls: [String] = []
    private(set) var ticks = 0
    /// Questions for news.
    private(set) var questions = 0
    /// Heartbeats that came with ticks.
    private(set) var heartbeatCount = 0

    init(_ inner: any QueueStore) { self.inner = inner }

    var refusal: String? { inner.refusal }

    func join(_ request: JoinRequest, room: any RoomMemoryKeeper, _ done: @escaping Completion<JoinAnswer>) {
        calls.append("join")
        inner.join(request, room: room, done)
    }

    func visit(
        _ action: VisitAction,
        _ claim: TicketClaim,
        room: any RoomMemoryKeeper,
        _ done: @escaping Completion<StandingReply>
    ) {
        calls.append(action.rawValue)
        inner.visit(action, claim, room: room, done)
    }

    func tick(_ request: TickRequest, room: any RoomMemoryKeeper, _ done: @escaping Completion<TickReply>) {
        ticks += 1
        heartbeatCount += request.heartbeats.reduce(0) { sum, flush in
            sum + flush.bitmap.reduce(0) { $0 + $1.nonzeroBitCount }
        }
        inner.tick(request, room: room, done)
    }

    var hasNews: Bool { inner.hasNews }

    func news(since mark: Int, _ done: @escaping Completion<RoomNews>) {
        questions += 1
        inner.news(since: mark, done)
    }
}

/// One worker's API over a model, at times the test chooses.
final class WaitingRoomBench {
    static let startMilliseconds = 1_768_000_000_000

    private final class Clock {
        var milliseconds = WaitingRoomBench.startMilliseconds
        /// How far this host's wall clock is ahead of Redis'.
        var wallAheadMilliseconds = 0
        /// How far the store's clock is behind.
        var storeLag = 0
        /// Set apart, so that a mix-up of the worker's clock and Redis' shows.
        var monotonicMilliseconds: Int { milliseconds - WaitingRoomBench.startMilliseconds + 77_000 }
    }

    private final class Journal {
        var lines: [String] = []
    }

    private let clock: Clock
    private let journal: Journal
    private let model: ModelStore
    let store: CountingStore
    let keys: KeyRing
    let api: WaitingRoomAPI
    let room: Room

    /// - Parameter replacing: a store in place of the model.
    init(
        policy: RoomPolicy = limits(),
        rules: JoinRules = .standard,
        rooms others: [String] = [],
        scoreboard: Scoreboard? = nil,
        replacing other: (any QueueStore)? = nil,
        random: @escaping () -> Double = { 0.5 }
    ) throws {
        let clock = Clock()
        let journal = Journal()
        model = ModelStore(firstNumber: 5000) { clock.milliseconds - clock.storeLag }
        store = CountingStore(other ?? model)
        keys = try KeyRing(keys: [try SigningKey(kid: "k1", secret: Array(repeating: 7, count: 32))])
        room = Room(id: "demo", defaults: policy, rules: rules)
        api = WaitingRoomAPI(
            store: store,
            rooms: [room] + others.map { Room(id: $0, defaults: policy) },
            keys: keys,
            environment: APIEnvironment(
                nowMilliseconds: { clock.monotonicMilliseconds },
                wallMilliseconds: { clock.milliseconds + clock.wallAheadMilliseconds },
                random: random,
                scoreboard: scoreboard,
                log: { journal.lines.append($0) }
            )
        )
        self.clock = clock
        self.journal = journal
    }

    var nowMilliseconds: Int { clock.milliseconds }
    var wallAheadMilliseconds: Int {
        get { clock.wallAheadMilliseconds }
        set { clock.wallAheadMilliseconds = newValue }
    }
    /// The worker's clock.
    var monotonicMilliseconds: Int { clock.monotonicMilliseconds }
    var logLines: [String] { journal.lines }

    /// Sets the store's clock back.
    func setBack(_ milliseconds: Int) { clock.storeLag += milliseconds }

    func advance(_ milliseconds: Int) { clock.milliseconds += milliseconds }

    /// Passes `milliseconds` in ticks of 200.
    func run(_ milliseconds: Int) { run(milliseconds) {} }

    /// Passes `milliseconds` in ticks of 200, with a step after each.
    func run(_ milliseconds: Int, each step: () throws -> Void) rethrows {
        for _ in 0..<(milliseconds / 200) {
            advance(200)
            api.tickRooms(tickMilliseconds: 200)
            try step()
        }
    }

    /// The room as the store knows it.
    var queue: QueueModel? { model.model(of: room) }

    func configure(_ policy: RoomPolicy) { model.configure(room, policy) }
    func configure(_ other: Room, _ policy: RoomPolicy) { model.configure(other, policy) }
    /// The store loses its index of rooms, and nothing else.
    func loseIndex() { model.loseIndex() }
    func reset() { model.reset(room) }

    /// Takes the store away, or gives it back.
    func fail(_ failure: StoreFailure?) { model.failure = failure }

    func tick() { api.tickRooms(tickMilliseconds: 200) }

    /// Answers a request; it must be answered exactly once.
    func send(_ call: Call) throws -> Answer {
        var answers: [GatewayResponse] = []
        api.handle(call.request) { answers.append($0) }
        // Near the front the answer comes with the next tick.
        if answers.isEmpty { tick() }
        guard answers.count == 1 else { throw TestFailure("\(answers.count) answers to \(call.method) \(call.path)") }
        return try Answer(answers[0])
    }

    func join(_ fields: [(GatewayField, String)] = []) throws -> Answer {
        try send(Call("POST", "/api/v1/queue/join", body: #"{"event_id":"demo"}"#, fields))
    }

    func status(_ token: String, _ fields: [(GatewayField, String)] = []) throws -> Answer {
        try send(Call("GET", "/api/v1/queue/status?token=\(token)", fields))
    }

    func enter(_ token: String, _ fields: [(GatewayField, String)] = []) throws -> Answer {
        try send(Call("POST", "/api/v1/queue/enter", body: #"{"waiting_token":"\#(token)"}"#, fields))
    }

    /// A request for a protected page; a browser's navigation unless the fields say otherwise.
    func gate(
        path: String = "/shop",
        method: String = "GET",
        verdict: String = "missing",
        form body: String = "",
        _ fields: [(GatewayField, String)] = []
    ) throws -> Answer {
        let own: [(GatewayField, String)] = [(.operation, "gate"), (.room, "demo"), (.verdict, verdict)]
        // The first value of a field counts.
        return try send(
            Call(method, path, body: body, own + fields + [(.accept, "text/html,application/xhtml+xml,*/*;q=0.8")])
        )
    }

    func leave(_ token: String) throws -> Answer { try send(Call("DELETE", "/api/v1/queue/leave?token=\(token)")) }

    /// The ticket of a join that must have led to waiting.
    func waitingTicket() throws -> String {
        let answer = try join()
        guard answer.status == 202, let token = try answer.string("waiting_token") else {
            throw TestFailure("no ticket: \(answer.text)")
        }
        return token
    }

    func ticket(_ token: String) throws -> Ticket {
        guard case .valid(let ticket) = keys.verifyTicket(Array(token.utf8)) else {
            throw TestFailure("not a ticket: \(token)")
        }
        return ticket
    }

    func sign(room: String = "demo", generation: Int64 = 1, number: Int64, issued: Int? = nil) -> String {
        let issued = Int64(issued ?? nowMilliseconds)
        let ticket = Ticket(room: room, generation: generation, number: number, issuedMilliseconds: issued)
        return String(decoding: keys.sign(ticket), as: UTF8.self)
    }

    /// Fills the one token the room begins with, so that the next joins wait.
    func fill() throws {
        guard try join().status == 200 else { throw TestFailure("the first visitor was not admitted") }
    }
}

/// Small limits: one token, no refill unless `rate` says so, times in seconds.
func limits(
    rate: Double = 0,
    burst: Int = 1,
    mode: RoomMode = .open,
    capacity: Int = 1000,
    claimSeconds: Int = 30
) -> RoomPolicy {
    var policy = RoomPolicy.standard
    policy.rateMilli = Int(rate * 1000)
    policy.burst = burst
    policy.claimWindowMilliseconds = claimSeconds * 1000
    policy.abandonAfterMilliseconds = 4000
    policy.returnGraceMilliseconds = 10_000
    policy.mode = mode
    policy.capacity = capacity
    return policy
}
