// SPDX-License-Identifier: Apache-2.0
//
// A worker's part in the draw of a room: it begins the registration, computes the order when the doors are open, and
// knows which place a registered number has drawn. Every worker computes the same; the store lets one of them move the
// visitors. It asks the store at most once at a time.

internal import Admission
internal import Fairness

struct DrawDesk {
    /// The draw that the places below belong to.
    private var record: DrawRecord?
    private var places: [UInt32] = []
    /// Of the places, see `DrawOrder`: kept, because everybody may ask for it.
    private(set) var digest = ""
    /// What the last tick said of the draw, for a store that loses it; of this generation.
    private var remembered = (generation: 0, draw: RoomDraw())
    /// A question is under way.
    var isAsking = false

    /// The registered numbers that have drawn a place; empty before the draw. Read with each request.
    private(set) var moved = 0..<0
    /// The first registered number while nobody knows places yet, else `Int.max`.
    private(set) var registeredFrom = Int.max

    /// The number whose place the holder of a ticket has: the ticket's own, or the drawn one.
    func number(of ticketNumber: Int) -> Int {
        guard moved.contains(ticketNumber) else { return ticketNumber }
        return moved.upperBound + Int(places[ticketNumber - moved.lowerBound])
    }

    /// Takes in what a tick has said.
    /// - Parameter random: see ``APIEnvironment/secret``.
    /// - Returns: what the store has to be asked now; nil for nothing.
    mutating func step(_ room: Room, random: (() -> UInt64)?) -> DrawAction? {
        let (draw, policy) = (room.seen.last.draw, room.seen.last.policy)
        noteNumbers(draw, room)
        if draw.state == .drawn { compute(draw, room) }
        if policy.draw == .off && draw.state == .none { remembered.draw = draw }
        let isBehind = draw.state.rawValue < remembered.draw.state.rawValue
        let isSame = draw.state == .none || draw.first == remembered.draw.first
        let isLost = isBehind && isSame && remembered.generation == room.generation
        if !isLost { remembered = (room.generation, draw) }
        if policy.draw == .off && draw.state == .none || isAsking { return nil }
        if isLost { return .bring(remembered.draw) }
        switch draw.state {
        case .none where room.opensLater, .drawn where room.opensLater:
            // Switched off after a draw: its places stay, and no other begins.
            guard let random, policy.draw != .off else { return nil }
            let seed = DrawRecord.seed((0..<4).map { _ in random() })
            return .prepare(commitment: DrawRecord.commitment(to: seed), seed: seed)
        case .opened where policy.draw != .beacon || !draw.beacon.isEmpty:
            return .read
        case .none, .registering, .opened, .drawn: return nil
        }
    }

    private mutating func noteNumbers(_ draw: RoomDraw, _ room: Room) {
        let isPending = draw.state == .registering || draw.state == .opened
        registeredFrom = isPending ? draw.first : Int.max
        // The registration begins just now.
        if draw.state == .none, room.policy.draw != .off, room.opensLater { registeredFrom = room.mirroredNext }
        if draw.state != .drawn { moved = 0..<0 }
    }

    private mutating func compute(_ draw: RoomDraw, _ room: Room) {
        let found = DrawRecord(draw, room)
        if record != found || places.count != draw.registered {
            record = found
            let order = found.order()
            (places, digest) = (order.places, order.digest)
        }
        moved = draw.first..<draw.first + places.count
    }

    /// What to ask the store when it has answered `read`: the visitors go to their places.
    mutating func application(_ version: Int, _ chunks: [DrawChunk], _ room: Room) -> DrawAction {
        let draw = room.seen.last.draw
        compute(draw, room)
        // Until a tick says that it was done, numbers are registrations.
        moved = 0..<0
        return .apply(version: version, draw.moved(chunks, places: places))
    }
}

extension DrawRecord {
    init(_ draw: RoomDraw, _ room: Room) {
        self.init(
            room: room.id,
            generation: room.generation,
            opensMilliseconds: draw.openedMilliseconds,
            first: draw.first,
            registered: draw.registered,
            commitment: draw.commitment,
            seed: draw.seed,
            source: draw.source,
            beacon: draw.beacon
        )
    }
}

extension Room {
    /// Whether the doors are still closed, by the store's clock at the last tick.
    var opensLater: Bool { seen.last.policy.opensMilliseconds > seen.last.nowMilliseconds }

    /// Milliseconds until the doors open; 0 when they are open.
    func opensIn(nowMilliseconds: Int) -> Int {
        guard policy.opensMilliseconds > 0, policy.mode != .bypass else { return 0 }
        return max(0, policy.opensMilliseconds - redisMilliseconds(nowMilliseconds: nowMilliseconds))
    }

    /// Whether the number is a registration that has drawn no place yet.
    func isRegistered(_ number: Int) -> Bool { number >= draw.registeredFrom && number < RankIndex.lateOffset }

    /// Whether a draw has given the number.
    func isDrawn(_ number: Int) -> Bool {
        number >= draw.moved.upperBound && number < draw.moved.upperBound + draw.moved.count
    }

    /// The number in the line of the holder of a ticket: the ticket's, or the drawn one.
    func number(of ticketNumber: Int, generation: Int) -> Int {
        generation == self.generation ? draw.number(of: ticketNumber) : ticketNumber
    }

    /// What a ticket says, with its holder's number in the line.
    func placed(_ claim: TicketClaim) -> TicketClaim {
        var placed = claim
        placed.number = number(of: claim.number, generation: claim.generation)
        return placed
    }
}
