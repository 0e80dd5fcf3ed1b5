// SPDX-License-Identifier: Apache-2.0
//
// A queue store in memory for tests: the client that ships, over a link that answers at once from the model. It uses
// Admission and QueueClient, and passes the same conformance suite as the client over Redis. Its time is `clock`.

public import Admission
internal import QueueClient

public final class ModelStore: QueueStore {
    private final class InstantLink: SteadyLink {
        let server: ModelServer
        var failure: StoreFailure?
        var onReadyChange: ((Bool) -> Void)?

        init(_ server: ModelServer) { self.server = server }

        func send(_ arguments: [RedisArgument], room: String, _ completion: @escaping RedisCompletion) {
            switch failure {
            case nil: completion(.success(server.answer(arguments, room: room)))
            case .unavailable(let text): completion(.failure(.unavailable(text)))
            case .refused(let text): completion(.success(.error(text)))
            }
        }
    }

    private let link: InstantLink
    private let client: RedisQueueStore
    private var server: ModelServer { link.server }
    /// When set, every call fails with it: the store is away, or refuses.
    public var failure: StoreFailure? {
        get { link.failure }
        set { link.failure = newValue }
    }

    /// - Parameters:
    ///   - firstNumber: what the first joiner of a room gets; nil takes it from the clock, as restore.lua does.
    ///   - caps: of the calls on each room.
    ///   - clock: milliseconds, as Redis TIME would give them.
    public init(firstNumber: Int? = 1, caps: QueueCaps = QueueCaps(), clock: @escaping () -> Int) {
        link = InstantLink(ModelServer(firstNumber: firstNumber, clock: clock))
        link.server.caps = caps
        client = RedisQueueStore(link: link, scripts: ModelServer.scripts)
    }

    /// The model behind a room, once it was used.
    public func model(of room: any RoomMemoryKeeper) -> QueueModel? { server.room(room.id) as? QueueModel }

    private func make(_ room: any RoomMemoryKeeper) {
        guard server.room(room.id) == nil else { return }
        room.noteRestored(server.restore(room.memory, room.id, defaults: room.defaults))
    }

    /// Changes a room's limits, as `vestibule room set` does.
    public func configure(_ room: any RoomMemoryKeeper, _ policy: RoomPolicy) {
        make(room)
        try? server.configure(policy, room.id)
    }

    /// Ends the room's generation, as `vestibule room reset` does.
    public func reset(_ room: any RoomMemoryKeeper) {
        make(room)
        _ = try? server.reset(room.id)
    }

    /// Loses everything, as by FLUSHALL.
    public func loseEverything() { server.loseEverything() }

    /// Loses the index of rooms alone.
    public func loseIndex() { server.loseIndex() }

    public func snapshot() -> ModelServer.Snapshot { server.snapshot() }

    /// Goes back to an older state, as by a failover to a replica that lags.
    public func goBack(to snapshot: ModelServer.Snapshot) { server.goBack(to: snapshot) }

    // MARK: - QueueStore: each call is a turn of the loop

    public func join(
        _ request: JoinRequest,
        room: any RoomMemoryKeeper,
        _ completion: @escaping Completion<JoinAnswer>
    ) {
        client.join(request, room: room, completion)
        client.flush()
    }

    public func visit(
        _ action: VisitAction,
        _ claim: TicketClaim,
        room: any RoomMemoryKeeper,
        _ completion: @escaping Completion<StandingReply>
    ) {
        client.visit(action, claim, room: room, completion)
        client.flush()
    }

    public func tick(
        _ request: TickRequest,
        room: any RoomMemoryKeeper,
        _ completion: @escaping Completion<TickReply>
    ) {
        client.tick(request, room: room, completion)
    }

    public func draw(
        _ action: DrawAction,
        room: any RoomMemoryKeeper,
        _ completion: @escaping Completion<DrawReply>
    ) {
        client.draw(action, room: room, completion)
    }

    /// Sets the message to visitors, as `vestibule room message` does.
    public func setNotice(_ text: String, _ room: any RoomMemoryKeeper) {
        make(room)
        server.setNotice(text, room.id)
    }

    public var hasNews: Bool { client.hasNews }

    public func news(since mark: Int, _ completion: @escaping Completion<RoomNews>) {
        client.news(since: mark, completion)
    }
}
