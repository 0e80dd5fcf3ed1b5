// SPDX-License-Identifier: Apache-2.0
//
// The queue store over Redis: one script call a transition, one for all joins of a loop turn. A room that Redis does
// not know, or knows less of than this worker, is restored from the worker's memory and the call is made again.

public import Admission
public import WaitingRoomAPI

public final class RedisQueueStore: QueueStore {
    /// Joins in one script call; more of a turn go in further calls.
    static let joinsPerCallMax = 512
    /// Joins waiting for the end of the turn; more are refused, the visitor may repeat them.
    static let joinsPerTurnMax = 32_768

    private struct QueuedJoin {
        let request: JoinRequest
        let completion: (Result<JoinAnswer, StoreFailure>) -> Void
    }

    private let connection: RedisConnection
    private let caller: ScriptCaller
    private var rooms: [Room] = []
    private var joins: [[QueuedJoin]] = []
    private var joinsQueued = 0

    public init(connection: RedisConnection, scripts: ScriptCatalog) {
        self.connection = connection
        self.caller = ScriptCaller(connection: connection, scripts: scripts)
    }

    /// Sends the joins of this turn and writes everything to Redis. Call it at the end of each loop turn.
    public func flush() {
        if joinsQueued > 0 {
            joinsQueued = 0
            for i in rooms.indices where !joins[i].isEmpty {
                let batch = joins[i]
                joins[i] = []
                var start = 0
                while start < batch.count {
                    let end = min(start + RedisQueueStore.joinsPerCallMax, batch.count)
                    sendJoins(Array(batch[start..<end]), room: rooms[i])
                    start = end
                }
            }
        }
        connection.flush()
    }

    // MARK: - QueueStore

    public func join(
        _ request: JoinRequest,
        room: Room,
        _ completion: @escaping (Result<JoinAnswer, StoreFailure>) -> Void
    ) {
        guard connection.isReady else { return completion(.failure(.unavailable(connection.lastErrorText))) }
        guard joinsQueued < RedisQueueStore.joinsPerTurnMax else {
            return completion(.failure(.unavailable("too many joins in one turn")))
        }
        let slot = slot(of: room)
        joins[slot].append(QueuedJoin(request: request, completion: completion))
        joinsQueued += 1
    }

    public func stand(
        _ claim: TicketClaim,
        room: Room,
        _ completion: @escaping (Result<StandingReply, StoreFailure>) -> Void
    ) {
        visit(.stand, claim, room, completion)
    }

    public func enter(
        _ claim: TicketClaim,
        room: Room,
        _ completion: @escaping (Result<StandingReply, StoreFailure>) -> Void
    ) {
        visit(.enter, claim, room, completion)
    }

    public func leave(
        _ claim: TicketClaim,
        room: Room,
        _ completion: @escaping (Result<StandingReply, StoreFailure>) -> Void
    ) {
        visit(.leave, claim, room, completion)
    }

    public func tick(
        _ request: TickRequest,
        room: Room,
        _ completion: @escaping (Result<TickReply, StoreFailure>) -> Void
    ) {
        // Made again after a restore: the room then knows another incarnation.
        let arguments = {
            [
                request.generation, request.version, room.next, request.entered, request.flowSecond,
                request.tickMilliseconds, room.incarnation, request.heartbeatEpoch,
            ].map { RedisArgument($0) }
                + request.heartbeats.flatMap { [RedisArgument($0.chunk), RedisArgument($0.bitmap)] }
        }
        caller.call(.tick, room: room, arguments) { completion(RedisQueueStore.decode($0, ReplyDecoder.tick)) }
    }

    // MARK: - Steps

    private func slot(of room: Room) -> Int {
        if let found = rooms.firstIndex(where: { $0 === room }) { return found }
        rooms.append(room)
        joins.append([])
        return rooms.count - 1
    }

    private func sendJoins(_ batch: [QueuedJoin], room: Room) {
        let arguments = {
            [room.generation, room.next, room.incarnation].map { RedisArgument($0) }
                + batch.flatMap {
                    [RedisArgument($0.request.kind.rawValue), RedisArgument($0.request.idempotencyKey ?? "")]
                }
        }
        caller.call(.join, room: room, arguments) { result in
            switch RedisQueueStore.decode(result, { ReplyDecoder.join($0, count: batch.count) }) {
            case .success(let reply):
                for (queued, outcome) in zip(batch, reply.outcomes) {
                    queued.completion(
                        .success(
                            JoinAnswer(
                                outcome: outcome,
                                generation: reply.generation,
                                nowMilliseconds: reply.nowMilliseconds,
                                waiting: reply.waiting
                            )
                        )
                    )
                }
            case .failure(let failure):
                for queued in batch { queued.completion(.failure(failure)) }
            }
        }
    }

    private func visit(
        _ script: QueueScript,
        _ claim: TicketClaim,
        _ room: Room,
        _ completion: @escaping (Result<StandingReply, StoreFailure>) -> Void
    ) {
        let arguments = [claim.generation, claim.number, claim.issuedMilliseconds].map { RedisArgument($0) }
        caller.call(script, room: room, { arguments }) {
            completion(RedisQueueStore.decode($0, ReplyDecoder.standing))
        }
    }

    private static func decode<Value>(
        _ result: Result<RedisReply, StoreFailure>,
        _ decoder: (RedisReply) -> Value?
    ) -> Result<Value, StoreFailure> {
        result.flatMap { reply in
            decoder(reply).map { .success($0) } ?? .failure(.refused("a script answered out of shape: \(reply)"))
        }
    }
}
