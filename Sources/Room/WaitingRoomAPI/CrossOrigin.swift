// SPDX-License-Identifier: Apache-2.0
//
// Pages of other sites. None of them can make a visitor's browser take, enter or leave a place; and only pages of the
// origins that a room lists may read an answer (the CORS protocol of the Fetch standard).

internal import Admission
internal import GatewayWire

extension GatewayRequest {
    /// Whether a page of another site has made the browser send this. A client that is no browser says nothing of it.
    var isCrossSite: Bool {
        let site = self[.fetchSite]
        if !site.isEmpty { return site.spells("cross-site") }
        let origin = self[.origin]
        return !origin.isEmpty && !isOwn(origin)
    }

    /// Whether the request comes from a page of one of the room's origins.
    func hasListedOrigin(_ web: WebRules) -> Bool {
        guard !web.origins.isEmpty, !self[.origin].isEmpty else { return false }
        return web.origins.contains(String(decoding: self[.origin], as: UTF8.self))
    }

    /// Whether it is not for the page that has sent this to say what becomes of a place in the room.
    func isForeign(to web: WebRules) -> Bool { isCrossSite && !hasListedOrigin(web) }

    /// Whether the request was sent to the origin's own host. Its scheme is not compared: TLS may end before nginx.
    private func isOwn(_ origin: ArraySlice<UInt8>) -> Bool {
        let text = String(decoding: origin, as: UTF8.self)
        guard let scheme = text.firstRange(of: "://"), !self[.host].isEmpty else { return false }
        return text[scheme.upperBound...].lowercased() == String(decoding: self[.host], as: UTF8.self).lowercased()
    }
}

enum CrossOrigin {
    /// How to answer a request so that the page which sent it may read the answer, where its origin is listed.
    static func sharing(
        _ request: GatewayRequest,
        _ api: APIContext,
        _ respond: @escaping Call.Respond
    ) -> Call.Respond {
        guard !request[.origin].isEmpty, api.listsOrigin(of: request) else {
            return respond
        }
        let origin = Array(request[.origin])
        return { response in
            // A cache keeps the board for everybody: it is shared with all origins.
            guard response.isUncacheable else { return respond(response) }
            var shared = response
            shared.addHeader("Access-Control-Allow-Origin", origin)
            shared.addHeader("Access-Control-Allow-Credentials", "true")
            shared.addHeader("Access-Control-Expose-Headers", "Retry-After")
            shared.addHeader("Vary", "Origin")
            respond(shared)
        }
    }

    /// What a page of a listed origin may send; see ``sharing(_:_:_:)`` for the rest of the answer.
    static func preflight(methods: String) -> GatewayResponse {
        var response = GatewayResponse.bare(204)
        response.addHeader("Access-Control-Allow-Methods", methods)
        response.addHeader("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key, X-Trace-Id")
        response.addHeader("Access-Control-Max-Age", "600")
        return response
    }
}
