// SPDX-License-Identifier: Apache-2.0
//
// What the handlers read of a room's parts, by short names.

public import Admission
internal import Passes

extension Room {
    public var defaults: RoomPolicy { settings.defaults }
    public var revision: Int { settings.revision }
    public var rules: JoinRules { settings.rules }
    public var outage: OutagePolicy { settings.outage }
    public var eta: EstimateSettings { settings.eta }
    public var web: WebRules { settings.web }

    /// The names of its cookies; `secure` when the visitor came over TLS.
    func cookieNames(secure: Bool) -> CookieNames {
        CookieNames(
            room: id,
            secure: secure,
            scope: CookieScope(domain: web.cookieDomain, isForOtherSites: web.isForOtherSites)
        )
    }

    /// Who waits, as of the last tick. Read in place: a poll must not pay for references to its arrays.
    public var mirror: RankIndex { _read { yield seen.waiting } }
    /// The limits in force as of the last tick.
    public var policy: RoomPolicy { seen.last.policy }
    public var generation: Int { seen.last.generation }
    public var incarnation: Int { seen.last.incarnation }
    public var next: Int { seen.next }
    /// `next` as of the last tick: the mirror says nothing about numbers from here on.
    public var mirroredNext: Int { seen.last.next }
    public var called: Int { seen.last.called }
    public var active: Int { seen.last.active }
    public var counters: RoomCounters { seen.last.counters }
    /// Redis time of the last tick, or of the news that named no change since; 0 before the first.
    public var asOfMilliseconds: Int {
        catchUp()
        return seen.last.nowMilliseconds
    }
    /// Whether the mirror holds anything yet.
    public var isKnown: Bool { seen.isKnown }

    /// Redis time now, as well as this worker can tell.
    public func redisMilliseconds(nowMilliseconds: Int) -> Int {
        catchUp()
        return seen.redisMilliseconds(nowMilliseconds: nowMilliseconds)
    }
}
