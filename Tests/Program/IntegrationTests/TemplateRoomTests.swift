// SPDX-License-Identifier: Apache-2.0
//
// Goal: a room of a template is made by its first join, at any worker, is one room for all of them, is one of a bounded
// number whatever names strangers make up, and is forgotten when it is over.

import Foundation
import StrictJSON
import TestSupport
import Testing

extension Integration {
    @Suite struct TemplateRoomTests {
        /// What the reference's load test does: the hundred events that it joins, each several times.
        @Test func `a hundred events are joined in quick succession over all workers`() throws {
            let rooms = "  demo: {rate: 1}\n  \"evt_*\": {rate: 0, burst: 1, api: reference}"
            let stack = try DemoStack(rooms: rooms, workers: 3)
            let client = stack.client()
            #expect(try client.get("/api/v1/queue/board?event_id=evt_loadtest_0").status == 404)
            var tickets: [[String]] = []
            for round in 0..<3 {
                for event in 0..<100 {
                    let joined = try client.join("evt_loadtest_\(event)")
                    try #require(joined.status == 202, "event \(event), round \(round): \(joined.text)")
                    if round == 0 { tickets.append([]) }
                    tickets[event].append(joined.ticket)
                }
            }
            // One room for all workers: its burst of one has let the first in, and the others wait in one line.
            let keys = try stack.keyRing()
            for (event, own) in tickets.enumerated() {
                let numbers = try own.map { try keys.number($0) }
                #expect(Set(numbers).count == 3, "event \(event): \(numbers)")
                #expect(try client.status(own[0]).json["ready_for_entry"]?.boolValue == true)
                #expect(try client.status(own[2]).position == 2)
            }
            #expect(try stack.redis("HLEN", "vq:{rooms}:list") == "102")
            let list = try stack.room("list").text
            #expect(list.contains("evt_* (template, at most 1000 rooms), now 100") && list.contains("evt_loadtest_99 "))
        }

        @Test func `names that strangers make up fill neither Redis nor another template`() throws {
            let rooms = "  demo: {rate: 1}\n  \"evt_*\": {max_rooms: 3}\n  \"evt_vip_*\": {}\n  evt_gala: {}"
            let stack = try DemoStack(rooms: rooms)
            let client = stack.client()
            for name in ["nobody", "Evt_1", "evt_\\u0000", "evt_{demo}", "evt_\(String(repeating: "x", count: 80))"] {
                #expect([400, 404].contains(try client.join(name).status), "\(name)")
            }
            for path in ["status?event_id=evt_1&token=v1.x", "board?event_id=evt_1"] {
                #expect(try [401, 404].contains(client.get("/api/v1/queue/\(path)").status), "\(path)")
            }
            #expect(try stack.redis("EXISTS", "vq:{rooms}:list") == "0")
            var full: [HTTPAnswer] = []
            for index in 0..<20 {
                let joined = try client.join("evt_\(index)")
                if index < 3 { #expect(joined.status == 200, "\(joined.text)") } else { full.append(joined) }
            }
            #expect(
                full.allSatisfy {
                    $0.status == 429 && $0.text.contains("ROOMS_FULL") && $0.header("Retry-After") != nil
                }
            )
            #expect(try stack.redis("HLEN", "vq:{rooms}:list") == "5")
            #expect(try client.join("evt_1").status == 200, "one that is there goes on")
            #expect(try client.join("evt_vip_1").status == 200, "the longest beginning has a name")
            #expect(try client.join("evt_gala").status == 200, "a room's own name comes first")
            #expect(try stack.redis("HEXISTS", "vq:{rooms}:list", "evt_gala") == "0")
            #expect(try stack.room("list").text.contains("evt_* (template, at most 3 rooms), now 3"))
        }

        @Test func `a room that is over is forgotten with its keys, and the next join makes it anew`() throws {
            let rooms = """
                  demo: {rate: 1}
                  "evt_*": {max_rooms: 1, forget_after: 1s, return_grace: 1s, pass_ttl: 1s, abandon_after: 2s}
                """
            let stack = try DemoStack(rooms: rooms)
            let client = stack.client()
            #expect(try client.join("evt_1").status == 200)
            #expect(try client.join("evt_2").status == 429)
            let isForgotten = try Wait.until(seconds: 20) { try stack.redis("HLEN", "vq:{rooms}:list") == "2" }
            #expect(isForgotten)
            let isGone = try Wait.until(seconds: 10) { try stack.redis("EXISTS", "vq:{evt_1}:state") == "0" }
            #expect(isGone)
            #expect(!FileManager.default.fileExists(atPath: stack.directory.file("room-evt_1.ran")))
            let isFree = try Wait.until(seconds: 5) { try client.join("evt_2").status == 200 }
            #expect(isFree)
            let isKept = try Wait.until(seconds: 20) { try client.join("evt_1").status == 200 }
            #expect(isKept, "the other one is over, too")
        }
    }
}
