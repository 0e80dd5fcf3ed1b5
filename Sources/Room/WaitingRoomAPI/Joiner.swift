// SPDX-License-Identifier: Apache-2.0
//
// Who joins, where the site says so: the enqueue token in the body of a join, or in the cookie that the site has set.
// Each person has one place in the room. A room that requires a token refuses joins without one.

internal import Admission
internal import GatewayWire
internal import Passes
internal import StrictJSON

/// The person that a request to join comes from, as far as the room cares.
enum Joiner {
    /// No name is needed, and none was brought.
    case anybody
    /// The site vouches for a person.
    case named(JoinRequest.Key)
    case refused(Refusal)

    /// What is wrong with the token.
    enum Refusal {
        case missing
        case malformed
        /// Forged, for another room, or not in its time.
        case invalid

        var problem: Problem {
            switch self {
            case .missing: .enqueueTokenMissing
            case .malformed: .malformed("enqueue_token must be a string")
            case .invalid: .enqueueTokenInvalid
            }
        }
    }

    var refusal: Refusal? {
        if case .refused(let refusal) = self { refusal } else { nil }
    }

    /// The person's key for the store; nil for anybody.
    var person: JoinRequest.Key? {
        if case .named(let key) = self { key } else { nil }
    }
}

extension JoinChecks {
    /// Finds and verifies the enqueue token. A token in the body is meant, and must be good. A cookie comes by itself:
    /// an old one keeps nobody out of a room that needs none.
    /// - Parameter body: of a join; nil at the gate.
    func joiner(_ request: GatewayRequest, body: JSONValue? = nil) -> Joiner {
        let rule = room.rules.enqueue
        if rule == .off { return .anybody }
        if let sent = body?["enqueue_token"], sent != .null {
            guard let text = sent.stringValue else { return .refused(.malformed) }
            return named(by: Array(text.utf8))
        }
        if let cookie = enqueueCookie(request) {
            let joiner = named(by: cookie)
            if joiner.refusal != nil, rule == .optional { return .anybody }
            return joiner
        }
        return rule == .required ? .refused(.missing) : .anybody
    }

    private func named(by token: [UInt8]) -> Joiner {
        let verdict = api.keys.verifyEnqueue(token, room: room.id, nowSeconds: Int64(api.environment.wallSeconds))
        guard case .valid(let token) = verdict else { return .refused(.invalid) }
        // A hash bounds the length and keeps names out of Redis. It is no secret: a reader of Redis can try names.
        let key = JoinChecks.storeKey(of: token.subject.utf8, purpose: "vestibule person key")
        return .named(.person(key))
    }

    /// The cookie, unless it is empty: the site has taken it back.
    private func enqueueCookie(_ request: GatewayRequest) -> [UInt8]? {
        guard !request[.cookie].isEmpty else { return nil }
        let names = CookieNames(room: room.id, secure: request[.scheme].spells("https"))
        let values = CookieReader(request[.cookie]).values(named: [names.enqueue])
        return values.first { named(by: $0).refusal == nil } ?? values.first
    }
}
