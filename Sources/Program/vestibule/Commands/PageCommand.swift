// SPDX-License-Identifier: Apache-2.0
//
// `vestibule page preview`: the waiting page in every state and language, as files to look at.

import Admission
import ArgumentParser
import Configuration
import Reactor
import WaitingRoomAPI

struct PageCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "page",
        abstract: "Look at the waiting page.",
        subcommands: [Preview.self]
    )

    struct Preview: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write the page in every state and language to files, for a browser to open.",
            discussion: "Nothing is asked of a running service. The answers in the files are those of the product, "
                + "from a room in memory."
        )

        @Option(help: "The configuration file; without it the page of a room with the standard limits is written.")
        var config: String?
        @Option(help: "The room; the first of the file by default.")
        var room: String?
        @Option(help: "The directory to write to.")
        var output: String
        @Option(help: "Only this language, by its tag, such as ko or zh-Hant. May be given more than once.")
        var language: [String] = []
        @Option(help: "Only this state. May be given more than once.")
        var state: [String] = []

        func run() throws {
            let languages = try language.map { tag in
                guard let found = Language.allCases.first(where: { $0.sentences.tag == tag }) else {
                    let known = Language.allCases.map { $0.sentences.tag }.joined(separator: ", ")
                    throw CommandFailure("LANGUAGE_UNKNOWN", "\(tag) is none of \(known)")
                }
                return found
            }
            let states = try state.map { name in
                guard let found = PreviewState.all.first(where: { $0.name == name }) else {
                    let known = PreviewState.all.map(\.name).joined(separator: ", ")
                    throw CommandFailure("STATE_UNKNOWN", "\(name) is none of \(known)")
                }
                return found
            }
            let (id, settings) = try chosenRoom()
            let files = PreviewFiles(directory: output, room: id, settings: settings)
            try files.write(
                states.isEmpty ? PreviewState.all : states,
                languages.isEmpty ? Language.allCases : languages
            )
            print("\(output)/index.html lists the files")
        }

        private func chosenRoom() throws -> (String, RoomSettings) {
            guard let config else { return (room ?? "demo", RoomSettings(defaults: .standard)) }
            let configuration = try LoadedConfiguration.read(config)
            let found = room.map { id in configuration.rooms.first { $0.id == id } } ?? configuration.rooms.first
            guard let found else {
                throw CommandFailure("ROOM_UNKNOWN", "\(config) has no room \(room ?? "at all")")
            }
            return (found.id, found.settings(revision: configuration.revision))
        }
    }
}
