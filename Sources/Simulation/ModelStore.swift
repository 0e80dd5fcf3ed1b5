// SPDX-License-Identifier: Apache-2.0
//
// The queue store in memory, over the reference model. It answers at once; time is what `clock` says. It passes the
// same conformance suite as the store over Redis.

public import Admission
public import WaitingRoomAPI

public final class ModelStore: QueueStore {
    private var models: [String: QueueModel] = [:]
    private let firstNumber: Int
    private let clock: () -> Int
    /// When set, every call fails with it: the store is away.
    public var failure: StoreFailure?

    /// - Parameters:
    ///   - firstNumber: what the first joiner of a room gets.
    ///   - clock: milliseconds, as Redis TIME would give them.
    public init(firstNumber: Int = 1, clock: @escaping () -> Int) {
        self.firstNumber = firstNumber
        self.clock = clock
    }

    private func with<Value>(_ room: Room, _ body: (inout QueueModel) -> Value) -> Result<Value, StoreFailure> {
        if let failure { return .failure(failure) }
        // Taken out of the dictionary, so that changing it copies nothing.
        var model =
            models.removeValue(forKey: room.id)
            ?? QueueModel(policy: room.defaults, firstNumber: firstNumber, nowMilliseconds: clock())
        defer { models[room.id] = model }
        return .success(body(&model))
    }

    /// The model behind a room, once it was used.
    public func model(of room: Room) -> QueueModel? { models[room.id] }

    /// Changes a room's limits, as `vestibule room set` does.
    public func configure(_ room: Room, _ policy: RoomPolicy) {
        _ = with(room) { $0.configure(policy, nowMilliseconds: clock()) }
    }

    /// Ends the room's generation, as `vestibule room reset` does.
    public func reset(_ room: Room) {
        _ = with(room) { $0.reset(nowMilliseconds: clock()) }
    }

    public func join(
        _ request: JoinRequest,
        room: Room,
        _ completion: @escaping (Result<JoinAnswer, StoreFailure>) -> Void
    ) {
        completion(
            with(room) { model in
                let reply = model.join([request], nowMilliseconds: clock())
                return JoinAnswer(
                    outcome: reply.outcomes[0],
                    generation: reply.generation,
                    nowMilliseconds: reply.nowMilliseconds,
                    waiting: reply.waiting
                )
            }
        )
    }

    public func stand(
        _ claim: TicketClaim,
        room: Room,
        _ completion: @escaping (Result<StandingReply, StoreFailure>) -> Void
    ) {
        completion(with(room) { $0.stand(claim, nowMilliseconds: clock()) })
    }

    public func enter(
        _ claim: TicketClaim,
        room: Room,
        _ completion: @escaping (Result<StandingReply, StoreFailure>) -> Void
    ) {
        completion(with(room) { $0.enter(claim, nowMilliseconds: clock()) })
    }

    public func leave(
        _ claim: TicketClaim,
        room: Room,
        _ completion: @escaping (Result<StandingReply, StoreFailure>) -> Void
    ) {
        completion(with(room) { $0.leave(claim, nowMilliseconds: clock()) })
    }

    public func tick(
        _ request: TickRequest,
        room: Room,
        _ completion: @escaping (Result<TickReply, StoreFailure>) -> Void
    ) {
        completion(
            with(room) { model in
                model.tick(
                    seen: request.heartbeats.flatMap { ModelStore.numbers(chunk: $0.chunk, bitmap: $0.bitmap) },
                    epoch: request.heartbeatEpoch,
                    tickMilliseconds: request.tickMilliseconds,
                    nowMilliseconds: clock()
                )
            }
        )
    }

    private static func numbers(chunk: Int, bitmap: [UInt8]) -> [Int] {
        var out: [Int] = []
        for (i, byte) in bitmap.enumerated() where byte != 0 {
            for bit in 0..<8 where byte & (0x80 >> UInt8(bit)) != 0 {
                out.append(chunk * RankIndex.chunkSize + i * 8 + bit)
            }
        }
        return out
    }
}
