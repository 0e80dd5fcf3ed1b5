// SPDX-License-Identifier: Apache-2.0
//
// What the store has answered lately about visitors who are not in the mirror (yet): until the next tick, a repeated
// poll is answered from here instead of asking the store again. Pure values.
//
// Invariant: at most `standingsMax` answers are kept, and none is older than the last tick.

internal import Admission

struct RecentStandings {
    /// Beyond it the store is asked again.
    static let standingsMax = 4096

    private var replies: [Int: StandingReply] = [:]

    subscript(number: Int) -> StandingReply? { replies[number] }

    /// Returns the reply with the position that is known of a newcomer, and the time of that position: a later look at
    /// the store does not give one.
    mutating func remember(_ reply: StandingReply, of number: Int) -> StandingReply {
        var reply = reply
        if reply.position == 0, let known = replies[number], known.standing == .waiting, reply.standing == .waiting {
            (reply.position, reply.nowMilliseconds) = (known.position, known.nowMilliseconds)
        }
        if replies.count < RecentStandings.standingsMax { replies[number] = reply }
        return reply
    }

    mutating func forget(_ number: Int) { replies[number] = nil }

    mutating func forgetAll() { replies.removeAll(keepingCapacity: true) }
}
