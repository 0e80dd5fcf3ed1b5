// SPDX-License-Identifier: Apache-2.0
//
// How often one address may come to the gate of a worker. nginx cannot count that: a request that it has counted here
// would not be counted any more by the limits of the site, to which the gate leads. The rate and the burst are those of
// nginx.limit and nginx.limit_burst, and each worker counts for itself.

internal import Admission
internal import GatewayWire

enum GateLimit {
    /// Counts a request, and says whether its source makes too many. An exempt client sends no address.
    static func isExceeded(by request: GatewayRequest, _ api: APIContext) -> Bool {
        guard let network = SourceNetwork.bits(request[.address]) else { return false }
        var hasher = Hasher()
        hasher.combine("gate")
        hasher.combine(network)
        return api.sourceMeter.take(source: hasher.finalize(), limit: api.gateLimit, nowMilliseconds: api.now) > 0
    }

    /// For a request of a source that makes too many: an answer that leads to nginx's own page for that (429), as HTML
    /// or JSON; nil else.
    static func refusal(_ request: GatewayRequest, _ api: APIContext) -> GatewayResponse? {
        guard isExceeded(by: request, api) else { return nil }
        var response = GatewayResponse.bare(200)
        let prefersHTML = AcceptHeader(request[.accept]).prefersHTML
        response.addHeader("X-Accel-Redirect", prefersHTML ? "@vestibule_limited_html" : "@vestibule_limited")
        return response
    }
}
