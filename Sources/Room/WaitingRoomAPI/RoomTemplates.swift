// SPDX-License-Identifier: Apache-2.0
//
// Rooms that are made at their first join: a template says how all rooms are whose names begin in one way. Names come
// from strangers, so a template has a bounded number of rooms, a source makes few at a time, and what may not join a
// room does not make it either.

internal import Admission
internal import GatewayWire
internal import Passes
internal import StrictJSON

/// Rooms that are made when somebody first joins them: `"evt_*"` in the configuration.
public struct RoomTemplate {
    /// What the names of its rooms begin with.
    public var prefix: String
    /// How its rooms are.
    public var settings: RoomSettings
    /// Rooms of it at a time, over all workers and hosts.
    public var roomsMax: Int

    public init(prefix: String, settings: RoomSettings, roomsMax: Int) {
        (self.prefix, self.settings, self.roomsMax) = (prefix, settings, roomsMax)
    }
}

/// What became of a room that a join needs.
public enum RoomMaking: Sendable {
    /// It is one of the worker's rooms now.
    case made
    /// The template has as many rooms as it may have.
    case full
    /// The store cannot say just now.
    case unavailable
}

extension APIContext {
    /// Rooms that one source may make at a worker: 200 at once, and that many a minute.
    static let roomsPerSource = JoinLimit(joins: 200, periodMilliseconds: 60_000)

    /// The template with the longest beginning of a name; nil when there is none.
    func template(of id: String) -> RoomTemplate? {
        isRoomIdentifier(id) ? templates.first { id.hasPrefix($0.prefix) } : nil
    }

    /// The room of a join. It is made where a template says so, unless the request may not join it.
    /// - Parameter body: of a join; nil at the gate.
    func withRoom(
        _ id: String,
        for request: GatewayRequest,
        _ body: JSONValue?,
        _ then: @escaping (Result<Room, Problem>) -> Void
    ) {
        if let room = room(id), !room.settings.isEnding { return then(.success(room)) }
        guard let template = template(of: id) else { return then(.failure(.roomUnknown)) }
        if let problem = refusal(of: template, id, request, body) { return then(.failure(problem)) }
        environment.makeRoom(id, template) { [self] made in
            switch made {
            case .made: then(room(id).map { .success($0) } ?? .failure(.storeAway))
            case .full: then(.failure(.roomsFull))
            case .unavailable: then(.failure(.storeAway))
            }
        }
    }

    /// Why a request does not make a room that it would join.
    private func refusal(
        of template: RoomTemplate,
        _ id: String,
        _ request: GatewayRequest,
        _ body: JSONValue?
    ) -> Problem? {
        if request.isForeign(to: template.settings.web) { return .crossSite }
        let checks = JoinChecks(api: self, room: Room(id: id, settings: template.settings))
        if let refusal = checks.joiner(request, body: body).refusal { return refusal.problem }
        guard let network = SourceNetwork.bits(request[.address]) else { return nil }
        var hasher = Hasher()
        hasher.combine(template.prefix)
        hasher.combine("rooms")
        hasher.combine(network)
        let wait = sourceMeter.take(source: hasher.finalize(), limit: APIContext.roomsPerSource, nowMilliseconds: now)
        return wait == 0 ? nil : .rateLimited(afterMilliseconds: wait)
    }

    /// Whether a page of the request's origin may read answers of this API.
    func listsOrigin(of request: GatewayRequest) -> Bool {
        templates.contains { request.hasListedOrigin($0.settings.web) }
            || rooms.contains { request.hasListedOrigin($0.web) }
    }
}
