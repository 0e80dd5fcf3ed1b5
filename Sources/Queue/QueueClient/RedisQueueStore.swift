// SPDX-License-Identifier: Apache-2.0
//
// The queue store over Redis: one script call for all joins, and one for all other transitions, that arrived while the
// one before was under way. A room that Redis does not know, or knows less of than this worker, is restored from the
// worker's memory and the call is made again.

public import Admission

public final class RedisQueueStore: QueueStore {
    /// Joins in one script call, about 2 us each in Redis.
    static let joinsPerCallMax = 512
    /// Visitors in one call about their standing; one who waits may cost a few bit counts.
    static let visitsPerCallMax = 128
    /// Joins, or visits, that wait for the call under way; more are refused, the visitor may repeat them.
    static let gatheredMax = 32_768

    private struct Join {
        let request: JoinRequest
        let completion: Completion<JoinAnswer>
    }

    private struct Visit {
        let action: VisitAction
        let claim: TicketClaim
        let completion: Completion<StandingReply>
    }

    /// What is gathered for one room.
    private final class Lane {
        let room: any RoomMemoryKeeper
        var joins = GroupCommit<Join>()
        var visits = GroupCommit<Visit>()

        init(room: any RoomMemoryKeeper) { self.room = room }
    }

    private let link: any RedisLink
    private let caller: ScriptCaller
    private var lanes: [ObjectIdentifier: Lane] = [:]
    /// The lanes in which something waits to be sent: a turn of the loop looks at no other.
    private var gathered: [Lane] = []

    public init(link: any RedisLink, scripts: ScriptCatalog) {
        self.link = link
        self.caller = ScriptCaller(link: link, scripts: scripts)
    }

    /// Takes one line for an operator when Redis begins to refuse calls: what it said, and what to do.
    public var complain: (String) -> Void {
        get { caller.complain }
        set { caller.complain = newValue }
    }

    public var refusal: String? { caller.refusal }

    /// Sends what was gathered and may go, and writes everything to Redis. Call it at the end of each loop turn.
    public func flush() {
        for lane in gathered {
            while let batch = lane.joins.take(RedisQueueStore.joinsPerCallMax) { send(batch, lane) }
            while let batch = lane.visits.take(RedisQueueStore.visitsPerCallMax) { send(batch, lane) }
        }
        gathered.removeAll { $0.joins.count + $0.visits.count == 0 }
        link.flush()
    }

    // MARK: - QueueStore

    public func join(
        _ request: JoinRequest,
        room: any RoomMemoryKeeper,
        _ completion: @escaping Completion<JoinAnswer>
    ) {
        let lane = lane(of: room)
        if let refusal = refusal(room, lane.joins.count) { return completion(.failure(refusal)) }
        if lane.joins.count + lane.visits.count == 0 { gathered.append(lane) }
        lane.joins.add(Join(request: request, completion: completion))
    }

    public func visit(
        _ action: VisitAction,
        _ claim: TicketClaim,
        room: any RoomMemoryKeeper,
        _ completion: @escaping Completion<StandingReply>
    ) {
        let lane = lane(of: room)
        if let refusal = refusal(room, lane.visits.count) { return completion(.failure(refusal)) }
        if lane.joins.count + lane.visits.count == 0 { gathered.append(lane) }
        lane.visits.add(Visit(action: action, claim: claim, completion: completion))
    }

    public func tick(
        _ request: TickRequest,
        room: any RoomMemoryKeeper,
        _ completion: @escaping Completion<TickReply>
    ) {
        // Made again after a restore: the room then knows another incarnation.
        let arguments = {
            RedisArgument.words(TickArgument.self) { argument in
                switch argument {
                case .knownGeneration: request.generation
                case .knownVersion: request.version
                case .knownNext: room.next
                case .knownEntered: request.entered
                case .flowSecond: request.flowSecond
                case .tickMs: request.tickMilliseconds
                case .knownIncarnation: room.incarnation
                case .heartbeatEpoch: request.heartbeatEpoch
                }
            }
                + request.heartbeats.flatMap { [RedisArgument($0.chunk), RedisArgument($0.bitmap)] }
        }
        caller.call(.tick, room: room, arguments) { completion(RedisQueueStore.decode($0, ReplyDecoder.tick)) }
    }

    public func draw(
        _ action: DrawAction,
        room: any RoomMemoryKeeper,
        _ completion: @escaping Completion<DrawReply>
    ) {
        caller.call(.draw, room: room, { DrawCall.words(of: action) }) {
            completion(RedisQueueStore.decode($0, ReplyDecoder.draw))
        }
    }

    public var hasNews: Bool { caller.hasIndex }

    public func news(since mark: Int, _ completion: @escaping Completion<RoomNews>) {
        caller.news(since: mark) { completion(RedisQueueStore.decode($0, ReplyDecoder.news)) }
    }

    // MARK: - Steps

    private func lane(of room: any RoomMemoryKeeper) -> Lane {
        // A lane holds its room, so no other object gets this identity.
        let key = ObjectIdentifier(room)
        if let found = lanes[key] { return found }
        let lane = Lane(room: room)
        lanes[key] = lane
        return lane
    }

    /// Why nothing more is gathered now; nil when it is.
    private func refusal(_ room: any RoomMemoryKeeper, _ gathered: Int) -> StoreFailure? {
        guard link.isReady(room: room.id) else { return .unavailable(link.lastErrorText) }
        return gathered < RedisQueueStore.gatheredMax ? nil : .unavailable("too many calls wait for Redis")
    }

    private func send(_ batch: [Join], _ lane: Lane) {
        let room = lane.room
        let arguments = {
            RedisArgument.words(JoinArgument.self) { argument in
                switch argument {
                case .knownGeneration: room.generation
                case .knownNext: room.next
                case .knownIncarnation: room.incarnation
                }
            }
                + batch.flatMap { RedisQueueStore.words(of: $0.request) }
        }
        caller.call(.join, room: room, arguments) { result in
            lane.joins.answered()
            switch RedisQueueStore.decode(result, { ReplyDecoder.join($0, count: batch.count) }) {
            case .success(let reply):
                for (join, answer) in zip(batch, reply.answers) {
                    room.noteEntry(answer)
                    join.completion(.success(answer))
                }
            case .failure(let failure):
                for join in batch { join.completion(.failure(failure)) }
            }
        }
    }

    private func send(_ batch: [Visit], _ lane: Lane) {
        let arguments = batch.flatMap { RedisQueueStore.words(of: $0.claim, $0.action) }
        caller.call(.visit, room: lane.room, { arguments }) { result in
            lane.visits.answered()
            switch RedisQueueStore.decode(result, { ReplyDecoder.visits($0, count: batch.count) }) {
            case .success(let replies):
                for (visit, reply) in zip(batch, replies) {
                    lane.room.noteEntry(reply, of: visit.claim.number, visit.action)
                    // For as long as a tick: then the worker knows the new places.
                    let isMoved = reply.standing == .moved
                    visit.completion(
                        isMoved ? .failure(.unavailable("the places were drawn just now")) : .success(reply)
                    )
                }
            case .failure(let failure):
                for visit in batch { visit.completion(.failure(failure)) }
            }
        }
    }

    private static func words(of request: JoinRequest) -> [RedisArgument] {
        JoinItem.allCases.map { word in
            switch word {
            case .kind: RedisArgument(request.scriptKind.rawValue)
            case .key: RedisArgument(request.scriptKey)
            }
        }
    }

    private static func words(of claim: TicketClaim, _ action: VisitAction) -> [RedisArgument] {
        VisitItem.allCases.map { word in
            switch word {
            case .action: RedisArgument(action.rawValue)
            case .generation: RedisArgument(claim.generation)
            case .number: RedisArgument(claim.number)
            case .issuedMs: RedisArgument(claim.issuedMilliseconds)
            }
        }
    }

    private static func decode<Value>(
        _ result: Result<RedisReply, StoreFailure>,
        _ decoder: (RedisReply) -> Value?
    ) -> Result<Value, StoreFailure> {
        result.flatMap { reply in
            decoder(reply).map { .success($0) } ?? .failure(.refused("a script answered out of shape: \(reply)"))
        }
    }
}
