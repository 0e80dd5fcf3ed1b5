// SPDX-License-Identifier: Apache-2.0
//
// Simulated visitors below HTTP, for runs with a million of them. It uses the same mirror, remembered standings, store
// calls and poll hints as the handlers of the API, without requests, signatures and JSON. When the handlers change,
// it must follow.

internal import Admission
internal import Chance
internal import QueueClient
internal import WaitingRoomAPI

struct StoreFront: Front {
    let world: World
    let pollBudgetPerSecond: Int

    func join(key: String?, _ worker: WorkerRoom, _ done: @escaping (HeldTicket?, FrontAnswer) -> Void) {
        let room = worker.room
        room.use(nowMilliseconds: worker.nowMilliseconds)
        worker.store.join(JoinRequest(kind: .join, idempotencyKey: key), room: room) { result in
            guard case .success(let answer) = result else { return done(nil, .retry(afterMilliseconds: 2000)) }
            let issued = TicketClaim.issueTime(nowMilliseconds: answer.nowMilliseconds, key: key.map { .retry($0) })
            func ticket(_ number: Int, _ issued: Int) -> HeldTicket {
                HeldTicket(
                    claim: TicketClaim(generation: answer.generation, number: number, issuedMilliseconds: issued)
                )
            }
            switch answer.outcome {
            case .waiting(let number, let position):
                room.noteIssued(number, generation: answer.generation)
                room.remember(
                    StandingReply(
                        standing: .waiting,
                        nowMilliseconds: answer.nowMilliseconds,
                        waiting: answer.waiting,
                        position: position,
                        place: number
                    ),
                    of: number
                )
                done(ticket(number, issued), waiting(position, at: number, room))
            case .admitted(let number, let expires):
                room.noteIssued(number, generation: answer.generation)
                done(ticket(number, issued), .admitted(pass: expires))
            case .known(let number, let issued):
                let held = ticket(number, issued)
                worker.store.stand(held.claim, room: room) { result in
                    guard case .success(let reply) = result else { return done(nil, .retry(afterMilliseconds: 2000)) }
                    room.remember(reply, of: number)
                    done(held, self.answer(reply, room))
                }
            case .closed: done(nil, .refused)
            case .full, .noRoom, .bypassed, .passed: done(nil, .retry(afterMilliseconds: 10_000))
            }
        }
    }

    private func waiting(_ position: Int, at place: Int, _ room: Room) -> FrontAnswer {
        let rate = room.policy.rateMilli
        let seconds = room.policy.mode == .paused || rate == 0 ? nil : position * 1000 / rate
        let hint = PollPacing.hintMilliseconds(
            etaSeconds: seconds,
            position: position,
            waiting: room.mirror.count,
            budgetPerSecond: pollBudgetPerSecond,
            policy: room.policy,
            jitter: world.random.fraction()
        )
        let isLate = place >= RankIndex.lateOffset
        return .waiting(position: position, pollAfterMilliseconds: hint, isDegraded: false, isLate: isLate)
    }

    private func answer(_ reply: StandingReply, _ room: Room) -> FrontAnswer {
        switch reply.standing {
        case .waiting: waiting(room.position(reply), at: reply.place, room)
        case .called: .ready
        case .entered(let expires): .admitted(pass: expires)
        case .retry(let after): .retry(afterMilliseconds: after)
        case .left, .expired, .fenced, .moved: .ended
        }
    }

    func status(_ ticket: HeldTicket, _ worker: WorkerRoom, _ done: @escaping (FrontAnswer) -> Void) {
        let room = worker.room
        let number = ticket.claim.number
        room.use(nowMilliseconds: worker.nowMilliseconds)
        if ticket.claim.generation == room.generation, let (place, position) = room.mirror.place(of: number) {
            room.markAlive(place)
            return done(waiting(position, at: place, room))
        }
        if let reply = room.rememberedStanding(number) { return standing(reply, number, room, done) }
        worker.store.stand(ticket.claim, room: room) { result in
            guard case .success(let reply) = result else { return done(.retry(afterMilliseconds: 2000)) }
            room.remember(reply, of: number)
            self.standing(reply, number, room, done)
        }
    }

    private func standing(_ reply: StandingReply, _ number: Int, _ room: Room, _ done: (FrontAnswer) -> Void) {
        switch reply.standing {
        case .waiting: room.markAlive(reply.place)
        case .called: room.markAlive(number)
        default: break
        }
        done(answer(reply, room))
    }

    func enter(_ ticket: HeldTicket, _ worker: WorkerRoom, _ done: @escaping (FrontAnswer) -> Void) {
        let room = worker.room
        if room.policy.mode != .bypass, ticket.claim.generation == room.generation,
            let place = room.mirror.place(of: ticket.claim.number)?.place
        {
            room.markAlive(place)
            return done(.retry(afterMilliseconds: 500))
        }
        worker.store.enter(ticket.claim, room: room) { result in
            guard case .success(let reply) = result else { return done(.retry(afterMilliseconds: 2000)) }
            switch reply.standing {
            case .entered: worker.room.noteGone(ticket.claim.number)
            // As in EnterHandler: not ready yet.
            case .waiting, .called: return done(.retry(afterMilliseconds: 500))
            default: break
            }
            done(self.answer(reply, worker.room))
        }
    }

    func leave(_ ticket: HeldTicket, _ worker: WorkerRoom, _ done: @escaping (FrontAnswer) -> Void) {
        worker.store.leave(ticket.claim, room: worker.room) { result in
            guard case .success = result else { return done(.retry(afterMilliseconds: 2000)) }
            worker.room.noteGone(ticket.claim.number)
            done(.ended)
        }
    }
}
