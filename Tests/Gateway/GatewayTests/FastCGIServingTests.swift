// SPDX-License-Identifier: Apache-2.0
//
// What an honest peer gets from the FastCGI server.

import Gateway
import GatewayWire
import Glibc
import Reactor
import TestSupport
import Testing

@Suite struct FastCGIServingTests {
    @Test func `A request is answered and its connection kept`() {
        let gateway = TestGateway()
        let client = gateway.client()
        let answer = client.ask("/a", cookie: 3)
        #expect(answer?.hasPrefix("Status: 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ") == true)
        #expect(answer?.hasSuffix("\r\n\r\nGET /a cookie 3 body 0 sum 0") == true)
        #expect(client.ask("/b")?.hasSuffix("GET /b cookie 0 body 0 sum 0") == true)
        #expect(gateway.fastCGICounters.requests == 2)
        #expect(gateway.fastCGICounters.openConnections == 1)
        gateway.stop()
    }

    @Test func `Five thousand requests use one connection`() {
        let gateway = TestGateway()
        let client = gateway.client()
        for number in 0..<5_000 {
            guard client.ask("/\(number)")?.hasSuffix("GET /\(number) cookie 0 body 0 sum 0") == true else {
                Issue.record("request \(number)")
                break
            }
        }
        #expect(gateway.fastCGICounters.requests == 5_000)
        #expect(gateway.fastCGICounters.acceptedConnections == 1)
        gateway.stop()
    }

    @Test func `A request of any size around the read buffer of libfcgi leaves nothing for the next one`() {
        // libfcgi reads 8,192 bytes at a time; what is left of a request there is taken for the next request.
        let gateway = TestGateway()
        let empty = fastCGI("/size", cookie: 8_000).count
        for size in 8_191...8_200 {
            let client = gateway.client()
            let cookie = 8_000 + size - empty
            #expect(fastCGI("/size", cookie: cookie).count == size)
            for _ in 0..<2 {
                #expect(client.ask("/size", cookie: cookie)?.hasSuffix("cookie \(cookie) body 0 sum 0") == true)
            }
        }
        gateway.stop()
    }

    @Test func `Bodies arrive whole, whatever records they come in`() {
        let gateway = TestGateway()
        let client = gateway.client()
        for (size, piece, padding) in [
            (1, 1, 0), (100, 3, 5), (8_192, 8_192, 0), (40_000, 32_768, 8), (65_536, 16_384, 7),
        ] {
            let body = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            client.send(fastCGI("/body", body: body, piece: piece, padding: padding))
            let expected = "POST /body cookie 0 body \(size) sum \(checksum(body))"
            #expect(client.fastCGIAnswer()?.hasSuffix(expected) == true, "\(size) bytes in pieces of \(piece)")
        }
        #expect(gateway.fastCGICounters.acceptedConnections == 1)
        gateway.stop()
    }

    @Test func `A kept connection without a request is closed after its time`() {
        var limits = GatewayLimits()
        limits.idleMilliseconds = 200
        let gateway = TestGateway(limits: limits)
        let client = gateway.client()
        #expect(client.ask("/once") != nil)
        #expect(client.isClosed())
        #expect(gateway.fastCGICounters.expiredIdleConnections == 1)
        gateway.stop()
    }

    @Test func `Answers of any size up to the bound arrive whole on one connection`() {
        let gateway = TestGateway()
        let client = gateway.client()
        for size in [0, 1, 8_000, 8_184, 8_185, 65_535, 131_000, 131_072, 1_000_000, 8_388_000, 7] {
            let answer = client.ask("/size/\(size)")
            #expect(answer?.hasSuffix("\r\n\r\n" + String(repeating: "y", count: size)) == true, "\(size) bytes")
        }
        #expect(client.ask("/size/8388608")?.hasPrefix("Status: 500 ") == true)
        #expect(gateway.fastCGICounters.oversizedResponses == 1)
        #expect(gateway.fastCGICounters.acceptedConnections == 1)
        gateway.stop()
    }

    @Test func `A later answer reaches its own connection while others are served`() {
        let gateway = TestGateway()
        let first = gateway.client()
        let second = gateway.client()
        for _ in 0..<20 {
            first.send(fastCGI("/later"))
            #expect(second.ask("/now")?.hasSuffix("GET /now cookie 0 body 0 sum 0") == true)
            #expect(first.fastCGIAnswer()?.hasSuffix("later") == true)
        }
        gateway.stop()
    }

    @Test func `A request is answered once`() {
        let gateway = TestGateway()
        let client = gateway.client()
        #expect(client.ask("/twice")?.hasSuffix("first") == true)
        #expect(client.ask("/next")?.hasSuffix("GET /next cookie 0 body 0 sum 0") == true)
        gateway.stop()
    }

    @Test func `A request whose exchange is let go is answered with 500`() {
        let gateway = TestGateway()
        let client = gateway.client()
        #expect(client.ask("/dropped")?.hasPrefix("Status: 500 ") == true)
        #expect(client.ask("/next")?.hasPrefix("Status: 200 ") == true)
        #expect(gateway.fastCGICounters.droppedExchanges == 1)
        gateway.stop()
    }

    @Test func `A request without an answer gets 503 in time, and the late answer goes nowhere`() {
        var limits = GatewayLimits()
        limits.answerMilliseconds = 100
        let gateway = TestGateway(limits: limits)
        let client = gateway.client()
        let answer = client.ask("/held")
        #expect(answer?.hasPrefix("Status: 503 ") == true)
        #expect(answer?.contains("Retry-After: 1\r\n") == true)
        gateway.thread.perform { $0.held.removeFirst().respond(GatewayResponse(status: 200)) }
        #expect(client.ask("/next")?.hasSuffix("GET /next cookie 0 body 0 sum 0") == true)
        gateway.stop()
    }

    @Test func `A peer that does not want to keep the connection gets its answer and the end, and holds nobody up`() {
        let gateway = TestGateway()
        let honest = gateway.client()
        let elapsed = ContinuousClock().measure {
            for _ in 0..<5 {
                let client = gateway.client()
                client.send(fastCGI("/once", keep: false))
                #expect(client.fastCGIAnswer()?.hasSuffix("GET /once cookie 0 body 0 sum 0") == true)
                #expect(client.isClosed())
                // The client is still open: libfcgi's usual close would wait two seconds for it, in the loop.
                #expect(honest.ask("/meanwhile") != nil)
            }
        }
        #expect(elapsed < .seconds(5))
        #expect(gateway.eventually { $0.fastCGI!.counters.openConnections == 1 })
        gateway.stop()
    }

    @Test func `Signals during requests harm none, caught or handled in the loop`() throws {
        let gateway = TestGateway { context in
            try context.loop.onSignal(SIGUSR2) { context.signals += 1 }
        }
        // A handler without SA_RESTART in the thread of the loop is the worst that a library can install.
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { _ in }
        sigaction(SIGALRM, &action, nil)
        let client = gateway.client()
        let body = [UInt8](repeating: 5, count: 50_000)
        for number in 0..<300 {
            pthread_kill(gateway.thread.handle, SIGALRM)
            pthread_kill(gateway.thread.handle, SIGUSR2)
            client.send(fastCGI("/signal", body: body))
            pthread_kill(gateway.thread.handle, SIGALRM)
            guard client.fastCGIAnswer()?.contains("body 50000") == true else {
                Issue.record("request \(number) was harmed")
                break
            }
        }
        #expect(gateway.fastCGICounters.acceptedConnections == 1)
        #expect(gateway.thread.perform { $0.signals } > 0)
        gateway.stop()
    }

    @Test func `libfcgi does not take over the signals of the process`() {
        let gateway = TestGateway()
        for signal in [SIGTERM, SIGUSR1] {
            var action = sigaction()
            sigaction(signal, nil, &action)
            #expect(action.__sigaction_handler.sa_handler == nil, "signal \(signal) has its default action")
        }
        gateway.stop()
    }

    @Test func `Draining serves what is in flight, closes what is idle and then reports`() {
        let gateway = TestGateway()
        let idle = gateway.client()
        let busy = gateway.client()
        #expect(idle.ask("/idle") != nil)
        busy.send(fastCGI("/held"))
        #expect(gateway.eventually { $0.held.count == 1 })
        gateway.thread.perform { context in
            context.fastCGI!.drain { context.signals = 77 }
        }
        #expect(idle.isClosed())
        #expect(access(gateway.fastCGIPath, F_OK) == -1)
        #expect(gateway.thread.perform { $0.signals } == 0, "not drained while a request is in flight")
        gateway.thread.perform { $0.held.removeFirst().respond(GatewayResponse(status: 202)) }
        #expect(busy.fastCGIAnswer()?.hasPrefix("Status: 202 ") == true)
        #expect(busy.isClosed())
        #expect(gateway.eventually { $0.signals == 77 })
        gateway.stop()
    }
}
