// SPDX-License-Identifier: Apache-2.0
//
// Goal: whichever visitors have left, the position that the board gives is wrong by less than 0.5 % or 5 places.
// Method: a room of 300,000 or a million numbers from which some left by a seeded history; the position of each of
// those who still wait is worked out from the board alone and compared with a count.

import Admission
import StrictJSON
import TestSupport
import Testing
import WaitingRoomAPI

/// A store that knows one large queue, and nothing but ticks.
private final class CrowdStore: QueueStore {
    static let firstNumber = 70_000
    private let chunks: [(index: Int, bitmap: [UInt8]?)]
    private let waiting: Int
    private let next: Int

    init(_ isWaiting: [Bool]) {
        next = CrowdStore.firstNumber + isWaiting.count
        var bitmaps: [Int: [UInt8]] = [:]
        for (offset, waits) in isWaiting.enumerated() where waits {
            let number = CrowdStore.firstNumber + offset
            let bit = number % RankIndex.chunkSize
            let byte = UInt8(0x80) >> UInt8(bit % 8)
            bitmaps[number / RankIndex.chunkSize, default: Array(repeating: 0, count: 8192)][bit / 8] |= byte
        }
        chunks = bitmaps.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        waiting = isWaiting.count { $0 }
    }

    func tick(_ request: TickRequest, room: any RoomMemoryKeeper, _ done: @escaping Completion<TickReply>) {
        var reply = TickReply()
        reply.nowMilliseconds = WaitingRoomBench.startMilliseconds
        reply.generation = 1
        reply.version = 1
        reply.next = next
        reply.waiting = waiting
        reply.policy = room.defaults
        reply.chunks = chunks
        done(.success(reply))
    }

    private func refuse<Answer>(_ done: (Result<Answer, StoreFailure>) -> Void) {
        done(.failure(.unavailable("not here")))
    }

    func join(_ request: JoinRequest, room: any RoomMemoryKeeper, _ done: @escaping Completion<JoinAnswer>) {
        refuse(done)
    }

    func visit(
        _ action: VisitAction,
        _ claim: TicketClaim,
        room: any RoomMemoryKeeper,
        _ done: @escaping Completion<StandingReply>
    ) {
        refuse(done)
    }
}

struct BoardErrorTests {
    /// How people left.
    enum Leaving: Sendable, CustomTestStringConvertible {
        /// Each by itself.
        case atRandom(share: Double)
        /// In blocks of random lengths around one length.
        case inBlocks(share: Double, length: Int)
        /// In blocks of lengths from one to a twentieth of the queue.
        case inAllBlocks(share: Double)
        /// The first 60 % of the queue at random, then nobody, then every second block of a thousand.
        case inStretches
        /// In blocks that grow with the distance from the front, which is the worst for lines: nobody but a saboteur
        /// with a good part of all numbers can do it.
        case worst(growth: Double)

        var testDescription: String { "\(self)" }

        func history(_ people: Int, _ random: inout SeededRandom) -> [Bool] {
            var waits = [Bool](repeating: true, count: people)
            switch self {
            case .atRandom(let share):
                for i in waits.indices { waits[i] = Double.random(in: 0..<1, using: &random) >= share }
            case .inBlocks(let share, let length):
                blocks(&waits) { isStay, _ in
                    let mean = Double(length) * (isStay ? (1 - share) / share : 1)
                    return 1 + Int(Double.random(in: 0..<2, using: &random) * mean)
                }
            case .inAllBlocks(let share):
                blocks(&waits) { isStay, _ in
                    var length = 1.0
                    while length < Double(people) / 20, Int.random(in: 0..<16, using: &random) > 0 { length *= 2 }
                    return 1 + Int(Double.random(in: 0.5..<1, using: &random) * length * (isStay ? 1 - share : share))
                }
            case .inStretches:
                for i in 0..<(people * 6 / 10) { waits[i] = Double.random(in: 0..<1, using: &random) >= 0.6 }
                for i in (people * 8 / 10)..<people { waits[i] = i / 1000 % 2 == 0 }
            case .worst(let growth):
                blocks(&waits) { _, ahead in
                    8 + Int(Double.random(in: 0.5..<2, using: &random) * growth * Double(ahead))
                }
            }
            return waits
        }

        private func blocks(_ waits: inout [Bool], _ length: (_ isStay: Bool, _ ahead: Int) -> Int) {
            var (start, ahead, isStay) = (0, 0, true)
            while start < waits.count {
                let end = min(waits.count, start + length(isStay, ahead))
                if isStay { ahead += end - start } else { for i in start..<end { waits[i] = false } }
                (start, isStay) = (end, !isStay)
            }
        }
    }

    struct Figures {
        var samples = 0
        var bytes = 0
        var waiting = 0
        /// The largest error as a share of what the board states, and of 0.5 % or 5 places.
        var worstOfStated = 0.0
        var worstOfLimit = 0.0
        var errorPercent = 0.0
    }

    private func measure(_ leaving: Leaving, people: Int, seed: UInt64) throws -> Figures {
        var random = SeededRandom(seed: seed)
        let waits = leaving.history(people, &random)
        let bench = try WaitingRoomBench(policy: limits(rate: 100, burst: 100), replacing: CrowdStore(waits))
        bench.tick()
        let answer = try bench.send(Call("GET", "/api/v1/queue/board?event_id=demo"))
        let board = try BoardReader(answer.json)
        var figures = Figures(samples: board.samples.count, bytes: answer.body.count)
        figures.errorPercent = board.errorPercent
        var position = 0
        for (offset, isWaiting) in waits.enumerated() where isWaiting {
            position += 1
            guard let read = board.position(of: CrowdStore.firstNumber + offset) else {
                throw TestFailure("nothing is said about \(CrowdStore.firstNumber + offset)")
            }
            let error = Double(abs(read - position))
            guard error > 0 else { continue }
            figures.worstOfStated = max(figures.worstOfStated, error / board.error(at: position))
            figures.worstOfLimit = max(figures.worstOfLimit, error / max(5, 0.005 * Double(position)))
        }
        figures.waiting = position
        return figures
    }

    static let leavings: [Leaving] =
        [0.1, 0.3, 0.6].flatMap { share -> [Leaving] in
            [.atRandom(share: share), .inAllBlocks(share: share)]
                + [5, 50, 500, 5000, 50_000].map { .inBlocks(share: share, length: $0) }
        } + [.inStretches]

    @Test("The error is below 0.5 % or 5 places for everybody, and the board small", arguments: leavings)
    func belowTheLimit(_ leaving: Leaving) throws {
        for (people, seed) in [(300_000, UInt64(1)), (1_000_000, 2), (20_000, 3), (300, 4)] {
            let figures = try measure(leaving, people: people, seed: seed)
            Attachment.record("\(leaving) of \(people): \(figures)", named: "board-error.txt")
            #expect(figures.worstOfLimit < 1, "\(people): \(figures)")
            #expect(figures.worstOfStated < 1, "\(people): \(figures)")
            #expect(figures.samples <= 256 && figures.bytes < 5000, "\(people): \(figures)")
        }
    }

    @Test("Even a saboteur makes the board no longer; it says by how much it is worse", arguments: [0.003, 0.01, 0.03])
    func worst(_ growth: Double) throws {
        for seed in UInt64(1)...3 {
            let figures = try measure(.worst(growth: growth), people: 1_000_000, seed: seed)
            Attachment.record("worst \(growth): \(figures)", named: "board-worst.txt")
            #expect(figures.worstOfStated < 1, "\(figures)")
            #expect(figures.samples <= 256 && figures.bytes < 5000, "\(figures)")
            #expect(figures.errorPercent <= 2, "\(figures)")
        }
    }
}
