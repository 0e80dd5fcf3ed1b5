// SPDX-License-Identifier: Apache-2.0
//
// What hostile, broken and slow peers get, while an honest one beside them is served as if they were not there.

import Gateway
import GatewayWire
import Glibc
import Reactor
import TestSupport
import Testing

@Suite struct FastCGIHostileTests {
    static let hostile: [(String, RejectReason, [UInt8])] = [
        ("GET_VALUES x20", .managementRecord, record(9, id: 0, (0..<20).flatMap { _ in pair("FCGI_MPXS_CONNS", []) })),
        ("unknown management", .managementRecord, record(99, id: 0)),
        ("wrong version", .unsupportedVersion, record(1, version: 3, [0, 1, 1, 0, 0, 0, 0, 0])),
        ("HTTP", .unsupportedVersion, Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)),
        ("64 KiB of parameters", .parametersTooLarge, begin() + record(4, [UInt8](repeating: 0, count: 65_535))),
        ("lengths of CVE-2025-23016", .malformedParameters, begin() + record(4, [UInt8](repeating: 0xFF, count: 8))),
        ("two requests at once", .bytesAfterRequest, fastCGI("/a") + fastCGI("/b")),
        ("abort", .abortRequest, begin() + record(2)),
        ("a body too large", .bodyTooLarge, fastCGI("/a", body: [UInt8](repeating: 0, count: 65_537))),
    ]

    @Test(arguments: hostile)
    func `A hostile peer is closed with a log line and others are served`(
        name: String,
        reason: RejectReason,
        bytes: [UInt8]
    ) {
        let gateway = TestGateway()
        let honest = gateway.client()
        #expect(honest.ask("/before") != nil)
        for _ in 0..<3 {
            let client = gateway.client()
            client.send(bytes)
            #expect(client.isClosed(), "\(name)")
            #expect(honest.ask("/meanwhile")?.hasSuffix("GET /meanwhile cookie 0 body 0 sum 0") == true)
        }
        #expect(gateway.fastCGICounters[rejected: reason] == 3)
        #expect(gateway.fastCGICounters.openConnections == 1)
        #expect(gateway.thread.log.filter { $0 == "fastcgi: connection closed: \(reason.text)" }.count == 3)
        gateway.stop()
    }

    @Test func `Half a request is closed at its deadline, not before, and others are served meanwhile`() {
        var limits = GatewayLimits()
        limits.partialRequestMilliseconds = 200
        let gateway = TestGateway(limits: limits)
        let honest = gateway.client()
        let whole = fastCGI("/half", cookie: 500)
        let halves = [1, 8, 16, 100, whole.count - 1].map { count in
            let client = gateway.client()
            client.send(Array(whole.prefix(count)))
            return client
        }
        #expect(honest.ask("/meanwhile") != nil)
        #expect(gateway.fastCGICounters.openConnections == 6)
        for client in halves { #expect(client.isClosed()) }
        #expect(honest.ask("/after") != nil, "an idle kept connection has no such deadline")
        #expect(gateway.fastCGICounters.expiredPartialRequests == 5)
        #expect(gateway.thread.log.contains("fastcgi: connection closed: request not whole after 200 ms"))
        gateway.stop()
    }

    @Test func `A slow but honest peer that sends single bytes is served`() {
        let gateway = TestGateway()
        let client = gateway.client()
        let honest = gateway.client()
        for round in 0..<2 {
            for (index, byte) in fastCGI("/slow").enumerated() {
                client.send([byte])
                if index % 20 == 0 { #expect(honest.ask("/meanwhile") != nil) }
            }
            #expect(client.fastCGIAnswer()?.hasSuffix("GET /slow cookie 0 body 0 sum 0") == true, "round \(round)")
        }
        gateway.stop()
    }

    @Test func `Garbage of any kind neither ends nor blocks the server`() {
        let gateway = TestGateway()
        let honest = gateway.client()
        var generator = SystemRandomNumberGenerator()
        let valid = fastCGI("/garbage", cookie: 400, body: [UInt8](repeating: 9, count: 300), piece: 90, padding: 3)
        for round in 0..<200 {
            var bytes = valid
            for _ in 0..<(1 + round % 5) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            let client = gateway.client()
            client.send(bytes)
            shutdown(client.descriptor, Int32(SHUT_WR))
            // Either it was still a request, or it is closed; never silence.
            #expect(client.receive() != nil, "\(bytes)")
        }
        #expect(honest.ask("/after")?.hasSuffix("GET /after cookie 0 body 0 sum 0") == true)
        gateway.stop()
    }

    @Test func `A peer that goes before the answer is noticed, and the answer goes nowhere`() {
        let gateway = TestGateway()
        for _ in 0..<10 {
            let client = gateway.client()
            client.send(fastCGI("/held"))
        }
        #expect(gateway.eventually { $0.fastCGI!.counters.abandonedRequests == 10 })
        #expect(gateway.eventually { $0.held.count == 10 && $0.held.allSatisfy { !$0.isOpen } })
        gateway.thread.perform { context in
            for exchange in context.held { exchange.respond(GatewayResponse(status: 200)) }
            context.held = []
        }
        #expect(gateway.fastCGICounters.openConnections == 0)
        #expect(gateway.client().ask("/after") != nil)
        gateway.stop()
    }

    @Test func `A request that was sent whole is handled even if its peer has gone by then`() {
        // navigator.sendBeacon: a visitor leaves by closing the page, and nginx closes with it.
        let gateway = TestGateway()
        do {
            let client = gateway.client()
            client.send(fastCGI("/leave", body: [1, 2, 3]))
        }
        #expect(gateway.eventually { $0.fastCGI!.counters.requests == 1 })
        #expect(gateway.eventually { $0.fastCGI!.counters.openConnections == 0 })
        gateway.stop()
    }

    @Test func `A peer that has closed its own side gets its answer, and then the end`() {
        let gateway = TestGateway()
        let client = gateway.client()
        client.send(fastCGI("/last"))
        shutdown(client.descriptor, Int32(SHUT_WR))
        #expect(client.fastCGIAnswer()?.hasSuffix("GET /last cookie 0 body 0 sum 0") == true)
        #expect(client.isClosed())
        #expect(gateway.eventually { $0.fastCGI!.counters.openConnections == 0 })
        gateway.stop()
    }

    @Test func `A peer that closes after the header, as nginx does for HEAD, harms nobody`() {
        let gateway = TestGateway()
        for _ in 0..<20 {
            let client = gateway.client()
            client.send(fastCGI("/size/100000"))
            var header = [UInt8](repeating: 0, count: 64)
            #expect(recv(client.descriptor, &header, 64, 0) > 0)
        }
        #expect(gateway.eventually { $0.fastCGI!.counters.openConnections == 0 })
        #expect(gateway.client().ask("/after") != nil)
        gateway.stop()
    }

    @Test func `A peer that does not read a large answer is closed after its time and holds nobody up`() {
        var limits = GatewayLimits()
        limits.partialRequestMilliseconds = 300
        let gateway = TestGateway(limits: limits)
        let honest = gateway.client()
        let deaf = gateway.client()
        deaf.send(fastCGI("/size/8000000"))
        #expect(honest.ask("/size/8000000")?.count ?? 0 > 8_000_000)
        #expect(gateway.eventually { $0.fastCGI!.counters.stalledPeers == 1 })
        #expect(honest.ask("/size/10") != nil)
        gateway.stop()
    }

    @Test func `A peer that never reads its answers is closed and holds nobody up`() {
        let gateway = TestGateway()
        let honest = gateway.client()
        let deaf = gateway.client()
        var sent: UInt64 = 0
        // The buffer holds a few of these. Each request waits for the one before to be taken, unlike its answer.
        while gateway.fastCGICounters.stalledPeers == 0, sent < 100 {
            guard deaf.send(fastCGI("/size/50000")) else { break }
            sent += 1
            let expected = sent
            #expect(
                gateway.eventually {
                    $0.fastCGI!.counters.requests >= expected || $0.fastCGI!.counters.stalledPeers > 0
                }
            )
            #expect(honest.ask("/size/10") != nil)
            if gateway.fastCGICounters.requests > expected * 2 { break }
        }
        #expect(gateway.fastCGICounters.stalledPeers == 1)
        #expect(gateway.thread.log.contains("fastcgi: connection closed: the peer does not read its answers"))
        gateway.stop()
    }

    @Test func `A request sent before the answer to the one before is served after it`() {
        let gateway = TestGateway()
        let client = gateway.client()
        client.send(fastCGI("/held"))
        #expect(gateway.eventually { $0.held.count == 1 })
        client.send(fastCGI("/early"))
        #expect(gateway.fastCGICounters.requests == 1)
        gateway.thread.perform { $0.held.removeFirst().respond(GatewayResponse(status: 202)) }
        #expect(client.fastCGIAnswer()?.hasPrefix("Status: 202 ") == true)
        #expect(client.fastCGIAnswer()?.hasSuffix("GET /early cookie 0 body 0 sum 0") == true)
        gateway.stop()
    }

    @Test func `Connections above the bound are closed at once and counted`() {
        var limits = GatewayLimits()
        limits.connections = 5
        let gateway = TestGateway(limits: limits)
        let first = (0..<5).map { _ in gateway.client() }
        for client in first { #expect(client.ask("/in") != nil) }
        for _ in 0..<3 { #expect(gateway.client().isClosed()) }
        #expect(gateway.fastCGICounters.refusedConnections == 3)
        #expect(first[0].ask("/still") != nil)
        gateway.stop()
    }

    @Test func `Log lines about peers are bounded, and the rest is reported as a number`() {
        var limits = GatewayLimits()
        limits.logLinesPerSecond = 4
        let gateway = TestGateway(limits: limits)
        for _ in 0..<40 {
            let client = gateway.client()
            client.send([9])
            #expect(client.isClosed())
        }
        #expect(gateway.thread.log.count <= 8, "40 lines in less than two seconds")
        let honest = gateway.client()
        #expect(honest.ask("/") != nil)
        #expect(
            gateway.eventually { _ in
                gateway.thread.log.contains { $0.hasSuffix(" more lines like this were left out") }
            }
        )
        gateway.stop()
    }
}
