// SPDX-License-Identifier: Apache-2.0
//
// One node of a Cluster: a connection, and the commands that were redirected to it before it was there. They wait for
// as long as a connection may take, and no longer.

internal import QueueClient
internal import Reactor

final class ClusterNode {
    /// Redirected commands that wait for the connection; more are refused.
    private static let heldMax = 1024

    private struct Held {
        let arguments: [RedisArgument]
        let isAsking: Bool
        let completion: RedisConnection.Completion
        let deadlineMilliseconds: Int
    }

    let address: RedisHostPort
    let connection: RedisConnection
    private let loop: EventLoop
    private let patienceMilliseconds: Int
    private var held: [Held] = []
    private var timer: Timer?

    init(_ address: RedisHostPort, loop: EventLoop, connection: RedisConnection, patienceMilliseconds: Int) {
        self.address = address
        self.loop = loop
        self.connection = connection
        self.patienceMilliseconds = patienceMilliseconds
    }

    /// Sends a redirected command, now or when the connection is ready.
    func send(_ arguments: [RedisArgument], isAsking: Bool, _ completion: @escaping RedisConnection.Completion) {
        guard !connection.isReady else { return sendNow(arguments, isAsking: isAsking, completion) }
        guard held.count < ClusterNode.heldMax else { return completion(.failure(.busy)) }
        let deadline = loop.nowMilliseconds + patienceMilliseconds
        held.append(
            Held(arguments: arguments, isAsking: isAsking, completion: completion, deadlineMilliseconds: deadline)
        )
        guard timer == nil else { return }
        timer = loop.schedule(afterMilliseconds: 50, repeatingMilliseconds: 50) { [weak self] in self?.giveUp() }
    }

    private func sendNow(
        _ arguments: [RedisArgument],
        isAsking: Bool,
        _ completion: @escaping RedisConnection.Completion
    ) {
        // One after the other on one connection: ASKING holds for the next command only.
        if isAsking { connection.send(["ASKING"]) { _ in } }
        connection.send(arguments, completion)
    }

    /// The connection is ready: everything that is held goes out.
    func becameReady() {
        let all = held
        stopHolding()
        for item in all { sendNow(item.arguments, isAsking: item.isAsking, item.completion) }
    }

    /// Nothing is under way here.
    var isIdle: Bool { held.isEmpty && connection.inFlight == 0 }

    private func giveUp() {
        let late = held.prefix { $0.deadlineMilliseconds <= loop.nowMilliseconds }
        held.removeFirst(late.count)
        if held.isEmpty { stopHolding() }
        for item in late { item.completion(.failure(.unavailable(connection.lastErrorText))) }
    }

    private func stopHolding() {
        held = []
        timer?.cancel()
        timer = nil
    }

    func close() {
        let all = held
        stopHolding()
        connection.close()
        for item in all { item.completion(.failure(.unavailable("closed"))) }
    }
}
