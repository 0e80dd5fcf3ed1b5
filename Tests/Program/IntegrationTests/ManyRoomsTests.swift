// SPDX-License-Identifier: Apache-2.0
//
// Goal: a site with as many rooms as a file may have: every room takes visitors, and /metrics shows all of them.

import Foundation
import TestSupport
import Testing

extension Integration {
    @Suite struct ManyRoomsTests {
        private static let rooms = 1000

        @Test func `the metrics of a thousand rooms are one answer, and the last room takes visitors`() throws {
            let lines = (0..<Self.rooms).map { "  a-room-with-a-name-of-its-own-\($0): {rate: 1, burst: 1}" }
            let stack = try DemoStack(
                rooms: (["  demo: {rate: 1, burst: 1}"] + lines.dropLast()).joined(separator: "\n")
            )
            let client = stack.client()
            let last = "a-room-with-a-name-of-its-own-\(Self.rooms - 2)"
            let joined = try client.postJSON("/api/v1/queue/join", "{\"event_id\":\"\(last)\"}")
            #expect(joined.status == 200, "\(joined)")
            // Kept connections: after the large answer they serve the next.
            for _ in 0..<4 {
                let answer = try client.get("/metrics")
                #expect(answer.status == 200)
                let text = String(decoding: answer.body, as: UTF8.self)
                #expect(text.hasSuffix("\n"))
                for name in ["vestibule_room_waiting", "vestibule_room_eta_coverage"] {
                    let shown = text.split(separator: "\n").filter { $0.hasPrefix("\(name){") }
                    #expect(shown.count == Self.rooms, "\(name)")
                    #expect(shown.contains { $0.contains("\"\(last)\"") })
                }
                #expect(try client.status(joined.ticket).status == 200)
            }
        }
    }
}
