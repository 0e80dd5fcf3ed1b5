// SPDX-License-Identifier: Apache-2.0
//
// One room at one simulated worker: what a visitor of the room reaches, and which look at the queue an answer shows.
// The requests under way keep it, also when its worker has died.

internal import Admission
internal import QueueClient
internal import WaitingRoomAPI

/// When the tick was made whose answer is the mirror of a room.
final class TickLook {
    var milliseconds = 0
}

final class WorkerRoom {
    /// Of the worker.
    let index: Int
    let room: Room
    let api: WaitingRoomAPI
    let store: RedisQueueStore
    private let world: World
    private let clock: () -> Int
    private let tickLook: TickLook
    /// The store's time at which the reply was made that the worker is handing out.
    private let replyMilliseconds: () -> Int
    /// The time up to which visitors were taken out of the mirror ahead of the tick.
    private var goneMilliseconds = 0

    init(
        index: Int,
        room: Room,
        api: WaitingRoomAPI,
        store: RedisQueueStore,
        world: World,
        clock: @escaping () -> Int,
        tickLook: TickLook,
        replyMilliseconds: @escaping () -> Int
    ) {
        (self.index, self.room, self.api, self.store) = (index, room, api, store)
        (self.world, self.clock, self.tickLook) = (world, clock, tickLook)
        self.replyMilliseconds = replyMilliseconds
    }

    /// The time of the look at the queue from which a poll of this visitor will be answered; nil when the store
    /// will be asked (then it is the time of the store's reply).
    func look(_ claim: TicketClaim) -> Look? {
        if claim.generation == room.generation, room.mirror.place(of: claim.number) != nil { return mirrorLook }
        return room.rememberedStanding(claim.number).map {
            $0.position > 0 ? Look(milliseconds: world.time(ofWall: $0.nowMilliseconds)) : mirrorLook
        }
    }

    /// The look at the queue of this worker's mirror.
    var mirrorLook: Look { Look(milliseconds: tickLook.milliseconds, aheadMilliseconds: goneMilliseconds) }

    /// The look of an answer of the store that is being handed out.
    var storeLook: Look { Look(milliseconds: replyMilliseconds()) }

    /// A visitor entered or left through this worker: its mirror is ahead of its last tick.
    func noteGone() { goneMilliseconds = replyMilliseconds() }

    /// Clock of this worker, for the layer below the API.
    var nowMilliseconds: Int { clock() }
}
