// SPDX-License-Identifier: Apache-2.0
//
// A room with `api: reference`: a client that knows only "waiting", "ready" and "expired", that enters by itself when
// it is ready, and shows nothing for "admitted", gets in.

import Admission
import GatewayWire
import Simulation
import StrictJSON
import TestSupport
import Testing
import WaitingRoomAPI

struct ReferenceTests {
    private func bench(_ policy: RoomPolicy) throws -> WaitingRoomBench {
        let bench = try WaitingRoomBench(policy: policy)
        bench.room.settings.web.speaksReference = true
        bench.room.settings.web.origins = ["https://app.example"]
        return bench
    }

    /// The client: joins, polls each two seconds whatever it is asked, and enters when it may. Returns the pass.
    private func visit(_ bench: WaitingRoomBench, polls: Int = 10) throws -> String? {
        let fields: [(GatewayField, String)] = [
            (.origin, "https://app.example"), (.fetchSite, "cross-site"), (.authorization, "Bearer the-apps-own"),
        ]
        let joined = try bench.join(fields)
        guard joined.status == 202, let token = try joined.string("waiting_token") else {
            throw TestFailure("join: \(joined.text)")
        }
        #expect(try joined.string("status") == "waiting" && joined.cookie("vestibule-pass-demo") == nil)
        for _ in 0..<polls {
            bench.run(2000)
            let status = try bench.status(token, fields)
            #expect(try status.string("status") == "waiting")
            guard try status.json["ready_for_entry"]?.boolValue == true else { continue }
            let entered = try bench.enter(token, fields)
            #expect(try entered.string("admission") == "granted")
            return try entered.string("reservation_token")
        }
        return nil
    }

    @Test("Whoever finds room is told to enter, and gets the pass of that very entry")
    func room() throws {
        let bench = try bench(limits(burst: 1))
        let pass = try #require(try visit(bench))
        #expect(bench.queue?.counters.entered == 1)
        #expect(bench.queue?.active.count == 1 && !pass.isEmpty)
    }

    @Test("Whoever waits is called and gets in; a pause is a wait")
    func turn() throws {
        let bench = try bench(limits(burst: 1))
        #expect(try visit(bench) != nil)
        #expect(try visit(bench, polls: 2) == nil)
        bench.configure(limits(mode: .paused))
        #expect(try visit(bench, polls: 2) == nil)
        bench.configure(limits(rate: 10, burst: 10))
        #expect(try visit(bench) != nil)
    }

    @Test("A place that was given up is told as expired")
    func left() throws {
        let bench = try bench(limits(burst: 1))
        _ = try bench.join()
        let token = try #require(try bench.join().string("waiting_token"))
        _ = try bench.leave(token)
        #expect(try bench.status(token).string("status") == "expired")
    }

    @Test("Where the room does not ask for it, nothing changes")
    func vestibule() throws {
        let bench = try WaitingRoomBench(policy: limits(burst: 1))
        let joined = try bench.join()
        #expect(try joined.status == 200 && joined.string("status") == "admitted")
        #expect(try bench.status(try #require(try joined.string("waiting_token"))).string("status") == "admitted")
    }
}
