// SPDX-License-Identifier: Apache-2.0
//
// Goal: a worker that looks only at the rooms that the news name knows all that it must know, and somebody ticks each
// room in time; and whatever happens to the index, it is made anew and every worker notices.
// Method: the conformance suite's harness, on the model and on Redis; what happens to Redis alone, there.

import Admission
import QueueClient
import TestSupport
import Testing
import WaitingRoomAPI

struct NewsTests {
    /// Asks for news as a worker does, each time since the last answer.
    private final class Reader {
        private let harness: QueueHarness
        private(set) var mark = 0

        init(_ harness: QueueHarness) throws {
            self.harness = harness
            _ = try harness.tick()
            let first = try harness.news(since: 0)
            #expect(first.isNew && first.rooms.isEmpty)
            mark = first.mark
            // Without a due time the room would be ticked by nobody.
            _ = try harness.tick()
        }

        func ask() throws -> RoomNews {
            let news = try harness.news(since: mark)
            mark = news.mark
            return news
        }

        /// Whether the room is named since the last question.
        func isNamed() throws -> Bool {
            let news = try ask()
            #expect(!news.isNew && !news.isCut && news.nowMilliseconds == harness.nowMilliseconds)
            return news.rooms.contains(harness.room.id)
        }
    }

    @Test("What a mirror must know is news, and what it need not know is none", arguments: StoreKind.allCases)
    func changes(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(rate: 1, burst: 1))
        let reader = try Reader(harness)
        #expect(try !reader.isNamed())
        let first = try harness.join().numbers[0]
        #expect(try reader.isNamed(), "an entry")
        #expect(try !reader.isNamed(), "told once")
        let second = try harness.join().numbers[0]
        #expect(try reader.isNamed(), "a join")
        #expect(try harness.stand(harness.claim(second)) == .waiting)
        #expect(try harness.join([JoinRequest(kind: .gate)]) == [.noRoom])
        #expect(try !reader.isNamed(), "a look")
        try harness.advance(200)
        _ = try harness.tick(polled: [second])
        #expect(try !reader.isNamed(), "a tick that changes nothing")
        try harness.advance(900)
        #expect(try harness.tick().called == 1)
        #expect(try reader.isNamed(), "a call")
        #expect(try harness.enter(harness.claim(second)) != .waiting)
        #expect(try reader.isNamed(), "an enter")
        #expect(try harness.leave(harness.claim(first)) == .left)
        #expect(try reader.isNamed(), "a leave")
        try harness.configure(smallPolicy(rate: 2))
        #expect(try reader.isNamed(), "limits")
        try harness.reset()
        #expect(try reader.isNamed(), "a reset")
        try harness.loseEverything()
        if kind == .model { return }
        _ = try harness.tick()
        #expect(try reader.isNamed(), "a restore")
    }

    @Test("A newer file is news, also when a call brings it that changes nothing", arguments: StoreKind.allCases)
    func newerFile(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy())
        let reader = try Reader(harness)
        harness.room.settings.revision = 5
        _ = try harness.stand(harness.claim(harness.room.next + 70_000, generation: 0))
        #expect(try reader.isNamed())
    }

    @Test("Where people are inside a room is due when a pass ends, and once in an epoch", arguments: StoreKind.allCases)
    func dueInside(_ kind: StoreKind) throws {
        // Epochs of 1,000 ms, passes of 6 s.
        let harness = try kind.harness(smallPolicy(burst: 3))
        let reader = try Reader(harness)
        _ = try harness.join()
        try harness.advance(200)
        #expect(try harness.tick().active == 1)
        #expect(try reader.isNamed())
        var ticks = 0
        var active = 1
        for _ in 0..<29 {
            try harness.advance(200)
            guard try reader.isNamed() else { continue }
            ticks += 1
            active = try harness.tick().active
            // A tick without an end changes nothing; the room is due again later.
            #expect(try reader.isNamed() == (active == 0))
        }
        #expect(active == 0, "the pass of 6 s has ended")
        #expect((5...8).contains(ticks), "\(ticks)")
        try harness.advance(600_000)
        #expect(try !reader.isNamed(), "an empty room is due for its history alone")
        try harness.advance(1_300_000)
        #expect(try reader.isNamed())
    }

    @Test("A room in which people wait is due within a second", arguments: StoreKind.allCases)
    func dueWaiting(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(burst: 1))
        let reader = try Reader(harness)
        let numbers = try harness.join(3).numbers
        try harness.advance(200)
        _ = try harness.tick(polled: numbers)
        #expect(try reader.isNamed())
        try harness.advance(800)
        #expect(try !reader.isNamed())
        try harness.advance(200)
        #expect(try reader.isNamed())
        #expect(try reader.isNamed(), "until some worker has ticked it")
        _ = try harness.tick(polled: numbers)
        #expect(try !reader.isNamed())
    }

    /// Without line_ms the first tick after a silence of the workers held the sweep for another abandon_after.
    @Test("Who falls silent in a room that was quiet before is swept as elsewhere", arguments: StoreKind.allCases)
    func sweepAfterQuiet(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(burst: 1))
        _ = try harness.join()
        _ = try harness.tick()
        // Nobody waits, and no worker ticks the room.
        try harness.advance(600_000)
        let numbers = try harness.join(6).numbers
        for _ in 0..<21 {
            _ = try harness.tick(polled: Array(numbers[3...]))
            try harness.advance(200)
        }
        // 4.2 s after their joins: abandon_after is 4 s.
        #expect(try harness.tick(polled: Array(numbers[3...])).waiting.count == 3)
    }

    @Test("While people wait, a gap in the ticks still holds the sweep", arguments: StoreKind.allCases)
    func gapWhileWaiting(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(burst: 1))
        let numbers = try harness.join(6).numbers
        _ = try harness.tick(polled: numbers)
        try harness.advance(30_000)
        #expect(try harness.tick().waiting.count == 5, "heartbeats are missing")
        try harness.advance(200)
        #expect(try harness.tick(polled: numbers).waiting.count == 5)
    }

    @Test("A lost index is made anew, and says so", arguments: StoreKind.allCases)
    func lost(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy())
        let reader = try Reader(harness)
        try harness.loseIndex()
        _ = try harness.join()
        try harness.advance(100)
        let news = try reader.ask()
        #expect(news.isNew && news.rooms.isEmpty)
        _ = try harness.join()
        #expect(try reader.isNamed())
    }

    @Test("A store that went back has an index that says so")
    func wentBack() throws {
        let harness = try StoreKind.model.harness(smallPolicy())
        let reader = try Reader(harness)
        try harness.keep()
        try harness.advance(100)
        try harness.goBack()
        #expect(try reader.ask().isNew)
    }

    // MARK: - Redis alone

    private func redis() throws -> (harness: RedisHarness, reader: Reader) {
        let harness = try RedisHarness(redis: try RedisServer(), policy: smallPolicy(), room: "room")
        return (harness, try Reader(harness))
    }

    @Test func `an index of another server is made anew`() throws {
        let (harness, reader) = try redis()
        let members = try harness.command(["ZRANGEBYSCORE", "vq:index", 0, 0]).arrayValue ?? []
        let server = try #require(members.first?.bytesValue)
        #expect(String(decoding: server, as: UTF8.self).hasPrefix("vq:at:"))
        _ = try harness.command(["ZREM", "vq:index", RedisArgument(server)])
        _ = try harness.command(["ZADD", "vq:index", 0, "vq:at:another"])
        try harness.advance(100)
        #expect(try reader.ask().isNew)
    }

    @Test func `what is no index under its name stops nobody, and is replaced`() throws {
        let (harness, reader) = try redis()
        _ = try harness.command(["SET", "vq:index", "not a sorted set"])
        #expect(try harness.join().admittedCount == 1)
        try harness.advance(200)
        #expect(try harness.tick().active == 1)
        #expect(try reader.ask().isNew)
        _ = try harness.join()
        #expect(try reader.isNamed())
    }

    @Test func `without a question nothing is kept`() throws {
        let harness = try RedisHarness(redis: try RedisServer(), policy: smallPolicy(), room: "room")
        _ = try harness.join()
        try harness.advance(200)
        _ = try harness.tick()
        #expect(try harness.command(["EXISTS", "vq:index"]) == .integer(0))
    }

    @Test func `answers are cut, and the rest follows; too many members make the index anew`() throws {
        let (harness, reader) = try redis()
        func add(_ count: Int, _ prefix: String, from score: Int) throws {
            for start in stride(from: 0, to: count, by: 1000) {
                let words = (start..<min(start + 1000, count)).flatMap { index -> [RedisArgument] in
                    [RedisArgument(score + index), RedisArgument("\(prefix)room-\(index)")]
                }
                _ = try harness.command(["ZADD", "vq:index"] + words)
            }
        }
        let (count, most) = (2500, IndexConstants.newsMax)
        try add(count, "c", from: reader.mark + 1)
        _ = try harness.command(["ZADD", "vq:index", RedisArgument(-(reader.mark + count)), "last"])
        var names: [String] = []
        for isCut in [true, true, false] {
            let news = try reader.ask()
            #expect(news.isCut == isCut && news.rooms.count <= most)
            names += news.rooms
        }
        #expect(names == (0..<count).map { "room-\($0)" })
        // Rooms that no worker has any more, from before the time that a due room is kept.
        try add(count, "d", from: harness.nowMilliseconds - IndexConstants.dueKeptMilliseconds - count)
        var asked = 0
        while try !reader.ask().rooms.isEmpty { asked += 1 }
        #expect(asked == 3)
        try add(IndexConstants.membersMax, "c", from: reader.mark + 1)
        try harness.advance(100)
        #expect(try reader.ask().isNew)
        #expect(try harness.command(["ZCARD", "vq:index"]) == .integer(3))
    }
}
