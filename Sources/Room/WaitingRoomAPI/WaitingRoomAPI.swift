// SPDX-License-Identifier: Apache-2.0
//
// Where a request enters: it is routed by operation, path and method to one handler. The handlers are in the files
// next to this one; each answers from the room's mirror, or asks the store and answers later.

internal import Admission
public import GatewayWire
public import Passes
public import Telemetry

/// What the API needs from its surroundings. Time and chance come in here.
public struct APIEnvironment {
    /// Monotonic milliseconds.
    public var nowMilliseconds: () -> Int
    /// Unix time in seconds, for the verification of passes (nginx compares with its own clock, too).
    public var wallSeconds: () -> Int
    /// A number in 0..<1.
    public var random: () -> Double
    public var scoreboard: Scoreboard?
    public var log: (String) -> Void
    /// A mirror older than this counts as degraded, in milliseconds.
    public var staleMilliseconds: Int
    /// Polls a second that the hints aim at for each room, over all workers.
    public var pollBudgetPerSecond = 20_000
    /// Called after each tick that went well, before anything is answered from it.
    public var ticked: (Room) -> Void = { _ in }

    public init(
        nowMilliseconds: @escaping () -> Int,
        wallSeconds: @escaping () -> Int,
        random: @escaping () -> Double,
        scoreboard: Scoreboard? = nil,
        staleMilliseconds: Int = 1000,
        log: @escaping (String) -> Void = { _ in }
    ) {
        self.nowMilliseconds = nowMilliseconds
        self.wallSeconds = wallSeconds
        self.random = random
        self.scoreboard = scoreboard
        self.staleMilliseconds = staleMilliseconds
        self.log = log
    }
}

/// The HTTP API of DESIGN.md section 6, the gate of protected pages, and the service endpoints.
public final class WaitingRoomAPI {
    public typealias Respond = (GatewayResponse) -> Void

    private(set) var environment: APIEnvironment
    let store: any QueueStore
    var pollMeter = PollMeter()
    var sourceMeter = SourceMeter()
    private var roomsByID: [String: Room] = [:]

    /// The rooms, by name.
    public private(set) var rooms: [Room] = []

    /// The keys in force; replaced when the operator rotates them.
    public var keys: KeyRing
    /// Whether the store has ever answered this worker.
    public private(set) var wasReady = false

    public init(store: any QueueStore, rooms: [Room], keys: KeyRing, environment: APIEnvironment) {
        self.store = store
        self.keys = keys
        self.environment = environment
        take(Dictionary(rooms.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first }))
    }

    private func take(_ rooms: [String: Room]) {
        roomsByID = rooms
        self.rooms = rooms.values.sorted { $0.id < $1.id }
    }

    public func room(_ id: String) -> Room? { roomsByID[id] }

    /// Applies a configuration, at the start and when it was read again. Known rooms keep their mirrors.
    public func apply(_ settings: APISettings) {
        environment.staleMilliseconds = settings.staleMilliseconds
        environment.pollBudgetPerSecond = settings.pollBudgetPerSecond
        replaceRooms(settings.rooms)
    }

    /// Replaces the rooms by these. Known rooms keep their mirrors.
    public func replaceRooms(_ entries: [RoomSettings]) {
        var updated: [String: Room] = [:]
        for entry in entries {
            let room = roomsByID[entry.id] ?? Room(id: entry.id, defaults: entry.policy)
            room.defaults = entry.policy
            room.rules = entry.rules
            room.outage = entry.outage
            room.eta = entry.eta
            updated[entry.id] = room
        }
        take(updated)
    }

    /// Runs the ticks that are due. Call it several times a tick.
    public func tickRooms(tickMilliseconds: Int) {
        for room in roomsByID.values where room.outage != .closed { tellDoor(room) }
        for room in roomsByID.values
        where room.needsTick(nowMilliseconds: environment.nowMilliseconds(), tickMilliseconds: tickMilliseconds) {
            room.tick(store: store, tickMilliseconds: tickMilliseconds, clock: environment.nowMilliseconds) {
                [weak self] failure in
                guard let self else { return }
                if let failure {
                    self.count(.ticksFailed)
                    if case .refused(let text) = failure { self.environment.log("tick refused: \(text)") }
                } else {
                    self.wasReady = true
                    self.environment.ticked(room)
                    self.count(.ticks)
                    self.recordPromises(room)
                }
            }
        }
    }

    /// Sends the signs of life that are held to the store, before the worker ends. True when none is held any more;
    /// else call it again a few milliseconds later.
    public func flushSignsOfLife(tickMilliseconds: Int) -> Bool {
        let holders = roomsByID.values.filter(\.holdsSignsOfLife)
        for room in holders { room.flushWithNextTick() }
        if !holders.isEmpty { tickRooms(tickMilliseconds: tickMilliseconds) }
        return holders.isEmpty
    }

    /// Answers a request, now or when the store has answered. `respond` is called once.
    /// The request is read only during this call.
    public func handle(_ request: GatewayRequest, respond: @escaping Respond) {
        let operation = request[.operation]
        if operation.isEmpty {
            route(request, respond)
        } else if operation.spells("gate") {
            gate(request, respond)
        } else if operation.spells("verify") {
            verify(request, respond)
        } else {
            refuse(.routeUnknown, RequestFacts(request), respond)
        }
    }

    private func route(_ request: GatewayRequest, _ respond: @escaping Respond) {
        let path = request[.path]
        let prefix: StaticString = "/api/v1/queue/"
        let prefixBytes = prefix.utf8CodeUnitCount
        guard path.prefix(prefixBytes).spells(prefix) else { return routeService(request, respond) }
        let name = path.dropFirst(prefixBytes)
        let method = request[.method]
        let (isGet, isPost) = (method.spells("GET"), method.spells("POST"))
        if name.spells("status") {
            isGet ? status(request, respond) : refuseMethod(request, allow: "GET", respond)
        } else if name.spells("join") {
            isPost ? join(request, respond) : refuseMethod(request, allow: "POST", respond)
        } else if name.spells("enter") {
            isPost ? enter(request, respond) : refuseMethod(request, allow: "POST", respond)
        } else if name.spells("leave") {
            let accepted = isPost || method.spells("DELETE")
            accepted ? leave(request, respond) : refuseMethod(request, allow: "POST, DELETE", respond)
        } else if name.spells("board") {
            isGet ? board(request, respond) : refuseMethod(request, allow: "GET", respond)
        } else {
            refuse(.routeUnknown, RequestFacts(request), respond)
        }
    }

    private func refuseMethod(_ request: GatewayRequest, allow: StaticString, _ respond: @escaping Respond) {
        refuse(.methodUnknown(allow: allow), RequestFacts(request), respond)
    }

    private func routeService(_ request: GatewayRequest, _ respond: @escaping Respond) {
        let path = request[.path]
        if path.spells("/healthz") {
            respond(health())
        } else if path.spells("/readyz") {
            respond(readiness())
        } else if path.spells("/metrics") {
            respond(metrics())
        } else {
            refuse(.routeUnknown, RequestFacts(request), respond)
        }
    }

    /// What the visitors of this worker were promised, and what became of it.
    private func recordPromises(_ room: Room) {
        for outcome in room.takeOutcomes() {
            environment.scoreboard?.record(
                errorMilliseconds: Int(outcome.errorSeconds * 1000),
                accuracy: outcome.accuracy,
                isCovered: outcome.isCovered
            )
        }
    }

    // MARK: - Shared by the handlers

    func count(_ counter: Counter) { environment.scoreboard?.count(counter) }

    func refuse(_ problem: Problem, _ facts: RequestFacts, _ respond: Respond) {
        switch problem.status {
        case 400, 404, 413: count(.requestsMalformed)
        case 503: count(.storeFailures)
        default: break
        }
        var body = JSONWriter()
        body.beginObject("error")
        body.member("code", problem.code)
        body.member("message", problem.message)
        body.member("trace_id", facts.traceID)
        if let challenge = problem.challenge {
            body.member("challenge", text: challenge.text)
            body.member("bits", challenge.says.bits)
            body.member("expires_ms", Int(challenge.says.expiresMilliseconds))
        }
        body.endObject()
        if let wait = problem.retryAfterMilliseconds { body.member("poll_after_ms", wait) }
        var response = GatewayResponse(status: problem.status, body: body.finish())
        response.isUncacheable = true
        response.retryAfterSeconds = problem.retryAfterMilliseconds.map(retryAfterSeconds)
        if let allow = problem.allow { response.addHeader("Allow", String(describing: allow)) }
        respond(response)
    }

    /// What the store answered; when it did not, the visitor is told so, and nil.
    func answered<Value>(
        _ result: Result<Value, StoreFailure>,
        _ facts: RequestFacts,
        _ respond: Respond
    ) -> Value? {
        switch result {
        case .success(let value): return value
        case .failure(let failure):
            refuse(problem(for: failure), facts, respond)
            return nil
        }
    }

    /// The store's failures as the visitor sees them.
    func problem(for failure: StoreFailure) -> Problem {
        switch failure {
        case .unavailable: return .storeAway
        case .refused(let text):
            environment.log("store refused a call: \(text)")
            return .faulty
        }
    }

    /// Whole seconds for Retry-After, at least one.
    func retryAfterSeconds(_ milliseconds: Int) -> Int { max(1, (milliseconds + 999) / 1000) }

    func ok(_ status: Int, _ body: [UInt8]) -> GatewayResponse {
        var response = GatewayResponse(status: status, body: body)
        response.isUncacheable = true
        return response
    }
}
