// SPDX-License-Identifier: Apache-2.0
//
// The protocol between a simulated store and the rules of a queue. The model of the product implements it. Tests put
// rules behind it that are broken on purpose, and see which checker finds out. It uses the values of Admission only.

public import Admission

/// One room as a simulated Redis holds it. A value: a copy is a snapshot.
public protocol QueueRules {
    var caps: QueueCaps { get set }
    var policy: RoomPolicy { get }
    /// Whether the key of the state is there: without it the others are nothing to a caller.
    var hasState: Bool { get }
    var generation: Int { get }
    var incarnation: Int { get }
    var next: Int { get }
    var waiting: RankIndex { get }
    /// Number to claim deadline.
    var called: [Int: Int] { get }
    /// How many are inside: their passes go on.
    var activeCount: Int { get }

    /// What a mirror shows of the room, as numbers: others mean that workers must look at it.
    var shown: [Int] { get }
    /// When the first pass of those inside ends; nil when none does, or the rules do not say.
    var soonestPassEnd: Int? { get }

    func knowsLess(thanGeneration known: Int, next knownNext: Int, incarnation knownIncarnation: Int) -> Bool

    /// Comes before every call: has another server written this?
    mutating func arrive(at server: Int, nowMilliseconds: Int)
    mutating func join(_ batch: [JoinRequest], nowMilliseconds: Int) -> JoinReply
    mutating func stand(_ claim: TicketClaim, nowMilliseconds: Int) -> StandingReply
    mutating func enter(_ claim: TicketClaim, nowMilliseconds: Int) -> StandingReply
    mutating func leave(_ claim: TicketClaim, nowMilliseconds: Int) -> StandingReply
    mutating func renew(_ claim: TicketClaim, nowMilliseconds: Int) -> StandingReply
    mutating func tick(_ request: TickRequest, nowMilliseconds: Int) -> TickReply
    mutating func draw(_ action: DrawAction, nowMilliseconds: Int) -> DrawReply
    /// Comes before every call: is the caller's file newer than every other?
    mutating func adopt(_ limits: RoomPolicy, revision: Int, nowMilliseconds: Int)
    mutating func configure(_ policy: RoomPolicy, nowMilliseconds: Int)
    mutating func reset(nowMilliseconds: Int) -> Int
    /// A key of the room, or all keys of a kind, are gone.
    mutating func evict(_ part: MemoryPart)

    /// Makes a room that is not there (`existing` nil), or mends a room that went back.
    static func restored(
        _ memory: RoomMemory,
        onto existing: (any QueueRules)?,
        defaults: RoomPolicy,
        firstNumber: Int?,
        server: Int,
        nowMilliseconds: Int
    ) -> any QueueRules
}

/// What can be missing of a room's memory: its keys in Redis, by kind.
public enum MemoryPart: Int, CaseIterable, Sendable {
    case state, config, chunks, waiting, called, active, recalled, flow, seen, gone, done, lapses, joinKeys
}

extension QueueRules {
    public var hasState: Bool { true }
    public var shown: [Int] {
        [generation, incarnation, next, waiting.count, called.count, activeCount] + policy.scriptArguments
    }
    public var soonestPassEnd: Int? { nil }
    /// Rules without renewals.
    public mutating func renew(_ claim: TicketClaim, nowMilliseconds: Int) -> StandingReply {
        stand(claim, nowMilliseconds: nowMilliseconds)
    }
    public mutating func evict(_ part: MemoryPart) {}
    public mutating func draw(_ action: DrawAction, nowMilliseconds: Int) -> DrawReply { .refused }
}

extension QueueModel: QueueRules {
    public var activeCount: Int { active.count }

    public var shown: [Int] {
        [
            generation, incarnation, version, next, waiting.count, called.count, active.count, openedMilliseconds,
            counters.joined, counters.entered, counters.left, counters.abandoned, counters.lapsed, counters.returned,
            revision, draw.state.rawValue,
        ]
    }

    public var soonestPassEnd: Int? { active.values.min() }

    public static func restored(
        _ memory: RoomMemory,
        onto existing: (any QueueRules)?,
        defaults: RoomPolicy,
        firstNumber: Int?,
        server: Int,
        nowMilliseconds: Int
    ) -> any QueueRules {
        QueueModel(
            restoring: memory,
            onto: existing as? QueueModel,
            defaults: defaults,
            firstNumber: firstNumber,
            server: server,
            nowMilliseconds: nowMilliseconds
        )
    }
}
