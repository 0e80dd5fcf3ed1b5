// SPDX-License-Identifier: Apache-2.0
//
// Goal: what is more than one call of a script handles is not left lying, whatever the rate is.
// Method: the simulation with caps that a room of some hundred people meets in each tick.

import Admission
import Configuration
import Simulation
import Testing

struct CapTests {
    private func violation(_ yaml: String, lapsesPerTick: Int) throws -> Violation? {
        var caps = QueueCaps()
        caps.lapsesPerTick = lapsesPerTick
        return try Simulation(scenario: try Scenario(yaml: yaml), seed: 1, caps: caps).run().violation
    }

    /// Twenty calls a second lapse, and more with the calls that follow. A tick ends one of them, and the only worker
    /// ticks five times a second.
    @Test("Where more calls lapse than the ticks of a worker end, the room lets in its rate, and none stays open")
    func rate() throws {
        let yaml = """
            {room: {rate: 20, burst: 5, claim_window: 3s, abandon_after: 12s, return_grace: 60s}, workers: 1,
             visitors: 1000, arrive_within: 3s, crowd: {patient: 50, decliners: 50}, network: {delay: 1ms},
             horizon: 600s}
            """
        #expect(try violation(yaml, lapsesPerTick: 1) == nil)
        #expect(try violation(yaml, lapsesPerTick: QueueConstants.lapsesPerTickMax) == nil)
    }

    @Test("Calls that have lapsed and were not ended yet do not hold the places of max_active for long")
    func places() throws {
        let yaml = """
            {room: {rate: 50, burst: 50, max_active: 40, claim_window: 3s, abandon_after: 12s, return_grace: 60s,
             pass_ttl: 2s}, workers: 1, visitors: 800, arrive_within: 3s, crowd: {patient: 50, decliners: 50},
             network: {delay: 1ms}, horizon: 600s}
            """
        #expect(try violation(yaml, lapsesPerTick: 1) == nil)
    }
}
