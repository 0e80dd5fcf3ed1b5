// SPDX-License-Identifier: Apache-2.0
//
// The SCGI server: the same handler, the same kinds of peers.

import Gateway
import GatewayWire
import Glibc
import Reactor
import TestSupport
import Testing

@Suite struct SCGIServerTests {
    private func ask(_ gateway: TestGateway, _ bytes: [UInt8]) -> String {
        let client = gateway.scgiClient()
        client.send(bytes)
        return String(decoding: client.receiveAll(), as: UTF8.self)
    }

    @Test func `A request is answered and its connection ends`() {
        let gateway = TestGateway()
        let answer = ask(gateway, scgi("/a", cookie: 3))
        #expect(answer.hasPrefix("Status: 200 OK\r\nContent-Type: text/plain\r\n"))
        #expect(answer.hasSuffix("GET /a cookie 3 body 0 sum 0"))
        let body = String(repeating: "abc", count: 20_000)
        #expect(ask(gateway, scgi("/b", cookie: 9_000, body: body)).contains("POST /b cookie 9000 body 60000"))
        #expect(ask(gateway, scgi("/later")).hasSuffix("later"))
        #expect(ask(gateway, scgi("/twice")).hasSuffix("first"))
        #expect(ask(gateway, scgi("/dropped")).hasPrefix("Status: 500 "))
        #expect(gateway.eventually { $0.scgi!.counters.openConnections == 0 })
        #expect(gateway.scgiCounters.requests == 5)
        gateway.stop()
    }

    @Test func `A large answer arrives whole at a peer that reads slowly`() {
        var limits = GatewayLimits()
        limits.responseBytes = 2_000_000
        let gateway = TestGateway(limits: limits)
        let client = gateway.scgiClient()
        client.send(scgi("/size/1500000"))
        #expect(gateway.eventually { $0.scgi!.counters.requests == 1 })
        #expect(client.receiveAll().filter { $0 == 0x79 }.count >= 1_500_000)
        gateway.stop()
    }

    @Test func `A slow but honest peer that sends single bytes is served`() {
        let gateway = TestGateway()
        let client = gateway.scgiClient()
        for (index, byte) in scgi("/slow", cookie: 300, body: "body").enumerated() {
            client.send([byte])
            if index % 100 == 0 { #expect(ask(gateway, scgi("/meanwhile")).hasPrefix("Status: 200 ")) }
        }
        #expect(String(decoding: client.receiveAll(), as: UTF8.self).contains("POST /slow cookie 300 body 4"))
        gateway.stop()
    }

    static let hostile: [(RejectReason, [UInt8])] = [
        (.malformedNetstring, Array("GET / HTTP/1.1\r\n\r\n".utf8)),
        (.malformedNetstring, record(9, id: 0)),
        (.parametersTooLarge, Array("99999999:".utf8)),
        (.missingContentLength, Array("7:SCGI\u{0}1\u{0},".utf8)),
        (.bodyTooLarge, scgi("/a", length: "65537")),
        (.malformedContentLength, scgi("/a", length: "-1")),
        (.bytesAfterRequest, scgi("/a") + scgi("/b")),
    ]

    @Test(arguments: hostile)
    func `A hostile peer is closed with a log line and others are served`(reason: RejectReason, bytes: [UInt8]) {
        let gateway = TestGateway()
        let client = gateway.scgiClient()
        client.send(bytes)
        #expect(client.isClosed())
        #expect(ask(gateway, scgi("/after")).hasSuffix("GET /after cookie 0 body 0 sum 0"))
        #expect(gateway.scgiCounters[rejected: reason] == 1)
        #expect(gateway.thread.log == ["scgi: connection closed: \(reason.text)"])
        gateway.stop()
    }

    @Test func `Half a request, a missing answer and a deaf peer meet their deadlines`() {
        var limits = GatewayLimits()
        limits.partialRequestMilliseconds = 150
        limits.answerMilliseconds = 150
        limits.responseBytes = 2_000_000
        let gateway = TestGateway(limits: limits)
        let half = gateway.scgiClient()
        half.send(Array(scgi("/half").dropLast()))
        let silent = gateway.scgiClient()
        let unanswered = gateway.scgiClient()
        unanswered.send(scgi("/held"))
        let deaf = gateway.scgiClient()
        deaf.send(scgi("/size/1500000"))
        #expect(half.isClosed())
        #expect(silent.isClosed())
        #expect(String(decoding: unanswered.receiveAll(), as: UTF8.self).hasPrefix("Status: 503 "))
        #expect(gateway.eventually { $0.scgi!.counters.stalledPeers == 1 })
        #expect(gateway.scgiCounters.expiredPartialRequests == 2)
        #expect(gateway.scgiCounters.expiredAnswers == 1)
        #expect(deaf.receiveAll().count < 1_500_000, "the answer was cut, not kept for ever")
        gateway.stop()
    }

    @Test func `A peer that goes before the answer is noticed`() {
        let gateway = TestGateway()
        for _ in 0..<10 {
            let client = gateway.scgiClient()
            client.send(scgi("/held"))
        }
        #expect(gateway.eventually { $0.scgi!.counters.abandonedRequests == 10 })
        gateway.thread.perform { context in
            for exchange in context.held { exchange.respond(GatewayResponse(status: 200)) }
        }
        #expect(gateway.scgiCounters.openConnections == 0)
        gateway.stop()
    }

    @Test func `Draining finishes the request in flight and then reports`() {
        let gateway = TestGateway()
        let client = gateway.scgiClient()
        client.send(scgi("/held"))
        #expect(gateway.eventually { $0.held.count == 1 })
        gateway.thread.perform { context in context.scgi!.drain { context.signals = 77 } }
        #expect(gateway.thread.perform { $0.signals } == 0)
        gateway.thread.perform { $0.held.removeFirst().respond(GatewayResponse(status: 200)) }
        #expect(String(decoding: client.receiveAll(), as: UTF8.self).hasPrefix("Status: 200 "))
        #expect(gateway.eventually { $0.signals == 77 })
        gateway.stop()
    }
}
