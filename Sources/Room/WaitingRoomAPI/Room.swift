// SPDX-License-Identifier: Apache-2.0
//
// A room as one worker sees it: composes what the configuration asks (RoomSettings), what Redis said last (Mirror),
// what this worker owes Redis (HeartbeatOutbox), what it remembers of entries and answers (RecentEntries and
// RecentStandings), and what visitors are shown of their wait (RoomEstimator). It drives the tick, one at a time.

public import Admission

/// What a reload replaces, in one assignment.
public struct RoomSettings {
    /// The limits of the configuration file; those in force come with each tick.
    public var defaults: RoomPolicy
    /// When that file was changed last, in milliseconds since 1970; the limits of the newest file are in force.
    public var revision: Int
    /// What the configuration asks of those who join.
    public var rules: JoinRules
    /// What happens at the door while the store is away.
    public var outage: OutagePolicy
    /// How the wait is estimated.
    public var eta: EstimateSettings
    /// How the room speaks HTTP.
    public var web: WebRules
    /// What the names of its template's rooms begin with; nil for a room of its own.
    public var template: String?
    /// Whether it is over: a join makes it anew, and without one it is forgotten.
    public var isEnding = false

    public init(
        defaults: RoomPolicy,
        revision: Int = 0,
        rules: JoinRules = .standard,
        outage: OutagePolicy = .closed,
        eta: EstimateSettings = .standard,
        web: WebRules = .standard
    ) {
        self.web = web
        self.defaults = defaults
        self.revision = revision
        self.rules = rules
        self.outage = outage
        self.eta = eta
    }
}

public final class Room: RoomMemoryKeeper {
    public let id: String
    /// A change of `eta` starts the estimator anew; the mirror stays.
    public var settings: RoomSettings {
        didSet { if settings.eta != estimator.settings { estimator = RoomEstimator(settings: settings.eta) } }
    }
    /// What Redis said last.
    public private(set) var seen: Mirror
    /// The wait of those in line, as of the last tick.
    public private(set) var estimator: RoomEstimator
    /// Entries a second, as of the last tick or of the news since.
    public var rates: EntryRates {
        catchUp()
        return measuredRates
    }
    /// Whether this worker may make the room when neither Redis nor this worker knows it; see ``MakingDelay``. Asked at
    /// each look that finds nothing.
    public var mayBeMade: () -> Bool = { true }
    /// How long nobody has entered, as far as this host knows; nil when it has never run the room. Asked when neither
    /// Redis nor this worker remembers it.
    public var quietMilliseconds: () -> Int? = { nil }
    /// What an operator had set when this host last ran the room, in the order of ``PolicyField``. Asked when neither
    /// Redis nor this worker remembers it.
    public var markedOverrides: () -> [Int?] = { [] }
    /// Limits in which this worker's file differs from those in force, where no operator has set them: another host has
    /// a newer file, or one of the same age that came first.
    public private(set) var disagreement: [PolicyField] = []
    /// What was last logged of it.
    var toldDisagreement: [PolicyField] = []
    /// How the door stood when it was last logged.
    var toldDoor = Door.attended
    /// How far Redis' clock was ahead of this host's at the last tick, in milliseconds.
    var clockSkewMilliseconds = 0
    /// Whether it was logged that passes would be expired at once.
    var toldClockSkew = false
    /// How many join at this worker; counted while the rules ask for work.
    var joinLoad = JoinLoad()

    /// The wait by position as of the last tick; nil while nobody is called.
    private var waits: WaitTable?
    private var measuredRates = EntryRates()
    private var history = EntryHistory()
    private var outbox = HeartbeatOutbox()
    private var entries: RecentEntries
    private var standings = RecentStandings()
    /// What is to run after the next tick, and after how many that end.
    private var held: [(ticks: Int, body: () -> Void)] = []
    /// The worker's monotonic clock at the last request.
    private var usedMilliseconds = 0
    private(set) var isTicking = false
    /// This worker's part in the draw of places.
    var draw = DrawDesk()
    /// What the watch of this worker's rooms knows of this one.
    var news = RoomWatch.Entry()
    /// The last tick that ended was not answered.
    private var hasTickFailed = false

    /// - Parameter entriesKept: how many entries it remembers at least, for a Redis that loses them.
    public init(id: String, settings: RoomSettings, entriesKept: Int = RecentEntries.kept) {
        self.id = id
        entries = RecentEntries(kept: entriesKept)
        self.settings = settings
        seen = Mirror(policy: settings.defaults)
        estimator = RoomEstimator(settings: settings.eta)
        waits = WaitTable.unlearnt(settings.defaults)
    }

    public convenience init(
        id: String,
        defaults: RoomPolicy,
        revision: Int = 0,
        rules: JoinRules = .standard,
        outage: OutagePolicy = .closed
    ) {
        self.init(id: id, settings: RoomSettings(defaults: defaults, revision: revision, rules: rules, outage: outage))
    }

    /// Whether the mirror is older than `limitMilliseconds`: Redis is away.
    public func isStale(nowMilliseconds: Int, limitMilliseconds: Int) -> Bool {
        age(nowMilliseconds: nowMilliseconds) > limitMilliseconds
    }

    /// How the door stands, see ``OutagePolicy/door(ageMilliseconds:limitMilliseconds:mode:hasTickFailed:)``.
    public func door(nowMilliseconds: Int, limitMilliseconds: Int) -> Door {
        outage.door(
            ageMilliseconds: age(nowMilliseconds: nowMilliseconds),
            limitMilliseconds: limitMilliseconds,
            // Before the doors open nobody passes, whatever happens to the store.
            mode: isKnown ? (opensLater ? .paused : policy.mode) : nil,
            hasTickFailed: hasTickFailed
        )
    }

    // MARK: - Visitors

    /// Keeps the tick going for a while.
    public func use(nowMilliseconds: Int) { usedMilliseconds = nowMilliseconds }

    /// A heartbeat of a visitor who waits or is called.
    public func markAlive(_ number: Int) { outbox.mark(number) }

    /// Whether there are heartbeats that Redis may not have yet.
    public var holdsHeartbeats: Bool { !outbox.isEmpty || isTicking }

    /// Heartbeats that found no room since this worker began: numbers too far apart, see ``Heartbeats``.
    var droppedHeartbeats: Int { outbox.dropped }

    /// Makes the next tick carry the heartbeats: a worker that ends must not take them with it.
    public func flushWithNextTick() { outbox.hurry() }

    /// Takes note of a number that Redis has issued, so that a restore never issues it again.
    public func noteIssued(_ number: Int, generation: Int) { seen.noteIssued(number, generation: generation) }

    /// Takes a visitor out of the mirror ahead of the tick (entered or left through this worker).
    public func noteGone(_ number: Int) {
        seen.remove(number)
        standings.forget(number)
    }

    /// When the pass ends that this worker has granted lately, in Redis time; nil for one it does not remember.
    public func entryEnd(of number: Int) -> Int? { entries.end(of: number) }

    public func rememberedStanding(_ number: Int) -> StandingReply? {
        catchUp()
        return standings[number]
    }

    /// The position that a visitor who waits is shown: the reply's, where it has one.
    public func position(_ reply: StandingReply) -> Int {
        reply.position > 0 ? reply.position : seen.reckonedPosition(of: reply.place)
    }

    @discardableResult
    public func remember(_ reply: StandingReply, of number: Int) -> StandingReply {
        standings.remember(reply, of: number)
    }

    /// The wait at a position, looked up; nil while the room is paused or nothing is known.
    public func estimate(position: Int) -> WaitEstimate? { waits?.estimate(position: position) }

    /// Promises that turned out since the last call, for the metrics.
    public func takeOutcomes() -> [PromiseOutcome] { estimator.takeOutcomes() }

    // MARK: - What a restore takes

    public func noteRestored(_ incarnation: Int) { seen.noteRestored(incarnation) }

    public func noteEntered(_ number: Int, passExpiresMilliseconds expires: Int, beganMilliseconds: Int?) {
        // An entry that began just now ends a pass from now. Any other may have been renewed.
        let isNew = beganMilliseconds.map { expires == $0 + policy.passLifetimeMilliseconds } ?? false
        entries.note(RememberedEntry(number: number, passExpiresMilliseconds: expires, isRenewed: !isNew))
    }

    /// The room as of this worker's last tick, with the numbers and entries it has seen since.
    public var memory: RoomMemory {
        var memory = seen.memory(entries: entries.all, firstTokens: firstTokens)
        if next == 0 { memory.overrides = markedOverrides() }
        return memory
    }

    /// A room with a memory starts with empty buckets, whatever is given here.
    private var firstTokens: Int {
        guard next == 0, let quiet = quietMilliseconds() else { return policy.burst }
        return RunMark.tokens(afterMilliseconds: quiet, policy)
    }

    // MARK: - Ticks

    /// Whether the room is looked at with every tick: people wait or are called, an answer waits for a tick, or this
    /// worker owes the store something.
    var isBusy: Bool {
        mirror.count + called > 0 || !outbox.isEmpty || !held.isEmpty
    }

    /// Whether nobody waits, is called or inside, as of the last tick, and no number was issued since.
    public var isEmpty: Bool { isKnown && !isBusy && active == 0 && next == mirroredNext }

    /// Whether a room that is not busy should be looked at when no news say that nothing has changed: always while
    /// somebody is inside or came lately; else twice a second.
    func needsLook(nowMilliseconds: Int, tickMilliseconds: Int) -> Bool {
        let inUse = active > 0 || !isKnown || nowMilliseconds - usedMilliseconds < 60_000
        // An idle room is looked at often enough not to count as degraded when somebody comes.
        return inUse || age(nowMilliseconds: nowMilliseconds) >= max(tickMilliseconds, 500)
    }

    /// How old the mirror is by the worker's clock, in milliseconds.
    public func age(nowMilliseconds: Int) -> Int {
        catchUp()
        return seen.age(nowMilliseconds: nowMilliseconds)
    }

    /// Takes in that the news have not named the room since its last tick: the mirror is as current as they are.
    func catchUp() {
        guard !isTicking, let news = news.confirming, seen.isOlder(thanMilliseconds: news.nowMilliseconds) else {
            return
        }
        let isNextSecond = news.redisMilliseconds / 1000 > seen.last.nowMilliseconds / 1000
        seen.confirm(redisMilliseconds: news.redisMilliseconds, nowMilliseconds: news.nowMilliseconds)
        hasTickFailed = false
        standings.forgetAll()
        if isNextSecond, measuredRates.entriesIn15Minutes > 0 { measureRates() }
    }

    /// The store gave no news.
    func noteNoNews() { hasTickFailed = true }

    /// Positions that count as near the front in any case: an operator may have raised the rate.
    private static let nearMin = 16

    /// Whether the visitor at a position may have been called since the last tick: by the tokens that were left, the
    /// rate, and what called visitors give back; in a paused room by a burst that waits for the operator.
    func mayHaveCalled(position: Int) -> Bool {
        let paused = policy.mode == .paused ? max(100, policy.burst) : 0
        let tokens = seen.last.callTokens + called + policy.rateMilli / 2000 + 1
        return position <= max(Room.nearMin, paused, tokens)
    }

    /// Answers that wait for a tick at most; they are near the front.
    static let heldMax = 4096

    /// Visitors who came back whose answers may wait for a tick: this many at once, and one a second after that.
    private static let returnsHeldMax = 64
    private var returns = (left: Room.returnsHeldMax, atMilliseconds: 0)

    /// Whether the answer to another visitor who came back may wait. When all come back, nobody does.
    func mayHoldReturn(nowMilliseconds now: Int) -> Bool {
        let seconds = (now - returns.atMilliseconds) / 1000
        if seconds > 0 { returns = (min(Room.returnsHeldMax, returns.left + seconds), now) }
        guard returns.left > 0 else { return false }
        returns.left -= 1
        return true
    }

    /// Runs `body` after a tick that begins now or later has ended. False when too much waits for one.
    func afterTick(_ body: @escaping () -> Void) -> Bool {
        guard held.count < Room.heldMax else { return false }
        held.append((isTicking ? 2 : 1, body))
        return true
    }

    private func runHeld() {
        let due = held.filter { $0.ticks == 1 }
        held = held.filter { $0.ticks > 1 }.map { ($0.ticks - 1, $0.body) }
        for entry in due { entry.body() }
    }

    /// Asks the store for a tick and takes the answer in. One at a time.
    public func tick(
        store: some QueueStore,
        tickMilliseconds: Int,
        clock: @escaping () -> Int,
        _ completion: @escaping (StoreFailure?) -> Void
    ) {
        guard !isTicking else { return }
        isTicking = true
        let request = tickRequest(tickMilliseconds: tickMilliseconds, nowMilliseconds: clock())
        store.tick(request, room: self) { [weak self] result in
            guard let self else { return }
            self.isTicking = false
            switch result {
            case .success(let reply):
                self.apply(reply, nowMilliseconds: clock())
                completion(nil)
            case .failure(let failure):
                self.hasTickFailed = true
                self.outbox.putBack(request.heartbeats)
                completion(failure)
            }
            self.runHeld()
        }
    }

    private func tickRequest(tickMilliseconds: Int, nowMilliseconds: Int) -> TickRequest {
        var request = TickRequest()
        request.generation = generation
        request.version = seen.last.version
        request.entered = counters.entered
        request.flowSecond = max(0, history.latestSecond)
        request.tickMilliseconds = tickMilliseconds
        outbox.flush(
            into: &request,
            redisMilliseconds: redisMilliseconds(nowMilliseconds: nowMilliseconds),
            epochMilliseconds: policy.epochMilliseconds,
            isKnown: isKnown,
            nowMilliseconds: nowMilliseconds
        )
        return request
    }

    private func apply(_ reply: TickReply, nowMilliseconds: Int) {
        // Redis' clock was set back: what was learnt lies in a time that was taken back.
        if reply.nowMilliseconds < seen.last.nowMilliseconds - QueueConstants.stepBackMilliseconds {
            history = EntryHistory()
            estimator = RoomEstimator(settings: settings.eta)
        }
        seen.apply(reply, nowMilliseconds: nowMilliseconds)
        hasTickFailed = false
        disagreement = zip(PolicyField.allCases, reply.overrides).compactMap { field, override in
            // What is asked for: while a large crowd waits more is in force.
            let inForce = field == .abandonAfter ? reply.askedAbandonMilliseconds : reply.policy[field]
            // Behind its end an open room is as a closed one.
            let isOver = field == .mode && reply.policy.closesMilliseconds > 0 && reply.policy.mode == .closed
            return override == nil && !isOver && defaults[field] != inForce ? field : nil
        }
        standings.forgetAll()
        for (second, entries) in reply.flow { history.record(second: second, entries: entries) }
        measureRates()
        // Before the doors open there is nothing to learn: nobody enters, however fast the room is.
        if opensLater || reply.draw.state == .opened {
            waits = WaitTable.unlearnt(reply.policy)
        } else {
            estimator.observe(reply, mirror: mirror, history: history, rates: measuredRates)
            waits = estimator.table
        }
    }

    private func measureRates() {
        measuredRates = EntryRates(
            history: history,
            openedMilliseconds: seen.last.openedMilliseconds,
            nowMilliseconds: seen.last.nowMilliseconds,
            limitPerSecond: policy.ratePerSecond
        )
    }
}
