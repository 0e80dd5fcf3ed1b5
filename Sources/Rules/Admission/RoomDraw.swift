// SPDX-License-Identifier: Apache-2.0
//
// The draw of a room as the store says it: which numbers were registered before the doors opened, and what has become
// of them. The order itself is computed by the module Fairness. It imports nothing.

/// How far a room's draw is. The raw values are those of the scripts.
public enum DrawState: Int, CaseIterable, Sendable {
    case none = 0
    /// Numbers are registrations.
    case registering = 1
    /// The doors are open, nobody may register any more, and the places are not drawn yet.
    case opened = 2
    /// The registered have their places: as many numbers as registrations, right behind these.
    case drawn = 3
}

/// The draw of a room.
public struct RoomDraw: Equatable, Sendable {
    public var state = DrawState.none
    /// The first registered number.
    public var first = 0
    /// The number behind the last registered one, and the first of the places; 0 while people may register.
    public var behind = 0
    /// See `DrawRecord`, for this and the next ones; empty where there is none.
    public var commitment = ""
    /// Secret until the places are drawn.
    public var seed = ""
    public var source = ""
    public var beacon = ""
    /// When the doors opened, in milliseconds since 1970; 0 before that.
    public var openedMilliseconds = 0

    public init() {}

    public init(
        state: DrawState,
        first: Int,
        behind: Int,
        commitment: String,
        seed: String,
        source: String,
        beacon: String,
        openedMilliseconds: Int
    ) {
        self.openedMilliseconds = openedMilliseconds
        (self.state, self.first, self.behind) = (state, first, behind)
        (self.commitment, self.seed, self.source, self.beacon) = (commitment, seed, source, beacon)
    }

    /// How many were registered, once the doors are open.
    public var registered: Int { max(0, behind - first) }

    /// Whether a number is a registration of this draw: it has no place in the line before the draw, and another
    /// number after it.
    public func hasRegistered(_ number: Int) -> Bool {
        state != .none && number >= first && (state == .registering || number < behind)
    }
}

/// What a worker or an operator does to a draw; the raw value is the word that draw.lua takes.
public enum DrawAction: Equatable, Sendable {
    /// Begins the registration.
    case prepare(commitment: String, seed: String)
    /// Names the source of the beacon, while people may register.
    case announce(source: String)
    /// Gives the value of the beacon, when nobody may register any more.
    case beacon(value: String)
    /// Asks for the bits of the registered.
    case read
    /// Moves the registered to their places, if nothing has changed since they were read.
    case apply(version: Int, [DrawChunk])
    /// Gives back a draw that the store has lost.
    case bring(RoomDraw)

    public var word: String {
        switch self {
        case .prepare: "prepare"
        case .announce: "announce"
        case .beacon: "beacon"
        case .read: "read"
        case .apply: "apply"
        case .bring: "bring"
        }
    }
}

/// The waiting visitors of a chunk of numbers, and those who have left, as bitmaps; empty for nobody.
public struct DrawChunk: Equatable, Sendable {
    public var index: Int
    public var waiting: [UInt8]
    public var left: [UInt8]

    public init(index: Int, waiting: [UInt8], left: [UInt8]) {
        (self.index, self.waiting, self.left) = (index, waiting, left)
    }
}

/// The answer to a ``DrawAction``.
public enum DrawReply: Equatable, Sendable {
    /// It was done.
    case done
    /// It does not fit the state of the draw.
    case refused
    /// The answer to ``DrawAction/read``.
    case bits(version: Int, [DrawChunk])
}

extension RoomDraw {
    /// The bits of the registered, moved to their places.
    /// - Parameter places: of each registration, counted from 0.
    public func moved(_ chunks: [DrawChunk], places: [UInt32]) -> [DrawChunk] {
        guard registered > 0 else { return [] }
        let firstChunk = behind / RankIndex.chunkSize
        let count = (behind + registered - 1) / RankIndex.chunkSize - firstChunk + 1
        func move(_ bitmap: KeyPath<DrawChunk, [UInt8]>) -> [[UInt8]] {
            var moved = [[UInt8]](repeating: [], count: count)
            for chunk in chunks {
                for number in Heartbeats.numbers(chunk: chunk.index, bitmap: chunk[keyPath: bitmap])
                where number >= first && number < behind && number - first < places.count {
                    let place = behind + Int(places[number - first])
                    let (index, at) = (place / RankIndex.chunkSize - firstChunk, place % RankIndex.chunkSize)
                    if moved[index].isEmpty { moved[index] = [UInt8](repeating: 0, count: RankIndex.chunkSize / 8) }
                    moved[index][at / 8] |= 0x80 >> UInt8(at % 8)
                }
            }
            return moved
        }
        return zip(move(\.waiting), move(\.left)).enumerated().map { index, bitmaps in
            DrawChunk(index: firstChunk + index, waiting: bitmaps.0, left: bitmaps.1)
        }
    }
}
