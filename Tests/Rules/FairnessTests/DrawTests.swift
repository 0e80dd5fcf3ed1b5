// SPDX-License-Identifier: Apache-2.0
//
// The draw of places: another program computes the same, a changed record is found out, and nobody can do better by
// coming early, or by trying numbers of registrations.

import Chance
import Fairness
import Foundation
import TestSupport
import Testing

struct DrawTests {
    private func record(registered: Int = 1000, seed: String = "5eed", beacon: String = "") -> DrawRecord {
        DrawRecord(
            room: "sale",
            generation: 1,
            opensMilliseconds: 1_796_000_000_000,
            first: 4_711,
            registered: registered,
            commitment: DrawRecord.commitment(to: seed),
            seed: seed,
            source: beacon.isEmpty ? "" : "drand quicknet",
            beacon: beacon
        )
    }

    private func json(_ record: DrawRecord) throws -> Data {
        try JSONSerialization.data(
            withJSONObject: [
                "event_id": record.room, "generation": record.generation, "opens_at_ms": record.opensMilliseconds,
                "first": record.first, "registered": record.registered, "commitment": record.commitment,
                "seed": record.seed, "source": record.source, "beacon": record.beacon,
            ] as [String: Any]
        )
    }

    @Test("A few lines of Python give the same 100,000 places")
    func another() throws {
        let record = record(registered: 100_000, beacon: "a public value")
        let order = record.order()
        #expect(Set(order.places).count == 100_000)
        let directory = try TemporaryDirectory()
        try directory.write("draw.json", String(decoding: try json(record), as: UTF8.self))
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "draw.py").path
        let number = record.first + 77_777
        let found = try TestProcess.output("python3", ["-B", script, directory.file("draw.json"), "\(number)"])
        #expect(found.text == "\(order.digest)\n\(order.places[77_777] + 1)\n")
    }

    @Test("Another value of any field is another order, and another seed breaks the commitment")
    func altered() {
        let original = record(beacon: "a public value")
        let digest = original.order().digest
        let changes: [(inout DrawRecord) -> Void] = [
            { $0.room = "sald" }, { $0.generation += 1 }, { $0.opensMilliseconds += 1 }, { $0.first += 1 },
            { $0.registered += 1 }, { $0.registered -= 1 }, { $0.commitment = "0" + $0.commitment.dropFirst() },
            { $0.seed = "5eee" }, { $0.source = "drand" }, { $0.beacon = "a public valve" },
        ]
        for change in changes {
            var altered = original
            change(&altered)
            #expect(altered.order().digest != digest)
        }
        #expect(original.keepsCommitment)
        var exchanged = original
        exchanged.seed = "5eee"
        #expect(!exchanged.keepsCommitment)
    }

    @Test("Over 2,000 seeds each registration draws each place alike (chi-square)")
    func isEven() {
        let (count, seeds) = (20, 2000)
        var drawn = Array(repeating: Array(repeating: 0, count: count), count: count)
        for seed in 0..<seeds {
            for (number, place) in record(registered: count, seed: "seed \(seed)").order().places.enumerated() {
                drawn[number][Int(place)] += 1
            }
        }
        let expected = Double(seeds) / Double(count)
        let square = drawn.joined().reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
        // 19 x 19 degrees of freedom: mean 361, standard deviation 26.9. Beyond 480 once in some 50,000 fair draws.
        let figure = "chi-square of 20 x 20 places over \(seeds) seeds: \(square), 361 expected"
        Attachment.record(figure, named: "draw-chi-square.txt")
        #expect(square < 480)
    }

    /// How good a place a friend gets, as a share of all, when somebody chooses how many to register on top of 1,000.
    /// - Parameter knowsBeacon: the choice is made by somebody who can compute the order.
    private func bestShare(_ round: Int, knowsBeacon: Bool) -> Double {
        let beacon = "beacon \(round)"
        func share(_ more: Int, _ beacon: String) -> Double {
            let order = record(registered: 1000 + more, seed: "seed \(round)", beacon: beacon).order()
            return Double(order.places[500]) / Double(order.places.count)
        }
        if knowsBeacon { return (0..<32).map { share($0, beacon) }.min() ?? 1 }
        // Whatever is guessed in place of the beacon, the choice is made without it.
        let choice = (0..<32).min { share($0, "a guess") < share($1, "a guess") } ?? 0
        return share(choice, beacon)
    }

    @Test("An operator who tries numbers of registrations gains nothing where a beacon comes after them")
    func grinding() {
        let rounds = 300
        func mean(_ knowsBeacon: Bool) -> Double {
            (0..<rounds).map { bestShare($0, knowsBeacon: knowsBeacon) }.reduce(0, +) / Double(rounds)
        }
        let (with, without) = (mean(false), mean(true))
        let figure = "a friend's place, as a share of the line: \(with) with a beacon, \(without) without"
        Attachment.record(figure, named: "draw-grinding.txt")
        // A fair draw gives 0.5, with a standard deviation of 0.29 / sqrt(300).
        #expect(abs(with - 0.5) < 0.07)
        // What the beacon is for: the best of 32 tries is 1/33 on average.
        #expect(without < 0.06)
    }
}
