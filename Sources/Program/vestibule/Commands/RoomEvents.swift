// SPDX-License-Identifier: Apache-2.0
//
// `vestibule room end, message, announce, beacon`: what an operator says to the visitors of an event, and the two steps
// of a draw that are an operator's.

import Admission
import ArgumentParser
import Reactor

extension RoomCommand {
    /// A message to visitors, at most this many bytes of UTF-8: it goes with every answer.
    static let noticeMax = 500
    /// Source and value of a beacon, at most this many characters of ASCII.
    private static let beaconTextMax = 200

    struct End: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End the room, as when all is sold: nobody joins or is called any more, and everybody is told."
        )
        @OptionGroup var options: Options
        @Argument var room: String
        @Option(help: "What visitors read, in place of a sentence in their language.")
        var message: String?

        func run() throws {
            let notice = try message.map { try RoomCommand.notice($0) }
            try RoomCommand.change(options, room, [(.mode, RoomMode.ended.rawValue)], notice: notice)
        }
    }

    struct Message: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Say something to everybody who waits.")
        @OptionGroup var options: Options
        @Argument var room: String
        @Argument(help: "The message; without one, the last is taken back.")
        var message: String?

        func run() throws { try RoomCommand.change(options, room, [], notice: try RoomCommand.notice(message ?? "")) }
    }

    struct Announce: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say where the beacon of the draw will come from, before the doors open.",
            discussion:
                "Such as \"drand quicknet, the first round after opens_at\". It is published with the commitment."
        )
        @OptionGroup var options: Options
        @Argument var room: String
        @Argument var source: String

        func run() throws {
            try RoomCommand.draw(
                options,
                room,
                .announce(source: try RoomCommand.beaconText(source)),
                refused: "people cannot register for a draw in \(room) now, so no source can be announced"
            )
        }
    }

    struct Beacon: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Give the value of the beacon, once the doors are open: the places are drawn. It cannot be changed."
        )
        @OptionGroup var options: Options
        @Argument var room: String
        @Argument var value: String

        func run() throws {
            try RoomCommand.draw(
                options,
                room,
                .beacon(value: try RoomCommand.beaconText(value)),
                refused: "the draw of \(room) does not wait for a beacon: its doors are not open, or it has one"
            )
        }
    }

    private static func notice(_ text: String) throws -> String {
        guard text.utf8.count <= noticeMax, !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) else {
            throw CommandFailure("MESSAGE_INVALID", "a message has at most \(noticeMax) bytes, on one line")
        }
        return text
    }

    private static func beaconText(_ text: String) throws -> String {
        guard (1...beaconTextMax).contains(text.utf8.count), text.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) else {
            throw CommandFailure(
                "BEACON_INVALID",
                "it must have 1 to \(beaconTextMax) characters of ASCII, on one line"
            )
        }
        return text
    }

    private static func draw(_ options: Options, _ id: String, _ action: DrawAction, refused: String) throws {
        let session = try options.session()
        let room = try options.room(id, session)
        guard try session.draw(room, action) == .done else { throw CommandFailure("DRAW_REFUSED", refused) }
        print(RoomReport.text(id, try session.show(room), overrides: try session.overrides(room)))
    }
}
