// SPDX-License-Identifier: Apache-2.0
//
// The product's rules with one flaw each: what a mistake in the model or in a script would do. Everything a flaw does
// not name goes to the model as it is.

import Admission
import Simulation

/// One mistake. Each function stands for the step of the same name.
protocol Flaw {
    static func join(_ model: inout QueueModel, _ batch: [JoinRequest], _ now: Int) -> JoinReply
    static func stand(_ model: inout QueueModel, _ claim: TicketClaim, _ now: Int) -> StandingReply
    static func enter(_ model: inout QueueModel, _ claim: TicketClaim, _ now: Int) -> StandingReply
    static func leave(_ model: inout QueueModel, _ claim: TicketClaim, _ now: Int) -> StandingReply
    static func tick(_ model: inout QueueModel, _ request: TickRequest, _ now: Int) -> TickReply
    static func arrive(_ model: inout QueueModel, _ server: Int, _ now: Int)
    static func evict(_ model: inout QueueModel, _ part: MemoryPart)
    /// The age that a caller's file seems to have where the newest has the age `known`.
    static func revision(_ revision: Int, known: Int) -> Int
    static func remembered(_ memory: RoomMemory) -> RoomMemory
    /// The limits that the rules work with, in place of those in force.
    static func limits(_ policy: RoomPolicy) -> RoomPolicy
    /// A fault that is put back inside of the model.
    static var mistake: QueueMistake? { get }
}

extension Flaw {
    static func join(_ model: inout QueueModel, _ batch: [JoinRequest], _ now: Int) -> JoinReply {
        model.join(batch, nowMilliseconds: now)
    }
    static func stand(_ model: inout QueueModel, _ claim: TicketClaim, _ now: Int) -> StandingReply {
        model.stand(claim, nowMilliseconds: now)
    }
    static func enter(_ model: inout QueueModel, _ claim: TicketClaim, _ now: Int) -> StandingReply {
        model.enter(claim, nowMilliseconds: now)
    }
    static func leave(_ model: inout QueueModel, _ claim: TicketClaim, _ now: Int) -> StandingReply {
        model.leave(claim, nowMilliseconds: now)
    }
    static func tick(_ model: inout QueueModel, _ request: TickRequest, _ now: Int) -> TickReply {
        model.tick(request, nowMilliseconds: now)
    }
    static func arrive(_ model: inout QueueModel, _ server: Int, _ now: Int) {
        model.arrive(at: server, nowMilliseconds: now)
    }
    static func evict(_ model: inout QueueModel, _ part: MemoryPart) { model.evict(part) }
    static func revision(_ revision: Int, known: Int) -> Int { revision }
    static func remembered(_ memory: RoomMemory) -> RoomMemory { memory }
    static func limits(_ policy: RoomPolicy) -> RoomPolicy { policy }
    static var mistake: QueueMistake? { nil }
}

struct Flawed<Mistake: Flaw>: QueueRules {
    private var model: QueueModel
    private(set) var policy: RoomPolicy
    var caps: QueueCaps {
        get { model.caps }
        set { model.caps = newValue }
    }

    var generation: Int { model.generation }
    var incarnation: Int { model.incarnation }
    var next: Int { model.next }
    var waiting: RankIndex { model.waiting }
    var called: [Int: Int] { model.called }
    var activeCount: Int { model.activeCount }

    func knowsLess(thanGeneration known: Int, next: Int, incarnation: Int) -> Bool {
        model.knowsLess(thanGeneration: known, next: next, incarnation: incarnation)
    }

    mutating func arrive(at server: Int, nowMilliseconds now: Int) { Mistake.arrive(&model, server, now) }
    mutating func join(_ batch: [JoinRequest], nowMilliseconds now: Int) -> JoinReply {
        Mistake.join(&model, batch, now)
    }
    mutating func stand(_ claim: TicketClaim, nowMilliseconds now: Int) -> StandingReply {
        Mistake.stand(&model, claim, now)
    }
    mutating func enter(_ claim: TicketClaim, nowMilliseconds now: Int) -> StandingReply {
        Mistake.enter(&model, claim, now)
    }
    mutating func leave(_ claim: TicketClaim, nowMilliseconds now: Int) -> StandingReply {
        Mistake.leave(&model, claim, now)
    }
    mutating func tick(_ request: TickRequest, nowMilliseconds now: Int) -> TickReply {
        var reply = Mistake.tick(&model, request, now)
        reply.policy = policy
        return reply
    }
    mutating func adopt(_ limits: RoomPolicy, revision: Int, nowMilliseconds now: Int) {
        let revision = Mistake.revision(revision, known: model.revision)
        if revision > model.revision { policy = limits }
        model.adopt(Mistake.limits(limits), revision: revision, nowMilliseconds: now)
    }
    mutating func configure(_ policy: RoomPolicy, nowMilliseconds now: Int) {
        self.policy = policy
        model.configure(Mistake.limits(policy), nowMilliseconds: now)
    }
    mutating func reset(nowMilliseconds now: Int) -> Int { model.reset(nowMilliseconds: now) }
    var hasState: Bool { model.hasState }
    mutating func evict(_ part: MemoryPart) { Mistake.evict(&model, part) }

    static func restored(
        _ memory: RoomMemory,
        onto existing: (any QueueRules)?,
        defaults: RoomPolicy,
        firstNumber: Int?,
        server: Int,
        nowMilliseconds now: Int
    ) -> any QueueRules {
        let known = existing as? Flawed<Mistake>
        var model = QueueModel(
            restoring: Mistake.remembered(memory),
            onto: known?.model,
            defaults: Mistake.limits(defaults),
            firstNumber: firstNumber,
            server: server,
            nowMilliseconds: now
        )
        model.mistake = Mistake.mistake
        return Flawed(model: model, policy: known?.policy ?? defaults)
    }
}
