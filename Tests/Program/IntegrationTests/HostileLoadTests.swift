// SPDX-License-Identifier: Apache-2.0
//
// Goals: thousands of requests that never end hold up nobody, up to the bound on connections and at it; one machine
// cannot take a room's numbers; and a worker that is sent rubbish for long neither dies, hangs nor grows.

import Foundation
import Glibc
import Passes
import Reactor
import TestSupport
import Testing

extension Integration {
    @Suite struct HostileLoadTests {
        /// GatewayLimits.connections
        private static let connectionsMax = 4096

        /// Connections to a worker's own socket, closed with their owner.
        private final class Attack {
            private var sockets: [TestSocket] = []

            var count: Int { sockets.count }

            /// Opens connections and sends the beginning of a request on each.
            func open(_ count: Int, _ path: String, _ start: [UInt8]) throws {
                for _ in 0..<count {
                    let socket = try TestSocket(path: path)
                    sockets.append(socket)
                    socket.send(start)
                }
            }

            /// One more byte on each.
            func drip() {
                for socket in sockets { socket.send([1]) }
            }

            /// How many the worker has closed.
            var closedCount: Int { sockets.count(where: \.isClosedByPeer) }
        }

        private static let starts: [(name: String, bytes: [UInt8])] = [
            ("fcgi", begin() + [1, 4, 0, 1, 0x10, 0, 0, 0]),
            ("scgi", Array("4096:CONTENT_LENGTH".utf8)),
        ]

        @Test(arguments: starts)
        func `thousands of half requests hold up nobody, and the connection above the bound is refused`(
            start: (name: String, bytes: [UInt8])
        ) throws {
            try #require(DescriptorLimit.raise() > 6000, "the test itself needs so many descriptors")
            let stack = try DemoStack(rooms: "  demo: {rate: 0.001, burst: 1}", workers: 1)
            let client = stack.client()
            _ = try client.join()
            // More than one: 50 polls of a ticket in a second are too many.
            let tickets = try (0..<20).map { _ in try client.join().ticket }
            try client.untilMirrored(try client.join().ticket)
            let path = stack.directory.file("worker-0.\(start.name).sock")
            let quiet = try latencies(client, tickets, polls: 200)

            let attack = Attack()
            try attack.open(Self.connectionsMax - 100, path, start.bytes)
            let attacked = try latencies(client, tickets, polls: 200) { if $0 % 20 == 0 { attack.drip() } }
            #expect(attack.closedCount == 0, "below the bound everybody has the time for a request")

            // Up to the bound and beyond. nginx's kept connection is among the open ones.
            try attack.open(300, path, start.bytes)
            #expect(Wait.until(seconds: 1) { attack.closedCount >= 180 }, "\(attack.closedCount) refused")
            _ = try latencies(client, tickets, polls: 20)

            // At the deadline of a request all of them are closed, dripping or not, and there is room again.
            let isOver = Wait.until(seconds: 10) {
                attack.drip()
                usleep(100_000)
                return attack.closedCount == attack.count
            }
            #expect(isOver, "\(attack.closedCount) of \(attack.count)")
            _ = try latencies(stack.client(), tickets, polls: 20)
            for said in ["connection refused: 4096 are open", "request not whole after 2000 ms"] {
                try stack.directory.read("worker-0.log", onceItHolds: said)
            }
            recordFigures(
                "p50 and p99 of a poll through nginx: quiet \(quiet) us, under attack \(attacked) us\n",
                "slow-loris-\(start.name)"
            )
            // Far from the two seconds for which a half request stays; a shared machine has its own delays.
            #expect(attacked.p50 < max(5 * quiet.p50, 20_000) && attacked.p99 < 250_000, "\(quiet) \(attacked)")
        }

        @Test func `a worker without descriptors goes on with the connections it has, and takes others later`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 0.001, burst: 1}", workers: 1)
            let client = stack.client()
            _ = try client.join()
            let ticket = try client.join().ticket
            let worker = try #require(stack.workerPids.first)
            let limited = try TestProcess.output("prlimit", ["--pid", "\(worker)", "--nofile=60:60"])
            #expect(limited.status == 0, "\(limited.text)")
            let attack = Attack()
            try attack.open(100, stack.directory.file("worker-0.fcgi.sock"), Self.starts[0].bytes)
            #expect(try client.status(ticket).status == 200, "nginx's kept connection is served")
            // The half requests end at their deadline, the next ones take their place and end as well.
            #expect(Wait.until(seconds: 15) { attack.closedCount == attack.count }, "\(attack.closedCount) closed")
            #expect(try stack.client().get("/healthz").status == 200)
            #expect(stack.workerPids == [worker])
        }

        private func latencies(
            _ client: HTTPClient,
            _ tickets: [String],
            polls: Int,
            each: (Int) -> Void = { _ in }
        ) throws -> (p50: Int, p99: Int) {
            var microseconds: [Int] = []
            for poll in 0..<polls {
                each(poll)
                let began = DispatchTime.now().uptimeNanoseconds
                let status = try client.status(tickets[poll % tickets.count]).status
                microseconds.append(Int(DispatchTime.now().uptimeNanoseconds - began) / 1000)
                guard status == 200 else { throw TestFailure("a poll got \(status)") }
            }
            return (quantile(0.5, of: microseconds), quantile(0.99, of: microseconds))
        }

        @Test func `one address gets as many numbers as the room gives a source, and an exempt one is not counted`()
            throws
        {
            let room = "  demo: {rate: 0.001, burst: 1, joins_per_source: 20/m}"
            let limited = try DemoStack(rooms: room, workers: 1, options: ["--limit-loopback"])
            let client = limited.client()
            var answers: [HTTPAnswer] = []
            for _ in 0..<40 { answers.append(try client.join()) }
            #expect(answers.filter { $0.status < 300 }.count == 20)
            let refused = answers.filter { $0.status == 429 && $0.errorCode == "RATE_LIMITED" }
            #expect(refused.count == 20 && refused.allSatisfy { $0.header("Retry-After") != nil })
            #expect(try limited.stateField("joined") == 20)
            #expect(try client.get("/metrics").text.contains("vestibule_joins_total{outcome=\"limited\"} 20"))
            limited.stop()
            let exempt = try DemoStack(rooms: room, workers: 1)
            for _ in 0..<40 { #expect(try exempt.client().join().status < 300) }
        }

        @Test func `20,000 valid, invalid and half requests leave a worker as it was`() throws {
            // The long run asks for 1,000,000: VESTIBULE_SOAK_REQUESTS.
            let requests = ProcessInfo.processInfo.environment["VESTIBULE_SOAK_REQUESTS"] ?? "20000"
            let stack = try DemoStack(workers: 1)
            let worker = try #require(stack.workerPids.first)
            let run = try TestProcess.output(
                try Product.program("vestibule-fuzz"),
                ["--sockets", stack.directory.path, "--pid", "\(worker)", "--requests", requests]
            )
            recordFigures(run.text, "soak")
            #expect(run.status == 0, "\(run.text)")
            #expect(stack.workerPids == [worker] && kill(worker, 0) == 0, "the same worker is still there")
            #expect(try stack.client().get("/readyz").status == 200)
        }
    }
}
