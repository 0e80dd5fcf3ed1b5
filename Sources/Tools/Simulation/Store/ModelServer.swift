// SPDX-License-Identifier: Apache-2.0
//
// A Redis in memory. It holds rooms by name, each under some rules; a room can be lost or set back to an older state.
// It answers the script calls of the client that ships, so it uses Admission and QueueClient. As with real scripts, a
// call is atomic. Its time is the clock that it is given.

public import Admission
internal import QueueClient

/// The error reply of a script that asks the worker for its memory of the room.
public enum ScriptError: String, Error {
    case noState = "NOSTATE the room has no state here"
    case rollback = "ROLLBACK the room went back"
}

public final class ModelServer {
    /// A state to go back to.
    public struct Snapshot {
        fileprivate let rooms: [String: any QueueRules]
    }

    /// What a worker knows of a room when it calls.
    struct Known {
        let generation: Int
        let next: Int
        let incarnation: Int
    }

    /// The scripts that clients of a model name in their calls. Their text is never run.
    static let scripts = ScriptCatalog()

    private var rooms: [String: any QueueRules] = [:]
    /// The limits that the call under way has brought, and the revision of their file.
    private var limits: (policy: RoomPolicy, revision: Int)?
    /// The limits of the configuration file that the last call for a room without state has brought.
    private var defaults: [String: RoomPolicy] = [:]
    /// Which rooms have changed or are due; nil until a client asks for news.
    private var index: ModelIndex?
    /// The scripts in the server's cache.
    private var loaded = Set(QueueScript.allCases)
    private let rules: any QueueRules.Type
    private let firstNumber: Int?
    private let clock: () -> Int
    /// Of the calls on each room, from its making on.
    public var caps = QueueCaps()
    /// How far below an edge of a chunk the first number of a room is; nil takes it as it comes.
    var distanceToEdge: Int?
    /// Rooms that were there once.
    private var made: Set<String> = []
    /// Another one for each process that has the state.
    private var identity = 1
    /// Sees every step that was taken in a room, after it.
    public var observe: ((String, StoreStep, any QueueRules) -> Void)?
    /// For tests.
    var mixUp: RoomMixUp?
    private var mixedUp = 0

    /// - Parameters:
    ///   - firstNumber: what the first joiner of a new room gets; nil takes it from the clock, as restore.lua does.
    ///   - clock: milliseconds, as Redis TIME would give them.
    public init(
        rules: any QueueRules.Type = QueueModel.self,
        firstNumber: Int? = nil,
        clock: @escaping () -> Int
    ) {
        self.rules = rules
        self.firstNumber = firstNumber
        self.clock = clock
    }

    public func room(_ id: String) -> (any QueueRules)? { rooms[id] }

    // MARK: - Losses

    public func snapshot() -> Snapshot { Snapshot(rooms: rooms) }

    /// Fails over to a replica that lags, or restarts from a file: the state is that of the snapshot.
    public func goBack(to snapshot: Snapshot) {
        rooms = snapshot.rooms
        restart()
    }

    /// Another process has the state.
    public func restart() {
        identity += 1
        loaded = []
    }

    /// FLUSHALL, or a restart without persistence.
    public func loseEverything() { (rooms, index) = ([:], nil) }

    /// The index of rooms is evicted, or removed by hand.
    func loseIndex() { index = nil }

    /// A key of a room, or all of a kind, are evicted.
    func evict(_ part: MemoryPart, _ id: String) { rooms[id]?.evict(part) }

    /// SCRIPT FLUSH.
    func forgetScripts() { loaded = [] }

    /// What a new connection does first.
    func loadScripts() { loaded = Set(QueueScript.allCases) }

    // MARK: - Calls

    /// Runs a command of the client: EVALSHA or EVAL of a script of the queue.
    func answer(_ command: [RedisArgument], room id: String) -> RedisReply {
        guard case .bytes(let name) = command[1] else { return .error("ERR not a script") }
        if let script = ModelServer.scripts.script(ofDigest: name) {
            guard loaded.contains(script) else { return .error("NOSCRIPT No matching script.") }
            return answer(ScriptCall(script, command: command), id)
        }
        guard let script = ModelServer.scripts.script(ofSource: name) else { return .error("ERR an unknown script") }
        loaded.insert(script)
        return answer(ScriptCall(script, command: command), id)
    }

    private func answer(_ call: ScriptCall, _ id: String) -> RedisReply {
        var call = call
        let id = reached(by: call.script, meant: id)
        if call.script == .restore { return restore(call.memory(), id) }
        if call.script == .news { return RedisReply(news(since: call.mark())) }
        limits = call.limits()
        defer { limits = nil }
        if !(rooms[id]?.hasState ?? false) { defaults[id] = limits?.policy }
        do throws(ScriptError) {
            switch call.script {
            case .join: return try join(&call, id)
            case .visit: return try visit(&call, id)
            case .tick:
                let (request, known) = call.tick()
                return RedisReply(try tick(request, id, known))
            case .draw:
                let action = call.draw()
                let reply = try run(id) { room, now in (room.draw(action, nowMilliseconds: now), .draw(action)) }
                // A mirror shows the texts of the draw as well.
                if reply != .refused { index?.noteChange(id) }
                return RedisReply(reply)
            case .restore, .configure, .reset, .news: return .error("ERR not a call of a worker")
            }
        } catch {
            return .error(error.rawValue)
        }
    }

    private func join(_ call: inout ScriptCall, _ id: String) throws(ScriptError) -> RedisReply {
        let (known, batch) = call.joins()
        return RedisReply(
            try run(id, known) { room, now in
                let reply = room.join(batch, nowMilliseconds: now)
                return (reply, .join(batch, reply))
            }
        )
    }

    private func visit(_ call: inout ScriptCall, _ id: String) throws(ScriptError) -> RedisReply {
        var replies: [StandingReply] = []
        while !call.isAtEnd {
            let (action, claim) = call.visit()
            replies.append(try visit(action, claim, id))
        }
        return RedisReply(replies)
    }

    private func visit(_ action: VisitAction, _ claim: TicketClaim, _ id: String) throws(ScriptError) -> StandingReply {
        try run(id) { room, now in
            switch action {
            case .stand:
                let reply = room.stand(claim, nowMilliseconds: now)
                return (reply, .stand(claim, reply))
            case .enter:
                let reply = room.enter(claim, nowMilliseconds: now)
                return (reply, .enter(claim, reply))
            case .leave:
                let reply = room.leave(claim, nowMilliseconds: now)
                return (reply, .leave(claim, reply))
            case .renew:
                let reply = room.renew(claim, nowMilliseconds: now)
                return (reply, .stand(claim, reply))
            }
        }
    }

    /// Runs one step on a room. It is taken out of the dictionary, so that changing it copies nothing.
    private func run<Value>(
        _ id: String,
        _ known: Known? = nil,
        _ step: (inout any QueueRules, Int) -> (Value, StoreStep.Kind)
    ) throws(ScriptError) -> Value {
        guard rooms[id]?.hasState ?? false, var room = rooms.removeValue(forKey: id) else { throw .noState }
        defer { rooms[id] = room }
        let now = clock()
        let incarnation = room.incarnation
        let shown = index == nil ? [] : room.shown
        // Also after a refusal: the room may have met another server.
        defer { if index != nil, room.shown != shown { index?.noteChange(id) } }
        room.arrive(at: identity, nowMilliseconds: now)
        if let limits { room.adopt(limits.policy, revision: limits.revision, nowMilliseconds: now) }
        if room.incarnation != incarnation { observe?(id, StoreStep(nowMilliseconds: now, kind: .moved), room) }
        if let known,
            room.knowsLess(thanGeneration: known.generation, next: known.next, incarnation: known.incarnation)
        {
            throw .rollback
        }
        let (value, kind) = step(&room, now)
        observe?(id, StoreStep(nowMilliseconds: now, kind: kind), room)
        return value
    }

    private func tick(_ request: TickRequest, _ id: String, _ known: Known) throws(ScriptError) -> TickReply {
        // Only who watches needs to know what was there before: keeping it costs a copy of what the tick changes.
        let isObserved = observe != nil
        let other = mixUp == .mirrors ? rooms[neighbour(id)] : nil
        return try run(id, known) { room, now in
            let before = isObserved ? room.waiting : RankIndex()
            var reply = room.tick(request, nowMilliseconds: now)
            if let other {
                reply.chunks = reply.chunks.map { ($0.index, other.waiting.bitmap(chunk: $0.index) ?? []) }
            }
            index?.noteTick(id, room, nowMilliseconds: reply.nowMilliseconds)
            return (reply, .tick(before: before, reply))
        }
    }

    private func news(since mark: Int) -> RoomNews {
        let now = clock()
        if index?.isOver(at: identity) ?? true { index = ModelIndex(server: identity, nowMilliseconds: now) }
        return index?.news(since: mark, nowMilliseconds: now) ?? RoomNews(nowMilliseconds: now, mark: mark)
    }

    /// The room that a call reaches: its own, unless rooms are mixed up.
    private func reached(by script: QueueScript, meant id: String) -> String {
        guard mixUp == .visits, script == .visit else { return id }
        mixedUp += 1
        return mixedUp % RoomMixUp.every == 0 ? neighbour(id) : id
    }

    /// The next room by name, behind the last the first.
    private func neighbour(_ id: String) -> String {
        let names = rooms.keys.sorted()
        guard let place = names.firstIndex(of: id) else { return id }
        return names[(place + 1) % names.count]
    }

    private func restore(_ memory: RoomMemory, _ id: String) -> RedisReply {
        let incarnation = restore(memory, id, defaults: defaults[id] ?? .standard)
        let (generation, next) = (rooms[id]?.generation ?? 0, rooms[id]?.next ?? 0)
        return .integers(
            RedisReply.words([RestoreReplyField.generation: generation, .next: next, .incarnation: incarnation])
        )
    }

    /// Makes or mends a room from a worker's memory, and answers with the incarnation.
    public func restore(_ memory: RoomMemory, _ id: String, defaults: RoomPolicy) -> Int {
        let now = clock()
        let existing = rooms.removeValue(forKey: id)
        let isFirst = made.insert(id).inserted
        let before = existing?.waiting ?? RankIndex()
        var room = rules.restored(
            memory,
            onto: existing,
            defaults: defaults,
            firstNumber: isFirst ? distanceToEdge.map { below($0, now) } ?? firstNumber : firstNumber,
            server: identity,
            nowMilliseconds: now
        )
        room.caps = caps
        rooms[id] = room
        if existing.map({ $0.shown != room.shown }) ?? true { index?.noteChange(id) }
        let kind = StoreStep.Kind.restore(before: before, memory, isNew: existing == nil)
        observe?(id, StoreStep(nowMilliseconds: now, kind: kind), room)
        return room.incarnation
    }

    /// The last number so far below an edge of a chunk that is not above the clock's number.
    private func below(_ distance: Int, _ now: Int) -> Int {
        RoomMemory.firstNumber(nowMilliseconds: now) / RankIndex.chunkSize * RankIndex.chunkSize - distance
    }

    /// Changes a room's limits, as `vestibule room set` does.
    public func configure(_ policy: RoomPolicy, _ id: String) throws(ScriptError) {
        try run(id) { room, now in
            room.configure(policy, nowMilliseconds: now)
            return ((), .configure(policy))
        }
        index?.noteChange(id)
    }

    /// Sets the message to visitors, as `vestibule room message` does.
    public func setNotice(_ text: String, _ id: String) {
        (rooms[id] as? QueueModel).map { model in
            var model = model
            model.notice = text
            rooms[id] = model
        }
        index?.noteChange(id)
    }

    /// Ends the room's generation, as `vestibule room reset` does.
    public func reset(_ id: String) throws(ScriptError) -> Int {
        try run(id) { room, now in
            let generation = room.reset(nowMilliseconds: now)
            return (generation, .reset)
        }
    }
}

/// Mistakes in which what is meant for one room reaches another one.
public enum RoomMixUp: CaseIterable, Sendable {
    /// Of the calls of visitors, one in `every`.
    case visits
    /// The mirrors show who waits in another room.
    case mirrors

    static let every = 4
}

/// A step that a store took.
public struct StoreStep {
    public enum Kind {
        case join([JoinRequest], JoinReply)
        case stand(TicketClaim, StandingReply)
        case enter(TicketClaim, StandingReply)
        case leave(TicketClaim, StandingReply)
        /// `before`: who waited before it.
        case tick(before: RankIndex, TickReply)
        /// `isNew`: there was no room.
        case restore(before: RankIndex, RoomMemory, isNew: Bool)
        /// Another server had written the state.
        case moved
        case configure(RoomPolicy)
        case draw(DrawAction)
        case reset
    }

    public let nowMilliseconds: Int
    public let kind: Kind

    public init(nowMilliseconds: Int, kind: Kind) {
        self.nowMilliseconds = nowMilliseconds
        self.kind = kind
    }
}
