// SPDX-License-Identifier: Apache-2.0
//
// The rooms that an operator has made at run time: one hash for all of them, with a revision that each change raises. A
// worker asks for the revision once a second, and reads the list when it is another. Like a room, the list is written
// again by the workers when Redis has lost it, or has gone back.

/// The hash, and the slot it is in.
enum RoomList {
    /// In the place of a room's name: it says which node of a Cluster has the list.
    static let slot = "rooms"
    /// No room can have these names.
    static let revisionField = "#revision"
    /// When the list was begun: another time means that Redis had lost it.
    static let begunField = "#begun"
    /// Fields that are no rooms.
    static let ownFields = 2

    static func key(_ scripts: ScriptCatalog) -> String { KeySchema(room: slot, prefix: scripts.keyPrefix).list }
}

/// A room that was made at run time.
public struct ListedRoom: Equatable, Sendable {
    /// Rooms made at run time at most.
    public static let roomsMax = 10_000

    /// Its name, as it stands in Redis.
    public let id: String
    /// When it was made, in milliseconds since 1970: the revision of its limits.
    public let revision: Int
    /// Its limits as `key=value` with spaces between; those that are not named have their standard values.
    public let limits: String

    public init(id: String, revision: Int, limits: String) {
        (self.id, self.revision, self.limits) = (id, revision, limits)
    }

    var text: String { "\(revision) \(limits)" }

    init?(id: String, text: String) {
        let parts = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        guard let revision = parts.first.flatMap({ Int($0) }) else { return nil }
        self.init(id: id, revision: revision, limits: parts.count > 1 ? String(parts[1]) : "")
    }

    /// The list in a reply to HGETALL, by name.
    static func list(_ reply: RedisReply) -> [ListedRoom] {
        let words = (reply.arrayValue ?? []).compactMap { $0.bytesValue.map { String(decoding: $0, as: UTF8.self) } }
        var rooms: [ListedRoom] = []
        for at in stride(from: 0, to: words.count - 1, by: 2) where !words[at].hasPrefix("#") {
            if let room = ListedRoom(id: words[at], text: words[at + 1]) { rooms.append(room) }
        }
        return Array(rooms.sorted { $0.id < $1.id }.prefix(roomsMax))
    }
}

/// Keeps a worker's list of rooms up to date.
public final class RoomListWatch {
    private let link: any RedisLink
    private let key: RedisArgument
    private var revision = 0
    private var begun = 0
    private var rooms: [ListedRoom] = []
    private var isAsking = false
    /// Whether the list was read since this process began.
    public private(set) var isKnown = false
    /// Called with the whole list when it has changed.
    public var onChange: ([ListedRoom]) -> Void = { _ in }

    public init(link: any RedisLink, scripts: ScriptCatalog) {
        self.link = link
        key = RedisArgument(RoomList.key(scripts))
    }

    /// Asks for the revision, and reads the list when it is another. One at a time; call it once a second.
    public func look() {
        guard !isAsking, link.isReady(room: RoomList.slot) else { return }
        ask(["HMGET", key, RedisArgument(RoomList.revisionField), RedisArgument(RoomList.begunField)]) { watch, reply in
            let found = (reply.arrayValue ?? []).map { $0.integerValue ?? 0 }
            guard found.count == 2 else { return }
            let isLost = watch.begun != 0 && watch.begun != found[1] || found[0] < watch.revision
            if isLost { return watch.bringBack(over: found[0]) }
            if found[0] > watch.revision || !watch.isKnown { watch.read(found[0], begun: found[1]) }
        }
    }

    private func ask(_ words: [RedisArgument], _ answer: @escaping (RoomListWatch, RedisReply) -> Void) {
        isAsking = true
        link.send(words, room: RoomList.slot) { [weak self] result in
            guard let self else { return }
            self.isAsking = false
            // An error is met by the rooms' own calls too, which log it.
            guard case .success(let reply) = result else { return }
            if case .error = reply { return }
            answer(self, reply)
        }
    }

    private func read(_ found: Int, begun: Int) {
        ask(["HGETALL", key]) { watch, reply in
            let list = ListedRoom.list(reply)
            let isNew = list != watch.rooms
            (watch.revision, watch.begun, watch.rooms, watch.isKnown) = (found, begun, list, true)
            if isNew { watch.onChange(list) }
        }
    }

    /// The list is older than what this worker knows. Several workers may bring it; what is there already stays.
    private func bringBack(over found: Int) {
        for room in rooms {
            link.send(["HSETNX", key, RedisArgument(room.id), RedisArgument(room.text)], room: RoomList.slot) { _ in }
        }
        let fields: [RedisArgument] = [
            RedisArgument(RoomList.revisionField), RedisArgument(max(revision, found) + 1),
            RedisArgument(RoomList.begunField), RedisArgument(begun),
        ]
        ask(["HSET", key] + fields) { _, _ in }
    }
}
