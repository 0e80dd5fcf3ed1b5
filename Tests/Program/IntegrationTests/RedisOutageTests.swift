// SPDX-License-Identifier: Apache-2.0
//
// Goal: while Redis is away nobody loses a place, and when it comes back empty everybody stands where they stood.
// Method: Redis is killed with SIGKILL and started again by the test, empty, on the same socket.

import Foundation
import StrictJSON
import TestSupport
import Testing

extension Integration {
    @Suite struct RedisOutageTests {
        @Test func `polls and passes go on without Redis, joins wait, and places survive its loss`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 0.001, burst: 2, abandon_after: 60s}")
            let client = stack.client()
            let keys = try stack.keyRing()
            let inside = try client.join()
            #expect(inside.status == 200)
            #expect(try client.join().status == 200)
            let tickets = try (0..<60).map { _ in try client.join().ticket }
            let isMirrored = try Wait.until(seconds: 2) {
                try tickets.indices.allSatisfy { try client.status(tickets[$0]).position == $0 + 1 }
            }
            #expect(isMirrored)
            try client.untilMirrored(tickets[0])

            kill(stack.pid("redis"), SIGKILL)
            let isDegraded = try Wait.until(seconds: 3) {
                try (0..<6).allSatisfy { _ in try client.status(tickets[9]).json["degraded"]?.boolValue == true }
            }
            #expect(isDegraded)
            try expectServiceWithoutRedis(stack, client, inside: inside.pass, tickets: tickets)

            let redis = try TestProcess(
                "redis-server",
                ["--port", "0", "--unixsocket", stack.redisSocket, "--save", "", "--dir", stack.directory.path],
                log: stack.directory.file("redis-2.log")
            )
            defer { redis.stop() }
            let isBack = Wait.until(seconds: 5) { (try? stack.redis("PING")) == "PONG" }
            #expect(isBack)
            let started = wallMilliseconds()
            let areBack = try Wait.until(seconds: 2) {
                try tickets.indices.allSatisfy { index in
                    let answer = try client.status(tickets[index])
                    return answer.position == index + 1 && answer.json["degraded"]?.boolValue == false
                }
            }
            #expect(areBack, "the same places within two seconds")
            recordFigures("places restored after \(wallMilliseconds() - started) ms", "redis-outage")

            var fresh = try client.join()
            _ = try Wait.until(seconds: 2) {
                if fresh.status == 503 { fresh = try client.join() }
                return fresh.status != 503
            }
            #expect(fresh.status == 202)
            #expect(fresh.position == 61)
            let newest = try keys.number(fresh.ticket)
            #expect(newest > (try tickets.map { try keys.number($0) }.max() ?? .max), "no number is used again")
        }

        private func expectServiceWithoutRedis(
            _ stack: DemoStack,
            _ client: HTTPClient,
            inside pass: String,
            tickets: [String]
        ) throws {
            for (index, ticket) in tickets.enumerated() {
                let answer = try client.status(ticket)
                #expect(answer.status == 200)
                #expect(answer.word == "waiting")
                #expect(answer.position == index + 1)
            }
            let shop = try client.get("/shop", ("Cookie", "vestibule-pass-demo=\(pass)"))
            #expect(shop.text.contains("This is the backend"))
            for answer in [try client.join(), try client.enter(tickets[0]), try client.leave(tickets[59])] {
                #expect(answer.status == 503)
                #expect(answer.errorCode == "STORE_UNAVAILABLE")
                #expect(answer.header("Retry-After").flatMap(Int.init) ?? 0 > 0)
            }
            let page = try client.get("/first", ("Accept", "text/html"))
            #expect(page.status == 503 && page.text.contains("/api/v1/queue/"), "a newcomer gets the waiting page")
            #expect(!page.text.contains("This is the backend"))
            #expect(try client.get("/healthz").status == 200)
            let readiness = try client.get("/readyz")
            #expect(readiness.status == 200)
        }

        @Test func `a flushed Redis is filled again and no token is given twice`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 0.001, burst: 5}")
            let client = stack.client()
            let passes = try (0..<5).map { _ in try client.join() }
            #expect(passes.allSatisfy { $0.status == 200 })
            let tickets = try (0..<20).map { _ in try client.join().ticket }
            let expected = Array(1...20)
            #expect(try Wait.until(seconds: 2) { try tickets.map { try client.status($0).position } == expected })
            try client.untilMirrored(tickets[0])
            try stack.redis("FLUSHALL")
            try stack.redis("SCRIPT", "FLUSH")
            let isRestored = try Wait.until(seconds: 5) { try stack.redis("EXISTS", "vq:{demo}:state") == "1" }
            #expect(isRestored)
            #expect(try tickets.map { try client.status($0).position } == expected)
            #expect(try client.join().status == 202, "the bucket was empty and is not full now")
            #expect(try tickets.allSatisfy { try client.status($0).word == "waiting" })
            // A visitor of whose join no worker knows is put back by the ticket alone, also after a second loss.
            try stack.redis("FLUSHALL")
            let again = try Wait.until(seconds: 2) { try tickets.map { try client.status($0).position } == expected }
            #expect(again)
        }
    }
}
