// SPDX-License-Identifier: Apache-2.0
//
// The ticket: a signed proof of a place in one room. When Redis has lost a visitor, the ticket restores the place.

/// What a ticket says.
public struct Ticket: Sendable, Equatable {
    /// The longest token that is looked at, in bytes. The longest real one has 179.
    public static let byteCountMax = 256
    /// The largest generation, number and time: 2^53 - 1, which browsers hold exactly.
    public static let integerMax = exactIntegerMax

    /// The room it is for.
    public let room: String
    /// The room's generation when it was issued, 1...2^53-1.
    public let generation: Int64
    /// The arrival number, 1...2^53-1.
    public let number: Int64
    /// Milliseconds since the Unix epoch, by Redis' clock, 1...2^53-1.
    public let issuedMilliseconds: Int64

    /// Makes a ticket. Values out of bounds are a programming error and stop the program: what is signed must verify.
    public init(room: String, generation: Int64, number: Int64, issuedMilliseconds: Int64) {
        precondition(isRoomIdentifier(room), "a ticket names a room")
        precondition((1...exactIntegerMax).contains(generation), "generations are 1...2^53-1")
        precondition((1...exactIntegerMax).contains(number), "ticket numbers are 1...2^53-1")
        precondition((1...exactIntegerMax).contains(issuedMilliseconds), "a ticket is issued after 1970")
        self.room = room
        self.generation = generation
        self.number = number
        self.issuedMilliseconds = issuedMilliseconds
    }
}

/// What the verifier says of a token shown as a ticket.
public enum TicketVerdict: Sendable, Equatable {
    /// A key of the ring made it. Whether it is for the room at hand is the caller's question.
    case valid(Ticket)
    /// It does not have the form of a ticket.
    case malformed
    /// No key of the ring made it.
    case forged
}
