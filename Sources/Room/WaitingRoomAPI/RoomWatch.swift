// SPDX-License-Identifier: Apache-2.0
//
// Which rooms a worker looks at, and when. Rooms in which people wait or are called: with every tick. The others: when
// the store's news name them, so that a quiet room costs nothing, however many there are. Beside them one quiet room
// with each tick, in turn: so whatever the news lack (a change by a program that does not note it) is found.
//
// Without news, because the store has none (Redis Cluster), or does not answer, each quiet room is looked at by itself.
// So is a room whose mirror has no base: the store's index was made anew, or the room's last tick failed. A thousand
// such looks are not sent at once, or sixteen workers that start together would wait for Redis until they give up.
//
// Invariant: a mirror that has a base lacks no change that the last mark counts, unless its room is named.

internal import Admission

/// The last answer of the news, which all rooms of a worker share: a quiet room costs nothing when one comes.
final class LastNews {
    /// The store's time, and the worker's.
    fileprivate(set) var redisMilliseconds = 0
    fileprivate(set) var nowMilliseconds = 0
    /// Raised when the news begin anew: what mirrors show is then no base for them.
    fileprivate(set) var count = 1
}

/// Decides about ticks for one worker.
final class RoomWatch {
    /// What the watch knows of one room.
    struct Entry {
        fileprivate(set) var last: LastNews?
        /// The news named it: it is looked at as soon as no tick is under way.
        fileprivate(set) var isNamed = false
        /// The count of news on which its mirror is based; 0: a tick has to come first.
        fileprivate(set) var base = 0
        /// The look that is under way is one of those that wait for each other.
        fileprivate var isPaced = false

        /// The news that the mirror has lived through, while no tick is under way.
        var confirming: LastNews? { last.flatMap { $0.count == base && !isNamed ? $0 : nil } }
    }

    /// Looks at quiet rooms that are under way at once, but for those in turn. The next follow the answers.
    static let looksMax = 64

    /// Begins a tick of the room; `ended` is to follow.
    var look: (Room) -> Void = { _ in }
    /// Takes the failure of a question, the first in a row: the ticks that take over say it again.
    var failed: (StoreFailure) -> Void = { _ in }

    private let context: APIContext
    /// Quiet rooms that are looked at in turn with each tick.
    private let inTurn: Int
    private var tickMilliseconds = 0

    private let last = LastNews()
    /// What to ask with next.
    private var mark = 0
    private var isAsking = false
    /// The last question was not answered.
    private var hasFailed = false
    /// Whether the news say which quiet rooms need a look.
    private var hasNews = false

    /// Rooms to be looked at, the next at the end, by their places among the rooms.
    private var queue: [(place: Int, room: Room)] = []
    private var looksUnderWay = 0
    private var isSending = false
    /// Behind the place of the last look.
    private var turn = 0

    init(_ context: APIContext, inTurn: Int) {
        self.context = context
        self.inTurn = inTurn
    }

    /// Looks at the rooms that need it now, and asks for news of the others.
    func step(tickMilliseconds: Int) {
        self.tickMilliseconds = tickMilliseconds
        let (busy, quiet) = divided()
        let asks = context.store.hasNews && quiet.count > inTurn
        // Before the ticks: the store answers in order, so a tick shows at least what the mark stands for.
        if asks { ask() }
        hasNews = asks && !hasFailed
        for room in busy where !room.isTicking { begin(room) }
        send(quiet)
        if asks { lookInTurn() }
    }

    /// A tick of a room has ended that was begun when the count was `base`.
    func ended(_ room: Room, base: Int, hasFailed: Bool) {
        room.news.base = hasFailed ? 0 : base
        room.news.last = last
        guard room.news.isPaced else { return }
        room.news.isPaced = false
        looksUnderWay -= 1
        sendQueued()
    }

    /// The last tick of the room has not done all that was due: the next one begins now.
    func again(_ room: Room) {
        if !room.isTicking { begin(room) }
    }

    /// The count that a tick sent now is based on.
    var base: Int { last.count }

    // MARK: - Looks

    /// The rooms that are looked at with every tick, and the places of the others.
    private func divided() -> (busy: [Room], quiet: [Int]) {
        var (busy, quiet): ([Room], [Int]) = ([], [])
        for (place, room) in context.rooms.enumerated() {
            if room.isBusy { busy.append(room) } else { quiet.append(place) }
        }
        return (busy, quiet)
    }

    private func begin(_ room: Room) {
        // From now on the news may say more than its mirror.
        room.catchUp()
        room.news.isNamed = false
        look(room)
    }

    private func needsLook(_ room: Room) -> Bool {
        if room.isTicking { return false }
        if room.news.isNamed { return true }
        if hasNews { return room.news.base != last.count }
        return room.needsLook(nowMilliseconds: context.now, tickMilliseconds: tickMilliseconds)
    }

    /// Sends the looks that quiet rooms need now, in the order of the rooms, on from the last.
    private func send(_ quiet: [Int]) {
        let needed = quiet.filter { needsLook(context.rooms[$0]) }
        let (behind, before) = (needed.filter { $0 >= turn }, needed.filter { $0 < turn })
        queue = (behind + before).reversed().map { ($0, context.rooms[$0]) }
        sendQueued()
    }

    private func sendQueued() {
        // A store in memory answers at once.
        guard !isSending else { return }
        isSending = true
        while looksUnderWay < RoomWatch.looksMax, let next = queue.popLast() {
            guard needsLook(next.room) else { continue }
            turn = next.place + 1
            looksUnderWay += 1
            next.room.news.isPaced = true
            begin(next.room)
        }
        isSending = false
    }

    private func lookInTurn() {
        let rooms = context.rooms
        var left = inTurn
        for step in 0..<rooms.count where left > 0 {
            let place = (turn + step) % rooms.count
            if rooms[place].isTicking || rooms[place].isBusy { continue }
            begin(rooms[place])
            left -= 1
            if left == 0 { turn = place + 1 }
        }
    }

    // MARK: - News

    private func ask() {
        guard !isAsking else { return }
        isAsking = true
        // Ticks that are sent from now on show more than the mark that will be answered.
        let isFirst = mark == 0
        if isFirst { last.count += 1 }
        context.store.news(since: mark) { [weak self] result in
            guard let self else { return }
            self.isAsking = false
            switch result {
            case .success(let news): self.take(news, isFirst: isFirst)
            case .failure(let failure):
                if !self.hasFailed {
                    for room in self.context.rooms { room.noteNoNews() }
                    self.failed(failure)
                }
                (self.hasFailed, self.hasNews) = (true, false)
            }
        }
    }

    private func take(_ news: RoomNews, isFirst: Bool) {
        mark = news.mark
        (hasFailed, hasNews) = (false, true)
        let wentBack = news.nowMilliseconds < last.redisMilliseconds - QueueConstants.stepBackMilliseconds
        if news.isNew || wentBack {
            // Up to the answer before, the mirrors are confirmed.
            for room in context.rooms { room.catchUp() }
            if !isFirst { last.count += 1 }
            last.redisMilliseconds = news.nowMilliseconds
            last.nowMilliseconds = context.now
            return send(divided().quiet)
        }
        let named = news.rooms.compactMap { context.room($0) }
        for room in named {
            room.catchUp()
            room.news.isNamed = true
        }
        if news.isCut { return ask() }
        last.redisMilliseconds = news.nowMilliseconds
        last.nowMilliseconds = context.now
        if !named.isEmpty { send(divided().quiet) }
    }
}
