// SPDX-License-Identifier: Apache-2.0
//
// The port between a room and the store of its queue, in both directions: what a room asks of the store, and what the
// store asks of the room. QueueClient implements the first, WaitingRoomAPI the second; neither imports the other.

/// Why the store has no answer. Nothing is lost: the caller may repeat the request.
public enum StoreFailure: Error, Equatable, Sendable {
    /// Redis is away, busy or loading; a write may or may not have taken effect.
    case unavailable(String)
    /// Redis refused the call: a fault of the program or of the deployment (ACL, memory), not of the visitor.
    case refused(String)
}

/// The answer to one join.
public struct JoinAnswer: Equatable, Sendable {
    public var outcome: JoinOutcome
    public var generation: Int
    public var nowMilliseconds: Int
    public var waiting: Int

    public init(outcome: JoinOutcome, generation: Int, nowMilliseconds: Int, waiting: Int) {
        self.outcome = outcome
        self.generation = generation
        self.nowMilliseconds = nowMilliseconds
        self.waiting = waiting
    }
}

extension JoinReply {
    /// The answers to the joins of the batch, in their order.
    public var answers: [JoinAnswer] {
        outcomes.map { outcome in
            JoinAnswer(
                outcome: outcome,
                generation: generation,
                nowMilliseconds: nowMilliseconds,
                waiting: waiting
            )
        }
    }
}

/// What a visitor asks about the place that a ticket proves; the raw value is the word that visit.lua takes.
public enum VisitAction: String, CaseIterable, Sendable {
    case stand
    case enter
    case leave
    /// Lengthens an entry; in place of the issue time comes when the pass ends that is shown.
    case renew
}

/// What the store needs of the worker's side of a room: under which name and limits to call, what the worker knows when
/// a call is sent, and the memory from which a room that Redis has lost is restored.
public protocol RoomMemoryKeeper: AnyObject {
    var id: String { get }
    /// The limits of the configuration file; they go with each call, and are in force when no newer file is known.
    var defaults: RoomPolicy { get }
    /// When that file was changed last, in milliseconds since 1970; below 0 for a caller without a file, whose limits
    /// are never written to Redis.
    var revision: Int { get }
    var generation: Int { get }
    /// The number the next joiner gets, as far as this worker knows; 0 before the first tick.
    var next: Int { get }
    /// Identifies the room's state in Redis; 0 before the first tick.
    var incarnation: Int { get }
    /// Whether this worker may make a room that neither Redis nor this worker remembers.
    var mayBeMade: () -> Bool { get }
    /// Everything a restore takes.
    var memory: RoomMemory { get }
    /// A restore has succeeded; the room's state in Redis is now this one.
    func noteRestored(_ incarnation: Int)
    /// The store has said that this visitor is inside until then, in milliseconds of Redis time.
    /// - Parameter beganMilliseconds: the store's time if the entry may have begun with this answer; nil if it was
    ///   there before.
    func noteEntered(_ number: Int, passExpiresMilliseconds: Int, beganMilliseconds: Int?)
}

extension RoomMemoryKeeper {
    /// Takes note of the entry, if the outcome of a join is one.
    public func noteEntry(_ answer: JoinAnswer) {
        guard case .admitted(let number, let expires) = answer.outcome else { return }
        noteEntered(number, passExpiresMilliseconds: expires, beganMilliseconds: answer.nowMilliseconds)
    }

    /// Takes note of the entry, if the answer to an enter or a renewal is one.
    public func noteEntry(_ reply: StandingReply, of number: Int, _ action: VisitAction) {
        guard action == .enter || action == .renew, case .entered(let expires) = reply.standing else { return }
        let began = action == .enter ? reply.nowMilliseconds : nil
        noteEntered(number, passExpiresMilliseconds: expires, beganMilliseconds: began)
    }
}

/// What the store says of all rooms at once.
public struct RoomNews: Equatable, Sendable {
    /// The store's time.
    public var nowMilliseconds: Int
    /// What to ask with next.
    public var mark: Int
    /// The store does not know what has changed since the mark that was asked with: any room may have.
    public var isNew: Bool
    /// More changes follow, from `mark` on.
    public var isCut: Bool
    /// Rooms that have changed since, or are due; a name may come twice.
    public var rooms: [String]

    public init(nowMilliseconds: Int, mark: Int, isNew: Bool = false, isCut: Bool = false, rooms: [String] = []) {
        self.nowMilliseconds = nowMilliseconds
        self.mark = mark
        self.isNew = isNew
        self.isCut = isCut
        self.rooms = rooms
    }
}

/// The transitions of visitors, and the tick. Completions run once, in the worker's loop, now or later.
public protocol QueueStore: AnyObject {
    typealias Completion<Answer> = (Result<Answer, StoreFailure>) -> Void

    /// What the store refuses now until an operator acts, in words for people; nil while it refuses nothing.
    var refusal: String? { get }

    /// Joins of one loop turn may be sent together; each is answered only after the store has it.
    func join(_ request: JoinRequest, room: any RoomMemoryKeeper, _ completion: @escaping Completion<JoinAnswer>)
    func visit(
        _ action: VisitAction,
        _ claim: TicketClaim,
        room: any RoomMemoryKeeper,
        _ completion: @escaping Completion<StandingReply>
    )
    func tick(_ request: TickRequest, room: any RoomMemoryKeeper, _ completion: @escaping Completion<TickReply>)
    /// Works on the room's draw.
    func draw(_ action: DrawAction, room: any RoomMemoryKeeper, _ completion: @escaping Completion<DrawReply>)
    /// Whether the store can say what is new. Else each room is looked at by itself.
    var hasNews: Bool { get }
    /// Which rooms a worker must look at: those that have changed since the answer with this mark (0: none), and those
    /// in which something is due. A room that is not named is as the worker's last tick has shown it.
    func news(since mark: Int, _ completion: @escaping Completion<RoomNews>)
}

extension QueueStore {
    public var refusal: String? { nil }
    public var hasNews: Bool { false }

    public func draw(
        _ action: DrawAction,
        room: any RoomMemoryKeeper,
        _ completion: @escaping Completion<DrawReply>
    ) {
        completion(.failure(.unavailable("this store draws no places")))
    }

    public func news(since mark: Int, _ completion: @escaping Completion<RoomNews>) {
        completion(.failure(.unavailable("this store does not know")))
    }

    /// Where the visitor stands. A visitor who lost the place by silence gets it back by asking within the grace.
    public func stand(_ claim: TicketClaim, room: any RoomMemoryKeeper, _ done: @escaping Completion<StandingReply>) {
        visit(.stand, claim, room: room, done)
    }

    /// Lets the visitor in, if called. Repeating it gives the same pass.
    public func enter(_ claim: TicketClaim, room: any RoomMemoryKeeper, _ done: @escaping Completion<StandingReply>) {
        visit(.enter, claim, room: room, done)
    }

    /// Lengthens the entry of a pass, unless it is not the entry's last, or `pass_max` is reached.
    /// - Parameter claim: of the pass; its time is when the pass ends, in milliseconds.
    public func renew(_ claim: TicketClaim, room: any RoomMemoryKeeper, _ done: @escaping Completion<StandingReply>) {
        visit(.renew, claim, room: room, done)
    }

    /// Gives the place up for good.
    public func leave(_ claim: TicketClaim, room: any RoomMemoryKeeper, _ done: @escaping Completion<StandingReply>) {
        visit(.leave, claim, room: room, done)
    }
}
