// SPDX-License-Identifier: Apache-2.0
//
// GET /api/v1/queue/draw?event_id=: the record of a room's draw. Before the doors open it shows the commitment, after
// the draw everything that is needed to compute it again (`vestibule fairness verify`). Public, like the board.

internal import Admission
internal import GatewayWire
internal import Passes

struct DrawHandler {
    let api: APIContext

    func handle(_ request: GatewayRequest, _ respond: @escaping Call.Respond) {
        let call = Call(api, request, respond)
        guard let bytes = QueryString.value("event_id", in: request[.query]), isRoomIdentifier(bytes) else {
            return call.refuse(.malformed("event_id must be a room's name"))
        }
        guard let room = api.room(String(decoding: bytes, as: UTF8.self)) else { return call.refuse(.roomUnknown) }
        guard room.isKnown else { return call.refuse(.storeAway) }
        let draw = room.seen.last.draw
        guard draw.state != .none else { return call.refuse(.noDraw) }
        room.use(nowMilliseconds: api.now)
        var json = JSONWriter()
        json.member("state", "\(draw.state)")
        json.member("event_id", room.id)
        json.member("generation", room.generation)
        json.member("opens_at_ms", draw.state == .registering ? room.policy.opensMilliseconds : draw.openedMilliseconds)
        json.member("first", draw.first)
        json.member("commitment", draw.commitment)
        json.member("source", draw.source)
        if draw.state != .registering { json.member("registered", draw.registered) }
        if draw.state == .drawn {
            json.member("beacon", draw.beacon)
            json.member("seed", draw.seed)
            json.member("digest", room.draw.digest)
        }
        var response = GatewayResponse(status: 200, body: json.finish())
        response.addHeader("Cache-Control", "public, max-age=1, stale-while-revalidate=1")
        response.addHeader("Content-Disposition", "inline; filename=\"draw-\(room.id).json\"")
        if !room.web.origins.isEmpty { response.addHeader("Access-Control-Allow-Origin", "*") }
        respond(response)
    }
}
