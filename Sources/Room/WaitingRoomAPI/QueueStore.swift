// SPDX-License-Identifier: Apache-2.0
//
// The port to the store of the queue. It belongs to the API, which uses it; RedisQueue and Simulation implement it.

public import Admission

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

/// The transitions of visitors, and the tick. Completions run once, in the worker's loop, now or later.
public protocol QueueStore: AnyObject {
    /// Joins of one loop turn may be sent together; each is answered only after the store has it.
    func join(_ request: JoinRequest, room: Room, _ completion: @escaping (Result<JoinAnswer, StoreFailure>) -> Void)
    func stand(_ claim: TicketClaim, room: Room, _ completion: @escaping (Result<StandingReply, StoreFailure>) -> Void)
    func enter(_ claim: TicketClaim, room: Room, _ completion: @escaping (Result<StandingReply, StoreFailure>) -> Void)
    func leave(_ claim: TicketClaim, room: Room, _ completion: @escaping (Result<StandingReply, StoreFailure>) -> Void)
    func tick(_ request: TickRequest, room: Room, _ completion: @escaping (Result<TickReply, StoreFailure>) -> Void)
}
