// SPDX-License-Identifier: Apache-2.0
//
// `vestibule room`: look at rooms and change them in the middle of a sale. Changes are kept in Redis and reach every
// worker with its next tick; they override the configuration file until set to `default`.

import Admission
import ArgumentParser
import Configuration
import QueueClient
import Reactor
import RedisQueue
import WaitingRoomAPI

struct RoomCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "room",
        abstract: "Look at rooms and change their limits at run time.",
        subcommands: [
            List.self, Show.self, Set.self, Pause.self, Resume.self, Close.self, End.self, Message.self, Announce.self,
            Beacon.self, Reset.self, Create.self, Delete.self,
        ]
    )

    struct Options: ParsableArguments {
        @Option(help: "The configuration file.")
        var config: String?
        @Option(help: "The Redis socket, in place of the configuration's.")
        var redisSocket: String?

        func loaded() throws -> Configuration {
            var configuration = Configuration()
            if let config {
                configuration = try LoadedConfiguration.read(config)
            } else if redisSocket == nil {
                configuration = try LoadedConfiguration.read(standardConfigurationPath)
            }
            if let redisSocket { configuration.redis = .socket(path: redisSocket) }
            return configuration
        }

        func session() throws -> OperatorSession { try OperatorSession(configuration: try loaded()) }

        /// The named room of the file, or one made at run time; any name when only a socket was given.
        func room(_ id: String, _ session: OperatorSession) throws -> Room {
            if let entry = try loaded().rooms.first(where: { $0.id == id }) {
                return Room(id: id, defaults: entry.policy, revision: -1)
            }
            if let listed = try session.listed().first(where: { $0.id == id }) {
                return Room(id: id, defaults: RoomPolicy(pairs: listed.limits) ?? .standard, revision: -1)
            }
            guard config == nil, redisSocket != nil else {
                throw CommandFailure("ROOM_UNKNOWN", "there is no room \(id), in the file or made at run time")
            }
            return Room(id: id, defaults: .standard, revision: -1)
        }
    }

    /// For what cannot be undone.
    struct Confirmation: ParsableArguments {
        @Flag(help: "Needed, because everybody who waits loses the place.")
        var yes = false

        func check(_ room: String) throws {
            guard yes else {
                throw CommandFailure("NOT_CONFIRMED", "everybody who waits in \(room) would lose the place; say --yes")
            }
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "One line a room.")
        @OptionGroup var options: Options

        func run() throws {
            let session = try options.session()
            let loaded = try options.loaded()
            let ids = loaded.rooms.map(\.id)
            let listed = try session.listed()
            for template in loaded.templates {
                print("\(template.text), now \(listed.count { $0.template == template.prefix })")
            }
            let made = listed.map(\.id).filter { !ids.contains($0) }
            for id in ids + made {
                let reply = try session.show(try options.room(id, session))
                print(
                    "\(id) mode=\(reply.policy.mode.name) rate=\(reply.policy.ratePerSecond) "
                        + "waiting=\(reply.waiting) called=\(reply.called) active=\(reply.active) "
                        + "entered=\(reply.counters.entered)"
                )
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "State and limits of a room.")
        @OptionGroup var options: Options
        @Argument var room: String

        func run() throws {
            let session = try options.session()
            let room = try options.room(room, session)
            print(RoomReport.text(room.id, try session.show(room), overrides: try session.overrides(room)))
        }
    }

    struct Set: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change limits, such as rate=20 burst=50 claim_window=45s mode=paused rate=default.",
            discussion: "Keys are those of the configuration file. 'default' goes back to the file."
        )
        @OptionGroup var options: Options
        @Argument var room: String
        @Argument(help: "key=value ...")
        var changes: [String]

        func run() throws {
            try RoomCommand.change(options, room, try RoomChanges.parse(changes))
        }
    }

    struct Pause: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Keep every place, call nobody.")
        @OptionGroup var options: Options
        @Argument var room: String

        func run() throws { try RoomCommand.change(options, room, [(.mode, RoomMode.paused.rawValue)]) }
    }

    struct Resume: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Open the room (again). After `end` its message is taken back, too."
        )
        @OptionGroup var options: Options
        @Argument var room: String

        func run() throws {
            try RoomCommand.change(options, room, [(.mode, RoomMode.open.rawValue)], takesEndBack: true)
        }
    }

    struct Close: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take no more joins; who waits is still called."
        )
        @OptionGroup var options: Options
        @Argument var room: String

        func run() throws { try RoomCommand.change(options, room, [(.mode, RoomMode.closed.rawValue)]) }
    }

    struct Reset: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Send everybody who waits away: a new generation begins. Passes stay valid."
        )
        @OptionGroup var options: Options
        @Argument var room: String
        @OptionGroup var confirmation: Confirmation

        func run() throws {
            try confirmation.check(room)
            let session = try options.session()
            let generation = try session.reset(try options.room(room, session))
            print("\(room): generation \(generation)")
        }
    }

    static func change(
        _ options: Options,
        _ id: String,
        _ changes: [(field: PolicyField, value: Int?)],
        notice: String? = nil,
        takesEndBack: Bool = false
    ) throws {
        let session = try options.session()
        let room = try options.room(id, session)
        let shown = try session.show(room)
        var policy = shown.policy
        policy.abandonAfterMilliseconds = shown.askedAbandonMilliseconds
        for (field, value) in changes { policy[field] = value ?? room.defaults[field] }
        try RoomChanges.check(policy, tickMilliseconds: try options.loaded().tickMilliseconds)
        // "Sold out" is not true of an open room. A message of another time may be about something else, and stays.
        let forgotten = takesEndBack && shown.policy.mode == .ended ? "" : nil
        try session.configure(room, changes, notice: notice ?? forgotten)
        print(RoomReport.text(id, try session.show(room), overrides: try session.overrides(room)))
    }
}

extension Configuration.Template {
    /// The template in a line for operators.
    var text: String { "\(entry.id) (template, at most \(roomsMax) rooms)" }
}
