// SPDX-License-Identifier: Apache-2.0
//
// The connection against a real Redis: order, bounds, loss and return of the server, and authentication.

import Glibc
import QueueClient
import Reactor
import RedisQueue
import TestSupport
import Testing

struct RedisConnectionTests {
    @Test("It connects once and answers commands")
    func connects() throws {
        let redis = try RedisServer()
        let bench = try RedisBench(path: redis.socketPath)
        #expect(!bench.connection.isReady)
        try bench.openAndWait()
        #expect(try bench.command("PING") == .status("PONG"))
        #expect(try bench.command("SET", "key", RedisArgument([0, 13, 10, 255])) == .status("OK"))
        #expect(try bench.command("GET", "key") == .bytes([0, 13, 10, 255]))
        #expect(try bench.command("GET", "none") == .null)
        #expect(try bench.command("INCRBY", "n", 41) == .integer(41))
        #expect(try bench.command("LRANGE", "none", 0, -1) == .array([]))
        guard case .error(let text) = try bench.command("NOSUCHCOMMAND") else { throw TestFailure("no error") }
        #expect(text.hasPrefix("ERR unknown command"))
        #expect(bench.connection.connectionCount == 1)
        #expect(bench.readyChanges == [true])
        #expect(bench.connection.inFlight == 0)
    }

    @Test("Ten thousand commands of one turn are answered in their order, each once")
    func pipelining() throws {
        let redis = try RedisServer()
        let bench = try RedisBench(path: redis.socketPath)
        try bench.openAndWait()
        var order: [Int] = []
        for index in 0..<10_000 {
            bench.connection.send(["ECHO", RedisArgument(index)]) { result in
                if let text = try? result.get().bytesValue, String(decoding: text, as: UTF8.self) == "\(index)" {
                    order.append(index)
                }
            }
        }
        #expect(bench.connection.inFlight == 10_000)
        #expect(bench.run { order.count == 10_000 })
        #expect(order == Array(0..<10_000))
        #expect(bench.connection.inFlight == 0)
    }

    @Test("Beyond the bound on commands in flight a command is refused as busy and not sent")
    func bound() throws {
        let redis = try RedisServer()
        let bench = try RedisBench(path: redis.socketPath, timing: briskTiming(inFlightMax: 10))
        try bench.openAndWait()
        let ledger = Ledger(25)
        for index in 0..<25 { bench.connection.send(["INCR", "n"], ledger.note(index)) }
        #expect(ledger.failures == Array(repeating: .busy, count: 15))
        #expect(bench.run { ledger.isComplete })
        #expect(ledger.isExact && ledger.replies.count == 10)
        #expect(try redis.command("GET", "n") == "10")
        #expect(try bench.command("PING") == .status("PONG"))
    }

    @Test("A Redis that is killed fails what is in flight once, and is found again when it is back")
    func killed() throws {
        let redis = try RedisServer()
        let bench = try RedisBench(path: redis.socketPath, timing: briskTiming())
        try bench.openAndWait()
        // Blocks until the end of the connection.
        let ledger = Ledger(3)
        for index in 0..<3 { bench.connection.send(["BLPOP", "nothing", 0], ledger.note(index)) }
        bench.pass(milliseconds: 50)
        redis.stop(signal: SIGKILL)
        #expect(bench.run { !bench.connection.isReady })
        #expect(ledger.isExact)
        #expect(ledger.failures.count == 3)
        for failure in ledger.failures {
            guard case .unavailable = failure else { throw TestFailure("\(failure)") }
        }
        let refused = Ledger(1)
        bench.connection.send(["PING"], refused.note(0))
        #expect(refused.isExact && refused.failures.count == 1)

        bench.pass(milliseconds: 300)
        #expect(!bench.connection.isReady)
        #expect(!bench.connection.lastErrorText.isEmpty)
        try redis.restart()
        #expect(bench.run { bench.connection.isReady })
        #expect(bench.connection.connectionCount == 2)
        #expect(try bench.command("PING") == .status("PONG"))
        #expect(bench.readyChanges == [true, false, true])
        #expect(ledger.isExact)
    }

    @Test("Without a socket it tries again, ever more slowly, and connects when there is one")
    func missingSocket() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("later.sock")
        let bench = try RedisBench(path: path, timing: briskTiming())
        bench.connection.open()
        bench.pass(milliseconds: 1000)
        #expect(!bench.connection.isReady && bench.connection.connectionCount == 0)
        #expect(bench.connection.lastErrorText.contains("No such file"))
        // 20, 40, 80, 160, 200 ... ms with up to half of it on top: 4 to 9 tries in a second.
        let tries = bench.connection.attemptCount
        #expect((3...10).contains(tries), "\(tries) tries")
        #expect(bench.logLines.count == 1 && bench.logLines[0].hasPrefix("redis away: No such file"))
        let peer = try FakePeer(loop: bench.loop, path: path) { _ in Array("+PONG\r\n".utf8) }
        #expect(bench.run { bench.connection.isReady })
        #expect(try bench.command("PING") == .status("PONG"))
        #expect(peer.connectionCount == 1)
    }

    @Test("The log tells when Redis goes and comes back, and in between only now and then")
    func logging() throws {
        var timing = briskTiming()
        timing.awayLogMilliseconds = 400
        let redis = try RedisServer()
        let bench = try RedisBench(path: redis.socketPath, timing: timing)
        try bench.openAndWait()
        redis.stop(signal: SIGKILL)
        bench.pass(milliseconds: 1500)
        #expect(bench.connection.attemptCount >= 5)
        let lines = bench.logLines
        #expect(lines.first == "redis connected")
        #expect(lines.filter { $0.hasPrefix("redis away: ") }.count == 1)
        #expect((2...4).contains(lines.filter { $0.hasPrefix("redis still away after ") }.count), "\(lines)")
        try redis.restart()
        #expect(bench.run { bench.connection.isReady })
        #expect(bench.logLines.last == "redis connected")
    }

    // Sidekiq warns of this at boot (sidekiq/sidekiq#4752), and BullMQ refuses it (taskforcesh/bullmq#1443). Some
    // services do not publish the policy (sidekiq/sidekiq#5712), and must not be refused for that.
    @Test("A Redis that may evict any key is not used, and one that may evict some is used with a warning")
    func eviction() throws {
        let redis = try RedisServer()
        let greeting = RedisGreeting(scripts: ScriptCatalog())
        try redis.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        let bench = try RedisBench(path: redis.socketPath, timing: briskTiming(), greeting: greeting)
        bench.connection.open()
        bench.pass(milliseconds: 300)
        #expect(!bench.connection.isReady)
        #expect(bench.connection.lastErrorText.contains("CONFIG SET maxmemory-policy noeviction"))
        try redis.command("CONFIG", "SET", "maxmemory-policy", "volatile-ttl")
        #expect(bench.run { bench.connection.isReady })
        #expect(bench.logLines.contains { $0.contains("volatile-ttl may evict") })
    }

    @Test("A path too long for a socket is an error that is told, not a crash")
    func longPath() throws {
        let bench = try RedisBench(path: "/tmp/" + String(repeating: "x", count: 300), timing: briskTiming())
        bench.connection.open()
        bench.pass(milliseconds: 100)
        #expect(!bench.connection.isReady)
        #expect(bench.connection.lastErrorText != "not connected yet")
    }
}

struct AuthenticationTests {
    private let greeting: RedisGreeting = [["SCRIPT", "LOAD", "return 1"]]

    @Test("It speaks as the ACL user, or as the default user when only a password is given")
    func right() throws {
        let redis = try RedisServer()
        try redis.command("ACL", "SETUSER", "worker", "on", ">secret", "~*", "+@all")
        let bench = try RedisBench(path: redis.socketPath, username: "worker", password: "secret", greeting: greeting)
        try bench.openAndWait()
        #expect(try bench.command("ACL", "WHOAMI") == .bytes(Array("worker".utf8)))

        try redis.command("CONFIG", "SET", "requirepass", "other")
        let plain = try RedisBench(path: redis.socketPath, password: "other", greeting: greeting)
        try plain.openAndWait()
        #expect(try plain.command("ACL", "WHOAMI") == .bytes(Array("default".utf8)))
    }

    @Test("With a wrong password it is not ready, says why, and goes on trying")
    func wrong() throws {
        let redis = try RedisServer()
        try redis.command("ACL", "SETUSER", "worker", "on", ">secret", "~*", "+@all")
        let bench = try RedisBench(
            path: redis.socketPath,
            username: "worker",
            password: "wrong",
            timing: briskTiming(),
            greeting: greeting
        )
        bench.connection.open()
        #expect(bench.run { bench.connection.connectionCount >= 3 })
        #expect(!bench.connection.isReady && bench.readyChanges.isEmpty)
        #expect(bench.connection.lastErrorText.hasPrefix("WRONGPASS"), "\(bench.connection.lastErrorText)")
        let refused = Ledger(1)
        bench.connection.send(["PING"], refused.note(0))
        #expect(refused.failures == [.unavailable(bench.connection.lastErrorText)])
        for line in bench.logLines { #expect(!line.contains("wrong")) }

        // Mended by the operator, without a restart of the worker.
        try redis.command("ACL", "SETUSER", "worker", ">wrong")
        #expect(bench.run { bench.connection.isReady })
        #expect(try bench.command("PING") == .status("PONG"))
    }

    @Test("Without the password Redis asks for, it is not ready and says so")
    func missing() throws {
        let redis = try RedisServer()
        try redis.command("CONFIG", "SET", "requirepass", "secret")
        let bench = try RedisBench(path: redis.socketPath, timing: briskTiming(), greeting: greeting)
        bench.connection.open()
        #expect(bench.run { bench.connection.connectionCount >= 2 })
        #expect(!bench.connection.isReady)
        #expect(bench.connection.lastErrorText.hasPrefix("NOAUTH"), "\(bench.connection.lastErrorText)")
    }
}
