// SPDX-License-Identifier: Apache-2.0
//
// One node of a Cluster: a connection, and the commands that were redirected to it before it was there. They wait for
// as long as a connection may take, and no longer.

internal import Reactor

final class ClusterNode {
    /// Redirected commands that wait for the connection; more are refused.
    private static let waitingMax = 1024

    private struct Waiting {
        let arguments: [RedisArgument]
        let isAsking: Bool
        let completion: RedisConnection.Completion
        let deadlineMilliseconds: Int
    }

    let address: RedisHostPort
    let connection: RedisConnection
    private let loop: EventLoop
    private let patienceMilliseconds: Int
    private var waiting: [Waiting] = []
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
        guard waiting.count < ClusterNode.waitingMax else { return completion(.failure(.busy)) }
        let deadline = loop.nowMilliseconds + patienceMilliseconds
        waiting.append(
            Waiting(arguments: arguments, isAsking: isAsking, completion: completion, deadlineMilliseconds: deadline)
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

    /// The connection is ready: everything that waits goes out.
    func becameReady() {
        let all = waiting
        stopWaiting()
        for item in all { sendNow(item.arguments, isAsking: item.isAsking, item.completion) }
    }

    private func giveUp() {
        let late = waiting.prefix { $0.deadlineMilliseconds <= loop.nowMilliseconds }
        waiting.removeFirst(late.count)
        if waiting.isEmpty { stopWaiting() }
        for item in late { item.completion(.failure(.unavailable(connection.lastErrorText))) }
    }

    private func stopWaiting() {
        waiting = []
        timer?.cancel()
        timer = nil
    }

    func close() {
        let all = waiting
        stopWaiting()
        connection.close()
        for item in all { item.completion(.failure(.unavailable("closed"))) }
    }
}
