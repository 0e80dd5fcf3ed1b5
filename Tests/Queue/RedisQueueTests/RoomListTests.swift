// SPDX-License-Identifier: Apache-2.0
//
// The list of rooms made at run time, on a real Redis: workers learn of each change, and bring the list back when Redis
// has lost it.

import Admission
import QueueClient
import RedisQueue
import TestSupport
import Testing
import WaitingRoomAPI

struct RoomListTests {
    /// Two workers that watch the list, and an operator.
    private final class Bench {
        let redis: RedisServer
        let site: QueueSite
        private(set) var watches: [RoomListWatch] = []
        private(set) var seen: [[ListedRoom]] = [[], []]
        let operators: RoomOperator

        init() throws {
            redis = try RedisServer()
            let server = RedisSite.server(RedisEndpoint(address: .unix(path: redis.socketPath)))
            site = try QueueSite(server, workers: 2, rooms: [], policy: .standard)
            operators = RoomOperator(link: site.workers[0].link, scripts: ScriptCatalog())
            for (index, worker) in site.workers.enumerated() {
                let watch = RoomListWatch(link: worker.link, scripts: ScriptCatalog())
                watch.onChange = { [unowned self] in seen[index] = $0 }
                watches.append(watch)
            }
            guard site.run(seconds: 5, until: { [site] in site.workers.allSatisfy { $0.link.isReady(room: "x") } })
            else {
                throw TestFailure("not connected")
            }
        }

        /// Whether both workers see these rooms soon.
        func see(_ ids: [String]) -> Bool {
            for _ in 0..<50 {
                for watch in watches { watch.look() }
                site.pass(milliseconds: 20)
                if watches.allSatisfy(\.isKnown), seen.allSatisfy({ $0.map(\.id) == ids }) { return true }
            }
            return false
        }

        func make(_ id: String, _ limits: String = "", revision: Int = 1) throws -> StoreFailure? {
            let room = Room(id: id, defaults: RoomPolicy(pairs: limits) ?? .standard, revision: revision)
            return try done { operators.make(room, ListedRoom(id: id, revision: revision, limits: limits), $0) }
        }

        func remove(_ id: String) throws -> StoreFailure? {
            try done { operators.remove(Room(id: id, defaults: .standard, revision: -1), $0) }
        }

        private func done(_ start: (@escaping (StoreFailure?) -> Void) -> Void) throws -> StoreFailure? {
            var results: [StoreFailure?] = []
            start { results.append($0) }
            guard site.run(seconds: 5, until: { !results.isEmpty }) else { throw TestFailure("no answer") }
            return results[0]
        }
    }

    @Test("Rooms that are made and taken away are learnt by every worker")
    func learnt() throws {
        let bench = try Bench()
        defer { bench.site.close() }
        #expect(bench.see([]))
        #expect(try bench.make("flash", "rate=20.0 burst=5", revision: 1_796_000_000_000) == nil)
        #expect(try bench.make("evening") == nil)
        #expect(bench.see(["evening", "flash"]))
        let flash = try #require(bench.seen[1].last)
        #expect(flash == ListedRoom(id: "flash", revision: 1_796_000_000_000, limits: "rate=20.0 burst=5"))
        #expect(try bench.redis.command("HGET", "vq:{flash}:config", "file:burst") == "5")
        #expect(try bench.redis.command("HGET", "vq:{flash}:state", "generation") == "1")

        #expect(try bench.remove("flash") == nil)
        #expect(bench.see(["evening"]))
        #expect(try bench.remove("flash") == .refused("room flash was not made at run time"))
        #expect(try bench.redis.command("EXISTS", "vq:{flash}:config") == "0")
        let left = Int(try bench.redis.command("PTTL", "vq:{flash}:state")) ?? -1
        #expect((1...3_600_000).contains(left), "\(left) ms")
    }

    @Test("A Redis that lost the list, or went back, gets it again, and a change by an operator counts")
    func lost() throws {
        let bench = try Bench()
        defer { bench.site.close() }
        #expect(try bench.make("one", "rate=1.0") == nil)
        #expect(try bench.make("two") == nil)
        #expect(bench.see(["one", "two"]))
        try bench.redis.command("FLUSHALL")
        // An operator is quicker than the workers, and as often as before: the revision is the same.
        #expect(try bench.make("three", revision: 2) == nil)
        #expect(try bench.make("four", revision: 3) == nil)
        #expect(bench.see(["four", "one", "three", "two"]))
        #expect(bench.seen[0].dropFirst().first?.limits == "rate=1.0")
        #expect(try bench.remove("two") == nil)
        #expect(bench.see(["four", "one", "three"]))
    }

    @Test("Beyond ten thousand rooms one more is refused")
    func bound() throws {
        let bench = try Bench()
        defer { bench.site.close() }
        let most = ListedRoom.roomsMax
        let fill =
            "for i = 1, \(most) do redis.call('HSET', 'vq:{rooms}:list', 'r' .. i, '1 ') end"
            + " return redis.call('HSET', 'vq:{rooms}:list', '#revision', '1', '#begun', '1')"
        try bench.redis.command("EVAL", fill, "0")
        #expect(try bench.make("more") == .refused("there are \(most) rooms made at run time already"))
        for watch in bench.watches { watch.look() }
        #expect(bench.site.run(seconds: 10) { bench.seen.allSatisfy { $0.count == most } })
    }

    @Test("Workers that make rooms of a template at once make as many as it may have, and each room once")
    func template() throws {
        let bench = try Bench()
        defer { bench.site.close() }
        #expect(bench.see([]))
        var answers: [RoomListAnswer] = []
        for index in 0..<6 {
            for watch in bench.watches {
                let room = ListedRoom(id: "evt_\(index)", revision: 1, limits: "rate=1.0", template: "evt_")
                watch.make(room, max: 4, isAlone: true, nowMilliseconds: 0) { answers.append($0) }
            }
        }
        #expect(bench.site.run(seconds: 5) { answers.count == 12 })
        #expect(answers.count { $0 == .full } == 4 && !answers.contains(.unavailable), "\(answers)")
        #expect(bench.see((0..<4).map { "evt_\($0)" }))
        #expect(bench.seen[1].allSatisfy { $0.template == "evt_" && $0.limits == "rate=1.0" && $0.revision > 1 })
    }

    @Test("A room of a template ends in two steps, and a join between them keeps it; an operator's room stays")
    func end() throws {
        let bench = try Bench()
        defer { bench.site.close() }
        #expect(try bench.make("evt_own") == nil)
        #expect(bench.see(["evt_own"]))
        let (watch, room) = (bench.watches[0], ListedRoom(id: "evt_1", revision: 1, limits: "", template: "evt_"))
        func wait(_ start: (@escaping () -> Void) -> Void) {
            var isDone = false
            start { isDone = true }
            #expect(bench.site.run(seconds: 5) { isDone })
        }
        func isEnding() -> Bool? {
            bench.site.pass(milliseconds: 20)
            let text = try? bench.redis.command("HGET", "vq:{rooms}:list", "evt_1")
            return text.flatMap { $0.isEmpty ? nil : $0.hasSuffix(" ending") }
        }
        wait { done in watch.make(room, max: 1, isAlone: false, nowMilliseconds: 0) { _ in done() } }
        wait { done in
            watch.remove(room) {
                #expect(!$0); done()
            }
        }
        watch.end(ListedRoom(id: "evt_own", revision: 1, limits: "", template: "evt_"))
        watch.end(room)
        #expect(isEnding() == true)
        wait { done in bench.watches[1].make(room, max: 1, isAlone: false, nowMilliseconds: 0) { _ in done() } }
        #expect(isEnding() == false)
        wait { done in
            watch.remove(room) {
                #expect(!$0); done()
            }
        }
        watch.end(room)
        wait { done in
            watch.remove(room) {
                #expect($0); done()
            }
        }
        #expect(isEnding() == nil && bench.see(["evt_own"]))
    }

    @Test("A list that is missing is not begun while a worker may come that remembers it")
    func missing() throws {
        let bench = try Bench()
        defer { bench.site.close() }
        #expect(bench.see([]))
        let room = ListedRoom(id: "evt_1", revision: 1, limits: "", template: "evt_")
        func make(_ now: Int) -> RoomListAnswer? {
            var answer: RoomListAnswer?
            bench.watches[0].look(nowMilliseconds: now)
            bench.site.pass(milliseconds: 20)
            bench.watches[0].make(room, max: 1, isAlone: false, nowMilliseconds: now) { answer = $0 }
            _ = bench.site.run(seconds: 5) { answer != nil }
            return answer
        }
        #expect(make(0) == .unavailable && make(2400) == .unavailable)
        #expect(make(2500) == .there(ageMilliseconds: 0))
    }
}
