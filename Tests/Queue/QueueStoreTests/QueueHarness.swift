// SPDX-License-Identifier: Apache-2.0
//
// One way to drive a queue store step by step with a clock of the test's own: once over the model, once over a real
// Redis. The conformance suite and the differential test are written against it.

import Admission
import Foundation
import QueueClient
import Reactor
import RedisQueue
import Simulation
import TestSupport
import WaitingRoomAPI

/// What a tick shows, in a form that can be compared.
struct RoomSnapshot: Equatable {
    var generation = 0
    var next = 0
    var waiting: [Int] = []
    var called = 0
    var active = 0
    var counters = RoomCounters()
    var draw = RoomDraw()
    var lapsesLeft = 0

    /// - Parameter mirror: brought up to date by the reply, as a worker does it.
    init(_ reply: TickReply, next: Int, mirror: RankIndex) {
        generation = reply.generation
        self.next = next
        called = reply.called
        active = reply.active
        counters = reply.counters
        (draw, lapsesLeft) = (reply.draw, reply.lapsesLeft)
        var number = mirror.next(from: 0)
        while let found = number {
            waiting.append(found)
            number = mirror.next(from: found + 1)
        }
    }
}

/// What both stores of a differential test begin with.
struct HarnessSetting {
    var caps = QueueCaps()
    /// Of the store's clock, on a whole tenth of a second.
    var startMilliseconds = QueueHarness.startMilliseconds
    /// How many entries a worker remembers.
    var entriesKept = RecentEntries.kept

    func room(_ id: String, _ policy: RoomPolicy) -> Room {
        Room(id: id, settings: RoomSettings(defaults: policy), entriesKept: entriesKept)
    }

    /// Moments of the half hour after `startMilliseconds` at which a new room begins at most sixty numbers below the
    /// edge of a chunk: at 51 and at 25.
    static let belowEdge = (0..<18_000).map { QueueHarness.startMilliseconds + 100 * $0 }.filter {
        RoomMemory.firstNumber(nowMilliseconds: $0) % RankIndex.chunkSize >= RankIndex.chunkSize - 60
    }
}

/// A store with a clock that the test moves.
class QueueHarness {
    var store: any QueueStore
    /// The worker that asks; a test may put another one in its place.
    var room: Room
    private(set) var nowMilliseconds: Int
    private let setting: HarnessSetting

    init(store: any QueueStore, room: Room, _ setting: HarnessSetting) {
        self.store = store
        self.room = room
        self.setting = setting
        nowMilliseconds = setting.startMilliseconds
    }

    /// Begins in January 2026, on a whole epoch of every length the tests use.
    static let startMilliseconds = 1_768_000_000_000

    func advance(_ milliseconds: Int) throws {
        nowMilliseconds += milliseconds
    }

    func settle() {}
    func configure(_ policy: RoomPolicy) throws { fatalError("each harness configures its own store") }
    func reset() throws { fatalError("each harness resets its own store") }
    /// The store forgets everything, as by FLUSHALL.
    func loseEverything() throws { fatalError("each harness loses its own store") }
    /// The index of rooms is evicted.
    func loseIndex() throws { fatalError("each harness loses its own index") }
    /// Keeps a state to go back to.
    func keep() throws { fatalError("each harness keeps its own store") }
    /// The store is what it was at `keep`, as after a failover to a replica that lags.
    func goBack() throws { fatalError("each harness sets its own store back") }

    /// A worker that has just been started: it remembers nothing.
    func newWorker() -> Room { setting.room(room.id, room.defaults) }

    private func answer<Value>(
        _ call: (@escaping (Result<Value, StoreFailure>) -> Void) -> Void
    ) throws -> Value {
        var answers: [Result<Value, StoreFailure>] = []
        call { answers.append($0) }
        if answers.isEmpty { settle() }
        guard answers.count == 1 else { throw TestFailure("\(answers.count) answers to one call") }
        return try answers[0].get()
    }

    func join(_ requests: [JoinRequest]) throws -> [JoinOutcome] {
        var answers: [Result<JoinAnswer, StoreFailure>] = []
        for request in requests { store.join(request, room: room) { answers.append($0) } }
        if answers.count < requests.count { settle() }
        return try answers.map { try $0.get().outcome }
    }

    func join(_ count: Int = 1) throws -> [JoinOutcome] {
        try join(Array(repeating: JoinRequest(kind: .join), count: count))
    }

    func standing(_ claim: TicketClaim) throws -> StandingReply { try answer { store.stand(claim, room: room, $0) } }
    func stand(_ claim: TicketClaim) throws -> Standing { try standing(claim).standing }
    func enter(_ claim: TicketClaim) throws -> Standing { try answer { store.enter(claim, room: room, $0) }.standing }
    func leave(_ claim: TicketClaim) throws -> Standing { try answer { store.leave(claim, room: room, $0) }.standing }

    func renewal(_ claim: TicketClaim) throws -> StandingReply { try answer { store.renew(claim, room: room, $0) } }

    func draw(_ action: DrawAction) throws -> DrawReply { try answer { store.draw(action, room: room, $0) } }

    func news(since mark: Int) throws -> RoomNews { try answer { store.news(since: mark, $0) } }

    /// A tick of a worker at which `polled` have polled.
    func tick(polled: [Int] = []) throws -> RoomSnapshot {
        for number in polled { room.markAlive(room.mirror.place(of: number)?.place ?? number) }
        try tick(room)
        return RoomSnapshot(room.seen.last, next: room.next, mirror: room.mirror)
    }

    /// A tick of a worker, with a room of its own.
    func tick(_ worker: Room) throws {
        var failure: StoreFailure?
        var isDone = false
        let now = nowMilliseconds
        worker.tick(store: store, tickMilliseconds: 200, clock: { now }) {
            failure = $0
            isDone = true
        }
        if !isDone { settle() }
        if let failure { throw failure }
    }

    /// Moves the clock alone.
    fileprivate func passTime(_ milliseconds: Int) { nowMilliseconds += milliseconds }

    /// A ticket issued now, for a number.
    func claim(_ number: Int, generation: Int = 1, issuedAgo: Int = 0) -> TicketClaim {
        TicketClaim(generation: generation, number: number, issuedMilliseconds: nowMilliseconds - issuedAgo)
    }
}

final class ModelHarness: QueueHarness {
    private final class Clock {
        var now = QueueHarness.startMilliseconds
    }

    private let clock: Clock
    private let model: ModelStore

    init(policy: RoomPolicy, room id: String = "model", _ setting: HarnessSetting = HarnessSetting()) {
        let clock = Clock()
        clock.now = setting.startMilliseconds
        self.clock = clock
        self.model = ModelStore(firstNumber: nil, caps: setting.caps) { clock.now }
        super.init(
            store: model,
            room: setting.room(id, policy),
            setting
        )
    }

    override func advance(_ milliseconds: Int) throws {
        try super.advance(milliseconds)
        clock.now = nowMilliseconds
    }

    private var kept: ModelServer.Snapshot?

    override func configure(_ policy: RoomPolicy) throws { model.configure(room, policy) }
    override func reset() throws { model.reset(room) }
    override func loseEverything() throws { model.loseEverything() }
    override func loseIndex() throws { model.loseIndex() }
    override func keep() throws { kept = model.snapshot() }

    override func goBack() throws {
        guard let kept else { throw TestFailure("nothing was kept") }
        model.goBack(to: kept)
    }
}

final class RedisHarness: QueueHarness {
    private static let clockKey = "vq:clock"

    /// Kept, so that it runs as long as the harness.
    private let redis: RedisServer
    private let loop: EventLoop
    private let connection: RedisConnection
    private let redisStore: RedisQueueStore
    let rooms: RoomOperator
    private var isSettling = false

    init(
        redis: RedisServer,
        policy: RoomPolicy,
        room id: String,
        _ setting: HarnessSetting = HarnessSetting()
    ) throws {
        let scripts = ScriptCatalog(clock: .list(key: RedisHarness.clockKey), caps: setting.caps)
        let loop = try EventLoop()
        let connection = RedisConnection(
            loop: loop,
            endpoint: RedisEndpoint(address: .unix(path: redis.socketPath)),
            greeting: RedisGreeting(scripts: scripts)
        ) { _ in }
        let store = RedisQueueStore(link: connection, scripts: scripts)
        self.redis = redis
        self.loop = loop
        self.connection = connection
        self.redisStore = store
        self.rooms = RoomOperator(link: connection, scripts: scripts)
        super.init(
            store: store,
            room: setting.room(id, policy),
            setting
        )
        loop.beforeSleep { [weak self] in
            guard let self else { return }
            self.redisStore.flush()
            guard self.isSettling, connection.inFlight == 0 else { return }
            self.isSettling = false
            loop.stop()
        }
        connection.onReadyChange = { _ in loop.stop() }
        connection.open()
        let timer = loop.schedule(afterMilliseconds: 5000) { loop.stop() }
        loop.run()
        timer.cancel()
        connection.onReadyChange = nil
        guard connection.isReady else { throw TestFailure("no connection to Redis: \(connection.lastErrorText)") }
        try setClock()
    }

    /// Runs the loop until nothing is in flight.
    override func settle() {
        isSettling = true
        loop.run()
    }

    func command(_ words: [RedisArgument]) throws -> RedisReply {
        var reply: Result<RedisReply, RedisFailure>?
        connection.send(words) { reply = $0 }
        settle()
        guard let reply else { throw TestFailure("no reply to a command") }
        return try reply.get()
    }

    private func setClock() throws {
        _ = try command(["DEL", RedisArgument(RedisHarness.clockKey)])
        _ = try command([
            "RPUSH", RedisArgument(RedisHarness.clockKey), RedisArgument(nowMilliseconds / 1000),
            RedisArgument(nowMilliseconds % 1000 * 1000),
        ])
    }

    /// Moves the scripts' clock, and ages the keys that Redis would expire by its own clock. Times to live are whole
    /// tenths of a second in the tests, so rounding up takes out the real time that has passed.
    override func advance(_ milliseconds: Int) throws {
        try super.advance(milliseconds)
        try setClock()
        let age = """
            for _, key in ipairs(redis.call('KEYS', 'vq:*')) do
              local left = redis.call('PTTL', key)
              if left >= 0 then
                left = math.ceil((left - ARGV[1]) / 100) * 100
                if left <= 0 then redis.call('DEL', key) else redis.call('PEXPIRE', key, left) end
              end
            end
            return 0
            """
        _ = try command(["EVAL", RedisArgument(age), 0, RedisArgument(milliseconds)])
    }

    /// Moves the scripts' clock and leaves all keys alone; returns how many commands it took.
    func moveClock(_ milliseconds: Int) throws -> Int {
        passTime(milliseconds)
        try setClock()
        return 2
    }

    override func configure(_ policy: RoomPolicy) throws {
        let changes = PolicyField.allCases.map { (field: $0, value: Int?.some(policy[$0])) }
        var failure: StoreFailure?
        rooms.configure(room, changes) { failure = $0 }
        settle()
        if let failure { throw failure }
    }

    override func reset() throws {
        var answer: Result<Int, StoreFailure>?
        rooms.reset(room) { answer = $0 }
        settle()
        _ = try answer?.get()
    }

    /// Copies have the age of the originals, and grow older with them.
    private func copy(from: String, to: String) throws {
        let script = """
            for _, key in ipairs(redis.call('KEYS', ARGV[2] .. '*')) do redis.call('DEL', key) end
            for _, key in ipairs(redis.call('KEYS', ARGV[1] .. '*')) do
              redis.call('COPY', key, ARGV[2] .. string.sub(key, #ARGV[1] + 1))
            end
            return 0
            """
        _ = try command(["EVAL", RedisArgument(script), 0, RedisArgument(from), RedisArgument(to)])
    }

    private var live: String { "vq:{\(room.id)}:" }
    private var kept: String { "vq:kept:{\(room.id)}:" }

    override func keep() throws { try copy(from: live, to: kept) }
    /// As on another server: what wrote the state is not this one.
    override func goBack() throws {
        try copy(from: kept, to: live)
        let mark = "if redis.call('EXISTS', ARGV[1]) == 1 then redis.call('HSET', ARGV[1], 'server', 'another') end"
        _ = try command(["EVAL", RedisArgument(mark), 0, RedisArgument(live + "state")])
    }
    override func loseEverything() throws { try copy(from: "none", to: live) }
    override func loseIndex() throws { _ = try command(["DEL", "vq:index"]) }

    deinit {
        connection.close()
    }
}
