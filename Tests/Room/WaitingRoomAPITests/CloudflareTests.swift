// SPDX-License-Identifier: Apache-2.0
//
// Goal: a program that was written for Cloudflare's Waiting Room waits in a room with `api: cloudflare` and gets in,
// and in no other room does its request take a place.
// Method: the program sends one request again and again, with the cookies it was given.

import Admission
import GatewayWire
import Simulation
import StrictJSON
import TestSupport
import Testing
import WaitingRoomAPI

struct CloudflareTests {
    private func bench(speaksCloudflare: Bool = true) throws -> WaitingRoomBench {
        let bench = try WaitingRoomBench(policy: limits(rate: 0.1))
        bench.room.settings.web.speaksCloudflare = speaksCloudflare
        bench.room.settings.web.pageStatus = 200
        try bench.fill()
        return bench
    }

    private func ask(
        _ bench: WaitingRoomBench,
        _ ticket: String? = nil,
        _ more: [(GatewayField, String)] = []
    ) throws -> Answer {
        let cookie: [(GatewayField, String)] = ticket.map { [(.cookie, "vestibule-ticket-demo=\($0)")] } ?? []
        return try bench.gate(more + cookie + [(.accept, "application/json")])
    }

    @Test("A program waits by asking again with its cookie, sees its wait, and gets in")
    func journey() throws {
        let bench = try bench()
        let first = try ask(bench)
        #expect(first.status == 200 && first["Content-Type"] == "application/json")
        #expect(first["Cache-Control"] == "no-store" && first["Retry-After"] != nil)
        let wait = try #require(try first.json["cfWaitingRoom"])
        #expect(wait["inWaitingRoom"] == .bool(true) && wait["waitTimeKnown"] == .bool(true))
        #expect(wait["queueIsFull"] == .bool(false) && wait["queueAll"] == .bool(false))
        #expect(wait["queueingMethod"] == .string("fifo") && wait["isFIFOQueue"] == .bool(true))
        #expect(try #require(wait["refreshIntervalSeconds"]?.integerValue) >= 1)
        #expect(wait["isEventActive"] == .bool(false))
        #expect(wait["timeUntilEventStartFormatted"] == .string("unavailable"))
        #expect(wait["lastUpdated"]?.stringValue?.hasPrefix("2026-01-09T23:06:4") == true)
        let ticket = try #require(first.cookie("vestibule-ticket-demo"))
        let joined = bench.queue?.counters.joined
        let second = try ask(bench, ticket)
        #expect(try second.json["cfWaitingRoom"] != nil && bench.queue?.counters.joined == joined, "one number")

        var policy = bench.room.policy
        policy.rateMilli = 1_000_000
        bench.configure(policy)
        bench.run(2000)
        let last = try ask(bench, ticket)
        #expect(last["X-Accel-Redirect"] == "@vestibule_continue")
        #expect(last.cookie("vestibule-pass-demo") != nil)
    }

    @Test("A paused room has no wait to tell, and a full one says so to a newcomer")
    func states() throws {
        let bench = try bench()
        let ticket = try ask(bench).cookie("vestibule-ticket-demo")
        var policy = bench.room.policy
        policy.mode = .paused
        bench.configure(policy)
        bench.run(400)
        let paused = try #require(try ask(bench, ticket).json["cfWaitingRoom"])
        #expect(paused["waitTimeKnown"] == .bool(false) && paused["waitTimeFormatted"] == .string("unavailable"))
        #expect(paused["queueAll"] == .bool(true) && paused["queueIsFull"] == .bool(false))
        policy.mode = .closed
        bench.configure(policy)
        bench.run(400)
        let closed = try ask(bench)
        #expect(try closed.json["cfWaitingRoom"]?["queueIsFull"] == .bool(true) && closed.cookies.isEmpty)
    }

    @Test("Before the doors open the answer is that of an event")
    func event() throws {
        let bench = try WaitingRoomBench()
        bench.room.settings.web.speaksCloudflare = true
        var policy = bench.room.policy
        policy.opensMilliseconds = bench.nowMilliseconds + 5_400_000
        policy.closesMilliseconds = bench.nowMilliseconds + 9_000_000
        policy.draw = .seed
        bench.configure(policy)
        bench.run(400)
        let wait = try #require(try ask(bench).json["cfWaitingRoom"])
        #expect(wait["isEventActive"] == .bool(true) && wait["isEventPrequeueing"] == .bool(true))
        #expect(wait["timeUntilEventStart"] == .integer(90) && wait["shuffleAtEventStart"] == .bool(true))
        #expect(wait["timeUntilEventStartFormatted"] == .string("1 hour 30 minutes"))
        #expect(wait["timeUntilEventEnd"] == .integer(150) && wait["waitTimeKnown"] == .bool(false))
    }

    @Test(
        "What is not exactly such a request takes no place",
        arguments: [
            [(GatewayField.accept, "application/json, text/plain, */*")], [(.accept, "*/*")],
            [(.accept, "application/json"), (.fetchSite, "cross-site")],
            [(.accept, "application/json"), (.origin, "https://evil.example")],
        ]
    )
    func others(_ fields: [(GatewayField, String)]) throws {
        let bench = try bench()
        let joined = bench.queue?.counters.joined
        let answer = try bench.gate(fields)
        #expect(answer.status == 503 && answer["Content-Type"] == "application/problem+json")
        #expect(answer.cookies.isEmpty && bench.queue?.counters.joined == joined)
    }

    @Test("In a room that does not speak it the same request gets a problem and takes no place")
    func off() throws {
        let bench = try bench(speaksCloudflare: false)
        let answer = try ask(bench)
        #expect(answer.status == 503 && answer["Content-Type"] == "application/problem+json" && answer.cookies.isEmpty)
    }
}
