// SPDX-License-Identifier: Apache-2.0
//
// One virtual visitor in 32 bytes, and the tickets of all of them in one stretch of bytes.

/// What a visitor asks for next.
public enum RequestKind: UInt8, CaseIterable, Sendable {
    case join
    case status
    case enter
    case leave
    case backend

    /// As it is called in reports.
    public var name: String { "\(self)" }
}

/// How a visitor's wait may end before the call.
enum Quitting: UInt8 {
    case never
    case leaves
    case fallsSilent
}

struct Visitor {
    /// The arrival number of the ticket. Numbers begin anywhere, so 32 bits do not do.
    var number: UInt64 = 0
    /// What the pending wake-up, the queued request or the request in flight is for.
    var next = RequestKind.join
    var quitting = Quitting.never
    var ticketLength: UInt8 = 0
    var ticketOffset: UInt32 = 0
    /// When the visitor leaves or falls silent, milliseconds from the start.
    var quitMilliseconds: UInt32 = 0
    /// When the last request was sent that was answered with "wait", milliseconds from the start.
    var lastWaitingMilliseconds: UInt32 = 0
    /// When the request now queued or in flight should have been sent, milliseconds from the start.
    var intendedMilliseconds: UInt32 = 0
}

/// Tickets one behind the other. A visitor who joins again leaves the old bytes behind.
struct TicketArena {
    /// The longest ticket, as in Passes.Ticket: it must fit in 8 bits with the product's limit of 256 exclusive.
    static let byteCountMax = 255
    private var bytes: [UInt8] = []

    /// Reserves address space, which the kernel fills only as it is used.
    init(visitorCount: Int) {
        bytes.reserveCapacity(visitorCount * 100)
    }

    /// Keeps a ticket; nil when it is empty, too long, or the arena has reached 4 GiB.
    mutating func add(_ ticket: UnsafeRawBufferPointer) -> (offset: UInt32, length: UInt8)? {
        guard (1...TicketArena.byteCountMax).contains(ticket.count), let offset = UInt32(exactly: bytes.count) else {
            return nil
        }
        bytes.append(contentsOf: ticket)
        return (offset, UInt8(ticket.count))
    }

    func withTicket<Result>(of visitor: Visitor, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        bytes.withUnsafeBytes { all in
            let start = Int(visitor.ticketOffset)
            return body(UnsafeRawBufferPointer(rebasing: all[start..<start + Int(visitor.ticketLength)]))
        }
    }
}

/// Indices, first in, first out: of visitors whose request is due, or of idle connections. It holds each at most once,
/// so it never overflows.
struct IndexQueue {
    private var ring: [UInt32]
    private var head = 0
    private(set) var count = 0

    init(capacity: Int) {
        ring = [UInt32](repeating: 0, count: max(1, capacity))
    }

    mutating func append(_ element: UInt32) {
        precondition(count < ring.count, "an index is queued once at most")
        var index = head + count
        if index >= ring.count { index -= ring.count }
        ring[index] = element
        count += 1
    }

    mutating func popFirst() -> UInt32? {
        guard count > 0 else { return nil }
        let element = ring[head]
        head = head + 1 == ring.count ? 0 : head + 1
        count -= 1
        return element
    }
}
