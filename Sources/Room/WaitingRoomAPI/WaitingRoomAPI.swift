// SPDX-License-Identifier: Apache-2.0
//
// What a worker's program sees of the waiting room: it passes requests in, calls the ticks, and replaces rooms and keys
// at a reload. Requests are answered by the handlers that Routes.swift lists.

public import Admission
public import GatewayWire
public import Passes
internal import Telemetry

/// The queue's HTTP API, the gate of protected pages, and the service endpoints, for one worker.
public final class WaitingRoomAPI {
    public typealias Respond = (GatewayResponse) -> Void

    private let context: APIContext
    private let watch: RoomWatch
    private var tickMilliseconds = 0

    /// The rooms, by name.
    public var rooms: [Room] { context.rooms }

    /// The keys in force; replaced when the operator rotates them.
    public var keys: KeyRing {
        get { context.keys }
        set { context.keys = newValue }
    }

    /// See ``APIEnvironment/makeRoom``.
    public var makeRoom: (String, RoomTemplate, @escaping (RoomMaking) -> Void) -> Void {
        get { context.environment.makeRoom }
        set { context.environment.makeRoom = newValue }
    }

    /// Whether the store has ever answered this worker.
    public var wasReady: Bool { context.wasReady }

    /// An API for some rooms, each with an identifier of its own.
    public init(store: any QueueStore, rooms: [Room], keys: KeyRing, environment: APIEnvironment) {
        context = APIContext(store: store, rooms: rooms, keys: keys, environment: environment)
        watch = RoomWatch(context, inTurn: environment.looksInTurn)
        watch.look = { [weak self] in self?.tick($0) }
        watch.failed = { [weak self] in self?.noteFailure($0, of: "news") }
    }

    /// The room with this identifier; nil when there is none.
    public func room(_ id: String) -> Room? { context.room(id) }

    /// Applies a configuration, at the start and when it was read again. Known rooms keep their mirrors.
    public func apply(_ settings: APISettings) {
        context.environment.staleMilliseconds = settings.staleMilliseconds
        context.prefix = settings.prefix
        context.gateLimit = settings.gateLimit
        context.templates = settings.templates.sorted { $0.prefix.utf8.count > $1.prefix.utf8.count }
        replaceRooms(settings.rooms)
    }

    /// Replaces the rooms by these, by name. Known rooms keep their mirrors.
    public func replaceRooms(_ rooms: [String: RoomSettings]) {
        context.replaceRooms(
            rooms.map { id, settings in
                let room = context.room(id) ?? Room(id: id, settings: settings)
                room.settings = settings
                return room
            }
        )
    }

    /// Runs the ticks that are due. Call it several times per tick.
    public func tickRooms(tickMilliseconds: Int) {
        self.tickMilliseconds = tickMilliseconds
        for room in context.rooms where room.outage != .closed { logDoor(room) }
        watch.step(tickMilliseconds: tickMilliseconds)
    }

    private func tick(_ room: Room) {
        let base = watch.base
        room.tick(
            store: context.store,
            tickMilliseconds: tickMilliseconds,
            clock: context.environment.nowMilliseconds
        ) { [weak self] failure in
            self?.ticked(room, failure)
            self?.watch.ended(room, base: base, hasFailed: failure != nil)
            // With the next timer only, lapsed calls would pile up at high rates, and hold tokens and places.
            if failure == nil, room.seen.last.lapsesLeft > 0 { self?.watch.again(room) }
        }
    }

    private func noteFailure(_ failure: StoreFailure, of call: String) {
        context.count(.ticksFailed)
        if case .refused(let text) = failure { context.logPaced("\(call) refused: \(text)") }
    }

    private func ticked(_ room: Room, _ failure: StoreFailure?) {
        if let failure { return noteFailure(failure, of: "tick") }
        context.wasReady = true
        context.environment.ticked(room)
        logDisagreement(room)
        noteClockSkew(room)
        advanceDraw(room)
        context.count(.ticks)
        // What the visitors of this worker were promised, and what became of it.
        for outcome in room.takeOutcomes() {
            context.environment.scoreboard?.record(
                errorMilliseconds: Int(outcome.errorSeconds * 1000),
                accuracy: outcome.accuracy,
                isCovered: outcome.isCovered
            )
        }
    }

    /// Does this worker's part in the room's draw.
    private func advanceDraw(_ room: Room) {
        guard let action = room.draw.step(room, random: context.environment.secret) else { return }
        ask(action, room)
    }

    private func ask(_ action: DrawAction, _ room: Room) {
        room.draw.isAsking = true
        context.store.draw(action, room: room) { [weak self] result in
            room.draw.isAsking = false
            guard case .success(.bits(let version, let chunks)) = result, room.seen.last.draw.state == .opened else {
                return
            }
            self?.ask(room.draw.application(version, chunks, room), room)
        }
    }

    /// Logs that this worker's file is not the one in force, once for each difference.
    private func logDisagreement(_ room: Room) {
        guard room.disagreement != room.toldDisagreement else { return }
        room.toldDisagreement = room.disagreement
        let fields = room.disagreement.map {
            "\($0.rawValue) is \(room.policy[$0]) and not \(room.defaults[$0])"
        }
        context.environment.log(
            fields.isEmpty
                ? "room \(room.id): this configuration file agrees with the limits in force"
                : "room \(room.id): another host loaded a newer configuration file, its limits are in force: "
                    + fields.joined(separator: ", ") + "; make the files equal and reload"
        )
    }

    /// Takes note of the difference of the clocks, and logs when passes are refused for it, once.
    private func noteClockSkew(_ room: Room) {
        room.clockSkewMilliseconds = room.asOfMilliseconds - context.environment.wallMilliseconds()
        let isExpired = context.arePassesExpired(room)
        guard isExpired != room.toldClockSkew else { return }
        room.toldClockSkew = isExpired
        let behind = -room.clockSkewMilliseconds / 1000
        context.environment.log(
            isExpired
                ? "room \(room.id): CLOCK_SKEW Redis' clock is \(behind) s behind this host's, so nginx would call its "
                    + "passes expired; nobody is let in until the clocks are set right (chronyc makestep)"
                : "room \(room.id): the clocks agree again, visitors are let in"
        )
    }

    /// Logs a change of a room's door, once.
    private func logDoor(_ room: Room) {
        guard room.isKnown else { return }
        let door = context.door(room)
        guard door != room.toldDoor else { return }
        room.toldDoor = door
        let state =
            switch door {
            case .attended: "Redis is back and decides again"
            case .open: "Redis is away, open to everybody for \(room.outage.openForMilliseconds / 1000) s"
            case .closed: "Redis is away, closed to newcomers"
            }
        context.environment.log("room \(room.id): \(state)")
    }

    /// Sends the heartbeats that are held to the store, before the worker ends. True when none is held any more;
    /// else call it again a few milliseconds later.
    public func flushHeartbeats(tickMilliseconds: Int) -> Bool {
        let holders = context.rooms.filter(\.holdsHeartbeats)
        for room in holders { room.flushWithNextTick() }
        if !holders.isEmpty { tickRooms(tickMilliseconds: tickMilliseconds) }
        return holders.isEmpty
    }

    /// Answers a request, now or when the store has answered. `respond` is called once.
    /// The request is read only during this call.
    public func handle(_ request: GatewayRequest, respond: @escaping Respond) {
        Route.answer(request, context, respond)
    }
}
