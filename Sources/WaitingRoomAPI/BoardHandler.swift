// SPDX-License-Identifier: Apache-2.0
//
// GET /api/v1/queue/board: one public document a room, the same for everybody, from which a client computes its own
// position. Cacheable for a second.

internal import Admission
internal import GatewayWire
internal import Passes
internal import Telemetry

extension WaitingRoomAPI {
    /// Rank samples on a board. Between two of them a client interpolates.
    static let boardSamples = 64

    func board(_ request: GatewayRequest, _ respond: @escaping Respond) {
        let facts = RequestFacts(request)
        guard let bytes = QueryString.value("event_id", in: request[.query]), isRoomIdentifier(bytes) else {
            return refuse(.malformed("event_id must be a room's name"), facts, respond)
        }
        guard let room = room(String(decoding: bytes, as: UTF8.self)) else {
            return refuse(.roomUnknown, facts, respond)
        }
        guard room.isKnown else { return refuse(.storeAway, facts, respond) }
        count(.boards)
        let now = environment.nowMilliseconds()
        room.use(nowMilliseconds: now)
        var json = JSONWriter()
        json.member("event_id", room.id)
        json.member("generation", room.generation)
        json.member("as_of_ms", room.asOfMilliseconds)
        json.member("mode", room.policy.mode.name)
        json.member("next", room.next)
        json.member("waiting", room.mirror.count)
        json.member("called", room.called)
        // Pairs [number, people ahead of it], ascending; the first is the front of the queue.
        json.member("samples", pairs: room.mirror.samples(WaitingRoomAPI.boardSamples))
        json.member("rate", scaled: Int((room.rates.perSecond * 1000).rounded()), digits: 3)
        json.member("rate_limit", scaled: room.policy.rateMilli, digits: 3)
        json.member(
            "degraded",
            room.isStale(nowMilliseconds: now, limitMilliseconds: environment.staleMilliseconds)
        )
        var response = GatewayResponse(status: 200, body: json.finish())
        response.addHeader("Cache-Control", "public, max-age=1")
        respond(response)
    }
}
