// SPDX-License-Identifier: Apache-2.0
//
// What the answers have in common that are the same for everybody: the board, and the record of a draw.

internal import Admission
internal import GatewayWire
internal import Passes

extension APIContext {
    /// The room that `event_id` of the query names, once it is known what it holds.
    func roomInQuery(_ request: GatewayRequest) throws(Problem) -> Room {
        guard let bytes = QueryString.value("event_id", in: request[.query]), isRoomIdentifier(bytes) else {
            throw .malformed("event_id must be a room's name")
        }
        guard let room = room(String(decoding: bytes, as: UTF8.self)) else { throw .roomUnknown }
        guard room.isKnown else { throw .storeAway }
        return room
    }
}

extension GatewayResponse {
    /// An answer for everybody. A cache may give the last one while it fetches the next, but not one from before a
    /// quiet time.
    static func forEverybody(_ json: [UInt8], _ room: Room) -> GatewayResponse {
        var response = GatewayResponse(status: 200, body: json)
        response.addHeader("Cache-Control", "public, max-age=1, stale-while-revalidate=1")
        if !room.web.origins.isEmpty { response.addHeader("Access-Control-Allow-Origin", "*") }
        return response
    }
}
