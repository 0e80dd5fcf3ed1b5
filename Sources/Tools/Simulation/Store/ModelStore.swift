// SPDX-License-Identifier: Apache-2.0
//
// The queue store in memory, over the reference model. It answers at once; time is what `clock` says. Like the store
// over Redis it restores a room that was lost, and it passes the same conformance suite.

public import Admission
public import WaitingRoomAPI

public final class ModelStore: QueueStore {
    private let server: ModelServer
    /// When set, every call fails with it: the store is away.
    public var failure: StoreFailure?

    /// - Parameters:
    ///   - firstNumber: what the first joiner of a room gets; nil takes it from the clock, as restore.lua does.
    ///   - clock: milliseconds, as Redis TIME would give them.
    public init(firstNumber: Int? = 1, clock: @escaping () -> Int) {
        server = ModelServer(firstNumber: firstNumber, clock: clock)
    }

    /// The call, and after a restore once more, as ScriptCaller makes it.
    private func call<Value>(
        _ room: Room,
        mayRestore: Bool = true,
        _ body: (ModelServer) -> Served<Value>
    ) -> Result<Value, StoreFailure> {
        if let failure { return .failure(failure) }
        switch body(server) {
        case .reply(let value): return .success(value)
        case .noState, .rollback:
            guard mayRestore, room.next > 0 || room.mayBeMade() else { return .failure(.unavailable("NOSTATE")) }
            room.noteRestored(server.restore(room.memory, room.id, defaults: room.defaults))
            return call(room, mayRestore: false, body)
        }
    }

    /// The model behind a room, once it was used.
    public func model(of room: Room) -> QueueModel? { server.room(room.id) as? QueueModel }

    /// Changes a room's limits, as `vestibule room set` does.
    public func configure(_ room: Room, _ policy: RoomPolicy) {
        _ = call(room) { $0.configure(policy, room.id) }
    }

    /// Ends the room's generation, as `vestibule room reset` does.
    public func reset(_ room: Room) {
        _ = call(room) { $0.reset(room.id) }
    }

    /// Loses everything, as by FLUSHALL.
    public func loseEverything() { server.loseEverything() }

    public func snapshot() -> ModelServer.Snapshot { server.snapshot() }

    /// Goes back to an older state, as by a failover to a replica that lags.
    public func goBack(to snapshot: ModelServer.Snapshot) {
        server.goBack(to: snapshot)
    }

    public func join(
        _ request: JoinRequest,
        room: Room,
        _ completion: @escaping (Result<JoinAnswer, StoreFailure>) -> Void
    ) {
        let result = call(room) { $0.join([request], room.id, KnownRoom(room)) }.map { $0.answers[0] }
        if case .success(let answer) = result { room.noteEntry(answer.outcome) }
        completion(result)
    }

    public func stand(
        _ claim: TicketClaim,
        room: Room,
        _ completion: @escaping (Result<StandingReply, StoreFailure>) -> Void
    ) {
        completion(call(room) { $0.stand(claim, room.id) })
    }

    public func enter(
        _ claim: TicketClaim,
        room: Room,
        _ completion: @escaping (Result<StandingReply, StoreFailure>) -> Void
    ) {
        let result = call(room) { $0.enter(claim, room.id) }
        if case .success(let reply) = result { room.noteEntry(reply, of: claim.number) }
        completion(result)
    }

    public func leave(
        _ claim: TicketClaim,
        room: Room,
        _ completion: @escaping (Result<StandingReply, StoreFailure>) -> Void
    ) {
        completion(call(room) { $0.leave(claim, room.id) })
    }

    public func tick(
        _ request: TickRequest,
        room: Room,
        _ completion: @escaping (Result<TickReply, StoreFailure>) -> Void
    ) {
        completion(call(room) { $0.tick(request, room.id, KnownRoom(room)) })
    }
}
