// SPDX-License-Identifier: Apache-2.0
//
// Goal: a failover of Sentinel costs nobody a place, issues no number twice and admits nobody too many.
// Method: a real master, replica and three sentinels on loopback; two workers with visitors who join, poll and enter
// all the time; the master is killed, or made to step down while it lives, or killed with a replica that lacks its last
// second.

import Admission
import Glibc
import QueueClient
import RedisQueue
import TestSupport
import Testing
import WaitingRoomAPI

@Suite(.serialized)
struct SentinelTests {
    private static var policy: RoomPolicy {
        var policy = RoomPolicy.standard
        policy.rateMilli = 20_000
        policy.burst = 10
        return policy
    }

    private func redis(_ site: SentinelSite) -> RedisSite {
        .sentinel(
            SentinelSettings(
                name: SentinelSite.name,
                sentinels: site.ports.map { RedisHostPort(host: "127.0.0.1", port: $0) }
            )
        )
    }

    private func queue(_ site: SentinelSite) throws -> QueueSite {
        let queue = try QueueSite(redis(site), workers: 2, rooms: ["demo"], policy: SentinelTests.policy)
        guard queue.run(seconds: 5, until: { queue.workers.allSatisfy { $0.link.isReady(room: "demo") } }) else {
            throw TestFailure("no master: \(queue.workers[0].link.lastErrorText)")
        }
        return queue
    }

    /// Sixty wait, more come, and some have entered.
    private func busyQueue(_ site: SentinelSite) throws -> QueueSite {
        let queue = try queue(site)
        try queue.join(60, "demo")
        queue.open(["demo"], joinEvery: 25)
        guard queue.run(seconds: 5, until: { queue.entries.count >= 30 }) else { throw TestFailure("nobody enters") }
        return queue
    }

    /// Goes on until the new master has admitted some, then looks at all of it.
    private func expectGoneOn(_ queue: QueueSite, _ site: SentinelSite, seconds: Double = 20) {
        #expect(queue.run(seconds: seconds) { queue.workers.allSatisfy { $0.link.isReady(room: "demo") } })
        let before = (queue.entries.count, queue.visitors.count)
        #expect(queue.run(seconds: 10) { queue.entries.count >= before.0 + 40 && queue.visitors.count > before.1 + 20 })
        #expect(site.replica.role == "master")
        queue.expectNothingTwice()
        queue.expectBound(SentinelTests.policy)
        #expect(queue.untilMirrored())
        queue.expectOrder()
    }

    @Test("A master that is killed is left for the one the sentinels name, and the queue goes on as it was")
    func killed() throws {
        let site = try SentinelSite()
        let queue = try busyQueue(site)
        defer { queue.close() }
        site.master.kill()
        #expect(queue.run(seconds: 5) { queue.workers.allSatisfy { !$0.link.isReady(room: "demo") } })
        expectGoneOn(queue, site)
        // While it was away each worker said so once.
        for worker in queue.workers {
            let away = worker.log.filter { $0.contains("redis 127.0.0.1:\(site.master.port) away: ") }
            #expect(away.count == 1, "\(worker.log)")
            #expect(worker.log.contains("sentinel names 127.0.0.1:\(site.replica.port) as the master mymaster"))
        }
    }

    /// How many scripts a server was asked to run.
    private func scriptCalls(_ node: RedisNode) throws -> String {
        let lines = try node.command("INFO", "commandstats").split(whereSeparator: \.isNewline)
        guard let line = lines.first(where: { $0.hasPrefix("cmdstat_evalsha:") }) else {
            throw TestFailure("no script was ever called")
        }
        return String(line.prefix { $0 != "," })
    }

    @Test("A master that steps down while it lives is not spoken to again, and no window has an entry too many")
    func steppedDown() throws {
        let site = try SentinelSite()
        let queue = try busyQueue(site)
        defer { queue.close() }
        // One sentinel less: the two that are left still agree, and a worker asks those that answer.
        site.stopSentinel(2)
        #expect(try SentinelSite.ask(site.ports[0], "SENTINEL", "FAILOVER", SentinelSite.name).contains("OK"))
        let follows = "\(site.replica.port) as the master"
        #expect(queue.run(seconds: 10) { queue.workers.allSatisfy { $0.log.contains { $0.contains(follows) } } })
        let asked = try scriptCalls(site.master)
        expectGoneOn(queue, site)
        #expect(Wait.until(seconds: 20) { site.master.role == "slave" })
        #expect(try scriptCalls(site.master) == asked)
        #expect(queue.workers.allSatisfy { $0.link.isReady(room: "demo") })
    }

    @Test("A replica that lacks the last joins and entries is brought up to date: nobody twice, nobody lost, in order")
    func lagging() throws {
        let site = try SentinelSite()
        let queue = try busyQueue(site)
        defer { queue.close() }
        // The replica is cut off: it follows a port where nobody listens, and keeps what it has.
        let before = (queue.entries.count, queue.visitors.count)
        try site.replica.command("REPLICAOF", "127.0.0.1", "1")
        #expect(queue.run(seconds: 5) { queue.entries.count >= before.0 + 15 && queue.visitors.count >= before.1 + 30 })
        site.master.kill()
        let known = queue.visitors
        #expect(try site.replica.command("HGET", "vq:{demo}:state", "joined") != "\(known.count)", "it does lag")
        #expect(queue.run(seconds: 5) { queue.workers.allSatisfy { !$0.link.isReady(room: "demo") } })
        expectGoneOn(queue, site)
        // Everybody who held a ticket before is inside, called, or still waits.
        let inside = Set(queue.entries.map(\.number))
        let last = queue.entries.map(\.number).max() ?? 0
        let waits = Set(queue.waiting("demo"))
        for visitor in known where visitor.claim.number > last + 20 {
            #expect(waits.contains(visitor.claim.number) || inside.contains(visitor.claim.number))
        }
    }

    @Test("A replica that lacks nothing but entries gives none of their tokens again, and knows who is inside")
    func laggingEntries() throws {
        var slow = RoomPolicy.standard
        slow.rateMilli = 1000
        slow.burst = 20
        let site = try SentinelSite()
        let queue = try QueueSite(redis(site), workers: 2, rooms: ["demo"], policy: slow)
        defer { queue.close() }
        #expect(queue.run(seconds: 5) { queue.workers.allSatisfy { $0.link.isReady(room: "demo") } })
        // Twenty are admitted at once, forty are called in the time that we skip, and the entry bucket is full again.
        try queue.join(60, "demo")
        #expect(queue.entries.count == 20)
        for called in [20, 40] {
            try site.master.command("HSET", "vq:{demo}:state", "call_micro", "20000000", "entry_micro", "20000000")
            #expect(queue.run(seconds: 3) { queue.workers.allSatisfy { $0.rooms["demo"]?.called == called } })
        }
        let started = queue.entries.count
        let isMirrored = try Wait.until(seconds: 3) {
            try site.replica.command("ZCARD", "vq:{demo}:called") == "40"
        }
        #expect(isMirrored)
        try site.replica.command("REPLICAOF", "127.0.0.1", "1")
        let called = queue.visitors.filter { visitor in !queue.entries.contains { $0.number == visitor.claim.number } }
        for (index, visitor) in called.prefix(20).enumerated() {
            guard case .entered = try queue.enter(visitor, at: index % 2) else { throw TestFailure("not let in") }
        }
        #expect(try site.replica.command("ZCARD", "vq:{demo}:called") == "40", "it does lag")
        site.master.kill()
        #expect(queue.run(seconds: 5) { queue.workers.allSatisfy { !$0.link.isReady(room: "demo") } })
        #expect(queue.run(seconds: 15) { queue.workers.allSatisfy { $0.link.isReady(room: "demo") } })
        // With its first tick each worker brings what it has granted: a visitor who entered and asks again is inside,
        // with the same pass; everybody else wants to enter at once.
        #expect(queue.untilMirrored())
        let passes = queue.entries.count
        for visitor in called.prefix(20) {
            guard case .entered = try queue.enter(visitor, at: 0) else { throw TestFailure("inside, and not known") }
        }
        #expect(queue.entries.count == passes && passes == started + 20)
        queue.open(["demo"], joinEvery: 100)
        #expect(queue.run(seconds: 10) { queue.entries.count >= passes + 3 })
        queue.expectNothingTwice()
        // The twenty of the setting are before the time that was skipped.
        queue.expectBound(slow, from: started)
    }

    @Test("A worker that knows nothing, first at a replica that lags, issues no number again and keeps all behind")
    func laggingAndForgotten() throws {
        let site = try SentinelSite()
        let queue = try queue(site)
        defer { queue.close() }
        try queue.join(30, "demo")
        #expect(try Wait.until(seconds: 3) { try site.replica.command("HGET", "vq:{demo}:state", "joined") == "30" })
        try site.replica.command("REPLICAOF", "127.0.0.1", "1")
        try queue.join(30, "demo", at: 1)
        queue.close()
        site.master.kill()
        #expect(Wait.until(seconds: 15) { site.replica.role == "master" })
        let fresh = try self.queue(site)
        defer { fresh.close() }
        try fresh.join(30, "demo")
        let known = Set(queue.visitors.map(\.claim.number))
        #expect(fresh.visitors.allSatisfy { !known.contains($0.claim.number) }, "no number is issued twice")
        // The tickets of those it does not know are believed, and go before all who came later.
        let last = try #require(queue.visitors.last)
        #expect(try fresh.enter(last, at: 1) == .waiting)
        #expect(fresh.untilMirrored())
        #expect(fresh.waiting("demo").contains(last.claim.number))
        #expect(fresh.visitors.allSatisfy { $0.claim.number > last.claim.number })
    }

    @Test("The operator's commands find the master through the sentinels; a name they do not know is told")
    func commands() throws {
        let site = try SentinelSite()
        let sentinels = site.ports.map { RedisHostPort(host: "127.0.0.1", port: $0) }
        let wrong = RedisSite.sentinel(SentinelSettings(name: "nobody", sentinels: sentinels))
        let lost = try QueueSite(wrong, workers: 1, rooms: ["demo"], policy: SentinelTests.policy)
        lost.pass(milliseconds: 400)
        #expect(!lost.workers[0].link.isReady(room: "demo"))
        #expect(lost.workers[0].link.lastErrorText.contains("knows no master nobody"))
        lost.close()

        let queue = try queue(site)
        defer { queue.close() }
        try queue.join(15, "demo")
        let directory = try TemporaryDirectory()
        let addresses = site.ports.map { "127.0.0.1:\($0)" }.joined(separator: ", ")
        try directory.write(
            "v.yaml",
            "rooms: {demo: {rate: 20, burst: 10}}\nredis: {sentinel: {name: mymaster, addresses: [\(addresses)]}}\n"
        )
        func room(_ words: String...) throws -> (status: Int32, text: String) {
            let program = try Product.vestibule()
            return try TestProcess.output(program, ["room"] + words + ["--config", directory.file("v.yaml")])
        }
        let shown = try room("show", "demo")
        #expect(shown.status == 0 && shown.text.contains("joined: 15"), "\(shown.text)")
        let paused = try room("pause", "demo")
        #expect(paused.status == 0 && paused.text.contains("mode: paused"))
        let isPaused = queue.run(seconds: 3) {
            queue.workers.allSatisfy { $0.rooms["demo"]?.policy.mode == .paused }
        }
        #expect(isPaused)
        // An operator's look does not count as another server: the buckets and numbers stay as they are.
        #expect(queue.workers[0].rooms["demo"]?.next == queue.visitors.map(\.claim.number).max().map { $0 + 1 })
    }
}
