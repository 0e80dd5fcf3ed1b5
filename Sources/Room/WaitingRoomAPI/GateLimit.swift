// SPDX-License-Identifier: Apache-2.0
//
// How often one address may come to the gate of a worker. nginx cannot count that: a request that it has counted here
// would not be counted any more by the limits of the site, to which the gate leads.

internal import Admission
internal import GatewayWire

enum GateLimit {
    /// 100 a second, and as many at once; each worker counts for itself.
    static let perSource = JoinLimit(joins: 100, periodMilliseconds: 1000)

    /// Counts a request. When its source makes too many: an answer that leads to nginx's own page for that (429), as
    /// HTML or JSON; nil else. An exempt client sends no address.
    static func refusal(_ request: GatewayRequest, _ api: APIContext) -> GatewayResponse? {
        guard let network = SourceNetwork.bits(request[.address]) else { return nil }
        var hasher = Hasher()
        hasher.combine("gate")
        hasher.combine(network)
        let wait = api.sourceMeter.take(source: hasher.finalize(), limit: perSource, nowMilliseconds: api.now)
        guard wait > 0 else { return nil }
        let accept = String(decoding: request[.accept].prefix(512), as: UTF8.self).lowercased()
        var response = GatewayResponse.bare(200)
        let place = accept.contains("text/html") ? "@vestibule_limited_html" : "@vestibule_limited"
        response.addHeader("X-Accel-Redirect", place)
        return response
    }
}
