// SPDX-License-Identifier: Apache-2.0
//
// /healthz, /readyz and /metrics: for supervisors, load balancers and Prometheus.

internal import Admission
internal import GatewayWire
internal import Telemetry

/// Healthy as long as the event loop answers.
struct HealthHandler {
    let api: APIContext

    func handle(_ request: GatewayRequest, _ respond: Call.Respond) {
        var json = JSONWriter()
        json.member("status", "ok")
        respond(.uncacheable(200, json.finish()))
    }
}

/// Ready from the first answer of the store on. It stays ready while Redis is briefly away: polls are still answered,
/// and taking every worker out at once would turn a short failure into an outage. It is not ready while Redis refuses
/// what only an operator can end (a replica, a full disk, a missing permission), and says which.
struct ReadinessHandler {
    let api: APIContext

    func handle(_ request: GatewayRequest, _ respond: Call.Respond) {
        let now = api.now
        let isDegraded = api.rooms.contains {
            $0.isStale(nowMilliseconds: now, limitMilliseconds: max(api.environment.staleMilliseconds, 3000))
        }
        var json = JSONWriter()
        let refusal = api.store.refusal
        json.member("status", refusal != nil ? "refused" : api.wasReady ? "ready" : "starting")
        json.member("degraded", isDegraded)
        json.member("clock_skew_ms", api.clockSkewMilliseconds)
        if let refusal { json.member("reason", refusal) }
        respond(.uncacheable(api.wasReady && refusal == nil ? 200 : 503, json.finish()))
    }
}

/// Metrics in Prometheus' text format.
struct MetricsHandler {
    let api: APIContext

    func handle(_ request: GatewayRequest, _ respond: Call.Respond) {
        var text = PrometheusText()
        if let scoreboard = api.environment.scoreboard { text.add(scoreboard) }
        func gauge(_ name: String, _ help: String, _ value: (Room) -> Double) {
            text.addGauge(name, help: help, rooms: api.rooms.map { ($0.id, value($0)) })
        }
        let now = api.now
        text.addSample(
            "vestibule_clock_skew_seconds",
            help: "How far Redis' clock is ahead of the answering worker's; below 0 where it is behind.",
            value: Double(api.clockSkewMilliseconds) / 1000
        )
        gauge("vestibule_room_waiting", "Visitors waiting.") { Double($0.mirror.count) }
        gauge("vestibule_room_called", "Visitors called and not entered.") { Double($0.called) }
        gauge("vestibule_room_active", "Visitors inside: entered, pass not expired.") { Double($0.active) }
        gauge("vestibule_room_entries_per_second", "Entry rate of the ETA windows.") { $0.rates.perSecond }
        gauge("vestibule_room_rate_limit_per_second", "Configured rate.") { $0.policy.ratePerSecond }
        gauge("vestibule_room_config_disagrees", "Limits in which the answering worker's file is not in force.") {
            Double($0.disagreement.count)
        }
        gauge("vestibule_room_proof_bits", "Zero bits the answering worker asks of a join; 0 is no proof of work.") {
            Double(JoinChecks(api: api, room: $0).proofBits)
        }
        gauge("vestibule_room_mirror_age_seconds", "Age of the answering worker's mirror.") {
            $0.isKnown ? Double($0.redisMilliseconds(nowMilliseconds: now) - $0.asOfMilliseconds) / 1000 : -1
        }
        gauge("vestibule_room_redis_away", "1 while Redis is away, as the answering worker sees it.") {
            api.door($0) == .attended ? 0 : 1
        }
        gauge("vestibule_room_open_without_redis", "1 while everybody passes because Redis is away.") {
            api.isOpen($0) ? 1 : 0
        }
        gauge("vestibule_room_heartbeats_dropped", "Heartbeats that found no room at the answering worker.") {
            Double($0.droppedHeartbeats)
        }
        // Totals since the room was made; gauges, because a lost Redis sets them back.
        gauge("vestibule_room_joined", "Numbers issued.") { Double($0.counters.joined) }
        gauge("vestibule_room_entered", "Entries.") { Double($0.counters.entered) }
        gauge("vestibule_room_left", "Visitors who left on purpose.") { Double($0.counters.left) }
        gauge("vestibule_room_abandoned", "Visitors swept after abandon_after.") { Double($0.counters.abandoned) }
        gauge("vestibule_room_lapsed", "Calls not claimed in time.") { Double($0.counters.lapsed) }
        gauge("vestibule_room_returned", "Visitors put back at their number.") { Double($0.counters.returned) }
        if let scoreboard = api.environment.scoreboard { text.addEstimates(scoreboard) }
        // Of the answering worker's own sample: every worker sees the same ticks.
        gauge("vestibule_room_eta_accuracy", "1 - |eta - actual| / actual, recent mean; -1 before the first.") {
            $0.estimator.record.accuracy ?? -1
        }
        gauge("vestibule_room_eta_coverage", "Recent share of waits within the interval; -1 before the first.") {
            $0.estimator.record.coverage ?? -1
        }
        var response = GatewayResponse(
            status: 200,
            contentType: "text/plain; version=0.0.4; charset=utf-8",
            body: Array(text.text.utf8)
        )
        response.isUncacheable = true
        respond(response)
    }
}
