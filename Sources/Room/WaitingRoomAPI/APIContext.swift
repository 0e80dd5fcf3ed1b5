// SPDX-License-Identifier: Apache-2.0
//
// What the handlers of one worker share: the store, the keys, the rooms, the clock and the two meters. A handler is a
// struct around this class, made for each request, so everything that outlives a request is here.

internal import Admission
internal import Passes
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
    /// Polls per second that the hints aim at for each room, over all workers.
    public var pollBudgetPerSecond = 20_000
    /// Quiet rooms that are looked at with each tick though no news name them, in turn. 0 only where nothing but the
    /// worker's kind changes rooms.
    public var looksInTurn = 1
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

/// The state that the handlers of a worker share.
final class APIContext {
    var environment: APIEnvironment
    let store: any QueueStore
    /// The keys in force; replaced when the operator rotates them.
    var keys: KeyRing
    /// Refuses polls that come too early.
    var pollMeter = PollMeter()
    /// Counts joins by source network.
    var sourceMeter = SourceMeter()
    /// Where the API is: a path without a slash at its end.
    var prefix = APISettings.standardPrefix
    /// Whether the store has ever answered this worker.
    var wasReady = false

    private var roomsByID: [String: Room]
    /// The rooms, by name.
    private(set) var rooms: [Room]

    init(store: any QueueStore, rooms: [Room], keys: KeyRing, environment: APIEnvironment) {
        self.store = store
        self.keys = keys
        self.environment = environment
        roomsByID = Dictionary(rooms.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        self.rooms = roomsByID.values.sorted { $0.id < $1.id }
    }

    func room(_ id: String) -> Room? { roomsByID[id] }

    func replaceRooms(_ rooms: [Room]) {
        roomsByID = Dictionary(uniqueKeysWithValues: rooms.map { ($0.id, $0) })
        self.rooms = rooms.sorted { $0.id < $1.id }
    }

    func count(_ counter: Counter) { environment.scoreboard?.count(counter) }

    var now: Int { environment.nowMilliseconds() }

    /// Whether everybody passes now because the store is away.
    func isOpen(_ room: Room) -> Bool { room.outage != .closed && door(room) == .open }

    func door(_ room: Room) -> Door {
        room.door(nowMilliseconds: now, limitMilliseconds: environment.staleMilliseconds)
    }

    /// Whether the mirror of a room is so old that answers from it are marked as degraded.
    func isStale(_ room: Room) -> Bool {
        room.isStale(nowMilliseconds: now, limitMilliseconds: environment.staleMilliseconds)
    }
}
