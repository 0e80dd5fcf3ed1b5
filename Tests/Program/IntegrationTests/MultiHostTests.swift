// SPDX-License-Identifier: Apache-2.0
//
// Goal: two hosts over one Redis, whose files differ, keep the bound, the order and every place, also when one stands
// still for ten seconds and the other is started again.
// Method: two demos, each with its own directory, nginx, supervisor and workers. Visitors go to a host that runs, as
// behind a load balancer, and change hosts on the way.

import Foundation
import StrictJSON
import TestSupport
import Testing

extension Integration {
    @Suite struct MultiHostTests {
        private static let (rate, burst, visitors) = (5, 5, 120)

        private struct Visitor {
            let ticket: String
            let number: Int
            var dueMilliseconds = 0
            var position = 1_000_000
            var enteredMilliseconds = 0
        }

        private static func start(_ limits: String, _ redis: RedisServer, _ directory: TemporaryDirectory) throws
            -> DemoStack
        {
            try DemoStack(
                rooms: "  demo: {\(limits)}",
                options: ["--redis-socket", redis.socketPath],
                in: directory
            )
        }

        /// Looks once for everybody who is due, each at a host by chance; positions never rise but where an answer
        /// says that it is only reckoned.
        private func look(_ visitors: inout [Visitor], at hosts: [HTTPClient]) throws {
            for i in visitors.indices where visitors[i].enteredMilliseconds == 0 {
                guard visitors[i].dueMilliseconds <= wallMilliseconds() else { continue }
                visitors[i].dueMilliseconds = wallMilliseconds() + 400
                let client = hosts[Int.random(in: 0..<hosts.count)]
                let answer = try client.status(visitors[i].ticket)
                guard answer.status == 200 else { continue }
                if answer.json["ready_for_entry"]?.boolValue == true {
                    if try client.enter(visitors[i].ticket).status == 200 {
                        visitors[i].enteredMilliseconds = wallMilliseconds()
                    }
                } else if answer.word == "waiting", answer.json["degraded"]?.boolValue == false {
                    // Two hosts look within a tick of each other: those called in it may be shown once more.
                    #expect(answer.position <= visitors[i].position + 2 * Self.rate, "number \(visitors[i].number)")
                    visitors[i].position = min(visitors[i].position, answer.position)
                }
            }
        }

        private func look(_ visitors: inout [Visitor], at hosts: [HTTPClient], seconds: Double) throws {
            let end = Date().addingTimeInterval(seconds)
            while Date() < end, visitors.contains(where: { $0.enteredMilliseconds == 0 }) {
                try look(&visitors, at: hosts)
                sleepMilliseconds(20)
            }
        }

        @Test func `a worker that starts and finds Redis empty leaves the room to the host that remembers it`() throws {
            let redis = try RedisServer()
            let host = try Self.start("rate: 0, burst: 1", redis, try TemporaryDirectory())
            for _ in 0..<5 { #expect(try [200, 202].contains(host.client().join().status)) }
            // Both workers know all of them: nginx asks the workers in turn.
            var inARow = 0
            let isMirrored = try Wait.until(seconds: 5) {
                let metrics = String(decoding: try host.client().get("/metrics").body, as: UTF8.self)
                inARow = metrics.contains("vestibule_room_waiting{room=\"demo\"} 4\n") ? inARow + 1 : 0
                return inARow == 6
            }
            #expect(isMirrored)
            let frozen = host.workerPids
            for pid in frozen { kill(pid, SIGSTOP) }
            defer { for pid in frozen { kill(pid, SIGCONT) } }
            #expect(try redis.command("FLUSHALL") == "OK")
            // As the first worker of another host, with the same file.
            let config = host.directory.file("vestibule.yaml")
            let newcomer = try TestProcess(
                try Product.vestibule(),
                ["worker", "--config", config, "--index", "7"],
                log: host.directory.file("newcomer.log")
            )
            defer { newcomer.stop() }
            try host.directory.read("newcomer.log", onceItHolds: "redis connected")
            let connected = Date()
            while Date().timeIntervalSince(connected) < 1.5 {
                let isMade = try redis.command("EXISTS", "vq:{demo}:state") != "0"
                #expect(!isMade || Date().timeIntervalSince(connected) > 2, "made anew beside a host that remembers it")
                sleepMilliseconds(50)
            }
            for pid in frozen { kill(pid, SIGCONT) }
            var shown = ""
            let isBack = try Wait.until(seconds: 5) {
                shown = try host.room("show", "demo").text
                return shown.contains("waiting: 4")
            }
            #expect(isBack, "\(shown)")
        }

        @Test func `two hosts with different files keep bound, order and places when one freezes, one restarts`() throws
        {
            let redis = try RedisServer()
            let directories = (try TemporaryDirectory(), try TemporaryDirectory())
            // The older file would let in 200 times as many, and has other epochs.
            let first = try Self.start("rate: 1000, burst: 500, abandon_after: 120s", redis, directories.0)
            try directories.1.write("keys.json", first.directory.read("keys.json"))
            let limits = "rate: \(Self.rate), burst: \(Self.burst), abandon_after: 121s"
            var second = try Self.start(limits, redis, directories.1)
            let config = ["HGET", "vq:{demo}:config"]
            func inForce(_ field: String) throws -> String { try redis.command(config[0], config[1], "file:\(field)") }
            #expect(try Wait.until(seconds: 5) { try inForce("rate_milli") == "\(Self.rate * 1000)" })

            let keys = try first.keyRing()
            let (one, two) = (first.client(), second.client())
            var visitors = try (0..<Self.visitors).map { index in
                let answer = try (index % 2 == 0 ? one : two).join()
                var visitor = Visitor(ticket: answer.ticket, number: try keys.number(answer.ticket))
                if answer.status == 200 { visitor.enteredMilliseconds = wallMilliseconds() }
                return visitor
            }
            #expect(Set(visitors.map(\.number)).count == Self.visitors)
            try look(&visitors, at: [one, two], seconds: 2)

            // The first host stands still.
            let frozen = [first.process.pid] + first.workerPids
            for pid in frozen { kill(pid, SIGSTOP) }
            defer { for pid in frozen { kill(pid, SIGCONT) } }
            try look(&visitors, at: [two], seconds: 10)
            for pid in frozen { kill(pid, SIGCONT) }
            let isBack = Wait.until(seconds: 10) { (try? one.get("/readyz").status) == 200 }
            #expect(isBack)
            try look(&visitors, at: [one, two], seconds: 1)

            // The second host is started again.
            second.stop()
            try look(&visitors, at: [one], seconds: 1)
            second = try Self.start(limits, redis, directories.1)
            try look(&visitors, at: [one, second.client()], seconds: 40)

            #expect(visitors.allSatisfy { $0.enteredMilliseconds > 0 }, "nobody is lost")
            #expect(try inForce("rate_milli") == "\(Self.rate * 1000)")
            #expect(try inForce("abandon_ms") == "121000")
            let times = visitors.map(\.enteredMilliseconds).filter { $0 > 0 }
            let bound = Entries(burst: Self.burst, ratePerSecond: Self.rate, times: times)
            #expect(bound.excess(jitterMilliseconds: 500) <= 0, "\(bound.excess()) beyond burst + rate * t")
            // A called visitor enters with the next look, within half a second: others may be called meanwhile.
            let inOrder = visitors.sorted { $0.number < $1.number }.map(\.enteredMilliseconds)
            var latest = 0
            for entered in inOrder {
                #expect(entered > latest - 2500, "entered \(latest - entered) ms before a lower number")
                latest = max(latest, entered)
            }
            recordFigures("entries \(times.count), over the bound \(bound.excess())", "two-hosts")
        }
    }
}
