// SPDX-License-Identifier: Apache-2.0
//
// Goal: hidden tabs and people who decline cost a room at most a twentieth, or a tenth, of its entries.
// Method: the reference model for ten minutes of its own time, with visitors who look once a minute, or never enter.

import Admission
import Simulation
import TestSupport
import Testing

struct ThroughputTests {
    private enum Kind { case awake, hidden, decliner }

    /// A room under visitors who all came at once. Time goes in ticks of 200 ms.
    private struct Bench {
        static let start = 1_768_000_000_000
        static let tick = 200

        var model: QueueModel
        var random = SeededRandom(seed: 7)
        var now = Bench.start
        var kinds: [Int: Kind] = [:]
        /// When a visitor looks at the page next.
        var looks: [(at: Int, number: Int)] = []
        var entries = 0

        init(_ policy: RoomPolicy, _ crowd: [Kind]) {
            model = QueueModel(policy: policy, firstNumber: 1, nowMilliseconds: now)
            let requests = crowd.map { _ in JoinRequest(kind: .join) }
            for (outcome, kind) in zip(model.join(requests, nowMilliseconds: now).outcomes, crowd) {
                switch outcome {
                case .waiting(let number, _):
                    kinds[number] = kind
                    looks.append((now + Int.random(in: 0..<60_000, using: &random), number))
                case .admitted: entries += 1
                default: break
                }
            }
        }

        /// How long until the next look: awake visitors ask twice a second near the front, hidden tabs once a minute.
        private mutating func pause(_ number: Int) -> Int {
            if kinds[number] == .hidden { return 60_000 }
            guard let position = model.waiting.place(of: number)?.position else { return 500 }
            return min(30_000, max(500, position * 20))
        }

        mutating func run(seconds: Int) {
            for _ in 0..<(seconds * 1000 / Bench.tick) {
                now += Bench.tick
                let due = looks.filter { $0.at <= now }
                looks.removeAll { $0.at <= now }
                var seen: [Int] = []
                for (_, number) in due { look(number, &seen) }
                let length = model.policy.epochMilliseconds
                _ = model.tick(seen: seen, epoch: now / length, tickMilliseconds: Bench.tick, nowMilliseconds: now)
            }
        }

        private mutating func look(_ number: Int, _ seen: inout [Int]) {
            let claim = TicketClaim(generation: 1, number: number, issuedMilliseconds: Bench.start)
            if let place = model.waiting.place(of: number)?.place {
                seen.append(place)
            } else if kinds[number] == .decliner {
                if model.stand(claim, nowMilliseconds: now).standing == .expired { return }
            } else {
                switch model.enter(claim, nowMilliseconds: now).standing {
                case .entered:
                    entries += 1
                    return
                case .expired, .left, .fenced: return
                case .retry(let wait) where kinds[number] == .awake:
                    looks.append((now + wait, number))
                    return
                default: break
                }
            }
            looks.append((now + pause(number), number))
        }
    }

    private func policy(rate: Double, burst: Int, maxActive: Int = 0, passSeconds: Int = 600) -> RoomPolicy {
        var policy = RoomPolicy.standard
        policy.rateMilli = Int(rate * 1000)
        policy.burst = burst
        policy.maxActive = maxActive
        policy.passLifetimeMilliseconds = passSeconds * 1000
        return policy
    }

    @Test("With every second tab hidden a room lets in at least 95 % of its rate", arguments: [(2.0, 20), (10.0, 100)])
    func hidden(_ rate: Double, _ burst: Int) {
        let people = Int(rate) * 1200
        var bench = Bench(policy(rate: rate, burst: burst), (0..<people).map { $0 % 2 == 0 ? .awake : .hidden })
        bench.run(seconds: 600)
        let share = Double(bench.entries) / (Double(burst) + rate * 600)
        #expect(share >= 0.95, "\(bench.entries) entries, \(share) of what the rate allows")
    }

    @Test("Three times as many decliners as max_active cost at most a tenth of the entries")
    func decliners() {
        let limits = policy(rate: 10, burst: 10, maxActive: 5, passSeconds: 2)
        let honest = [Kind](repeating: .awake, count: 4000)
        var without = Bench(limits, honest)
        without.run(seconds: 600)
        var with = Bench(limits, [Kind](repeating: .decliner, count: 15) + honest)
        with.run(seconds: 600)
        let share = Double(with.entries) / Double(without.entries)
        #expect(without.entries > 500)
        #expect(share >= 0.9, "\(with.entries) entries, \(without.entries) without them")
    }
}
