// SPDX-License-Identifier: Apache-2.0
//
// What a worker with many rooms asks of the store, and what it answers to Prometheus.

import Admission
import GatewayWire
import Testing
import WaitingRoomAPI

@Suite("The pace of ticks, and many rooms") struct TickPaceTests {
    @Test("A room in which somebody waits is looked at with every tick")
    func oneWaits() throws {
        let bench = try WaitingRoomBench()
        try bench.fill()
        let token = try bench.waitingTicket()
        bench.run(400)
        let before = bench.store.ticks
        bench.run(2000) { _ = try? bench.status(token) }
        #expect(bench.store.ticks - before >= 10)
    }

    @Test("The metrics of a thousand rooms name each room and may be sent in pieces")
    func metrics() throws {
        let names = (1..<1000).map { "room-\($0)" }
        let bench = try WaitingRoomBench(rooms: names)
        bench.tick()
        var answers: [GatewayResponse] = []
        bench.api.handle(Call("GET", "/metrics").request) { answers.append($0) }
        let answer = try #require(answers.first)
        #expect(answer.status == 200)
        #expect(answer.body.count > 500_000)
        #expect(answer.body.count < GatewayLimits().responseBytes / 4)
        let lines = Set(String(decoding: answer.body, as: UTF8.self).split(separator: "\n"))
        for name in names { #expect(lines.contains("vestibule_room_waiting{room=\"\(name)\"} 0")) }
    }
}
