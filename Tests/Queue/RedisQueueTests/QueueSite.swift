// SPDX-License-Identifier: Apache-2.0
//
// Workers without HTTP: links, stores and rooms on one loop, with visitors who join, poll and enter on their own. What
// became of everybody is kept, so that a test can look for a number issued twice or an entry too many.

import Admission
import QueueClient
import Reactor
import RedisQueue
import TestSupport
import Testing
import WaitingRoomAPI

final class QueueSite {
    final class Worker {
        let link: any RedisLink
        let store: RedisQueueStore
        var rooms: [String: Room] = [:]
        fileprivate(set) var log: [String] = []

        fileprivate init(link: any RedisLink, store: RedisQueueStore) {
            self.link = link
            self.store = store
        }
    }

    /// Somebody with a ticket.
    struct Visitor {
        let room: String
        let claim: TicketClaim
    }

    let loop: EventLoop
    private(set) var workers: [Worker] = []
    private(set) var visitors: [Visitor] = []
    /// Redis time of each entry, by room and number, in the order they were granted. A repeated enter of the same entry
    /// has the same pass expiry and is kept once.
    private(set) var entries: [(room: String, number: Int, milliseconds: Int, passExpires: Int)] = []
    private(set) var failures: [StoreFailure] = []
    private var condition: () -> Bool = { false }
    private var timers: [Timer] = []

    init(_ site: RedisSite, workers count: Int, rooms: [String], policy: RoomPolicy, keyPrefix: String = "") throws {
        loop = try EventLoop()
        let scripts = ScriptCatalog(keyPrefix: keyPrefix)
        for _ in 0..<count {
            final class Lines { weak var worker: Worker? }
            let lines = Lines()
            let link = site.link(loop: loop, scripts: scripts, timing: briskTiming()) { lines.worker?.log.append($0) }
            let worker = Worker(link: link, store: RedisQueueStore(link: link, scripts: scripts))
            lines.worker = worker
            for room in rooms { worker.rooms[room] = Room(id: room, defaults: policy) }
            workers.append(worker)
            link.open()
        }
        loop.beforeSleep { [weak self] in
            guard let self else { return }
            for worker in self.workers { worker.store.flush() }
            if self.condition() { self.loop.stop() }
        }
        repeating(100) { site in
            for worker in site.workers { for room in worker.rooms.values { site.tick(room, worker) } }
        }
    }

    /// Stops the visitors and workers: nothing of this site runs any more.
    func close() {
        for timer in timers { timer.cancel() }
        for worker in workers { worker.link.close() }
    }

    private func repeating(_ milliseconds: Int, _ action: @escaping (QueueSite) -> Void) {
        timers.append(
            loop.schedule(afterMilliseconds: milliseconds, repeatingMilliseconds: milliseconds) { [weak self] in
                if let self { action(self) }
            }
        )
    }

    private func tick(_ room: Room, _ worker: Worker) {
        room.tick(store: worker.store, tickMilliseconds: 100, clock: { [loop] in loop.nowMilliseconds }) { _ in }
    }

    /// Runs the loop; false when the condition was not met in time.
    @discardableResult
    func run(seconds: Double, until condition: @escaping () -> Bool) -> Bool {
        self.condition = condition
        let limit = loop.schedule(afterMilliseconds: Int(seconds * 1000)) { [loop] in loop.stop() }
        loop.run()
        limit.cancel()
        self.condition = { false }
        return condition()
    }

    func pass(milliseconds: Int) { run(seconds: Double(milliseconds) / 1000) { false } }

    // MARK: - Visitors

    /// One more joins at a worker.
    func join(_ room: String, at worker: Worker, _ done: @escaping (Bool) -> Void = { _ in }) {
        guard let mirror = worker.rooms[room] else { return }
        worker.store.join(JoinRequest(kind: .join), room: mirror) { [weak self] result in
            guard let self else { return }
            switch result {
            case .failure(let failure):
                self.failures.append(failure)
                done(false)
            case .success(let answer):
                if case .waiting(let number, _) = answer.outcome { self.issued(room, number, answer, mirror) }
                if case .admitted(let number, let expires) = answer.outcome {
                    self.issued(room, number, answer, mirror)
                    self.entered(room, number, answer.nowMilliseconds, expires)
                }
                done(true)
            }
        }
    }

    private func issued(_ room: String, _ number: Int, _ answer: JoinAnswer, _ mirror: Room) {
        mirror.noteIssued(number, generation: answer.generation)
        let claim = TicketClaim(
            generation: answer.generation,
            number: number,
            issuedMilliseconds: answer.nowMilliseconds
        )
        visitors.append(Visitor(room: room, claim: claim))
    }

    private func entered(_ room: String, _ number: Int, _ now: Int, _ expires: Int) {
        guard !entries.contains(where: { ($0.room, $0.number, $0.passExpires) == (room, number, expires) }) else {
            return
        }
        entries.append((room, number, now, expires))
    }

    /// Everybody who is not known to have entered polls at some worker, and enters when called.
    private func pollAll() {
        let inside = Set(entries.map { "\($0.room) \($0.number)" })
        for (index, visitor) in visitors.enumerated() where !inside.contains("\(visitor.room) \(visitor.claim.number)")
        {
            poll(visitor, at: workers[index % workers.count])
        }
    }

    private func poll(_ visitor: Visitor, at worker: Worker) {
        guard let room = worker.rooms[visitor.room] else { return }
        if room.mirror.contains(visitor.claim.number) { return room.markAlive(visitor.claim.number) }
        worker.store.enter(visitor.claim, room: room) { [weak self] result in
            guard let self, case .success(let reply) = result, case .entered(let expires) = reply.standing else {
                return
            }
            room.noteGone(visitor.claim.number)
            self.entered(visitor.room, visitor.claim.number, reply.nowMilliseconds, expires)
        }
    }

    /// From now on visitors poll, and more of them join a room every few milliseconds, at the workers in turn.
    func open(_ rooms: [String], joinEvery milliseconds: Int, pollEvery pollMilliseconds: Int = 60) {
        var count = 0
        repeating(milliseconds) { site in
            count += 1
            for room in rooms { site.join(room, at: site.workers[count % site.workers.count]) }
        }
        repeating(pollMilliseconds) { $0.pollAll() }
    }

    /// One enters, or tries to, at a worker; true when inside.
    func enter(_ visitor: Visitor, at index: Int) throws -> Standing {
        guard let room = workers[index].rooms[visitor.room] else { throw TestFailure("no room \(visitor.room)") }
        var results: [Result<StandingReply, StoreFailure>] = []
        workers[index].store.enter(visitor.claim, room: room) { results.append($0) }
        guard run(seconds: 5, until: { !results.isEmpty }) else { throw TestFailure("no answer") }
        let reply = try results[0].get()
        if case .entered(let expires) = reply.standing {
            room.noteGone(visitor.claim.number)
            entered(visitor.room, visitor.claim.number, reply.nowMilliseconds, expires)
        }
        return reply.standing
    }

    /// Joins `count` people at one worker and waits for their answers.
    func join(_ count: Int, _ room: String, at index: Int = 0) throws {
        var (answered, refused) = (0, 0)
        for _ in 0..<count {
            join(room, at: workers[index]) { isTaken in
                answered += 1
                if !isTaken { refused += 1 }
            }
        }
        guard run(seconds: 5, until: { answered == count }), refused == 0 else {
            throw TestFailure("\(answered) of \(count) joins answered, \(refused) refused: \(failures.last as Any)")
        }
    }

    // MARK: - What must be true

    /// Whether every worker's mirror is from now on.
    func untilMirrored(seconds: Double = 5) -> Bool {
        let rooms = workers.flatMap { $0.rooms.values }
        let before = rooms.map(\.asOfMilliseconds)
        return run(seconds: seconds) { zip(rooms, before).allSatisfy { $0.asOfMilliseconds > $1 } }
    }

    /// Numbers that wait, as a worker sees them, in order.
    func waiting(_ room: String, at index: Int = 0) -> [Int] {
        guard let mirror = workers[index].rooms[room]?.mirror else { return [] }
        var out: [Int] = []
        var number = mirror.next(from: 0)
        while let found = number {
            out.append(found)
            number = mirror.next(from: found + 1)
        }
        return out
    }

    func expectNothingTwice() {
        let numbers = visitors.map { "\($0.room) \($0.claim.number)" }
        #expect(Set(numbers).count == numbers.count, "no number is issued twice")
        let entered = entries.map { "\($0.room) \($0.number)" }
        #expect(Set(entered).count == entered.count, "nobody is admitted twice")
    }

    /// In any window of t seconds at most burst + rate * t entries, by the servers' clock, which is one on one machine.
    func expectBound(_ policy: RoomPolicy, from: Int = 0) {
        for room in Set(entries.map(\.room)) {
            let times = entries[from...].filter { $0.room == room }.map(\.milliseconds).sorted()
            var worst = Int.min
            for first in times.indices {
                for last in first..<times.count {
                    let count = (last - first + 1) * 1_000_000
                    let allowed = policy.burst * 1_000_000 + policy.rateMilli * (times[last] - times[first])
                    worst = max(worst, count - allowed)
                }
            }
            #expect(worst <= 0, "\(room): \(Double(worst) / 1e6) entries too many of \(times.count)")
        }
    }

    /// Nobody who joined earlier waits while somebody who joined later is inside.
    func expectOrder() {
        for room in Set(visitors.map(\.room)) {
            let last = entries.filter { $0.room == room }.map(\.number).max() ?? 0
            #expect(waiting(room).allSatisfy { $0 > last }, "overtaken: \(waiting(room).filter { $0 < last })")
        }
    }
}
