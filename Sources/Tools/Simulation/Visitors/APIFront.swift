// SPDX-License-Identifier: Apache-2.0
//
// Simulated visitors as HTTP clients. Requests are built as nginx hands them over, tickets and passes are verified, and
// answers are read from JSON. It uses the product's API, and knows of a room only what the API answers.

internal import Admission
internal import GatewayWire
internal import Passes
internal import StrictJSON
internal import WaitingRoomAPI

struct APIFront: Front {
    let keys: KeyRing
    let world: World
    let room: String

    private func request(_ method: String, _ name: String) -> GatewayRequest {
        var request = GatewayRequest(reservingBytes: 512)
        request.set(.method, method.utf8)
        request.set(.path, "/api/v1/queue/\(name)".utf8)
        return request
    }

    private func send(
        _ request: GatewayRequest,
        _ worker: WorkerRoom,
        _ completion: @escaping (Int, JSONValue) -> Void
    ) {
        worker.api.handle(request) { response in
            completion(response.status, (try? JSONValue(parsing: response.body)) ?? .null)
        }
    }

    func join(key: String?, _ worker: WorkerRoom, _ done: @escaping (HeldTicket?, FrontAnswer) -> Void) {
        var request = request("POST", "join")
        if let key { request.set(.idempotencyKey, key.utf8) }
        request.appendBody("{\"event_id\":\"\(room)\"}".utf8)
        send(request, worker) { status, body in
            guard status == 200 || status == 202, let text = body["waiting_token"]?.stringValue else {
                return done(nil, refusal(status, body))
            }
            guard case .valid(let ticket) = keys.verifyTicket(Array(text.utf8)) else { return done(nil, .ended) }
            let claim = TicketClaim(
                generation: Int(ticket.generation),
                number: Int(ticket.number),
                issuedMilliseconds: Int(ticket.issuedMilliseconds)
            )
            done(HeldTicket(claim: claim, bytes: Array(text.utf8)), reading(body))
        }
    }

    func status(_ ticket: HeldTicket, _ worker: WorkerRoom, _ done: @escaping (FrontAnswer) -> Void) {
        var request = request("GET", "status")
        request.set(.query, "token=".utf8 + ticket.bytes)
        send(request, worker) { status, body in done(status == 200 ? reading(body) : refusal(status, body)) }
    }

    func enter(_ ticket: HeldTicket, _ worker: WorkerRoom, _ done: @escaping (FrontAnswer) -> Void) {
        var request = request("POST", "enter")
        request.set(.authorization, "Bearer ".utf8 + ticket.bytes)
        send(request, worker) { status, body in done(status == 200 ? reading(body) : refusal(status, body)) }
    }

    func leave(_ ticket: HeldTicket, _ worker: WorkerRoom, _ done: @escaping (FrontAnswer) -> Void) {
        var request = request("DELETE", "leave")
        request.set(.query, "token=".utf8 + ticket.bytes)
        send(request, worker) { status, body in done(status == 200 ? .ended : refusal(status, body)) }
    }

    private func reading(_ body: JSONValue) -> FrontAnswer {
        if let pass = body["pass"]?.stringValue { return .admitted(pass: verified(pass)) }
        switch body["status"]?.stringValue {
        case "ready": return .ready
        // A poll that finds the visitor inside: the pass comes with a repeated enter.
        case "admitted": return .ready
        case "waiting", "paused":
            return .waiting(
                position: body["position"]?.integerValue.map { Int($0) } ?? -1,
                pollAfterMilliseconds: body["poll_after_ms"]?.integerValue.map { Int($0) } ?? 1000,
                isDegraded: body["degraded"]?.boolValue ?? false,
                isLate: body["late"]?.boolValue ?? false
            )
        default: return .ended
        }
    }

    /// A number that stands for a pass; 0 for a pass that does not verify.
    private func verified(_ pass: String) -> Int {
        let bytes = Array(pass.utf8)
        let seconds = Int64(world.wall / 1000)
        guard case .valid = keys.verifyPass(bytes, room: room, nowSeconds: seconds) else { return 0 }
        let hash = bytes.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return Int(truncatingIfNeeded: hash)
    }

    private func refusal(_ status: Int, _ body: JSONValue) -> FrontAnswer {
        let wait = body["poll_after_ms"]?.integerValue.map { Int($0) }
        switch status {
        case 409, 410: return .ended
        case 403 where body["error"]?["code"]?.stringValue == "ROOM_CLOSED": return .refused
        default: return .retry(afterMilliseconds: wait ?? 1000)
        }
    }
}
