// SPDX-License-Identifier: Apache-2.0
//
// A connection on a loop of the test's own, and hand-made peers that listen where Redis would, on the same loop.

import Glibc
import QueueClient
import Reactor
import RedisQueue
import TestSupport

/// A loop with one connection, run until something is true.
final class RedisBench {
    let loop: EventLoop
    let connection: RedisConnection
    private let journal = Journal()
    private var condition: () -> Bool = { false }
    /// What else to do at the end of each turn, in place of the connection's flush.
    var flush: (() -> Void)?

    private final class Journal {
        var lines: [String] = []
        var changes: [Bool] = []
    }

    init(
        path: String,
        username: String? = nil,
        password: String? = nil,
        timing: RedisTiming = RedisTiming(),
        greeting: RedisGreeting = []
    ) throws {
        let journal = journal
        loop = try EventLoop()
        connection = RedisConnection(
            loop: loop,
            endpoint: RedisEndpoint(address: .unix(path: path), username: username, password: password),
            timing: timing,
            greeting: greeting
        ) { journal.lines.append($0) }
        connection.onReadyChange = { journal.changes.append($0) }
        loop.beforeSleep { [weak self] in
            guard let self else { return }
            if let flush = self.flush { flush() } else { self.connection.flush() }
            if self.condition() { self.loop.stop() }
        }
    }

    /// What the connection logged.
    var logLines: [String] { journal.lines }
    /// Every change of readiness, in order.
    var readyChanges: [Bool] { journal.changes }

    /// Runs the loop; false when the condition was not met in time.
    @discardableResult
    func run(seconds: Double = 5, until condition: @escaping () -> Bool) -> Bool {
        self.condition = condition
        let pulse = loop.schedule(afterMilliseconds: 5, repeatingMilliseconds: 5) {}
        let limit = loop.schedule(afterMilliseconds: Int(seconds * 1000)) { [loop] in loop.stop() }
        loop.run()
        pulse.cancel()
        limit.cancel()
        self.condition = { false }
        return condition()
    }

    /// Lets time pass.
    func pass(milliseconds: Int) { run(seconds: Double(milliseconds) / 1000) { false } }

    func openAndWait() throws {
        connection.open()
        guard run(until: { self.connection.isReady }) else {
            throw TestFailure("no connection: \(connection.lastErrorText)")
        }
    }

    func command(_ words: RedisArgument...) throws -> RedisReply {
        var replies: [Result<RedisReply, RedisFailure>] = []
        connection.send(words) { replies.append($0) }
        run { !replies.isEmpty }
        guard replies.count == 1 else { throw TestFailure("\(replies.count) replies to one command") }
        return try replies[0].get()
    }
}

/// Listens on a unix socket or a loopback port and answers what the test says.
final class FakePeer {
    private let loop: EventLoop
    private let listener: Listener
    private var open: [Int32: Registration] = [:]
    private(set) var connectionCount = 0
    private(set) var receivedBytes = 0
    /// What to send back for some bytes; nil closes the connection.
    private let answer: ([UInt8]) -> [UInt8]?

    convenience init(loop: EventLoop, path: String, answer: @escaping ([UInt8]) -> [UInt8]?) throws {
        try self.init(loop: loop, listener: try Listener.unix(path: path), answer: answer)
    }

    convenience init(loop: EventLoop, port: Int, answer: @escaping ([UInt8]) -> [UInt8]?) throws {
        try self.init(loop: loop, listener: try Listener.loopback(port: UInt16(port)), answer: answer)
    }

    private init(loop: EventLoop, listener: Listener, answer: @escaping ([UInt8]) -> [UInt8]?) throws {
        self.loop = loop
        self.answer = answer
        self.listener = listener
        try listener.start(on: loop) { [weak self] descriptor in self?.accepted(descriptor) }
    }

    private func accepted(_ descriptor: Int32) {
        connectionCount += 1
        open[descriptor] = try? loop.add(fd: descriptor, events: .readable) { [weak self] _ in self?.read(descriptor) }
    }

    private func read(_ descriptor: Int32) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        if count < 0 && errno == EAGAIN { return }
        guard count > 0 else { return end(descriptor) }
        receivedBytes += count
        guard let reply = answer(Array(buffer[..<count])) else { return end(descriptor) }
        if !reply.isEmpty, write(descriptor, reply, reply.count) != reply.count { end(descriptor) }
    }

    private func end(_ descriptor: Int32) {
        if let registration = open.removeValue(forKey: descriptor) { loop.remove(registration) }
        close(descriptor)
    }

    func stop() {
        listener.close()
        for descriptor in Array(open.keys) { end(descriptor) }
    }

    deinit {
        stop()
    }
}

/// Times short enough for a test.
func briskTiming(commandMilliseconds: Int = 1500, inFlightMax: Int = 16_384) -> RedisTiming {
    var timing = RedisTiming()
    timing.connectMilliseconds = 300
    timing.commandMilliseconds = commandMilliseconds
    timing.backoffFirstMilliseconds = 20
    timing.backoffLastMilliseconds = 200
    timing.inFlightMax = inFlightMax
    return timing
}

/// Counts how each of a number of commands ended.
final class Ledger {
    private(set) var endings: [[Result<RedisReply, RedisFailure>]]

    init(_ count: Int) { endings = Array(repeating: [], count: count) }

    func note(_ index: Int) -> RedisConnection.Completion { { self.endings[index].append($0) } }

    var isComplete: Bool { endings.allSatisfy { !$0.isEmpty } }
    /// Whether each ended exactly once.
    var isExact: Bool { endings.allSatisfy { $0.count == 1 } }
    var failures: [RedisFailure] {
        endings.joined().compactMap { if case .failure(let failure) = $0 { failure } else { nil } }
    }
    var replies: [RedisReply] { endings.joined().compactMap { try? $0.get() } }
}
