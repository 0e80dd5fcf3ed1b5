// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes the whole API over the model, with any parameters and any body. Each request is answered once, at once, and
// with a well-formed answer. What a visitor sends is never in the answer unescaped, and every ticket and pass in it is
// genuine.

import Admission
import GatewayWire
import Passes
import Simulation
import StrictJSON
import WaitingRoomAPI

final class RequestTarget: FuzzTarget {
    private static let startMilliseconds = 1_768_000_000_000
    /// After this number of inputs the room is made anew, because the model remembers every join.
    private static let inputsPerRoom = 20_000

    private(set) var deepInputs = 0
    private var now = startMilliseconds
    private var count = 0
    private let keys: KeyRing
    private var api: WaitingRoomAPI?
    /// Tickets and passes that were given out.
    private var tokens: [[UInt8]] = []

    init(_ rings: Rings) { keys = rings.ours }

    private func fresh() -> WaitingRoomAPI {
        var policy = RoomPolicy.standard
        policy.rateMilli = 3000
        policy.burst = 3
        policy.capacity = 500
        var closed = policy
        closed.mode = .closed
        var bypass = policy
        bypass.mode = .bypass
        let bound = JoinRules(passBinding: [.network, .agent])
        let work = JoinRules(proofOfWork: ProofOfWork(bits: 8, bitsMax: 8))
        let rooms = [
            ("demo", policy, JoinRules.standard), ("other", policy, bound), ("closed", closed, .standard),
            ("bypass", bypass, .standard), ("named", policy, JoinRules(enqueue: .required)), ("work", policy, work),
        ]
        let api = WaitingRoomAPI(
            store: ModelStore(firstNumber: 1000) { [unowned self] in self.now },
            rooms: rooms.map { id, policy, rules in
                let room = Room(id: id, defaults: policy, rules: rules)
                if id == "demo" { room.settings.web.origins = [RequestTarget.app] }
                return room
            },
            keys: keys,
            environment: APIEnvironment(
                nowMilliseconds: { [unowned self] in self.now - RequestTarget.startMilliseconds + 1000 },
                wallMilliseconds: { [unowned self] in self.now },
                random: { 0.5 }
            )
        )
        tokens = []
        let person = EnqueueToken(
            room: "named",
            subject: "somebody",
            issuedAtSeconds: Int64(now / 1000),
            expiresAtSeconds: Int64(now / 1000) + EnqueueToken.lifetimeSecondsMax
        )
        if let person { tokens.append(keys.sign(person)) }
        return api
    }

    func run(_ chance: inout Chance) throws {
        if count % RequestTarget.inputsPerRoom == 0 { api = fresh() }
        count += 1
        guard let api else { return }
        now += chance.below(300)
        if chance.oneIn(8) { api.tickRooms(tickMilliseconds: 200) }
        if chance.oneIn(10), !tokens.isEmpty { try checkSpelling(api, &chance) }
        let plain = RequestShape.make(&chance, tokens: tokens)
        var request = GatewayRequest(reservingBytes: 512)
        for (name, value) in plain.parameters {
            name.withUnsafeBufferPointer { name in
                value.withUnsafeBufferPointer { _ = request.set(name, value: $0) }
            }
        }
        if !plain.body.isEmpty { request.appendBody(plain.body) }
        var answers: [GatewayResponse] = []
        api.handle(request) { answers.append($0) }
        func finding(_ text: String) -> Finding {
            let parameters = plain.parameters.map { "\($0.name.text)=\($0.value.text)" }.joined(separator: "\n")
            return Finding("\(text)\nparameters:\n\(parameters)\nbody: \(plain.body.text)")
        }
        guard answers.count == 1 else { throw finding("\(answers.count) answers") }
        var out = ByteWriter(capacity: 1024)
        answers[0].serialize(into: &out)
        do {
            let answer = try WireAnswer(out.array)
            try judge(answer, plain)
            if answer.status < 400 { deepInputs += 1 }
        } catch let broken as Finding {
            throw finding("\(broken.text)\nanswer: \(out.array.text)")
        }
    }

    /// A ticket means the same, percent-encoded or not, and wherever it stands in the query.
    private func checkSpelling(_ api: WaitingRoomAPI, _ chance: inout Chance) throws {
        let token = chance.pick(tokens)
        var bodies: [[UInt8]] = []
        for query in [
            Array("token=".utf8) + token, Array("x=1&&token&token=".utf8) + RequestShape.encoded(token, &chance),
        ] {
            var request = GatewayRequest(reservingBytes: 512)
            request.set(.method, "GET".utf8)
            request.set(.path, "/api/v1/queue/status".utf8)
            request.set(.query, query)
            api.handle(request) { bodies.append($0.body) }
        }
        guard bodies.count == 2, bodies[0] == bodies[1] else {
            throw Finding("spelt otherwise: \(bodies.map(\.text))", token)
        }
    }

    private func judge(_ answer: WireAnswer, _ plain: PlainRequest) throws {
        if answer.status == 500 { throw Finding("an error of the program") }
        for cookie in answer.values("Set-Cookie") {
            let value = cookie.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)[0]
            guard let mark = value.firstIndex(of: UInt8(ascii: "=")) else { throw Finding("a cookie without a name") }
            try take(Array(value[(mark + 1)...]))
        }
        for pass in answer.values("X-Vestibule-Pass") { try take(pass) }
        try judgeOrigin(answer, plain)
        guard answer.isJSON else {
            for word: StaticString in ["<zq", "\"zq", "'zq"] where answer.body.holds(word) {
                throw Finding("\(word) of the visitor is in the page")
            }
            return
        }
        let json: JSONValue
        do {
            json = try JSONValue(parsing: answer.body)
        } catch { throw Finding("the body is no JSON: \(error)") }
        for name in ["waiting_token", "pass", "reservation_token"] {
            if let token = json[name]?.stringValue { try take(Array(token.utf8)) }
        }
        guard let error = json["error"] else { return }
        let names = error.objectValue?.map(\.name) ?? []
        let trace = String(decoding: plain.value(.requestID).prefix(64), as: UTF8.self)
        // A challenge may come with it, for the next join to solve.
        if let challenge = error["challenge"]?.stringValue { keep(Array(challenge.utf8)) }
        guard names.prefix(3) == ["code", "message", "trace_id"],
            names.count == 3 || names.dropFirst(3) == ["challenge", "bits", "expires_ms"],
            error["trace_id"]?.stringValue == trace, answer.status >= 400
        else { throw Finding("an error of another shape") }
    }

    /// Only the listed origin reads answers, and no other site's page changes anything.
    private func judgeOrigin(_ answer: WireAnswer, _ plain: PlainRequest) throws {
        let origin = plain.value(.origin).text
        for allowed in answer.values("Access-Control-Allow-Origin") where allowed.text != "*" {
            guard allowed.text == RequestTarget.app, allowed.text == origin else {
                throw Finding("shared with \(origin)")
            }
        }
        let path = plain.value(.path).text
        let isChange = ["join", "enter", "leave"].contains { path == "/api/v1/queue/\($0)" }
        let isForeign = plain.value(.fetchSite).text == "cross-site" && origin != RequestTarget.app
        if isChange, isForeign, plain.value(.operation).isEmpty, answer.status < 400 {
            throw Finding("another site's page has changed something")
        }
    }

    /// The origin that room demo lists.
    private static let app = "https://app.example"

    /// A token in an answer must be ours, whole.
    private func take(_ token: [UInt8]) throws {
        if token.isEmpty { return }
        if case .valid = keys.verifyTicket(token) {
        } else {
            let isPass = ["demo", "other", "closed", "bypass", "named", "work"].contains { room in
                switch keys.verifyPass(token, room: room, nowSeconds: Int64(now / 1000)) {
                case .valid: true
                case .otherClient: room == "other"
                default: false
                }
            }
            guard isPass else { throw Finding("a token that is not genuine: \(token.text)") }
        }
        keep(token)
    }

    /// Shows it again with later requests; the first stays.
    private func keep(_ token: [UInt8]) {
        if tokens.count < 200 { tokens.append(token) } else { tokens[1 + count % 199] = token }
    }
}

/// An answer taken apart, strictly.
struct WireAnswer {
    var status = 0
    var headers: [(name: String, value: [UInt8])] = []
    var body: [UInt8] = []

    /// The headers a worker may send.
    private static let names: Set<String> = [
        "Status", "Content-Type", "Content-Length", "Cache-Control", "Retry-After", "Allow", "Set-Cookie", "Location",
        "X-Accel-Redirect", "X-Vestibule-Room", "X-Vestibule-Pass", "X-Vestibule-Number", "X-Vestibule-Verdict", "Vary",
        "Referrer-Policy",
        "Content-Security-Policy", "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials",
        "Access-Control-Expose-Headers", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers",
        "Access-Control-Max-Age",
    ]

    init(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while true {
            guard let end = rest.firstIndex(of: 13), end + 1 < rest.endIndex, rest[end + 1] == 10 else {
                throw Finding("the header has no end")
            }
            let line = rest[..<end]
            rest = rest[(end + 2)...]
            if line.isEmpty { break }
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), line[(colon + 1)...].first == 32,
                line.allSatisfy({ $0 >= 32 && $0 != 127 })
            else { throw Finding("not a header line: \(Array(line).text)") }
            let name = String(decoding: line[..<colon], as: UTF8.self)
            guard WireAnswer.names.contains(name) else { throw Finding("header \(name)") }
            headers.append((name, Array(line[(colon + 2)...])))
        }
        body = Array(rest)
        guard headers.first?.name == "Status", let code = Int(headers[0].value.prefix(3).map { $0 }.text) else {
            throw Finding("no status")
        }
        status = code
        for name in ["Status", "Content-Type", "Content-Length", "Cache-Control", "Location", "Retry-After"]
        where values(name).count > 1 { throw Finding("\(name) twice") }
        // 204 has neither body nor length (RFC 9110 section 15.3.5).
        guard values("Content-Length").first?.text == (status == 204 ? nil : "\(body.count)"),
            status != 204 || body.isEmpty
        else { throw Finding("another length") }
        for header in headers where header.value.holds("<zq") || header.value.holds("\"zq") {
            throw Finding("the visitor's text is in header \(header.name)")
        }
    }

    func values(_ name: String) -> [[UInt8]] { headers.filter { $0.name == name }.map(\.value) }

    var isJSON: Bool {
        ["application/json", "application/problem+json"].contains(values("Content-Type").first?.text ?? "")
    }
}
