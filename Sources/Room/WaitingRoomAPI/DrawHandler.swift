// SPDX-License-Identifier: Apache-2.0
//
// GET /api/v1/queue/draw?event_id=: the record of a room's draw. Before the doors open it shows the commitment, after
// the draw everything that is needed to compute it again (`vestibule fairness verify`). Public, like the board.

internal import Admission
internal import GatewayWire

struct DrawHandler {
    let api: APIContext

    func handle(_ request: GatewayRequest, _ respond: @escaping Call.Respond) {
        do throws(Problem) {
            respond(try record(try api.roomInQuery(request)))
        } catch {
            Call(api, request, respond).refuse(error)
        }
    }

    private func record(_ room: Room) throws(Problem) -> GatewayResponse {
        let draw = room.seen.last.draw
        guard draw.state != .none else { throw .noDraw }
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
        var response = GatewayResponse.forEverybody(json.finish(), room)
        response.addHeader("Content-Disposition", "inline; filename=\"draw-\(room.id).json\"")
        return response
    }
}
