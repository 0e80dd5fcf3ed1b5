// SPDX-License-Identifier: Apache-2.0
//
// `vestibule room create` and `delete`: rooms that are in no file. They stand in Redis, and every worker of every host
// serves them within a second or two.

import Admission
import ArgumentParser
import Configuration
import Passes
import QueueClient
import Reactor
import WaitingRoomAPI

extension RoomCommand {
    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a room for every host, such as create flash rate=20 burst=50.",
            discussion: "Limits that are not named have their standard values. Every worker serves it within 2 s."
        )
        @OptionGroup var options: Options
        @Argument var room: String
        @Argument(help: "key=value ...")
        var limits: [String] = []

        func run() throws {
            guard isRoomIdentifier(room) else {
                throw CommandFailure("ROOM_INVALID", "a name has 1 to 64 of a-z, 0-9, _ and -, not _ or - first")
            }
            let loaded = try options.loaded()
            guard !loaded.rooms.contains(where: { $0.id == room }) else {
                throw CommandFailure("ROOM_EXISTS", "room \(room) is in the configuration file")
            }
            var policy = RoomPolicy.standard
            let changes = limits.isEmpty ? [] : try RoomChanges.parse(limits)
            for (field, value) in changes { policy[field] = value ?? policy[field] }
            try RoomChanges.check(policy, tickMilliseconds: loaded.tickMilliseconds)
            let session = try options.session()
            guard try !session.listed().contains(where: { $0.id == room }) else {
                throw CommandFailure("ROOM_EXISTS", "room \(room) was made before: change it with room set")
            }
            let revision = session.wallMilliseconds
            let made = Room(id: room, defaults: policy, revision: revision)
            try session.make(made, ListedRoom(id: room, revision: revision, limits: policy.pairs))
            print(RoomReport.text(room, try session.show(made), overrides: try session.overrides(made)))
        }
    }

    struct Delete: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take away a room that was made at run time. Everybody who waits loses the place."
        )
        @OptionGroup var options: Options
        @Argument var room: String
        @OptionGroup var confirmation: Confirmation

        func run() throws {
            try confirmation.check(room)
            guard try !options.loaded().rooms.contains(where: { $0.id == room }) else {
                throw CommandFailure("ROOM_IN_FILE", "room \(room) is in the configuration file: take it out there")
            }
            let session = try options.session()
            try session.remove(try options.room(room, session))
            print("\(room): deleted")
        }
    }
}
