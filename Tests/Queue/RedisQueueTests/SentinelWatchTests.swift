// SPDX-License-Identifier: Apache-2.0
//
// Goal: a worker never goes back to a master that a newer epoch has replaced. Method: two sentinels of the test's own,
// which say what it wants.

import QueueClient
import Reactor
import RedisQueue
import TestSupport
import Testing

private final class FakeSentinels {
    struct View {
        var epoch: Int
        var port: Int
    }

    let loop: EventLoop
    let link: any RedisLink
    private(set) var log: [String] = []
    /// What each says; nil answers nothing.
    var views: [View?]
    private var peers: [FakePeer] = []

    init(_ views: [View?]) throws {
        loop = try EventLoop()
        self.views = views
        let ports = try views.map { _ in try Loopback.freePort() }
        let site = SentinelSettings(name: "main", sentinels: ports.map { RedisHostPort(host: "127.0.0.1", port: $0) })
        let journal = Journal()
        link = RedisSite.sentinel(site).link(loop: loop, scripts: ScriptCatalog(), timing: briskTiming()) {
            journal.lines.append($0)
        }
        self.journal = journal
        for (index, port) in ports.enumerated() {
            peers.append(try FakePeer(loop: loop, port: port) { [weak self] in self?.answer($0, of: index) ?? [] })
        }
        loop.beforeSleep { [link] in link.flush() }
        link.open()
    }

    private final class Journal { var lines: [String] = [] }
    private let journal: Journal

    /// The ports of the masters that were followed, in order.
    var followed: [Int] {
        journal.lines.compactMap { line in
            guard line.contains("sentinel names 127.0.0.1:") else { return nil }
            return Int(line.split(separator: ":").last?.prefix { $0.isNumber } ?? "")
        }
    }

    private func answer(_ bytes: [UInt8], of index: Int) -> [UInt8] {
        guard let view = views[index] else { return [] }
        let words = String(decoding: bytes, as: UTF8.self).split(separator: "\r\n")
        let replies = words.compactMap { word -> String? in
            switch word {
            case "MASTER": bulk(["name", "main", "config-epoch", "\(view.epoch)"])
            case "GET-MASTER-ADDR-BY-NAME": bulk(["127.0.0.1", "\(view.port)"])
            default: nil
            }
        }
        return Array(replies.joined().utf8)
    }

    private func bulk(_ words: [String]) -> String {
        "*\(words.count)\r\n" + words.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()
    }

    /// Runs the loop until something holds, at most for `milliseconds`.
    @discardableResult
    func run(_ milliseconds: Int, until isDone: @escaping () -> Bool = { false }) -> Bool {
        let limit = loop.schedule(afterMilliseconds: milliseconds) { [loop] in loop.stop() }
        let look = loop.schedule(afterMilliseconds: 10, repeatingMilliseconds: 10) { [loop] in
            if isDone() { loop.stop() }
        }
        loop.run()
        limit.cancel()
        look.cancel()
        return isDone()
    }
}

struct SentinelWatchTests {
    @Test("While who knows the newer epoch is silent nobody goes back; set up anew, all begin again")
    func epochs() throws {
        let (new, old) = (try Loopback.freePort(), try Loopback.freePort())
        let sentinels = try FakeSentinels([.init(epoch: 5, port: new), .init(epoch: 3, port: old)])
        defer { sentinels.link.close() }
        #expect(sentinels.run(3000) { sentinels.followed.last == new })
        let before = sentinels.followed
        // It misses its deadline of half a second, and the other one is asked three times meanwhile.
        sentinels.views[0] = nil
        sentinels.run(2000)
        #expect(sentinels.followed == before, "the other one knows less")
        sentinels.views[0] = .init(epoch: 5, port: new)
        sentinels.run(1500)
        #expect(sentinels.followed == before)
        sentinels.views = [.init(epoch: 1, port: old), .init(epoch: 1, port: old)]
        #expect(sentinels.run(3000) { sentinels.followed.last == old })
    }
}
