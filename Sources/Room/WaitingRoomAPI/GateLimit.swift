// SPDX-License-Identifier: Apache-2.0
//
// How often one address may come to the gate of a worker. nginx cannot count that: a request that it has counted here
// would not be counted any more by the limits of the site, to which the gate leads.

internal import Admission
internal import GatewayWire

enum GateLimit {
    /// 100 a second, and as many at once; each worker counts for itself.
    static let perSource = JoinLimit(joins: 100, periodMilliseconds: 1000)

    /// Counts a request. Says why it is refused, when its source makes too many; an exempt client sends no address.
    static func problem(_ request: GatewayRequest, _ api: APIContext) -> Problem? {
        guard let network = SourceNetwork.bits(request[.address]) else { return nil }
        var hasher = Hasher()
        hasher.combine("gate")
        hasher.combine(network)
        let wait = api.sourceMeter.take(source: hasher.finalize(), limit: perSource, nowMilliseconds: api.now)
        return wait > 0 ? .rateLimited(afterMilliseconds: wait) : nil
    }
}
