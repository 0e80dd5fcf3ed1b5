// SPDX-License-Identifier: Apache-2.0
//
// The rooms of templates at one worker: has them made at their first join, and forgotten when they are over. A room is
// taken away in two steps, because no call of Redis can look at the list and at a room's keys together: first the list
// says that it is ending, and from then on each join makes it anew; when it was still empty some seconds later, by when
// every worker knows that, the list forgets it.

import Admission
import Configuration
import QueueClient
import Reactor
import WaitingRoomAPI

final class TemplateRooms {
    /// How long a room is ending: workers read the list once a second, and a call of Redis takes 1.5 s at most.
    private static let endingMilliseconds = 5000
    /// How long after a room was taken out of the list its keys are.
    private static let keysMilliseconds = 3000
    /// A room that is in the list for a shorter time is remembered by nobody: it need not wait for a worker that might.
    private static let freshMilliseconds = 10_000

    private let list: RoomListWatch
    private let operators: RoomOperator
    private let loop: EventLoop
    /// Until when a room may be made at once, by the monotonic clock.
    private var freshUntil: [String: Int] = [:]
    /// Since when a room was empty, with its next number then.
    private var emptySince: [String: (next: Int, milliseconds: Int, isEnding: Bool)] = [:]

    init(list: RoomListWatch, link: any RedisLink, scripts: ScriptCatalog, loop: EventLoop) {
        self.list = list
        self.loop = loop
        operators = RoomOperator(link: link, scripts: scripts)
    }

    /// - Parameter isAlone: no other process can remember rooms that Redis does not know.
    func make(_ id: String, _ template: RoomTemplate, isAlone: Bool, _ done: @escaping (RoomMaking) -> Void) {
        let room = ListedRoom(
            id: id,
            revision: loop.wallMilliseconds,
            limits: template.settings.defaults.pairs,
            template: template.prefix
        )
        // Before the room is one of the worker's: its first tick may come at once.
        freshUntil[id] = loop.nowMilliseconds + TemplateRooms.freshMilliseconds
        list.make(room, max: template.roomsMax, isAlone: isAlone, nowMilliseconds: loop.nowMilliseconds) {
            [self] answer in
            switch answer {
            case .there(let age):
                if age > TemplateRooms.freshMilliseconds { freshUntil[id] = nil }
                done(.made)
            case .full, .unavailable:
                freshUntil[id] = nil
                done(answer == .full ? .full : .unavailable)
            }
        }
    }

    /// Whether the room was made just now.
    func isFresh(_ id: String) -> Bool { freshUntil[id].map { loop.nowMilliseconds < $0 } ?? false }

    /// Looks which rooms are over. Call it once a second.
    /// - Parameter forgottenAfter: by a room's name; nil for a template that this host's file lacks.
    func sweep(_ rooms: [Room], forgottenAfter: (String) -> Int?) {
        let now = loop.nowMilliseconds
        freshUntil = freshUntil.filter { $0.value > now }
        var empty: [String: (next: Int, milliseconds: Int, isEnding: Bool)] = [:]
        for room in rooms where room.settings.template != nil && room.isEmpty {
            let isEnding = room.settings.isEnding
            var since = (next: room.next, milliseconds: now, isEnding: isEnding)
            if let before = emptySince[room.id], before.next == room.next, before.isEnding == isEnding {
                since = before
            }
            empty[room.id] = since
            let listed = ListedRoom(id: room.id, revision: 0, limits: "", template: room.settings.template)
            if isEnding {
                if now - since.milliseconds >= TemplateRooms.endingMilliseconds { remove(room, listed) }
            } else if let after = forgottenAfter(room.id), now - since.milliseconds >= after {
                list.end(listed)
            }
        }
        emptySince = empty
    }

    private func remove(_ room: Room, _ listed: ListedRoom) {
        list.remove(listed) { [self] isGone in
            guard isGone else { return }
            // Ticks that are under way elsewhere would make the keys again.
            loop.schedule(afterMilliseconds: TemplateRooms.keysMilliseconds) { [self] in
                guard !list.contains(room.id) else { return }
                operators.forget(room)
            }
        }
    }
}
