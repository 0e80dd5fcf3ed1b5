// SPDX-License-Identifier: Apache-2.0
//
// The protocol through which simulated visitors talk to a worker. APIFront implements it with real requests and
// tickets, StoreFront with the layer below HTTP. A request is answered at most once; not at all when its worker
// dies meanwhile.

internal import Admission

/// A ticket in a visitor's hands; `bytes` only where the API signs one.
struct HeldTicket {
    var claim: TicketClaim
    var bytes: [UInt8] = []
}

/// The answer to a visitor.
enum FrontAnswer: Equatable {
    /// `isLate`: behind everybody, after two lapsed calls.
    case waiting(position: Int, pollAfterMilliseconds: Int, isDegraded: Bool, isLate: Bool)
    case ready
    /// `pass` names what was given: the same entry always gives the same pass.
    case admitted(pass: Int)
    /// Left, expired or fenced: the place has ended.
    case ended
    /// Not now: ask again.
    case retry(afterMilliseconds: Int)
    /// The room takes no joins.
    case refused
}

protocol Front {
    func join(
        key: String?,
        _ worker: WorkerRoom,
        _ completion: @escaping (HeldTicket?, FrontAnswer) -> Void
    )
    func status(_ ticket: HeldTicket, _ worker: WorkerRoom, _ completion: @escaping (FrontAnswer) -> Void)
    func enter(_ ticket: HeldTicket, _ worker: WorkerRoom, _ completion: @escaping (FrontAnswer) -> Void)
    func leave(_ ticket: HeldTicket, _ worker: WorkerRoom, _ completion: @escaping (FrontAnswer) -> Void)
}
