// SPDX-License-Identifier: Apache-2.0
//
// A room as one worker sees it: the mirror of the waiting bitmap, the limits, the heartbeats to flush, the history of
// entries, and how old all of it is. Status polls are answered from here.

public import Admission

public final class Room {
    public let id: String
    /// The limits of the configuration file; the operator's overrides come with each tick.
    public var defaults: RoomPolicy
    /// What the configuration asks of those who join.
    public var rules: JoinRules
    /// What happens at the door while the store is away.
    public var outage: OutagePolicy
    /// How the door stood when it was last told of.
    var toldDoor = Door.attended
    /// How many join at this worker; counted while the rules ask for work.
    var joinLoad = JoinLoad()

    /// The limits in force as of the last tick.
    public private(set) var policy: RoomPolicy
    public private(set) var mirror = RankIndex()
    public private(set) var generation = 0
    public private(set) var version = 0
    /// The number the next joiner gets, as far as this worker knows.
    public private(set) var next = 0
    /// `next` as of the last tick: the mirror says nothing about numbers from here on.
    public private(set) var mirroredNext = 0
    /// Names the memory of Redis that this worker has seen.
    public private(set) var incarnation = 0
    /// The operator's overrides, kept to restore them.
    public private(set) var overrides: [Int?] = []
    /// Whether this worker may make the room when Redis does not know it and neither does this worker. A worker that
    /// has just been started by a running pool leaves that to those who remember.
    public var mayBeMade: () -> Bool = { true }
    /// How long nobody has entered, as far as this host knows of itself; nil when it has never run the room. Asked when
    /// neither Redis nor this worker remembers it.
    public var quietMilliseconds: () -> Int? = { nil }
    public private(set) var called = 0
    public private(set) var active = 0
    public private(set) var openedMilliseconds = 0
    public private(set) var counters = RoomCounters()
    public private(set) var rates = EntryRates()
    /// What visitors are told about their wait, as of the last tick.
    public private(set) var estimator = RoomEstimator()
    /// How the wait is estimated; a change starts the estimator anew.
    public var eta: EstimateSettings {
        get { estimator.settings }
        set { if newValue != estimator.settings { estimator = RoomEstimator(settings: newValue) } }
    }
    /// The wait by position as of the last tick; nil while nobody is called.
    private var waits: WaitTable?
    /// Redis time of the last tick; 0 before the first.
    public private(set) var asOfMilliseconds = 0

    private var history = EntryHistory()
    private var heartbeats = Heartbeats()
    /// The sweep epoch the heartbeats are from; unknown before the first tick, which the store takes as the current.
    private var heartbeatEpoch = Int.max
    /// The worker's monotonic clock at the last tick and at the last request.
    private var tickedMilliseconds = 0
    private var usedMilliseconds = 0
    private var flushedMilliseconds = 0
    /// The last flush failed, or the worker is about to end.
    private var isFlushDue = false
    private var isTicking = false
    /// The last tick that ended was not answered.
    private var hasTickFailed = false
    /// The numbers that this worker has let in lately, in that order, and when their passes end.
    private var entryOrder: [Int] = []
    private var entryEnds: [Int: Int] = [:]
    /// So many are kept, and up to twice as many for a while.
    private static let recentEntriesKept = 4096
    /// Answers about visitors who are not in the mirror (yet), remembered until the next tick.
    private var standings: [Int: StandingReply] = [:]
    private static let standingsMax = 4096
    /// Long epochs are flushed more often than once.
    private static let flushMillisecondsMax = 60_000

    public init(id: String, defaults: RoomPolicy, rules: JoinRules = .standard, outage: OutagePolicy = .closed) {
        self.id = id
        self.defaults = defaults
        self.rules = rules
        self.outage = outage
        self.policy = defaults
        self.waits = WaitTable.unlearnt(defaults)
    }

    /// Whether the mirror holds anything yet.
    public var isKnown: Bool { asOfMilliseconds > 0 }

    /// Redis time now, as well as this worker can tell: the last tick plus the worker's monotonic clock since.
    public func redisMilliseconds(nowMilliseconds: Int) -> Int {
        asOfMilliseconds + max(0, nowMilliseconds - tickedMilliseconds)
    }

    /// Whether the mirror is older than `limitMilliseconds`: Redis is away.
    public func isStale(nowMilliseconds: Int, limitMilliseconds: Int) -> Bool {
        nowMilliseconds - tickedMilliseconds > limitMilliseconds
    }

    /// How the door stands. The store is away when the mirror is older than `limitMilliseconds`, and the time the door
    /// stays open counts from the last tick. A worker that has never seen the store cannot tell since when it is away,
    /// and keeps the door closed; so does a room that an operator has paused or closed.
    public func door(nowMilliseconds: Int, limitMilliseconds: Int) -> Door {
        let away = nowMilliseconds - tickedMilliseconds
        if away <= limitMilliseconds { return .attended }
        guard isKnown, policy.mode == .open, away <= outage.openForMilliseconds else { return .closed }
        // A worker that stood still itself, or an answer that takes long, opens nothing.
        return hasTickFailed ? .open : .attended
    }

    // MARK: - Visitors

    /// Keeps the tick going for a while.
    public func use(nowMilliseconds: Int) { usedMilliseconds = nowMilliseconds }

    /// A sign of life of a visitor who waits or is called.
    public func markAlive(_ number: Int) { heartbeats.mark(number) }

    /// Whether there are signs of life that Redis may not have yet.
    public var holdsSignsOfLife: Bool { !heartbeats.isEmpty || isTicking }

    /// Makes the next tick carry the signs of life: a worker that ends must not take them with it.
    public func flushWithNextTick() { isFlushDue = !heartbeats.isEmpty }

    /// Takes note of a number that Redis has issued, so that a restore never issues it again.
    public func noteIssued(_ number: Int, generation: Int) {
        if generation == self.generation { next = max(next, number + 1) }
    }

    /// Redis lost its memory and has been given ours.
    public func noteRestored(_ incarnation: Int) { self.incarnation = incarnation }

    /// Takes note of the entry, if it is one, that the store has granted to a newcomer.
    public func noteEntry(_ outcome: JoinOutcome) {
        if case .admitted(let number, let expires) = outcome { noteEntered(number, expires) }
    }

    /// Takes note of the entry, if it is one, that the store has granted to whoever was called.
    public func noteEntry(_ reply: StandingReply, of number: Int) {
        if case .entered(let expires) = reply.standing { noteEntered(number, expires) }
    }

    private func noteEntered(_ number: Int, _ passExpiresMilliseconds: Int) {
        // Whoever asks for the same pass again pushes nobody out.
        guard entryEnds.updateValue(passExpiresMilliseconds, forKey: number) == nil else { return }
        entryOrder.append(number)
        guard entryOrder.count >= 2 * Room.recentEntriesKept else { return }
        for old in entryOrder.prefix(Room.recentEntriesKept) { entryEnds[old] = nil }
        entryOrder.removeFirst(Room.recentEntriesKept)
    }

    /// What this worker has granted lately, oldest first: a store that went back may not know it, and must not grant it
    /// again.
    public var recentEntries: [(number: Int, passExpiresMilliseconds: Int)] {
        entryOrder.compactMap { number in entryEnds[number].map { (number, $0) } }
    }

    /// When the pass ends that this worker has granted lately, in Redis time; nil for one it does not remember.
    public func entryEnd(of number: Int) -> Int? { entryEnds[number] }

    /// Takes a visitor out of the mirror ahead of the tick (entered or left through this worker).
    public func noteGone(_ number: Int) {
        mirror.remove(number)
        standings[number] = nil
    }

    public func rememberedStanding(_ number: Int) -> StandingReply? { standings[number] }

    public func remember(_ reply: StandingReply, of number: Int) {
        if standings.count < Room.standingsMax { standings[number] = reply }
    }

    // MARK: - Ticks

    /// Whether a tick is due: always while people wait, are called or inside, or came lately; else twice a second.
    public func needsTick(nowMilliseconds: Int, tickMilliseconds: Int) -> Bool {
        if isTicking { return false }
        if isFlushDue { return true }
        let inUse = mirror.count + called + active > 0 || nowMilliseconds - usedMilliseconds < 60_000 || !isKnown
        // An idle room is looked at often enough not to count as degraded when somebody comes.
        return inUse || nowMilliseconds - tickedMilliseconds >= max(tickMilliseconds, 500)
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
        var request = TickRequest()
        request.generation = generation
        request.version = version
        request.next = next
        request.entered = counters.entered
        request.flowSecond = max(0, history.latestSecond)
        request.tickMilliseconds = tickMilliseconds
        flushSigns(into: &request, tickMilliseconds: tickMilliseconds, nowMilliseconds: clock())
        store.tick(request, room: self) { [weak self] result in
            guard let self else { return }
            self.isTicking = false
            switch result {
            case .success(let reply):
                self.apply(reply, nowMilliseconds: clock())
                completion(nil)
            case .failure(let failure):
                self.hasTickFailed = true
                self.heartbeats.restore(request.heartbeats)
                // They go out with the first tick that succeeds, before it sweeps.
                if !request.heartbeats.isEmpty { self.isFlushDue = true }
                completion(failure)
            }
        }
    }

    /// Puts the signs of life into a tick: once an epoch, in the last tick before its end, so that every worker's are
    /// there when the first tick of the next one sweeps. A flush costs Redis up to four commands a chunk. What is given
    /// after it, within a tick, counts for the next epoch. A worker that is killed loses the signs of one epoch; a
    /// sweep looks at four.
    private func flushSigns(into request: inout TickRequest, tickMilliseconds: Int, nowMilliseconds: Int) {
        let now = redisMilliseconds(nowMilliseconds: nowMilliseconds)
        let length = policy.epochMilliseconds
        let epoch = now / length
        let sinceFlush = nowMilliseconds - flushedMilliseconds
        // With half a tick to spare: Redis' time as reckoned here lags by what the last answer took.
        let isLastTick =
            length - now % length <= tickMilliseconds * 3 / 2
            && (sinceFlush > 2 * tickMilliseconds || length <= 2 * tickMilliseconds)
        // A tick that came too late for the end of its epoch.
        let isMissed = epoch != heartbeatEpoch && sinceFlush > 2 * tickMilliseconds
        request.heartbeatEpoch = isMissed || !isKnown ? heartbeatEpoch : epoch
        if isLastTick || isMissed || isFlushDue || sinceFlush >= Room.flushMillisecondsMax {
            request.heartbeats = heartbeats.drain()
            flushedMilliseconds = nowMilliseconds
            isFlushDue = false
        }
        if isKnown { heartbeatEpoch = epoch }
    }

    private func apply(_ reply: TickReply, nowMilliseconds: Int) {
        if reply.generation != generation {
            mirror.removeAll()
            next = 0
        }
        if reply.version != version || reply.generation != generation {
            for case (let index, let bitmap?) in reply.chunks { mirror.replace(chunk: index, bitmap: bitmap) }
            mirror.keep(only: reply.chunks.map(\.index).sorted())
        }
        next = max(reply.next, reply.generation == generation ? next : 0)
        generation = reply.generation
        version = reply.version
        mirroredNext = reply.next
        incarnation = reply.incarnation
        overrides = reply.overrides
        called = reply.called
        active = reply.active
        openedMilliseconds = reply.openedMilliseconds
        counters = reply.counters
        policy = reply.policy
        asOfMilliseconds = reply.nowMilliseconds
        tickedMilliseconds = nowMilliseconds
        hasTickFailed = false
        standings.removeAll(keepingCapacity: true)
        for (second, entries) in reply.flow { history.record(second: second, entries: entries) }
        rates = EntryRates(
            history: history,
            openedMilliseconds: openedMilliseconds,
            nowMilliseconds: asOfMilliseconds,
            limitPerSecond: policy.ratePerSecond
        )
        estimator.observe(reply, mirror: mirror, history: history, rates: rates)
        waits = estimator.table
    }

    /// The wait at a position, looked up; nil while the room is paused or nothing is known.
    public func estimate(position: Int) -> WaitEstimate? { waits?.estimate(position: position) }

    /// Promises that turned out since the last call, for the metrics.
    public func takeOutcomes() -> [PromiseOutcome] { estimator.takeOutcomes() }
}
