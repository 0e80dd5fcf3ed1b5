// SPDX-License-Identifier: Apache-2.0
//
// Redis loses its memory and somebody without a memory of the room comes first: nobody may lose a place by it.

import Glibc
import Passes
import TestSupport
import Testing

extension Integration {
    @Suite struct MemoryLossTests {
        @Test func `a room made anew by nobody in particular is merged with what the workers remember`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 0.001, burst: 1, abandon_after: 60s}")
            let client = stack.client()
            #expect(try client.join().status == 200)
            let tickets = try (0..<20).map { _ in try client.join().ticket }
            try client.untilMirrored(tickets[0])
            #expect(try stack.room("set", "demo", "capacity=500").status == 0)
            try client.untilMirrored(tickets[0])
            let highest = try tickets.map { try stack.keyRing().number($0) }.max() ?? 0

            // Empty, and made anew at once with full buckets and another beginning, as by a worker that knows nothing.
            try stack.redis(
                "EVAL",
                """
                redis.call('FLUSHALL')
                redis.call('HSET', 'vq:{demo}:state', 'generation', 1, 'next', ARGV[1], 'version', 1, 'incarnation', 7,
                  'head', ARGV[1], 'call_micro', 1000000, 'entry_micro', 1000000)
                """,
                "0",
                "\(highest + 1_000_000)"
            )
            let areBack = try Wait.until(seconds: 3) {
                try tickets.indices.allSatisfy { try client.status(tickets[$0]).position == $0 + 1 }
            }
            #expect(areBack)
            let newcomer = try client.join()
            #expect(newcomer.status == 202, "the buckets are empty after a loss")
            #expect(newcomer.position == 21)
            #expect(try stack.keyRing().number(newcomer.ticket) >= highest + 1_000_000)
            #expect(try stack.room("show", "demo").text.contains("capacity: 500"), "what an operator set is kept")
        }

        @Test func `an operator who looks at a room neither makes nor moves it`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 0.001, burst: 1}")
            let client = stack.client()
            #expect(try client.join().status == 200)
            let ticket = try client.join().ticket
            for worker in stack.workerPids { kill(worker, SIGSTOP) }
            defer { for worker in stack.workerPids { kill(worker, SIGCONT) } }
            try stack.redis("FLUSHALL")
            let shown = try stack.room("show", "demo")
            #expect(shown.status != 0)
            #expect(shown.text.contains("NOSTATE"), "\(shown.text)")
            #expect(try stack.redis("DBSIZE") == "0")
            for worker in stack.workerPids { kill(worker, SIGCONT) }
            #expect(try Wait.until(seconds: 5) { try client.status(ticket).position == 1 })
        }

        @Test func `numbers go on behind every number issued before the loss`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 0.001, burst: 1}")
            let keys = try stack.keyRing()
            var numbers: Set<Int> = []
            for round in 0..<5 {
                let port = stack.port
                let found = try Threads.run(4) { _ in
                    let client = HTTPClient(port: port)
                    return try (0..<200).compactMap { _ in
                        let answer = try client.join()
                        return answer.status == 202 ? try keys.number(answer.ticket) : nil
                    }
                }.flatMap { $0 }
                #expect(!found.isEmpty)
                for number in found {
                    #expect(numbers.insert(number).inserted, "issued twice: \(number), round \(round)")
                }
                try stack.redis("FLUSHALL")
            }
        }
    }
}
