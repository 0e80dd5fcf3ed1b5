// SPDX-License-Identifier: Apache-2.0
//
// Goal: `vestibule demo` is ready soon, says what is wrong when it cannot start, survives the loss of a worker, and
// leaves nothing behind.
// Method: process ids from pids.json are looked for after the end.

import Foundation
import StrictJSON
import TestSupport
import Testing

extension Integration {
    @Suite struct DemoTests {
        @Test(arguments: [SIGTERM, SIGINT])
        func `a signal ends every process and removes every socket`(signal: Int32) throws {
            let started = wallMilliseconds()
            let stack = try DemoStack(workers: 3)
            #expect(wallMilliseconds() - started < 10_000)
            let pids = [stack.pid("redis"), stack.pid("nginx"), stack.pid("backend")] + stack.workerPids
            #expect(pids.count == 6)
            #expect(pids.allSatisfy { $0 > 0 && kill($0, 0) == 0 })
            let sockets = (stack.pids["fastcgi_sockets"]?.arrayValue ?? []).compactMap(\.stringValue)
            #expect(sockets.count == 3)
            #expect(sockets.allSatisfy { FileManager.default.fileExists(atPath: $0) })
            // One client in the middle of things: a join that waits, and an open connection.
            let client = stack.client()
            #expect(try client.join().status == 200)

            let asked = wallMilliseconds()
            stack.process.stop(signal: signal)
            #expect(wallMilliseconds() - asked < 8000)
            #expect(stack.process.wait() == 0)
            #expect(Wait.until(seconds: 1) { pids.allSatisfy { kill($0, 0) != 0 } }, "no process is left")
            let left = try FileManager.default.contentsOfDirectory(atPath: stack.directory.path)
            #expect(left.filter { $0.hasSuffix(".sock") } == [])
            #expect(!left.contains("pids.json"))
            #expect(!Loopback.connects(port: stack.port))
        }

        @Test func `without a directory it makes one and removes it`() throws {
            let directory = try TemporaryDirectory()
            let (port, tlsPort) = (try Loopback.freePort(), try Loopback.freePort())
            let demo = try TestProcess(
                try Product.vestibule(),
                ["demo", "--port", "\(port)", "--tls-port", "\(tlsPort)"],
                log: directory.file("demo.log")
            )
            let ready = "ready http://127.0.0.1:\(port)/"
            #expect(Wait.until(seconds: 10) { directory.read("demo.log").contains(ready) })
            let redis = try TestProcess.output("pgrep", ["-P", "\(demo.pid)", "redis-server"]).text
            let command = try String(
                contentsOfFile: "/proc/\(redis.trimmingCharacters(in: .whitespacesAndNewlines))/cmdline",
                encoding: .utf8
            )
            let own = command.split(whereSeparator: { " \0".contains($0) }).first {
                $0.contains("/tmp/vestibule-demo-")
            }
            let folder = URL(fileURLWithPath: String(try #require(own).split(separator: ":").last ?? ""))
                .deletingLastPathComponent().path
            #expect(FileManager.default.fileExists(atPath: folder))
            demo.stop()
            #expect(!FileManager.default.fileExists(atPath: folder))
        }

        @Test(arguments: ["--port", "--tls-port"])
        func `a port that is taken is a clear error`(option: String) throws {
            let stack = try DemoStack()
            let free = try Loopback.freePort()
            let ports = option == "--port" ? ["\(stack.port)", "\(free)"] : ["\(free)", "\(stack.port)"]
            let directory = try TemporaryDirectory()
            let answer = try TestProcess.output(
                try Product.vestibule(),
                ["demo", "--port", ports[0], "--tls-port", ports[1], "--dir", directory.path]
            )
            #expect(answer.status != 0)
            #expect(answer.text.contains("PORT_IN_USE"))
            #expect(answer.text.contains("\(stack.port)"))
            #expect(answer.text.contains(option))
            #expect(try TestProcess.output("pgrep", ["-f", directory.path]).text == "", "nothing was left running")
            #expect(try stack.client().get("/healthz").status == 200, "the one that was there is well")
        }

        @Test func `a killed worker comes back and requests keep working meanwhile`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 0.001, burst: 1}", workers: 2)
            let client = stack.client()
            #expect(try client.join().status == 200)
            let tickets = try (0..<20).map { _ in try client.join().ticket }
            let before = stack.workerPids
            #expect(before.count == 2)
            for victim in before {
                kill(victim, SIGKILL)
                var failures: [Int] = []
                let isBack = try Wait.until(seconds: 5) {
                    for (index, ticket) in tickets.enumerated() {
                        let answer = try client.status(ticket)
                        if answer.status != 200 || answer.word != "waiting" { failures.append(index) }
                    }
                    let pids = stack.workerPids
                    return pids.count == 2 && !pids.contains(victim)
                }
                #expect(isBack)
                #expect(failures == [])
                // The new worker has to have its mirror before its twin dies.
                try client.untilMirrored(tickets[0])
            }
            #expect(Set(stack.workerPids).isDisjoint(with: before))
            #expect(try tickets.map { try client.status($0).position } == Array(1...20))
            #expect(try client.join().status == 202)
        }
    }
}
