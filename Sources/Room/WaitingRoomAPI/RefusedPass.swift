// SPDX-License-Identifier: Apache-2.0
//
// Passes that nginx has refused. They are counted by reason, and the browser forgets them. Where a worker holds such a
// pass for good, nginx and the workers disagree, by their keys or their clocks: no visitor gets in then, and this count
// and one line in the log are the only sign of it.

internal import GatewayWire
internal import Passes
internal import Telemetry

/// A pass that came with a request at the gate.
struct RefusedPass {
    /// nginx's verdict on it: one of the words for a pass that is not good, since the page shows it.
    let verdict: String

    /// Nil when no pass came.
    init?(verdict: String) {
        switch verdict {
        case VerdictWord.missing: return nil
        case VerdictWord.forged, VerdictWord.expired, VerdictWord.otherClient, VerdictWord.foreign:
            self.verdict = verdict
        // Genuine, and judged for another room before nginx came to this location.
        case _ where verdict.hasPrefix(VerdictWord.okPrefix): self.verdict = VerdictWord.foreign
        default: self.verdict = VerdictWord.malformed
        }
    }

    /// Whether the browser should forget it. One that is over it forgets by itself, and one of another client may be
    /// good again on the way home.
    var isWorthless: Bool { verdict != VerdictWord.expired && verdict != VerdictWord.otherClient }

    private var counter: Counter {
        switch verdict {
        case VerdictWord.forged: .passForged
        case VerdictWord.expired: .passExpired
        case VerdictWord.otherClient: .passOfOtherClient
        case VerdictWord.foreign: .passForeign
        default: .passMalformed
        }
    }

    /// Counts it, and says so when this worker would have taken it.
    func note(_ request: GatewayRequest, _ room: Room, _ api: APIContext) {
        api.count(counter)
        let secure = request[.scheme].spells("https")
        let values = CookieReader(request[.cookie]).values(
            named: CookieNames.passes(room: room.id, secure: secure)
        )
        let now = Int64(api.environment.wallSeconds)
        let own = api.keys.verifyPass(amongst: values, room: room.id, nowSeconds: now, client: PassClient(request))
        guard case .valid = own?.verdict else { return }
        api.count(.passDisputed)
        guard !api.hasToldDispute else { return }
        api.hasToldDispute = true
        api.environment.log(
            "room \(room.id): nginx refuses a pass that this worker holds for good (\(verdict)): has nginx been "
                + "reloaded since the keys changed, and do the clocks agree?"
        )
    }
}
