// SPDX-License-Identifier: Apache-2.0
//
// What the client makes of errors: those of the server's condition, and a room that a restore has not brought back, are
// `unavailable` (503, the visitor repeats); the others are `refused` (500).

import Admission
import QueueClient
import Simulation
import Testing
import WaitingRoomAPI

/// Answers every command with the replies it was given, in turn; the last one again and again.
private final class ScriptedLink: SteadyLink {
    private var replies: [RedisReply]
    private(set) var commands: [String] = []
    /// How many keys each has named.
    private(set) var keys: [Int] = []
    var onReadyChange: ((Bool) -> Void)?

    init(_ replies: [RedisReply]) { self.replies = replies }

    func send(_ arguments: [RedisArgument], room: String, _ completion: @escaping RedisCompletion) {
        if case .bytes(let word) = arguments[0] { commands.append(String(decoding: word, as: UTF8.self)) }
        if case .integer(let count) = arguments[2] { keys.append(count) }
        completion(.success(replies.count > 1 ? replies.removeFirst() : replies[0]))
    }
}

/// Keeps every command until the test answers it.
private final class PatientLink: SteadyLink {
    private(set) var pending: [(script: QueueScript?, completion: RedisCompletion)] = []
    private let scripts: ScriptCatalog
    var onReadyChange: ((Bool) -> Void)?

    init(_ scripts: ScriptCatalog) { self.scripts = scripts }

    func send(_ arguments: [RedisArgument], room: String, _ completion: @escaping RedisCompletion) {
        guard case .bytes(let digest) = arguments[1] else { return }
        pending.append((scripts.script(ofDigest: digest), completion))
    }

    /// Answers everything that is under way.
    func answer(_ reply: RedisReply) {
        let calls = pending
        pending = []
        for call in calls { call.completion(.success(reply)) }
    }
}

struct ClientErrorTests {
    @Test func `a worker has one restore of a room under way, whatever calls wait for it`() {
        let scripts = ScriptCatalog()
        let link = PatientLink(scripts)
        let store = RedisQueueStore(link: link, scripts: scripts)
        let room = Room(id: "demo", defaults: .standard)
        func call() {
            store.tick(TickRequest(), room: room) { _ in }
            store.join(JoinRequest(kind: .join), room: room) { _ in }
            store.stand(TicketClaim(generation: 1, number: 1, issuedMilliseconds: 0), room: room) { _ in }
            store.flush()
        }
        for _ in 0..<2 {
            call()
            #expect(link.pending.map(\.script) == [.tick, .join, .visit])
            link.answer(.error("NOSTATE gone"))
            #expect(link.pending.map(\.script) == [.restore])
            link.answer(.array([.integer(1), .integer(5), .integer(9)]))
            #expect(link.pending.map(\.script) == [.tick, .join, .visit])
            link.answer(.error("ERR at last"))
            #expect(link.pending.isEmpty)
        }
    }

    @Test func `a Cluster's node that is configured as the only server is called without the index`() throws {
        let crossSlot = RedisReply.error("CROSSSLOT Keys in request don't hash to the same slot")
        let link = ScriptedLink([crossSlot, .error("ERR at last")])
        let store = RedisQueueStore(link: link, scripts: ScriptCatalog())
        var lines: [String] = []
        store.complain = { lines.append($0) }
        let room = Room(id: "demo", defaults: .standard)
        #expect(store.hasNews)
        for count in [2, 3] {
            store.tick(TickRequest(), room: room) { _ in }
            #expect(link.commands.count == count)
        }
        #expect(link.keys == [8, 7, 7])
        #expect(!store.hasNews && lines.count == 1, "\(lines)")
    }

    /// How a tick ends that gets these replies, and which commands it took.
    private func tick(_ replies: [RedisReply]) throws -> (failure: StoreFailure, commands: [String]) {
        let link = ScriptedLink(replies)
        let store = RedisQueueStore(link: link, scripts: ScriptCatalog())
        var results: [Result<TickReply, StoreFailure>] = []
        store.tick(TickRequest(), room: Room(id: "demo", defaults: .standard)) { results.append($0) }
        #expect(results.count == 1)
        guard case .failure(let failure) = try #require(results.first) else { throw StoreFailure.refused("no failure") }
        return (failure, link.commands)
    }

    @Test(
        "Errors of the server's condition pass",
        arguments: [
            "LOADING Redis is loading the dataset in memory", "READONLY You can't write against a read only replica.",
            "MASTERDOWN Link with MASTER is down", "BUSY Redis is busy running a script", "OOM command not allowed",
            "MISCONF Redis is configured to save RDB snapshots", "NOREPLICAS Not enough good replicas to write.",
            "CLUSTERDOWN The cluster is down", "TRYAGAIN Multiple keys request during rehashing of slot",
            "MOVED 3999 127.0.0.1:6381", "ASK 3999 127.0.0.1:6381", "NOPERM no permission",
            "NOAUTH Authentication required.", "WRONGPASS invalid username-password pair",
        ]
    )
    func passing(_ text: String) throws {
        let (failure, commands) = try tick([.error(text)])
        #expect(failure == .unavailable(text))
        #expect(commands == ["EVALSHA"])
    }

    @Test(
        "Others are ours, whatever words follow the first",
        arguments: ["ERR unknown command, with args beginning with: OOM", "WRONGTYPE"]
    )
    func ours(_ text: String) throws { #expect(try tick([.error(text)]).failure == .refused(text)) }

    @Test("A room that a restore has not brought back is unavailable", arguments: ["NOSTATE gone", "ROLLBACK back"])
    func restored(_ text: String) throws {
        let restored = RedisReply.array([.integer(1), .integer(5), .integer(9)])
        let (failure, commands) = try tick([.error(text), restored, .error(text)])
        #expect(failure == .unavailable(text))
        #expect(commands.count == 3, "the call, the restore, the call once more")
    }

    @Test("An empty script cache is filled by EVAL, once")
    func noScript() throws {
        let (failure, commands) = try tick([.error("NOSCRIPT No matching script."), .error("NOSCRIPT")])
        #expect(commands == ["EVALSHA", "EVAL"])
        #expect(failure == .unavailable("NOSCRIPT"))
    }
}
