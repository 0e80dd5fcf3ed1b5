// SPDX-License-Identifier: Apache-2.0
//
// Goal: parts that hang or are gone give clear answers, let nobody through, and lose no place.
// Method: SIGSTOP and SIGKILL, and a configuration that no new worker can start with.

import Foundation
import StrictJSON
import TestSupport
import Testing

extension Integration {
    @Suite struct WorkerOutageTests {
        @Test func `a Redis that hangs gives 503 in time and takes no place away`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 0.001, burst: 1, abandon_after: 60s}")
            let client = stack.client()
            #expect(try client.join().status == 200)
            let tickets = try (0..<10).map { _ in try client.join().ticket }
            let expected = Array(1...10)
            #expect(try Wait.until(seconds: 2) { try tickets.map { try client.status($0).position } == expected })
            try client.untilMirrored(tickets[0])

            kill(stack.pid("redis"), SIGSTOP)
            defer { kill(stack.pid("redis"), SIGCONT) }
            let key = "join-while-redis-hangs"
            let started = wallMilliseconds()
            let joined = try client.join(key: key)
            #expect(joined.status == 503)
            #expect(joined.errorCode == "STORE_UNAVAILABLE")
            #expect(wallMilliseconds() - started < 3000, "sooner than nginx gives up on the worker")
            for _ in 0..<20 { #expect(try tickets.map { try client.status($0).position } == expected) }
            #expect(try client.status(tickets[0]).json["degraded"]?.boolValue == true)

            kill(stack.pid("redis"), SIGCONT)
            // Whether or not the hanging Redis carried the first one out: one key, one ticket. Each worker connects
            // again in its own time, so a 503 is repeated.
            var issued: Set<String> = []
            var answered = 0
            let isBack = try Wait.until(seconds: 5) {
                let again = try client.join(key: key)
                answered = again.status == 202 ? answered + 1 : 0
                if again.status == 202 { issued.insert(again.ticket) }
                return answered == 10
            }
            #expect(isBack)
            #expect(issued.count == 1)
            let again = try client.join(key: key)
            let areSettled = try Wait.until(seconds: 3) {
                try (tickets + [again.ticket]).map { try client.status($0).position } == expected + [11]
            }
            #expect(areSettled)
        }

        @Test(arguments: ["njs", "lua", "auth-request"])
        func `without workers nothing is let in unchecked, and the answers say what is wrong`(verifier: String) throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 0.001, burst: 1}", options: ["--verifier", verifier])
            let client = stack.client()
            let pass = ("Cookie", "vestibule-pass-demo=\(try client.join().pass)")
            let ticket = try client.join().ticket
            let (html, json) = (("Accept", "text/html"), ("Accept", "application/json"))
            #expect(try client.get("/before", pass).text.contains("This is the backend"))

            let configuration = stack.directory.read("vestibule.yaml")
            try stack.directory.write("vestibule.yaml", "rooms: [")
            for pid in stack.workerPids { kill(pid, SIGKILL) }
            // Requests wait for a successor, but not for long.
            let killed = wallMilliseconds()
            #expect(try client.get("/healthz").status == 503)
            #expect(wallMilliseconds() - killed < 3000, "sooner than nginx gives up on a worker")
            for (path, accept) in [("/api/v1/queue/status?token=\(ticket)", html), ("/shop", json)] {
                let answer = try client.get(path, accept)
                #expect(answer.status == 503, "\(path)")
                #expect(answer.errorCode == "UNAVAILABLE")
                #expect(answer.header("Retry-After").flatMap(Int.init) ?? 0 > 0)
                #expect(answer.header("Cache-Control") == "no-store")
            }
            let page = try client.get("/shop", html)
            #expect(page.status == 503)
            #expect(page.header("Content-Type")?.hasPrefix("text/html") == true)
            #expect(page.header("Retry-After") != nil)
            // A pass is checked by nginx itself, or not at all: then nobody gets in.
            let inside = try client.get("/inside", pass, html)
            #expect(inside.text.contains("This is the backend") == (verifier != "auth-request"))

            try stack.directory.write("vestibule.yaml", configuration)
            let isBack = try Wait.until(seconds: 8) { try client.status(ticket).word == "waiting" }
            #expect(isBack)
            #expect(try client.get("/after", pass).text.contains("This is the backend"))
            let unchecked = try stack.backendLines().filter { $0.contains("/shop") }
            #expect(unchecked.isEmpty)
        }
    }
}
