// SPDX-License-Identifier: Apache-2.0
//
// `vestibule fairness`: computes a draw of places again from its public record.

import Admission
import ArgumentParser
import Fairness
import Reactor
import StrictJSON

struct FairnessCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fairness",
        abstract: "Check a draw of places.",
        subcommands: [Verify.self]
    )

    /// A record is smaller by far.
    private static let recordMax = 65_536

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Compute a draw again from its record, as GET .../draw?event_id=ROOM gives it."
        )
        @Argument(help: "The file of the record.")
        var record: String
        @Option(help: "The number of a registration: says which place it has drawn.")
        var number: Int?

        func run() throws {
            let (record, digest) = try FairnessCommand.read(record)
            guard record.keepsCommitment else {
                throw CommandFailure("SEED_EXCHANGED", "the seed is not the one whose digest was published before")
            }
            let order = record.order()
            guard order.digest == digest else {
                throw CommandFailure("DRAW_ALTERED", "the record does not give the order whose digest it has")
            }
            print("room \(record.room): \(record.registered) places, drawn as published")
            print("digest: \(digest)")
            print(record.beacon.isEmpty ? "beacon: none" : "beacon: \(record.beacon) (\(record.source))")
            guard let number else { return }
            guard (0..<record.registered).contains(number - record.first) else {
                throw CommandFailure("NUMBER_UNKNOWN", "\(number) was not registered for this draw")
            }
            print("number \(number): place \(order.places[number - record.first] + 1)")
        }
    }

    private static func read(_ path: String) throws -> (DrawRecord, digest: String) {
        let bytes = try Files.read(path, upTo: recordMax)
        guard let json = try? JSONValue(parsing: bytes) else {
            throw CommandFailure("RECORD_INVALID", "\(path) is not JSON")
        }
        func text(_ name: String) throws -> String {
            guard let text = json[name]?.stringValue, !text.contains("\n") else {
                throw CommandFailure("RECORD_INVALID", "\(name) must be text")
            }
            return text
        }
        func number(_ name: String, atMost most: Int = 1 << 53) throws -> Int {
            guard let number = json[name]?.integerValue.map({ Int($0) }), (0...most).contains(number) else {
                throw CommandFailure("RECORD_INVALID", "\(name) must be a number from 0 to \(most)")
            }
            return number
        }
        guard try text("state") == "drawn" else {
            throw CommandFailure("NOT_DRAWN", "the places are not drawn yet: the record has no seed")
        }
        let record = DrawRecord(
            room: try text("event_id"),
            generation: try number("generation"),
            opensMilliseconds: try number("opens_at_ms"),
            first: try number("first"),
            registered: try number("registered", atMost: QueueConstants.registeredMax),
            commitment: try text("commitment"),
            seed: try text("seed"),
            source: try text("source"),
            beacon: try text("beacon")
        )
        return (record, try text("digest"))
    }
}
