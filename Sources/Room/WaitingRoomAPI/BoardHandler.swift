// SPDX-License-Identifier: Apache-2.0
//
// GET /api/v1/queue/board: one public document per room, the same for everybody, from which a client computes its own
// position and wait without asking a worker. Cacheable for a second.

internal import Admission
internal import GatewayWire
internal import Telemetry

struct BoardHandler {
    let api: APIContext

    /// Most rank samples on a board: 4 KB of them. With 10 to 60 % of the numbers gone, by chance or in blocks of any
    /// size, 0.5 % needs at most about 200 (BoardErrorTests), and mostly fewer than 256 are enough for half of it.
    static let boardSamplesMax = 256

    /// How a client reads a board:
    /// - `generation` differs from the ticket's, or `degraded`: ask `status`.
    /// - position: interpolate the own `number` in `samples` as `RankSamples` says, and add one. The error is below
    ///   `error_places` or `error_percent` of the position, whichever is larger.
    /// - wait: interpolate that position in `eta_samples`, pairs of position and seconds. Empty while paused.
    /// - again after `poll_after_ms`, spread by chance. Only `status` is a heartbeat: poll it as often as it asks.
    /// - at a position of at most `max(100, burst)` and two minutes of `rate_limit`, ask `status` only: it alone calls.
    func handle(_ request: GatewayRequest, _ respond: @escaping Call.Respond) {
        do throws(Problem) {
            respond(board(try api.roomInQuery(request)))
        } catch {
            Call(api, request, respond).refuse(error)
        }
    }

    private func board(_ room: Room) -> GatewayResponse {
        api.count(.boards)
        room.use(nowMilliseconds: api.now)
        var json = JSONWriter()
        json.member("event_id", room.id)
        json.member("generation", room.generation)
        json.member("as_of_ms", room.asOfMilliseconds)
        json.member("mode", room.policy.mode.name)
        if room.opensLater { json.member("opens_at_ms", room.policy.opensMilliseconds) }
        if !room.seen.last.notice.isEmpty { json.member("notice", room.seen.last.notice) }
        json.member("next", room.next)
        // Those who missed two calls wait behind everybody, and ask `status` only.
        json.member("waiting", room.mirror.punctualCount)
        json.member("called", room.called)
        let samples = room.mirror.samples(atMost: BoardHandler.boardSamplesMax)
        // Pairs [number, people ahead of it], ascending; the first is the front of the queue.
        json.member("samples", pairs: samples.points.map { ($0.number, $0.ahead) })
        json.member("error_places", samples.errorPlaces)
        json.member("error_percent", scaled: Int((samples.errorShare * 10_000).rounded()), digits: 2)
        json.member("eta_samples", pairs: waits(room))
        json.member("rate", scaled: Int((room.rates.perSecond * 1000).rounded()), digits: 3)
        json.member("rate_limit", scaled: room.policy.rateMilli, digits: 3)
        json.member("burst", room.policy.burst)
        json.member(
            "poll_after_ms",
            PollPacing.boardMilliseconds(
                waiting: room.mirror.count,
                budgetPerSecond: room.policy.pollBudget
            )
        )
        json.member("degraded", api.isStale(room))
        return .forEverybody(json.finish(), room)
    }

    /// Positions, each twice the one before, up to the last waiting visitor's, with the seconds that `status` reports.
    private func waits(_ room: Room) -> [(Int, Int)] {
        guard room.policy.mode != .paused, room.policy.mode != .ended, !room.opensLater else { return [] }
        let last = room.mirror.punctualCount
        var positions: [Int] = []
        var position = 1
        while position < last {
            positions.append(position)
            position *= 2
        }
        if last > 0 { positions.append(last) }
        return positions.compactMap { position in room.estimate(position: position).map { (position, $0.seconds) } }
    }
}
