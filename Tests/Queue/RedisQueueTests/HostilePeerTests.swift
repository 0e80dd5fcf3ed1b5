// SPDX-License-Identifier: Apache-2.0
//
// The connection against peers that are silent, talk nonsense or hang up, and its own end.

import QueueClient
import Reactor
import RedisQueue
import TestSupport
import Testing

struct HostilePeerTests {
    @Test("When a reply does not come in time the connection is dropped, and everything in flight fails once")
    func deadline() throws {
        let directory = try TemporaryDirectory()
        let bench = try RedisBench(path: directory.file("s"), timing: briskTiming(commandMilliseconds: 150))
        let peer = try FakePeer(loop: bench.loop, path: directory.file("s")) { _ in [] }
        try bench.openAndWait()
        let ledger = Ledger(100)
        for index in 0..<100 { bench.connection.send(["PING"], ledger.note(index)) }
        #expect(bench.run { ledger.isComplete })
        #expect(ledger.isExact)
        #expect(ledger.failures == Array(repeating: .timedOut, count: 100))
        #expect(bench.connection.inFlight == 0)
        #expect(bench.connection.lastErrorText == "no reply within 150 ms")
        // It does not stay away.
        #expect(bench.run { bench.connection.isReady && peer.connectionCount == 2 })
        #expect(bench.connection.connectionCount == 2)
        #expect(bench.readyChanges == [true, false, true])
        #expect(ledger.isExact)
    }

    @Test("The deadline is that of the oldest command, however many come after it")
    func oldest() throws {
        let directory = try TemporaryDirectory()
        let bench = try RedisBench(path: directory.file("s"), timing: briskTiming(commandMilliseconds: 200))
        let peer = try FakePeer(loop: bench.loop, path: directory.file("s")) { _ in [] }
        try bench.openAndWait()
        let started = bench.loop.nowMilliseconds
        let ledger = Ledger(1)
        bench.connection.send(["PING"], ledger.note(0))
        let more = bench.loop.schedule(afterMilliseconds: 20, repeatingMilliseconds: 20) {
            bench.connection.send(["PING"]) { _ in }
        }
        #expect(bench.run { ledger.isComplete })
        more.cancel()
        #expect((200...600).contains(bench.loop.nowMilliseconds - started))
        #expect(peer.receivedBytes > 0)
    }

    @Test("A peer that takes the connection and never answers the greeting is never ready")
    func silentGreeting() throws {
        let directory = try TemporaryDirectory()
        let bench = try RedisBench(path: directory.file("s"), timing: briskTiming(), greeting: [["PING"]])
        let peer = try FakePeer(loop: bench.loop, path: directory.file("s")) { _ in [] }
        bench.connection.open()
        #expect(bench.run { peer.connectionCount == 2 })
        #expect(!bench.connection.isReady && bench.readyChanges.isEmpty)
        #expect(bench.connection.lastErrorText == "no answer within 300 ms while connecting")
    }

    @Test(
        "Nonsense ends the connection and fails everything in flight once",
        arguments: ["HTTP/1.1 400 Bad Request\r\n\r\n", "\0\0\0\0", "*99999999999999\r\n", "$-5\r\n", ":12x\r\n"]
    )
    func garbage(_ text: String) throws {
        let directory = try TemporaryDirectory()
        let bench = try RedisBench(path: directory.file("s"), timing: briskTiming(commandMilliseconds: 400))
        let peer = try FakePeer(loop: bench.loop, path: directory.file("s")) { _ in Array(text.utf8) }
        try bench.openAndWait()
        let ledger = Ledger(5)
        for index in 0..<5 { bench.connection.send(["PING"], ledger.note(index)) }
        #expect(bench.run { ledger.isComplete })
        #expect(ledger.isExact)
        #expect(ledger.failures.count == 5)
        #expect(bench.run { peer.connectionCount == 2 })
    }

    @Test("Half a reply is no reply: the deadline ends it")
    func halfReply() throws {
        let directory = try TemporaryDirectory()
        let bench = try RedisBench(path: directory.file("s"), timing: briskTiming(commandMilliseconds: 150))
        let peer = try FakePeer(loop: bench.loop, path: directory.file("s")) { _ in Array("$100\r\nabc".utf8) }
        try bench.openAndWait()
        let ledger = Ledger(1)
        bench.connection.send(["PING"], ledger.note(0))
        #expect(bench.run { ledger.isComplete })
        #expect(ledger.failures == [.timedOut])
        #expect(peer.connectionCount == 1)
    }

    @Test("A peer that hangs up at each command is tried again and again, and each command fails once")
    func hangUp() throws {
        let directory = try TemporaryDirectory()
        let bench = try RedisBench(path: directory.file("s"), timing: briskTiming())
        let peer = try FakePeer(loop: bench.loop, path: directory.file("s")) { _ in nil }
        bench.connection.open()
        for round in 1...3 {
            #expect(bench.run { bench.connection.isReady })
            let ledger = Ledger(10)
            for index in 0..<10 { bench.connection.send(["PING"], ledger.note(index)) }
            #expect(bench.run { ledger.isComplete && !bench.connection.isReady })
            #expect(ledger.isExact && ledger.failures.count == 10)
            #expect(peer.connectionCount == round)
        }
    }

    @Test("An error in the greeting keeps the connection from being ready and is what is told")
    func refusedGreeting() throws {
        let directory = try TemporaryDirectory()
        let bench = try RedisBench(path: directory.file("s"), timing: briskTiming(), greeting: [["PING"]])
        let peer = try FakePeer(loop: bench.loop, path: directory.file("s")) { _ in Array("-LOADING busy\r\n".utf8) }
        bench.connection.open()
        #expect(bench.run { peer.connectionCount >= 2 })
        #expect(bench.readyChanges.isEmpty)
        #expect(bench.connection.lastErrorText == "LOADING busy")
    }
}

struct ClosingTests {
    @Test("What is in flight at close fails once, what comes after fails at once, and it stays closed")
    func close() throws {
        let directory = try TemporaryDirectory()
        let bench = try RedisBench(path: directory.file("s"), timing: briskTiming(commandMilliseconds: 150))
        let peer = try FakePeer(loop: bench.loop, path: directory.file("s")) { _ in [] }
        try bench.openAndWait()
        let ledger = Ledger(21)
        for index in 0..<20 { bench.connection.send(["PING"], ledger.note(index)) }
        bench.pass(milliseconds: 20)
        bench.connection.close()
        bench.connection.send(["PING"], ledger.note(20))
        #expect(ledger.isExact && ledger.failures.count == 21)
        bench.connection.close()
        bench.connection.open()
        bench.pass(milliseconds: 400)
        #expect(ledger.isExact)
        #expect(!bench.connection.isReady && bench.connection.inFlight == 0)
        #expect(peer.connectionCount == 1)
    }

    @Test("Closing while still connecting, or while waiting to try again, ends it too")
    func closeEarly() throws {
        let directory = try TemporaryDirectory()
        for wait in [0, 30] {
            let bench = try RedisBench(path: directory.file("none\(wait)"), timing: briskTiming())
            bench.connection.open()
            bench.pass(milliseconds: wait)
            bench.connection.close()
            let peer = try FakePeer(loop: bench.loop, path: directory.file("none\(wait)")) { _ in [] }
            bench.pass(milliseconds: 300)
            #expect(peer.connectionCount == 0 && !bench.connection.isReady)
        }
    }

    @Test("A completion may close the connection: the rest still fails once")
    func closeInside() throws {
        let redis = try RedisServer()
        let bench = try RedisBench(path: redis.socketPath)
        try bench.openAndWait()
        let ledger = Ledger(10)
        for index in 0..<10 {
            let note = ledger.note(index)
            bench.connection.send(["PING"]) { result in
                note(result)
                if index == 3 { bench.connection.close() }
            }
        }
        #expect(bench.run { ledger.isComplete })
        #expect(ledger.isExact)
        #expect(ledger.replies.count == 4 && ledger.failures.count == 6)
        bench.pass(milliseconds: 100)
        #expect(!bench.connection.isReady)
    }

    @Test("A completion may send again, also when it was the end of the connection that ran it")
    func sendInside() throws {
        let directory = try TemporaryDirectory()
        let bench = try RedisBench(path: directory.file("s"), timing: briskTiming(commandMilliseconds: 150))
        let peer = try FakePeer(loop: bench.loop, path: directory.file("s")) { _ in [] }
        try bench.openAndWait()
        let (first, second) = (Ledger(1), Ledger(1))
        bench.connection.send(["PING"]) { result in
            first.note(0)(result)
            bench.connection.send(["PING"], second.note(0))
        }
        #expect(bench.run { second.isComplete })
        #expect(first.isExact && second.isExact && second.failures.count == 1)
        #expect(peer.connectionCount >= 1)
    }

    @Test("A connection that is let go fails what is in flight once")
    func letGo() throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop()
        let peer = try FakePeer(loop: loop, path: directory.file("s")) { _ in [] }
        let ledger = Ledger(5)
        do {
            let endpoint = RedisEndpoint(address: .unix(path: directory.file("s")))
            let connection = RedisConnection(loop: loop, endpoint: endpoint) { _ in }
            connection.onReadyChange = { _ in loop.stop() }
            connection.open()
            loop.run()
            for index in 0..<5 { connection.send(["PING"], ledger.note(index)) }
        }
        #expect(ledger.isExact && ledger.failures.count == 5)
        #expect(peer.connectionCount <= 1)
    }
}
