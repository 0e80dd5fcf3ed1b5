// SPDX-License-Identifier: Apache-2.0
//
// The closed list of what is counted. A counter is one 64-bit cell of the scoreboard; there are no labels that a
// visitor could choose.

/// What a worker counts. The raw value is the column in the scoreboard.
public enum Counter: Int, CaseIterable, Sendable {
    case joinsWaiting
    case joinsAdmitted
    case joinsRefused
    // Beside their family, and in the columns that were free when they came.
    case joinsLimited = 21
    case joinsUnnamed = 22
    case polls = 3
    case pollsDegraded
    case pollsTooEarly
    case entersGranted
    case entersRefused
    case leaves
    case gateAdmitted
    case gateHeld
    case gatePassed = 27
    case gateRefused = 28
    case passesVerified = 11
    case passesRefused
    case boards
    case ticketsRejected
    case requestsMalformed
    case storeFailures
    case ticks
    case ticksFailed
    case redisConnections
    case gatewayRejected
    case passesWithoutStore = 23
    case proofsDemanded = 24
    case proofsRefused
    case proofsTaken
    case passMalformed = 29
    case passForged
    case passForeign
    case passExpired
    case passOfOtherClient
    case passDisputed
    case passesRenewed

    /// Prometheus family name, its one label, and the help text of the family.
    var exposition: (name: String, label: String, help: String) {
        switch self {
        case .joinsWaiting: ("vestibule_joins_total", "outcome=\"waiting\"", "Joins by outcome.")
        case .joinsAdmitted: ("vestibule_joins_total", "outcome=\"admitted\"", "Joins by outcome.")
        case .joinsRefused: ("vestibule_joins_total", "outcome=\"refused\"", "Joins by outcome.")
        case .joinsLimited: ("vestibule_joins_total", "outcome=\"limited\"", "Joins by outcome.")
        case .joinsUnnamed: ("vestibule_joins_total", "outcome=\"unnamed\"", "Joins by outcome.")
        case .polls: ("vestibule_polls_total", "kind=\"all\"", "Status polls.")
        case .pollsDegraded: ("vestibule_polls_total", "kind=\"degraded\"", "Status polls.")
        case .pollsTooEarly: ("vestibule_polls_total", "kind=\"too_early\"", "Status polls.")
        case .entersGranted: ("vestibule_enters_total", "outcome=\"granted\"", "Enter calls by outcome.")
        case .entersRefused: ("vestibule_enters_total", "outcome=\"refused\"", "Enter calls by outcome.")
        case .leaves: ("vestibule_leaves_total", "", "Visitors who left on purpose.")
        case .gateAdmitted: ("vestibule_gate_total", "outcome=\"admitted\"", "First contacts by outcome.")
        case .gateHeld: ("vestibule_gate_total", "outcome=\"held\"", "First contacts by outcome.")
        case .gatePassed: ("vestibule_gate_total", "outcome=\"passed\"", "First contacts by outcome.")
        case .gateRefused: ("vestibule_gate_total", "outcome=\"refused\"", "First contacts by outcome.")
        case .passesVerified:
            ("vestibule_verifications_total", "outcome=\"valid\"", "Passes verified by workers (auth_request).")
        case .passesRefused:
            ("vestibule_verifications_total", "outcome=\"refused\"", "Passes verified by workers (auth_request).")
        case .boards: ("vestibule_boards_total", "", "Boards made.")
        case .ticketsRejected: ("vestibule_tickets_rejected_total", "", "Forged, foreign or unreadable tickets.")
        case .requestsMalformed: ("vestibule_requests_malformed_total", "", "Requests answered with 400, 404 or 413.")
        case .storeFailures: ("vestibule_store_failures_total", "", "Store calls without an answer.")
        case .ticks: ("vestibule_ticks_total", "outcome=\"done\"", "Ticks by outcome.")
        case .ticksFailed: ("vestibule_ticks_total", "outcome=\"failed\"", "Ticks by outcome.")
        case .redisConnections: ("vestibule_redis_connections_total", "", "Connections made to Redis.")
        case .gatewayRejected:
            ("vestibule_gateway_rejected_total", "", "FastCGI and SCGI connections closed for what they sent.")
        case .passesWithoutStore:
            ("vestibule_passes_without_redis_total", "", "Passes given while Redis was away, to rooms left open.")
        case .proofsDemanded: ("vestibule_proofs_total", "outcome=\"demanded\"", "Proofs of work by outcome.")
        case .proofsRefused: ("vestibule_proofs_total", "outcome=\"refused\"", "Proofs of work by outcome.")
        case .proofsTaken: ("vestibule_proofs_total", "outcome=\"taken\"", "Proofs of work by outcome.")
        case .passMalformed: refusal("malformed")
        case .passForged: refusal("forged")
        case .passForeign: refusal("foreign")
        case .passExpired: refusal("expired")
        case .passOfOtherClient: refusal("other_client")
        case .passesRenewed: ("vestibule_passes_renewed_total", "", "Passes renewed for visitors who are inside.")
        case .passDisputed:
            ("vestibule_pass_disputed_total", "", "Passes that nginx refused and a worker holds for good.")
        }
    }

    private func refusal(_ reason: String) -> (name: String, label: String, help: String) {
        ("vestibule_pass_refused_total", "reason=\"\(reason)\"", "Passes that nginx refused, by reason.")
    }
}
