// SPDX-License-Identifier: Apache-2.0
//
// What an operator does to a room at run time: read it, change its limits, reset it. Used by the command line.

public import Admission

/// Operations on rooms over a link that is ready for them.
public final class RoomOperator {
    private let link: any RedisLink
    private let caller: ScriptCaller

    public init(link: any RedisLink, scripts: ScriptCatalog) {
        self.link = link
        self.caller = ScriptCaller(link: link, scripts: scripts)
    }

    /// The state of a room, from a tick that sends no news of this caller's own.
    public func show(_ room: any RoomMemoryKeeper, _ completion: @escaping (Result<TickReply, StoreFailure>) -> Void) {
        // With this tick interval the script only reads. `mayRestore` is false because only workers hold the
        // memory from which a room can be made again.
        let arguments = RedisArgument.words(TickArgument.self) { $0 == .tickMs ? 1_000_000_000_000 : 0 }
        caller.call(.tick, room: room, { arguments }, mayRestore: false) { result in
            completion(
                result.flatMap { reply in
                    ReplyDecoder.tick(reply).map { .success($0) } ?? .failure(.refused("tick out of shape"))
                }
            )
        }
    }

    /// The limits that override the configuration file now.
    public func overrides(
        _ room: any RoomMemoryKeeper,
        _ completion: @escaping (Result<[PolicyField], StoreFailure>) -> Void
    ) {
        link.send(["HKEYS", RedisArgument(KeySchema(room: room.id).config)], room: room.id) { result in
            switch result {
            case .success(.error(let text)): completion(.failure(.unavailable(text)))
            case .success(let reply):
                let names = (reply.arrayValue ?? []).compactMap(\.bytesValue)
                completion(.success(names.compactMap { PolicyField(rawValue: String(decoding: $0, as: UTF8.self)) }))
            case .failure(let failure): completion(.failure(.unavailable("\(failure)")))
            }
        }
    }

    /// Sets limits (nil: back to the configuration file). The caller has checked the resulting policy.
    public func configure(
        _ room: any RoomMemoryKeeper,
        _ changes: [(field: PolicyField, value: Int?)],
        _ completion: @escaping (StoreFailure?) -> Void
    ) {
        let arguments = changes.flatMap { change in
            [
                RedisArgument(change.field.rawValue),
                change.value.map { RedisArgument($0) } ?? RedisArgument(ScriptProtocol.defaultWord),
            ]
        }
        caller.call(.configure, room: room, { arguments }, mayRestore: false) { completion(RoomOperator.failure($0)) }
    }

    /// Ends the generation; answers with the new one.
    public func reset(_ room: any RoomMemoryKeeper, _ completion: @escaping (Result<Int, StoreFailure>) -> Void) {
        caller.call(.reset, room: room, { [] }, mayRestore: false) { result in
            completion(result.flatMap { $0.integerValue.map { .success($0) } ?? .failure(.refused("no generation")) })
        }
    }

    private static func failure(_ result: Result<RedisReply, StoreFailure>) -> StoreFailure? {
        if case .failure(let failure) = result { return failure }
        return nil
    }
}
