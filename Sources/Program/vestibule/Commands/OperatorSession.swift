// SPDX-License-Identifier: Apache-2.0
//
// One operator's visit to Redis: the workers' own link and scripts, used one call at a time.

import Admission
import Configuration
import QueueClient
import Reactor
import RedisQueue
import WaitingRoomAPI

final class OperatorSession {
    private static let deadlineMilliseconds = 3000

    private let loop: EventLoop
    private let link: any RedisLink
    private let rooms: RoomOperator

    init(configuration: Configuration) throws {
        let scripts = ScriptCatalog(keyPrefix: configuration.redisPrefix)
        loop = try EventLoop()
        link = try LoadedConfiguration.redisSite(configuration).link(loop: loop, scripts: scripts) { _ in }
        rooms = RoomOperator(link: link, scripts: scripts)
        loop.beforeSleep { [link] in link.flush() }
        link.open()
    }

    /// Unix time in milliseconds, as of the last answer.
    var wallMilliseconds: Int { loop.wallMilliseconds }

    /// Runs the loop until the server of this room can be asked.
    private func untilReady(_ room: Room) throws {
        let deadline = loop.schedule(afterMilliseconds: OperatorSession.deadlineMilliseconds) { [loop] in loop.stop() }
        // A link says when a server is ready, not for which rooms: in a Cluster the slot map may come later.
        let look = loop.schedule(afterMilliseconds: 0, repeatingMilliseconds: 2) { [link, loop] in
            if link.isReady(room: room.id) { loop.stop() }
        }
        if !link.isReady(room: room.id) { loop.run() }
        deadline.cancel()
        look.cancel()
        guard link.isReady(room: room.id) else {
            throw CommandFailure("REDIS_AWAY", "no Redis there: \(link.lastErrorText)")
        }
    }

    /// Runs the loop until `start` has its answer.
    private func wait<Value>(
        for room: Room,
        _ start: (@escaping (Result<Value, StoreFailure>) -> Void) -> Void
    ) throws -> Value {
        try untilReady(room)
        var answer: Result<Value, StoreFailure>?
        start { [loop] result in
            answer = result
            loop.stop()
        }
        let timer = loop.schedule(afterMilliseconds: OperatorSession.deadlineMilliseconds) { [loop] in loop.stop() }
        if answer == nil { loop.run() }
        timer.cancel()
        switch answer {
        case .success(let value): return value
        case .failure(.unavailable(let text)): throw CommandFailure("REDIS_AWAY", text)
        case .failure(.refused(let text)): throw CommandFailure("REDIS_REFUSED", text)
        case nil: throw CommandFailure("REDIS_AWAY", "no answer within 3 s")
        }
    }

    /// Runs the loop until `start` is done, or has failed.
    private func waitUntilDone(_ room: Room, _ start: (@escaping (StoreFailure?) -> Void) -> Void) throws {
        try wait(for: room) { done in start { failure in done(failure.map { .failure($0) } ?? .success(())) } }
    }

    func show(_ room: Room) throws -> TickReply { try wait(for: room) { rooms.show(room, $0) } }

    func overrides(_ room: Room) throws -> [PolicyField] { try wait(for: room) { rooms.overrides(room, $0) } }

    func configure(_ room: Room, _ changes: [(field: PolicyField, value: Int?)], notice: String?) throws {
        try waitUntilDone(room) { rooms.configure(room, changes, notice: notice, $0) }
    }

    func draw(_ room: Room, _ action: DrawAction) throws -> DrawReply {
        try wait(for: room) { rooms.draw(action, room, $0) }
    }

    /// The rooms that were made at run time.
    func listed() throws -> [ListedRoom] { try wait(for: Room(id: "rooms", defaults: .standard)) { rooms.listed($0) } }

    func make(_ room: Room, _ entry: ListedRoom) throws {
        try waitUntilDone(room) { rooms.make(room, entry, $0) }
    }

    func remove(_ room: Room) throws {
        try waitUntilDone(room) { rooms.remove(room, $0) }
    }

    func reset(_ room: Room) throws -> Int { try wait(for: room) { rooms.reset(room, $0) } }
}
