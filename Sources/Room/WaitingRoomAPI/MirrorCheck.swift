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
        let isNear = PollPacing.mayBeCalled(position: position, withinSeconds: 1, room.policy)
        let isHeld =
            isNear
            && room.afterTick { [self] in
                guard let (place, position) = waiting(claim, in: room) else { return otherwise() }
                waits(place, position)
            }
        if !isHeld { waits(place, position) }
    }

    /// An old mirror says nothing, and in bypass everybody may enter.
    private func waiting(_ claim: TicketClaim, in room: Room) -> (place: Int, position: Int)? {
        guard room.policy.mode != .bypass, !isStale(room), claim.generation == room.generation else { return nil }
        return room.mirror.place(of: claim.number)
    }
}
