// SPDX-License-Identifier: Apache-2.0
//
// Room templates: `"evt_*": {...}` under `rooms` says how all rooms are whose names begin with `evt_`. Such a room is
// made at its first join, and forgotten when it is over.

internal import Admission
internal import Yams

extension Configuration {
    /// Rooms that are made at their first join.
    public struct Template: Equatable, Sendable {
        /// What their names begin with.
        public var prefix: String
        /// How they are; its `id` is the template's name in the file.
        public var entry: RoomEntry
        /// Rooms at a time, over all workers and hosts; 1...10,000.
        public var roomsMax: Int
        /// How long a room must have been empty before it is forgotten. `return_grace` counts where it is longer:
        /// somebody may still come back to a place.
        public var forgetAfterMilliseconds: Int

        public init(
            prefix: String,
            entry: RoomEntry,
            roomsMax: Int = Template.roomsMaxStandard,
            forgetAfterMilliseconds: Int = Template.forgetAfterMillisecondsStandard
        ) {
            self.prefix = prefix
            self.entry = entry
            self.roomsMax = roomsMax
            self.forgetAfterMilliseconds = forgetAfterMilliseconds
        }

        /// Ten times the hundred events of a load test, and what a worker ticks without notice.
        public static let roomsMaxStandard = 1000
        /// As long as a pass lives.
        public static let forgetAfterMillisecondsStandard = 600_000

        /// How long a room of it must have been empty before it is forgotten.
        public var forgottenAfterMilliseconds: Int {
            max(forgetAfterMilliseconds, entry.policy.returnGraceMilliseconds)
        }
    }

    /// The template of a room's name: that with the longest beginning; nil when none fits.
    public func template(of id: String) -> Template? {
        templates.filter { id.hasPrefix($0.prefix) }.max { $0.prefix.utf8.count < $1.prefix.utf8.count }
    }

    /// Reads a template: a room with two keys more, and without `protect`.
    static func template(_ key: Node, _ node: Node) throws(ConfigurationError) -> Template {
        let prefix = String(key.text.dropLast())
        guard isRoomID(prefix), prefix.utf8.count < 64 else {
            throw key.error("a template is the beginning of a room's name and one *, such as evt_*")
        }
        guard case .mapping(let mapping) = node else {
            return Template(prefix: prefix, entry: try room(node, id: key.text))
        }
        let own = try members(of: node, in: "room \(key.text)")
        let others = mapping.filter { !["max_rooms", "forget_after"].contains($0.key.text) }
        let rest = Node.mapping(
            Node.Mapping(others.map { ($0.key, $0.value) }, mapping.tag, mapping.style, mapping.mark)
        )
        var template = Template(prefix: prefix, entry: try room(rest, id: key.text))
        for (name, value) in own {
            switch name.text {
            case "max_rooms": template.roomsMax = try value.integer(name, in: 1...10_000)
            case "forget_after": template.forgetAfterMilliseconds = try value.milliseconds(name, in: 1000...86_400_000)
            case "protect":
                throw name.error("protect needs a room's whole name: nginx is to know the rooms when it starts")
            default: break
            }
        }
        return template
    }
}
