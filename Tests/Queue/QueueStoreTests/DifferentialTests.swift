// SPDX-License-Identifier: Apache-2.0
//
// Random histories replayed on the model and on Redis: every answer and every snapshot must be the same. The strongest
// test of the scripts. A failure names its seed; the same seed gives the same history.

import Admission
import Fairness
import Foundation
import QueueClient
import TestSupport
import Testing
import WaitingRoomAPI

struct DifferentialTests {
    private static let stepsPerHistory = 60
    private static let batches = UInt64(20)

    /// 400, or VESTIBULE_HISTORIES (deploy/test --long).
    private static let histories =
        ProcessInfo.processInfo.environment["VESTIBULE_HISTORIES"].flatMap { UInt64($0) } ?? 400

    @Test("Model and scripts agree on random histories", arguments: 0..<batches)
    func agree(_ batch: UInt64) throws {
        let server = try RedisServer()
        for seed in stride(from: batch, to: Self.histories, by: Int(Self.batches)) { try replay(seed, server) }
    }

    private func replay(_ seed: UInt64, _ server: RedisServer) throws {
        var random = SeededRandom(seed: seed)
        var policy = Self.policy(&random)
        let setting = Self.setting(&random)
        if Int.random(in: 0..<3, using: &random) == 0 {
            policy.draw = Bool.random(using: &random) ? .seed : .beacon
            policy.opensMilliseconds = setting.startMilliseconds + 1000 * Int.random(in: 1...20, using: &random)
        }
        let redis = try RedisHarness(redis: server, policy: policy, room: "seed\(seed)", setting)
        let first = try redis.tick().next
        let model = ModelHarness(policy: policy, room: "seed\(seed)", setting)
        // Both rooms begin at the same moment.
        _ = try model.tick()
        var history = History(redis: redis, model: model, first: first, policy: policy)
        for step in 0..<Self.stepsPerHistory {
            do {
                try history.step(&random)
                try history.sameNews()
            } catch {
                Issue.record(
                    "seed \(seed), step \(step): \(error)\n\(history.trace.suffix(12).joined(separator: "\n"))"
                )
                return
            }
        }
    }

    /// The caps of the product (256, 1,000, 4,000 and 10,000 of a call, 4,096 entries of a worker) are beyond what
    /// sixty people reach: most histories have caps that they meet in each tick. Half of them begin below the edge of
    /// a chunk.
    private static func setting(_ random: inout SeededRandom) -> HarnessSetting {
        var setting = HarnessSetting()
        if Int.random(in: 0..<4, using: &random) > 0 {
            setting.caps = QueueCaps(
                lapsesPerTick: Int.random(in: 1...3, using: &random),
                callsPerTick: Int.random(in: 1...6, using: &random),
                passesPerTick: Int.random(in: 1...4, using: &random),
                calledPerRestore: Int.random(in: 1...6, using: &random)
            )
            setting.entriesKept = Int.random(in: 1...6, using: &random)
        }
        if Bool.random(using: &random) {
            setting.startMilliseconds = HarnessSetting.belowEdge.randomElement(using: &random) ?? 0
        }
        return setting
    }

    private static func policy(_ random: inout SeededRandom) -> RoomPolicy {
        var policy = RoomPolicy.standard
        policy.rateMilli = Int.random(in: 1...40, using: &random) * 500
        policy.pollBudget = [10, 40, 20_000].randomElement(using: &random) ?? 10
        policy.burst = Int.random(in: 1...6, using: &random)
        policy.maxActive = Bool.random(using: &random) ? 0 : Int.random(in: 1...8, using: &random)
        policy.claimWindowMilliseconds = Int.random(in: 2...40, using: &random) * 100
        policy.abandonAfterMilliseconds = Int.random(in: 1...10, using: &random) * 800
        policy.returnGraceMilliseconds = Int.random(in: 0...50, using: &random) * 200
        policy.passLifetimeMilliseconds = Int.random(in: 1...8, using: &random) * 1000
        policy.capacity = Int.random(in: 5...60, using: &random)
        return policy
    }
}

/// Both stores under one history.
private struct History {
    let redis: RedisHarness
    let model: ModelHarness
    let first: Int
    var policy: RoomPolicy
    var generations = [1]
    var issued: [Int: Int] = [:]
    var highest: Int
    var isKept = false
    var trace: [String] = []
    /// Of the last news.
    var marks = (redis: 0, model: 0)
    /// What a worker remembers of the draw, and the generation of it.
    var remembered = (generation: 0, draw: RoomDraw())
    /// What both stores have said of the registered, to be moved later; and the draw as it was then.
    var reading: (redis: DrawReply, model: DrawReply, draw: RoomDraw)?

    init(redis: RedisHarness, model: ModelHarness, first: Int, policy: RoomPolicy) {
        self.redis = redis
        self.model = model
        self.first = first
        self.policy = policy
        self.highest = first
    }

    private func same<Value: Equatable>(_ what: String, _ a: Value, _ b: Value) throws {
        if a != b { throw TestFailure("\(what): redis \(a), model \(b)") }
    }

    /// Also a refusal must be the same: the holder of a ticket from before a draw is sent to the worker again.
    private func sameVisit<Value>(_ what: String, _ visit: (QueueHarness) throws -> Value) throws {
        func said(_ harness: QueueHarness) throws -> String {
            do { return "\(try visit(harness))" } catch let failure as StoreFailure { return "\(failure)" }
        }
        try same(what, said(redis), said(model))
    }

    private mutating func claim(_ random: inout SeededRandom) -> TicketClaim {
        // Mostly numbers that were issued; rarely one just beyond, as after a lost Redis.
        let number =
            Int.random(in: 0..<60, using: &random) == 0
            ? highest + 5 : issued.keys.sorted().randomElement(using: &random) ?? first
        return TicketClaim(
            generation: generations.randomElement(using: &random) ?? 1,
            number: number,
            issuedMilliseconds: issued[number] ?? (redis.nowMilliseconds - 60_000)
        )
    }

    mutating func step(_ random: inout SeededRandom) throws {
        if policy.draw != .off, Int.random(in: 0..<4, using: &random) == 0 { return try draw(&random) }
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<22: try join(&random)
        case 22..<34:
            let claim = claim(&random)
            trace.append("stand \(claim)")
            try sameVisit("stand") { try $0.standing(claim) }
        case 34..<38:
            // A pass may end at any time from now on.
            let (own, end) = (claim(&random), redis.nowMilliseconds + Int.random(in: 0..<7000, using: &random))
            let shown = TicketClaim(
                generation: own.generation,
                number: own.number,
                issuedMilliseconds: end / 1000 * 1000
            )
            trace.append("renew \(shown)")
            try sameVisit("renew") { try $0.renewal(shown) }
        case 38..<50:
            let claim = claim(&random)
            trace.append("enter \(claim)")
            try sameVisit("enter") { try $0.enter(claim) }
        case 50..<56:
            let claim = claim(&random)
            trace.append("leave \(claim)")
            try sameVisit("leave") { try $0.leave(claim) }
        case 56..<84: try tick(&random)
        case 84..<93:
            let lengths = [100, 100, 200, 500, 1000, 3000, 20_000, 400_000]
            try advance(lengths.randomElement(using: &random) ?? 100)
        case 93..<96: try configure(&random)
        case 96..<99: try lose(&random)
        default:
            trace.append("reset")
            try redis.reset()
            try model.reset()
            let state = try snapshots([])
            generations.append(state.generation)
        }
    }

    /// A loss of memory, or the moment to which a later one goes back. The next call restores the room.
    private mutating func lose(_ random: inout SeededRandom) throws {
        switch Int.random(in: 0..<4, using: &random) {
        case 0, 1:
            trace.append("keep")
            try redis.keep()
            try model.keep()
            isKept = true
        case 2 where isKept:
            trace.append("go back")
            try redis.goBack()
            try model.goBack()
        default:
            trace.append("lose everything")
            // No server is back within the millisecond in which it was lost, and numbers are exact to the millisecond.
            try redis.advance(1)
            try model.advance(1)
            try redis.loseEverything()
            try model.loseEverything()
        }
        if Bool.random(using: &random) {
            trace.append("another worker")
            redis.room = redis.newWorker()
            model.room = model.newWorker()
        }
        // The state has to be there again before an operator comes.
        var state = try snapshots([])
        // Which memory has the index of rooms differs between the two: both begin anew.
        try redis.loseIndex()
        try model.loseIndex()
        marks = (0, 0)
        try sameNews()
        state = try snapshots([])
        generations.append(state.generation)
        highest = max(highest, state.next)
    }

    private mutating func advance(_ milliseconds: Int) throws {
        trace.append("advance \(milliseconds)")
        try redis.advance(milliseconds)
        try model.advance(milliseconds)
    }

    private mutating func join(_ random: inout SeededRandom) throws {
        let requests = (0..<Int.random(in: 1...12, using: &random)).map { _ in
            switch Int.random(in: 0..<10, using: &random) {
            case 0, 1: JoinRequest(kind: .gate, key: Self.key(&random))
            case 2: JoinRequest(kind: .passage)
            default: JoinRequest(kind: .join, key: Self.key(&random))
            }
        }
        trace.append("join \(requests.map { "\($0.scriptKind.rawValue)/\($0.scriptKey)" })")
        let outcomes = try redis.join(requests)
        try same("join", outcomes, try model.join(requests))
        for number in outcomes.numbers where number > 0 {
            highest = max(highest, number)
            if issued[number] == nil { issued[number] = redis.nowMilliseconds }
        }
        // A join saves the clock, so both stores know that time must not go back behind it. More than
        // stepBackMilliseconds is as another server.
        if Int.random(in: 0..<8, using: &random) == 0 {
            try advance([-300, -300, -4000, -8000, -400_000].randomElement(using: &random) ?? 0)
        }
    }

    private static func key(_ random: inout SeededRandom) -> JoinRequest.Key? {
        let name = "k\(Int.random(in: 0..<8, using: &random))"
        switch Int.random(in: 0..<4, using: &random) {
        case 0: return .retry(name)
        case 1: return .person(name)
        default: return nil
        }
    }

    private mutating func tick(_ random: inout SeededRandom) throws {
        let polled = issued.keys.sorted().filter { _ in Int.random(in: 0..<3, using: &random) > 0 }
        trace.append("tick \(polled.count) polled")
        _ = try snapshots(polled)
    }

    /// Whether workers must look at the room, since the last step or because something is due.
    mutating func sameNews() throws {
        let (a, b) = (try redis.news(since: marks.redis), try model.news(since: marks.model))
        try same("news begin anew", a.isNew, b.isNew)
        try same("named by the news", a.rooms.count { $0 == redis.room.id }, b.rooms.count { $0 == model.room.id })
        marks = (a.mark, b.mark)
    }

    private func snapshots(_ polled: [Int]) throws -> RoomSnapshot {
        let (a, b) = (try redis.tick(polled: polled), try model.tick(polled: polled))
        try same("tick", a, b)
        return a
    }

    private mutating func configure(_ random: inout SeededRandom) throws {
        policy.rateMilli = Int.random(in: 1...40, using: &random) * 500
        policy.burst = Int.random(in: 1...6, using: &random)
        policy.maxActive = Bool.random(using: &random) ? 0 : Int.random(in: 1...8, using: &random)
        policy.mode = RoomMode.allCases.randomElement(using: &random) ?? .open
        switch Int.random(in: 0..<6, using: &random) {
        case 0: policy.opensMilliseconds = redis.nowMilliseconds + 1000 * Int.random(in: 0...9, using: &random)
        case 1: policy.closesMilliseconds = redis.nowMilliseconds + 1000 * Int.random(in: 0...9, using: &random)
        case 2: (policy.opensMilliseconds, policy.closesMilliseconds) = (0, 0)
        case 3: policy.draw = DrawKind.allCases.randomElement(using: &random) ?? .off
        default: break
        }
        trace.append("configure \(policy)")
        try redis.configure(policy)
        try model.configure(policy)
    }

    // MARK: - Draws

    /// A step of a draw, whether it fits the state of the draw or not.
    private mutating func draw(_ random: inout SeededRandom) throws {
        let state = try snapshots([])
        if state.draw.state != .none || remembered.generation != state.generation {
            remembered = (state.generation, state.draw)
        }
        let action: DrawAction
        switch Int.random(in: 0..<8, using: &random) {
        case 0: action = .announce(source: "drand")
        case 1: action = .beacon(value: "b\(Int.random(in: 0..<9, using: &random))")
        case 2: action = .bring(remembered.draw)
        case 3, 4: action = .prepare(commitment: DrawRecord.commitment(to: "5eed"), seed: "5eed")
        default: return try read(state.draw)
        }
        trace.append("draw \(action)")
        try same("draw", redis.draw(action), model.draw(action))
    }

    /// Reads who is registered, or moves those who were read before: others may have come or left meanwhile.
    private mutating func read(_ draw: RoomDraw) throws {
        trace.append(reading == nil ? "read the draw" : "apply the draw")
        guard let (ofRedis, ofModel, before) = reading else {
            let (a, b) = (try redis.draw(.read), try model.draw(.read))
            try same("registered", Self.numbers(a), Self.numbers(b))
            if case .bits = a { reading = (a, b, draw) }
            return
        }
        reading = nil
        let places = DrawOrder(count: before.registered, key: Array(before.seed.utf8)).places
        func apply(_ reply: DrawReply, _ harness: QueueHarness) throws -> DrawReply {
            guard case .bits(let version, let chunks) = reply else { return reply }
            return try harness.draw(.apply(version: version, before.moved(chunks, places: places)))
        }
        let applied = try apply(ofRedis, redis)
        try same("moved", applied, try apply(ofModel, model))
        guard applied == .done else { return }
        for (index, place) in places.enumerated() {
            issued[before.behind + Int(place)] = issued[before.first + index]
        }
    }

    /// The registered who have not left, and those who have; nil when there is nothing to draw.
    private static func numbers(_ reply: DrawReply) -> [[Int]]? {
        guard case .bits(_, let chunks) = reply else { return nil }
        return [\DrawChunk.waiting, \DrawChunk.left].map { kind in
            chunks.flatMap { Heartbeats.numbers(chunk: $0.index, bitmap: $0[keyPath: kind]) }
        }
    }
}
