// SPDX-License-Identifier: Apache-2.0
//
// A Redis in memory: rooms by name, each under some rules, that can be lost, or set back to an older state. Every call
// is atomic, as a script is.

public import Admission
internal import WaitingRoomAPI

/// What a script call comes to: its reply, or the error that asks the worker for its memory of the room.
public enum Served<Value> {
    case reply(Value)
    /// The room is not here (new, restarted empty, flushed).
    case noState
    /// This store knows less of the room than the worker.
    case rollback
}

/// What a worker knows of a room when it calls.
struct KnownRoom {
    let generation: Int
    let next: Int
    let incarnation: Int

    init(_ room: Room) {
        generation = room.generation
        next = room.next
        incarnation = room.incarnation
    }
}

public final class ModelServer {
    /// A state to go back to.
    public struct Snapshot {
        fileprivate let rooms: [String: any QueueRules]
    }

    private var rooms: [String: any QueueRules] = [:]
    private let rules: any QueueRules.Type
    private let firstNumber: Int?
    private let clock: () -> Int
    /// Another one for each process that has the state.
    private var identity = 1
    /// Sees every step that was taken, after it.
    public var observe: ((StoreStep, any QueueRules) -> Void)?

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
    public func restart() { identity += 1 }

    /// FLUSHALL, or a restart without persistence.
    public func loseEverything() { rooms = [:] }

    // MARK: - Calls

    /// Runs one step on a room. It is taken out of the dictionary, so that changing it copies nothing.
    private func run<Value>(
        _ id: String,
        _ known: KnownRoom? = nil,
        _ step: (inout any QueueRules, Int) -> (Value, StoreStep.Kind)
    ) -> Served<Value> {
        guard var room = rooms.removeValue(forKey: id) else { return .noState }
        defer { rooms[id] = room }
        let now = clock()
        let incarnation = room.incarnation
        room.arrive(at: identity, nowMilliseconds: now)
        if room.incarnation != incarnation { observe?(StoreStep(nowMilliseconds: now, kind: .moved), room) }
        if let known,
            room.knowsLess(thanGeneration: known.generation, next: known.next, incarnation: known.incarnation)
        {
            return .rollback
        }
        let (value, kind) = step(&room, now)
        observe?(StoreStep(nowMilliseconds: now, kind: kind), room)
        return .reply(value)
    }

    func join(_ batch: [JoinRequest], _ id: String, _ known: KnownRoom) -> Served<JoinReply> {
        run(id, known) { room, now in
            let reply = room.join(batch, nowMilliseconds: now)
            return (reply, .join(batch, reply))
        }
    }

    public func stand(_ claim: TicketClaim, _ id: String) -> Served<StandingReply> {
        run(id) { room, now in
            let reply = room.stand(claim, nowMilliseconds: now)
            return (reply, .stand(claim, reply))
        }
    }

    public func enter(_ claim: TicketClaim, _ id: String) -> Served<StandingReply> {
        run(id) { room, now in
            let reply = room.enter(claim, nowMilliseconds: now)
            return (reply, .enter(claim, reply))
        }
    }

    public func leave(_ claim: TicketClaim, _ id: String) -> Served<StandingReply> {
        run(id) { room, now in
            let reply = room.leave(claim, nowMilliseconds: now)
            return (reply, .leave(claim, reply))
        }
    }

    func tick(_ request: TickRequest, _ id: String, _ known: KnownRoom) -> Served<TickReply> {
        // Only who watches needs to know what was there before: keeping it costs a copy of what the tick changes.
        let isObserved = observe != nil
        return run(id, known) { room, now in
            let before = isObserved ? room.waiting : RankIndex()
            let reply = room.tick(request, nowMilliseconds: now)
            return (reply, .tick(before: before, reply))
        }
    }

    /// The remedy: makes or mends a room from a worker's memory, and answers with the incarnation.
    public func restore(_ memory: RoomMemory, _ id: String, defaults: RoomPolicy) -> Int {
        let now = clock()
        let existing = rooms.removeValue(forKey: id)
        let before = existing?.waiting ?? RankIndex()
        let room = rules.restored(
            memory,
            onto: existing,
            defaults: defaults,
            firstNumber: firstNumber,
            server: identity,
            nowMilliseconds: now
        )
        rooms[id] = room
        let kind = StoreStep.Kind.restore(before: before, memory, isNew: existing == nil)
        observe?(StoreStep(nowMilliseconds: now, kind: kind), room)
        return room.incarnation
    }

    /// Changes a room's limits, as `vestibule room set` does.
    public func configure(_ policy: RoomPolicy, _ id: String) -> Served<Void> {
        run(id) { room, now in
            room.configure(policy, nowMilliseconds: now)
            return ((), .configure(policy))
        }
    }

    /// Ends the room's generation, as `vestibule room reset` does.
    public func reset(_ id: String) -> Served<Int> {
        run(id) { room, now in
            let generation = room.reset(nowMilliseconds: now)
            return (generation, .reset)
        }
    }
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
        case reset
    }

    public let nowMilliseconds: Int
    public let kind: Kind

    public init(nowMilliseconds: Int, kind: Kind) {
        self.nowMilliseconds = nowMilliseconds
        self.kind = kind
    }
}
