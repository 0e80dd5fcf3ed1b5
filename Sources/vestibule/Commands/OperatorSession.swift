// SPDX-License-Identifier: Apache-2.0
//
// One operator's visit to Redis: the workers' own connection and scripts, used one call at a time.

import Admission
import Configuration
import Processes
import Reactor
import RedisQueue
import WaitingRoomAPI

final class OperatorSession {
    private static let deadlineMilliseconds = 3000

    private let loop: EventLoop
    private let connection: RedisConnection
    private let rooms: RoomOperator

    init(configuration: Configuration) throws {
        let scripts = ScriptCatalog()
        loop = try EventLoop()
        connection = RedisConnection(loop: loop, endpoint: try LoadedConfiguration.endpoint(configuration)) { _ in }
        rooms = RoomOperator(connection: connection, scripts: scripts)
        loop.beforeSleep { [connection] in connection.flush() }
        let ready: Void? = try? wait { done in
            connection.onReadyChange = { if $0 { done(.success(())) } }
            connection.open()
        }
        connection.onReadyChange = nil
        if ready == nil { throw CommandFailure("REDIS_AWAY", "no Redis there: \(connection.lastErrorText)") }
    }

    /// Runs the loop until `start` has its answer.
    private func wait<Value>(
        _ start: (@escaping (Result<Value, StoreFailure>) -> Void) -> Void
    ) throws -> Value {
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

    func show(_ room: Room) throws -> TickReply { try wait { rooms.show(room, $0) } }

    func overrides(_ room: Room) throws -> [String] { try wait { rooms.overrides(room, $0) } }

    func configure(_ room: Room, _ changes: [(field: String, value: Int?)]) throws {
        try wait { done in
            rooms.configure(room, changes) { failure in
                done(failure.map { .failure($0) } ?? .success(()))
            }
        }
    }

    func reset(_ room: Room) throws -> Int { try wait { rooms.reset(room, $0) } }
}
