// SPDX-License-Identifier: Apache-2.0
//
// Whether a visitor who wants to go in still waits, as the mirror knows it: so that early enters and reloads cost the
// store nothing, whatever their number.

internal import Admission

extension APIContext {
    /// Calls `waits` when the mirror shows that this visitor waits, and `otherwise` when the store has to say.
    ///
    /// Another worker may have learnt of a call that this mirror does not show yet. So near the front the answer is
    /// given after a tick that begins now or later; far from it, or when too many answers wait for a tick, at once.
    func ifWaiting(
        _ claim: TicketClaim,
        in room: Room,
        waits: @escaping (_ place: Int, _ position: Int) -> Void,
        otherwise: @escaping () -> Void
    ) {
        guard let (place, position) = waiting(claim, in: room) else { return otherwise() }
        room.markAlive(place)
        let isHeld =
            room.mayHaveCalled(position: position)
            && room.afterTick { [self] in
                guard let (place, position) = waiting(claim, in: room) else { return otherwise() }
                waits(place, position)
            }
        if !isHeld { waits(place, position) }
    }

    /// How long a ticket counts as new, by Redis' clock: several ticks, also on a busy machine.
    private static let newTicketMilliseconds = 2000

    /// Gives an answer about a visitor who waits when the mirror knows the place: one who joined since the last tick is
    /// in the next one, and positions are not reckoned where they can be read. An older ticket that the mirror does not
    /// know is of a visitor who came back: after a loss of Redis all come back at once, and only the first of them wait
    /// for a tick. The places of the others are reckoned.
    func whenKnown(
        _ reply: StandingReply,
        of claim: TicketClaim,
        in room: Room,
        _ answer: @escaping (StandingReply) -> Void
    ) {
        let isUnknown = reply.standing == .waiting && reply.position == 0 && room.mirror.place(of: reply.place) == nil
        let isNew = reply.nowMilliseconds - claim.issuedMilliseconds < APIContext.newTicketMilliseconds
        guard isUnknown, !isStale(room), isNew || room.mayHoldReturn(nowMilliseconds: now),
            room.afterTick({ answer(reply) })
        else { return answer(reply) }
    }

    /// Where the visitor waits as the mirror knows it. An old mirror says nothing, and in bypass everybody may enter.
    func waiting(_ claim: TicketClaim, in room: Room) -> (place: Int, position: Int)? {
        guard room.policy.mode != .bypass, !isStale(room), claim.generation == room.generation else { return nil }
        return room.mirror.place(of: claim.number)
    }
}
