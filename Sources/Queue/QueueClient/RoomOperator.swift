// SPDX-License-Identifier: Apache-2.0
//
// What an operator does to a room at run time: read it, change its limits, reset it. Used by the command line.

public import Admission

/// Operations on rooms over a link that is ready for them.
public final class RoomOperator {
    private let link: any RedisLink
    private let caller: ScriptCaller
    private let scripts: ScriptCatalog

    public init(link: any RedisLink, scripts: ScriptCatalog) {
        self.link = link
        self.scripts = scripts
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
        let config = KeySchema(room: room.id, prefix: scripts.keyPrefix).config
        ask(["HKEYS", RedisArgument(config)], room.id) { result in
            completion(
                result.map { reply in
                    let names = (reply.arrayValue ?? []).compactMap(\.bytesValue)
                    return names.compactMap { PolicyField(rawValue: String(decoding: $0, as: UTF8.self)) }
                }
            )
        }
    }

    /// Sets limits (nil: back to the configuration file). The caller has checked the resulting policy.
    /// - Parameter notice: the message to visitors, empty for none; nil leaves it.
    public func configure(
        _ room: any RoomMemoryKeeper,
        _ changes: [(field: PolicyField, value: Int?)],
        notice: String? = nil,
        _ completion: @escaping (StoreFailure?) -> Void
    ) {
        let arguments = changes.flatMap { change in
            [
                RedisArgument(change.field.rawValue),
                change.value.map { RedisArgument($0) } ?? RedisArgument(ScriptProtocol.defaultWord),
            ]
        }
        let words = notice.map { text in
            let value = text.isEmpty ? ScriptProtocol.defaultWord : text
            return [RedisArgument(ScriptProtocol.noticeWord), RedisArgument(value)]
        }
        let all = arguments + (words ?? [])
        caller.call(.configure, room: room, { all }, mayRestore: false) { completion(RoomOperator.failure($0)) }
    }

    /// Works on the room's draw.
    public func draw(
        _ action: DrawAction,
        _ room: any RoomMemoryKeeper,
        _ completion: @escaping (Result<DrawReply, StoreFailure>) -> Void
    ) {
        caller.call(.draw, room: room, { DrawCall.words(of: action) }, mayRestore: false) { result in
            completion(
                result.flatMap { reply in
                    ReplyDecoder.draw(reply).map { .success($0) } ?? .failure(.refused("draw out of shape"))
                }
            )
        }
    }

    /// Ends the generation; answers with the new one.
    public func reset(_ room: any RoomMemoryKeeper, _ completion: @escaping (Result<Int, StoreFailure>) -> Void) {
        caller.call(.reset, room: room, { [] }, mayRestore: false) { result in
            completion(result.flatMap { $0.integerValue.map { .success($0) } ?? .failure(.refused("no generation")) })
        }
    }

    // MARK: - Rooms at run time

    /// The rooms that were made at run time, by name.
    public func listed(_ completion: @escaping (Result<[ListedRoom], StoreFailure>) -> Void) {
        ask(["HGETALL", RedisArgument(RoomList.key(scripts))], RoomList.slot) { completion($0.map(ListedRoom.list)) }
    }

    /// Makes a room, and puts it in the list that every worker reads within a second. A room of that name that is in
    /// the list gets the new limits.
    public func make(
        _ room: any RoomMemoryKeeper,
        _ entry: ListedRoom,
        _ completion: @escaping (StoreFailure?) -> Void
    ) {
        let list = RedisArgument(RoomList.key(scripts))
        // What is different each time: the moment at which the first room was made.
        let begun = RedisArgument(max(1, entry.revision))
        // A tick of a caller that knows nothing makes the room: workers leave that to others for a while.
        let arguments = RedisArgument.words(TickArgument.self) { $0 == .tickMs ? 1_000_000_000_000 : 0 }
        let steps: [(@escaping RoomOperator.Step) -> Void] = [
            { self.ask(["HLEN", list], RoomList.slot, $0) },
            { self.caller.call(.tick, room: room, { arguments }, $0) },
            { self.ask(["HSETNX", list, RedisArgument(RoomList.begunField), begun], RoomList.slot, $0) },
            { self.ask(["HSET", list, RedisArgument(entry.id), RedisArgument(entry.text)], RoomList.slot, $0) },
            { self.ask(["HINCRBY", list, RedisArgument(RoomList.revisionField), 1], RoomList.slot, $0) },
        ]
        RoomOperator.run(steps[...]) { index, reply in
            let isFull = index == 0 && (reply.integerValue ?? 0) - RoomList.ownFields >= ListedRoom.roomsMax
            return isFull ? .refused("there are \(ListedRoom.roomsMax) rooms made at run time already") : nil
        } completion: {
            completion($0)
        }
    }

    /// Takes a room out of the list, ends its generation, and lets its keys expire within an hour: workers that have
    /// not read the list yet go on for a second.
    public func remove(_ room: any RoomMemoryKeeper, _ completion: @escaping (StoreFailure?) -> Void) {
        let list = RedisArgument(RoomList.key(scripts))
        let keys = KeySchema(room: room.id, prefix: scripts.keyPrefix)
        let steps: [(@escaping RoomOperator.Step) -> Void] = [
            { self.ask(["HDEL", list, RedisArgument(room.id)], RoomList.slot, $0) },
            { self.ask(["HINCRBY", list, RedisArgument(RoomList.revisionField), 1], RoomList.slot, $0) },
            { self.ask(["DEL", RedisArgument(keys.config)], room.id, $0) },
            // A room that is not in this Redis any more has nothing to end.
            { next in self.caller.call(.reset, room: room, { [] }, mayRestore: false) { _ in next(.success(.null)) } },
            { self.dropPages(of: keys, $0) },
        ]
        let expiry = (keys.scriptKeys + [keys.brought]).map { name in
            { (next: @escaping RoomOperator.Step) in
                self.ask(
                    ["PEXPIRE", RedisArgument(name), RedisArgument(RoomOperator.afterlifeMilliseconds)],
                    room.id,
                    next
                )
            }
        }
        RoomOperator.run((steps + expiry)[...]) { index, reply in
            index == 0 && reply.integerValue == 0 ? .refused("room \(room.id) was not made at run time") : nil
        } completion: {
            completion($0)
        }
    }

    /// Drops the keys of a room that is over, and that no list has any more.
    public func forget(_ room: any RoomMemoryKeeper) {
        let keys = KeySchema(room: room.id, prefix: scripts.keyPrefix)
        // Ends what is kept of single visitors, too.
        caller.call(.reset, room: room, { [] }, mayRestore: false) { [self] _ in
            dropPages(of: keys) { _ in
                self.ask(["UNLINK"] + (keys.scriptKeys + [keys.brought]).map { RedisArgument($0) }, room.id) { _ in }
            }
        }
    }

    /// Drops the pages of entries that a restore has brought, if there are any.
    private func dropPages(of keys: KeySchema, _ completion: @escaping Step) {
        let index = RedisArgument(keys.brought)
        ask(["ZRANGEBYSCORE", index, "-inf", "+inf"], keys.room) { [self] result in
            guard case .success(let reply) = result, let pages = reply.arrayValue?.compactMap(\.bytesValue),
                !pages.isEmpty
            else { return completion(result) }
            let names = pages.map { RedisArgument(Array("\(keys.brought):".utf8) + $0) }
            ask(["UNLINK"] + names, keys.room, completion)
        }
    }

    /// How long the keys of a room that was taken away are kept.
    private static let afterlifeMilliseconds = 3_600_000

    private typealias Step = (Result<RedisReply, StoreFailure>) -> Void

    /// Runs steps one after the other until one fails, or `judge` finds fault with its reply.
    private static func run(
        _ steps: ArraySlice<(@escaping Step) -> Void>,
        judge: @escaping (Int, RedisReply) -> StoreFailure?,
        completion: @escaping (StoreFailure?) -> Void
    ) {
        guard let step = steps.first else { return completion(nil) }
        step { result in
            switch result {
            case .failure(let failure): completion(failure)
            case .success(let reply):
                if let failure = judge(steps.startIndex, reply) { return completion(failure) }
                run(steps.dropFirst(), judge: judge, completion: completion)
            }
        }
    }

    /// A command of this room, or of the list; an error of Redis is a failure.
    private func ask(_ words: [RedisArgument], _ room: String, _ completion: @escaping Step) {
        link.send(words, room: room) { result in
            switch result {
            case .success(.error(let text)): completion(.failure(.unavailable(RedisReply.explained(error: text))))
            case .success(let reply): completion(.success(reply))
            case .failure(let failure): completion(.failure(.unavailable("\(failure)")))
            }
        }
    }

    private static func failure(_ result: Result<RedisReply, StoreFailure>) -> StoreFailure? {
        if case .failure(let failure) = result { return failure }
        return nil
    }
}
