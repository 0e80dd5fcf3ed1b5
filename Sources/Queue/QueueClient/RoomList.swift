// SPDX-License-Identifier: Apache-2.0
//
// The rooms that an operator has made at run time: one hash for all of them, with a revision that each change raises. A
// worker asks for the revision once a second, and reads the list when it is another. Like a room, the list is written
// again by the workers when Redis has lost it, or has gone back.

internal import Admission

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
    /// What the names of its template's rooms begin with, when its first join has made it; nil when an operator has.
    public let template: String?
    /// Whether it is over, and forgotten soon unless a join makes it anew.
    public let isEnding: Bool

    public init(id: String, revision: Int, limits: String, template: String? = nil, isEnding: Bool = false) {
        (self.id, self.revision, self.limits) = (id, revision, limits)
        (self.template, self.isEnding) = (template, isEnding)
    }

    static let templateWord = "template="
    static let endingWord = "ending"

    var text: String {
        let own = template.map { " \(ListedRoom.templateWord)\($0)" } ?? ""
        return "\(revision) \(limits)\(own)\(isEnding ? " \(ListedRoom.endingWord)" : "")"
    }

    init?(id: String, text: String) {
        var words = text.split(separator: " ")
        guard let revision = words.first.flatMap({ Int($0) }) else { return nil }
        words.removeFirst()
        let isEnding = words.last == ListedRoom.endingWord[...]
        if isEnding { words.removeLast() }
        var template: String?
        if let last = words.last, last.hasPrefix(ListedRoom.templateWord) {
            template = String(last.dropFirst(ListedRoom.templateWord.count))
            words.removeLast()
        }
        let limits = words.joined(separator: " ")
        self.init(id: id, revision: revision, limits: limits, template: template, isEnding: isEnding)
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
    fileprivate let link: any RedisLink
    fileprivate let key: RedisArgument
    private var revision = 0
    private var begun = 0
    private var rooms: [ListedRoom] = []
    private var isAsking = false
    /// Whether the list was read since this process began.
    public private(set) var isKnown = false
    /// Rooms that this worker has made, or found, after the list was asked for: an answer that is under way lacks them.
    private var found: [ListedRoom] = []
    /// When the list was first found missing, by the clock of ``look(nowMilliseconds:)``; nil while it is there.
    private var missingSince: Int?
    /// Called with the whole list when it has changed.
    public var onChange: ([ListedRoom]) -> Void = { _ in }

    public init(link: any RedisLink, scripts: ScriptCatalog) {
        self.link = link
        key = RedisArgument(RoomList.key(scripts))
    }

    /// Asks for the revision, and reads the list when it is another. One at a time; call it once a second.
    /// - Parameter nowMilliseconds: monotonic.
    public func look(nowMilliseconds: Int = 0) {
        guard !isAsking, link.isReady(room: RoomList.slot) else { return }
        ask(["HMGET", key, RedisArgument(RoomList.revisionField), RedisArgument(RoomList.begunField)]) { watch, reply in
            let found = (reply.arrayValue ?? []).map { $0.integerValue ?? 0 }
            guard found.count == 2 else { return }
            watch.missingSince = found[1] == 0 ? watch.missingSince ?? nowMilliseconds : nil
            let isLost = watch.begun != 0 && watch.begun != found[1] || found[0] < watch.revision
            if isLost { return watch.bringBack(over: found[0]) }
            if found[0] > watch.revision || !watch.isKnown { watch.read(found[0], begun: found[1]) }
        }
    }

    /// Takes a room in before the list is read again.
    fileprivate func take(_ room: ListedRoom) {
        found.append(room)
        rooms = rooms.with(room)
        onChange(rooms)
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

    fileprivate func count(ofTemplate template: String) -> Int { rooms.count { $0.template == template } }

    /// Whether the list has been missing for as long as a worker that remembers it may take to come.
    fileprivate func mayBegin(nowMilliseconds: Int) -> Bool {
        missingSince.map { nowMilliseconds - $0 >= MakingDelay.standardMilliseconds } ?? false
    }

    private func read(_ found: Int, begun: Int) {
        self.found = []
        ask(["HGETALL", key]) { watch, reply in
            let read = ListedRoom.list(reply)
            let list = watch.found.reduce(read) { $0.with($1) }
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

extension [ListedRoom] {
    /// The list with this room, in the place of one of its name.
    fileprivate func with(_ room: ListedRoom) -> [ListedRoom] {
        (filter { $0.id != room.id } + [room]).sorted { $0.id < $1.id }
    }
}

// MARK: - Rooms of templates

/// What became of a room that was to be made.
public enum RoomListAnswer: Equatable, Sendable {
    /// It is in the list; made that many milliseconds ago.
    case there(ageMilliseconds: Int)
    /// There are as many rooms of the template as it may have, or as there may be at all.
    case full
    /// Redis is away, or has lost the list and others may bring it.
    case unavailable
}

extension RoomListWatch {
    private enum Call: String { case make, end, remove }

    /// Makes a room of a template, unless it is there. At most `max` of the template, over all workers and hosts.
    /// - Parameters:
    ///   - room: its revision is ignored: Redis gives its own time.
    ///   - isAlone: no other process can remember a list that is missing.
    public func make(
        _ room: ListedRoom,
        max: Int,
        isAlone: Bool,
        nowMilliseconds: Int,
        _ done: @escaping (RoomListAnswer) -> Void
    ) {
        guard let template = room.template, count(ofTemplate: template) < max else { return done(.full) }
        let mayBegin = isAlone || mayBegin(nowMilliseconds: nowMilliseconds)
        run(.make, room, max: max, mayBegin: mayBegin) { watch, code, age in
            switch code {
            case 0, 1:
                watch.take(ListedRoom(id: room.id, revision: room.revision, limits: room.limits, template: template))
                done(.there(ageMilliseconds: age))
            case -1: done(.full)
            default: done(.unavailable)
            }
        } failed: {
            done(.unavailable)
        }
    }

    /// Whether a room of this name is in the list, as it was read last.
    public func contains(_ id: String) -> Bool { rooms.contains { $0.id == id } }

    /// Says that a room is over: from now on a join makes it anew. Every worker knows it a second later.
    public func end(_ room: ListedRoom) {
        run(.end, room) { _, _, _ in
        } failed: {
        }
    }

    /// Takes a room out of the list that was over, unless a join has made it anew. `done` gets whether it is gone.
    public func remove(_ room: ListedRoom, _ done: @escaping (Bool) -> Void) {
        run(.remove, room) { _, code, _ in
            done(code == 1)
        } failed: {
            done(false)
        }
    }

    private func run(
        _ call: Call,
        _ room: ListedRoom,
        max: Int = 0,
        mayBegin: Bool = false,
        _ answer: @escaping (RoomListWatch, Int, Int) -> Void,
        failed: @escaping () -> Void
    ) {
        let words: [RedisArgument] = [
            RedisArgument(call.rawValue), RedisArgument(room.id), RedisArgument(room.template ?? ""),
            RedisArgument(room.limits), RedisArgument(max), RedisArgument(ListedRoom.roomsMax),
            RedisArgument(mayBegin ? 1 : 0),
        ]
        // Rare: the text goes with each call.
        let eval: [RedisArgument] = ["EVAL", RedisArgument(PackageResources.rooms_lua), 1, key]
        link.send(eval + words, room: RoomList.slot) { [weak self] result in
            guard let self, case .success(let reply) = result, let words = reply.arrayValue?.map(\.integerValue),
                words.count == 2, let code = words[0], let age = words[1]
            else { return failed() }
            answer(self, code, age)
        }
    }
}
