// SPDX-License-Identifier: Apache-2.0
//
// What can be asked of a room, and what it answers: the words shared by the model, the scripts and the handlers.

/// One join of a batch.
public struct JoinRequest: Equatable, Sendable {
    /// `gate` takes a number only if the visitor is admitted at once (first contact with a protected page). `passage`
    /// takes a token and no number, while nobody waits, and has no key: for a request that no person has sent.
    public enum Kind: String, Sendable {
        case join
        case gate
        case passage
    }

    /// What makes two joins one.
    public enum Key: Hashable, Sendable {
        /// Joins with the same key within five minutes get the same number.
        case retry(String)
        /// As long as the person has a place, or may come back to it, joins get that place; then another one.
        case person(String)

        /// What the store knows it by.
        public var text: String {
            switch self {
            case .retry(let key), .person(let key): key
            }
        }
    }

    public var kind: Kind
    /// Nil: each join is another.
    public var key: Key?

    public init(kind: Kind, key: Key? = nil) {
        self.kind = kind
        self.key = key
    }

    /// A join that may be repeated.
    public init(kind: Kind, idempotencyKey: String?) {
        self.init(kind: kind, key: idempotencyKey.map { .retry($0) })
    }

    /// The key of a join that may be repeated; nil where there is none, or a person's.
    public var idempotencyKey: String? {
        if case .retry(let key) = key { key } else { nil }
    }
}

/// What became of one join.
public enum JoinOutcome: Equatable, Sendable {
    /// The visitor waits. `position` counts those ahead plus one, exact at the moment of the join.
    case waiting(number: Int, position: Int)
    /// There was no queue: called and entered in one step.
    case admitted(number: Int, passExpiresMilliseconds: Int)
    /// The key names the ticket with this number and issue time already; ask where it stands.
    case known(number: Int, issuedMilliseconds: Int)
    /// The room takes no joins.
    case closed
    /// As many wait as the capacity allows.
    case full
    /// A gate or a passage found no room; no number was taken.
    case noRoom
    /// The room is switched off; the gate lets everybody pass. No number was taken.
    case bypassed
    /// A passage: the request goes on, and has taken a token of both buckets.
    case passed
}

/// The answers to a batch of joins, in its order.
public struct JoinReply: Equatable, Sendable {
    public var nowMilliseconds: Int
    public var generation: Int
    public var waiting: Int
    public var outcomes: [JoinOutcome]

    public init(nowMilliseconds: Int, generation: Int, waiting: Int, outcomes: [JoinOutcome]) {
        self.nowMilliseconds = nowMilliseconds
        self.generation = generation
        self.waiting = waiting
        self.outcomes = outcomes
    }
}

/// What a ticket proves about its holder.
public struct TicketClaim: Equatable, Sendable {
    public var generation: Int
    public var number: Int
    public var issuedMilliseconds: Int

    /// The issue time of a ticket that is issued now. With the key of a retry it is a whole second, which is what the
    /// store remembers of it. So a ticket that is asked for again with the same key is the same to the byte.
    public static func issueTime(nowMilliseconds now: Int, key: JoinRequest.Key?) -> Int {
        if case .retry = key { now - now % 1000 } else { now }
    }

    public init(generation: Int, number: Int, issuedMilliseconds: Int) {
        self.generation = generation
        self.number = number
        self.issuedMilliseconds = issuedMilliseconds
    }
}

/// Where a visitor stands.
public enum Standing: Equatable, Sendable {
    case waiting
    /// Called forward; the call lapses at the deadline.
    case called(deadlineMilliseconds: Int)
    case entered(passExpiresMilliseconds: Int)
    /// Called, but a token or a place to enter comes only after this time (as an answer to `enter`). The call is kept.
    case retry(afterMilliseconds: Int)
    case left
    /// Silent for longer than the grace, or the pass ran out.
    case expired
    /// The ticket's generation was ended by a reset.
    case fenced
    /// The number was registered for a draw, which this worker has yet to learn of.
    case moved
}

/// The answer about one visitor.
public struct StandingReply: Equatable, Sendable {
    public var standing: Standing
    public var nowMilliseconds: Int
    public var waiting: Int
    /// People ahead plus one, exact, of a visitor who has just joined; 0 where the mirror knows it, or will soon.
    public var position: Int
    /// Where a visitor who waits stands in the line, see ``RankIndex``; 0 otherwise.
    public var place: Int
    /// Whether the entry can still be lengthened, see ``RoomPolicy/passMaxMilliseconds``; false of a visitor who is not
    /// inside.
    public var isRenewable: Bool

    public init(
        standing: Standing,
        nowMilliseconds: Int,
        waiting: Int,
        position: Int = 0,
        place: Int = 0,
        isRenewable: Bool = false
    ) {
        self.place = place
        self.isRenewable = isRenewable
        self.standing = standing
        self.nowMilliseconds = nowMilliseconds
        self.waiting = waiting
        self.position = position
    }
}

/// What a worker already knows when it asks for a tick.
public struct TickRequest {
    public var generation = 0
    public var version = 0
    public var entered = 0
    /// First second of the entry history the worker lacks.
    public var flowSecond = 0
    public var tickMilliseconds = 200
    /// The sweep epoch in which `heartbeats` were collected.
    public var heartbeatEpoch = 0
    /// The visitors that polled at this worker since its last flush.
    public var heartbeats: [(chunk: Int, bitmap: [UInt8])] = []

    public init() {}
}

/// The counters of a room since it was made.
public struct RoomCounters: Equatable, Sendable {
    public var joined = 0
    public var entered = 0
    public var left = 0
    public var abandoned = 0
    public var lapsed = 0
    public var returned = 0

    public init() {}
}

/// The state of a room after a tick, with what changed since the worker's version.
public struct TickReply {
    public var nowMilliseconds = 0
    public var generation = 0
    public var version = 0
    public var next = 0
    public var head = 0
    public var waiting = 0
    public var called = 0
    public var active = 0
    /// When the first visitor joined; 0 before that.
    public var openedMilliseconds = 0
    public var counters = RoomCounters()
    public var policy = RoomPolicy.standard
    /// The operator's message to visitors; empty for none.
    public var notice = ""
    public var draw = RoomDraw()
    /// Names this memory of the store; another one means that it was lost and made anew.
    public var incarnation = 0
    /// Whole tokens for calls that were left when the tick had called.
    public var callTokens = 0
    /// 1 when more calls have lapsed than this tick could end, else 0. A tick that follows at once goes on.
    public var lapsesLeft = 0
    /// Of the file whose limits are in force; below 0 while no file's are.
    public var revision = -1
    /// `abandonAfter` as it was asked for; the policy has what is in force, which is longer while a large crowd waits.
    public var askedAbandonMilliseconds = 0
    /// The operator's overrides, in the order of the policy's script arguments.
    public var overrides: [Int?] = []
    public var flow: [(second: Int, entries: Int)] = []
    /// Every live chunk when anything changed; `bitmap` is nil where the worker's copy is current.
    public var chunks: [(index: Int, bitmap: [UInt8]?)] = []

    public init() {}
}
