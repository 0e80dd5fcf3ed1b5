// SPDX-License-Identifier: Apache-2.0
//
// The index of rooms as the scripts keep it (index.lua, news.lua, and due_ms in tick.lua): which rooms have changed,
// and when each is due. It knows rooms by what a mirror shows of them, and uses Admission only.

internal import Admission

struct ModelIndex {
    private let server: Int
    private let first: Int
    private var last: Int
    /// Room to the number of its last change.
    private var changes: [String: Int] = [:]
    /// Room to the time at which a worker should tick it.
    private var due: [String: Int] = [:]

    init(server: Int, nowMilliseconds: Int) {
        self.server = server
        first = max(IndexConstants.changesFrom, nowMilliseconds * 1000)
        last = first
    }

    /// Whether it is made anew: by another server, or as too large.
    func isOver(at identity: Int) -> Bool {
        server != identity || changes.count + due.count + 3 > IndexConstants.membersMax
    }

    mutating func noteChange(_ room: String) {
        last += 1
        changes[room] = last
    }

    /// After a tick. What is due sooner stays.
    mutating func noteTick(_ id: String, _ room: any QueueRules, nowMilliseconds now: Int) {
        let at: Int
        if room.waiting.count + room.called.count > 0 {
            at = now + IndexConstants.dueSoonMilliseconds
        } else if room.activeCount == 0 {
            at = now + IndexConstants.dueIdleMilliseconds + turn(of: id, in: IndexConstants.dueIdleMilliseconds)
        } else {
            let length = room.policy.epochMilliseconds
            let end = (now / length + 1) * length + turn(of: id, in: length)
            at = max(now + 1, min(end, room.soonestPassEnd ?? end))
        }
        if let known = due[id], known > now, known <= at { return }
        due[id] = at
    }

    /// When the room has its turn within a span.
    private func turn(of id: String, in span: Int) -> Int {
        id.utf8.reduce(0) { ($0 * 31 + Int($1)) % IndexConstants.turns } % span
    }

    mutating func news(since: Int, nowMilliseconds now: Int) -> RoomNews {
        guard (first...last).contains(since) else { return RoomNews(nowMilliseconds: now, mark: last, isNew: true) }
        var news = RoomNews(nowMilliseconds: now, mark: last)
        let changed = changes.filter { $0.value > since }.sorted { $0.value < $1.value }
        news.rooms = changed.prefix(IndexConstants.newsMax).map(\.key)
        if changed.count >= IndexConstants.newsMax {
            news.mark = changed[IndexConstants.newsMax - 1].value
            news.isCut = true
        }
        let over = due.filter { $0.value <= now }.sorted { ($0.value, $0.key) < ($1.value, $1.key) }
        for (room, at) in over.prefix(IndexConstants.newsMax) {
            news.rooms.append(room)
            if at < now - IndexConstants.dueKeptMilliseconds { due[room] = nil }
        }
        return news
    }
}
