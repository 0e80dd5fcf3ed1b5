// SPDX-License-Identifier: Apache-2.0
//
// Goal: workers whose wall clocks differ by 10 s change nothing, because time is Redis TIME.
// Method: two workers started one by one, one of them under libfaketime with a shifted wall clock (its monotonic clock
// is left alone), behind an nginx with the rendered include files, as an operator would build it.

import Foundation
import Passes
import StrictJSON
import TestSupport
import Testing

extension Integration {
    @Suite struct ClockSkewTests {
        private let passMilliseconds = 600_000

        @Test func `two workers whose clocks differ by ten seconds keep the bound and the order`() throws {
            let site = try SkewedSite(rate: 50, burst: 100, skewSeconds: 10)
            let skews = try site.workerClockSkews()
            #expect(abs(skews[0]) < 2000, "the first worker has the machine's clock")
            #expect(abs(skews[1] - 10_000) < 2000, "the second worker is ten seconds ahead")

            let crowd = Crowd(port: site.port, visitors: 2000, threads: 8, seconds: 10, ratePerSecond: 50)
            let report = try crowd.run()
            let entries = try site.scores("active")
            let called = try site.scores("called")
            let times = entries.map { $0.score - passMilliseconds }
            let bound = Entries(burst: 100, ratePerSecond: 50, times: times)
            let shares = bound.shares(seconds: (wallMilliseconds() - (times.min() ?? 0)) / 1000)
            let figures = """
                entries \(entries.count), excess over the bound \(bound.excess())
                share of the bound after 1, 2, 3 ... s: \(shares.map { ($0 * 1000).rounded() / 1000 })
                answers \(report.answers.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" })
                """
            recordFigures(figures, "clock-skew")
            #expect(report.tickets.count == 2000)
            #expect(report.grants.count == entries.count)
            #expect(bound.excess() <= 0, "\(figures)")
            for (index, share) in shares.enumerated() where index >= 2 {
                #expect(share >= 0.95, "after \(index + 1) s: \(figures)")
            }
            // Nobody was passed over: all who still wait have higher numbers than those called or entered.
            let next = (entries + called).map(\.number).max() ?? 0
            let behind = try waitingNumbers(report, site, Set((entries + called).map(\.number)))
            #expect((behind.min() ?? 0) > next)
            try expectAgreement(site, report, behind)
        }

        private func waitingNumbers(_ report: Crowd.Report, _ site: SkewedSite, _ through: Set<Int>) throws -> [Int] {
            try report.tickets.map { try site.keys.number($0) }.filter { !through.contains($0) }.sorted()
        }

        /// Both workers tell the same waiting time and place, and tickets issue times are Redis' own.
        private func expectAgreement(_ site: SkewedSite, _ report: Crowd.Report, _ behind: [Int]) throws {
            let last = try #require(behind.last)
            let ticket = try #require(report.tickets.first { (try? site.keys.number($0)) == last })
            let issued = try report.tickets.map { Int(try site.keys.open($0).issuedMilliseconds) }
            #expect((issued.max() ?? 0) - (issued.min() ?? 0) < 5000, "no ticket carries the skewed clock")
            for _ in 0..<10 {
                let answer = try HTTPClient(port: site.port).status(ticket)
                let waited = Int(answer.json["waiting_time"]?.integerValue ?? -1)
                let expected = (wallMilliseconds() - Int(try site.keys.open(ticket).issuedMilliseconds)) / 1000
                #expect(abs(waited - expected) <= 1)
            }
            #expect(try Wait.until(seconds: 3) { try site.workersThatAnswered() == 2 })
        }
    }
}

/// Redis, two workers (one with a shifted wall clock) and nginx, started one by one.
private final class SkewedSite {
    var port: Int { nginx?.port ?? 0 }
    let keys: KeyRing
    private let redis: RedisServer
    private let directory: TemporaryDirectory
    private var processes: [TestProcess] = []
    private var nginx: TestNginx?

    init(rate: Int, burst: Int, skewSeconds: Int) throws {
        redis = try RedisServer()
        directory = try TemporaryDirectory()
        var random = SystemRandomNumberGenerator()
        keys = try KeyRing(keys: [SigningKey.generate(kid: "k1", using: &random)])
        try directory.write("keys.json", String(decoding: keys.jwkSet(), as: UTF8.self))
        let configuration = directory.file("vestibule.yaml")
        try directory.write(
            "vestibule.yaml",
            """
            rooms:
              demo: {rate: \(rate), burst: \(burst), pass_ttl: 10m}
            redis: {socket: \(redis.socketPath)}
            keys: \(directory.file("keys.json"))
            workers: 2
            run_dir: \(directory.path)
            nginx: {api_log: site}

            """
        )
        let program = try Product.vestibule()
        let includes = directory.file("include")
        let rendered = try TestProcess.output(
            program,
            [
                "nginx", "render", "--config", configuration, "--output", includes, "--api-rate", "100000r/s",
                "--cache-directory", directory.file("board-cache"),
            ]
        )
        guard rendered.status == 0 else { throw TestFailure(rendered.text) }
        try startWorkers(program, configuration, skewSeconds)
        let accesses = directory.file("access.log")
        nginx = try TestNginx(
            in: directory,
            modules: ["ngx_http_js_module"],
            isReady: { (try? HTTPClient(port: $0[0]).get("/_vestibule/readyz").status) == 200 },
            { ports in
                """
                keepalive_requests 1000000; include \(includes)/vestibule-http.conf;
                access_log \(accesses) vestibule;
                server { listen 127.0.0.1:\(ports[0]); include \(includes)/vestibule-server.conf; }
                """
            }
        )
    }

    private func startWorkers(_ program: String, _ configuration: String, _ skewSeconds: Int) throws {
        // The wrapper, not LD_PRELOAD by hand: then the library sets no variable of its own, which would move the
        // environment and hide the arguments from the Swift runtime.
        let skew = ["faketime", "--exclude-monotonic", "-f", "+\(skewSeconds)s"]
        for (index, wrapper) in [["env"], skew].enumerated() {
            let command = wrapper + [program, "worker", "--config", configuration, "--index", "\(index)"]
            let log = directory.file("worker-\(index).log")
            processes.append(try TestProcess(command[0], Array(command.dropFirst()), log: log))
        }
        for index in 0..<2 { try directory.read("worker-\(index).log", onceItHolds: "redis connected") }
    }

    deinit {
        nginx?.stop()
        for process in processes.reversed() { process.stop() }
        // libfaketime leaves its shared memory behind, named after the process.
        for process in processes {
            for name in ["faketime_shm_\(process.pid)", "sem.faketime_sem_\(process.pid)"] {
                try? FileManager.default.removeItem(atPath: "/dev/shm/\(name)")
            }
        }
    }

    /// How far each worker's clock is ahead of this process's, from the time in its last log line and the time at which
    /// the file was written: both are of the same moment, however long ago that is.
    func workerClockSkews() throws -> [Int] {
        let format = ISO8601DateFormatter()
        format.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
        return try (0..<2).map { index in
            let path = directory.file("worker-\(index).log")
            func written() throws -> Date? {
                try FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date
            }
            var (line, time): (Substring, Date?)
            repeat {
                time = try written()
                line = directory.read("worker-\(index).log").split(separator: "\n").last ?? ""
            } while try written() != time
            let logged = try JSONValue(parsing: Array(line.utf8))["time"]?.stringValue.flatMap(format.date)
            guard let logged, let time else { throw TestFailure("no time in \(line)") }
            return Int(logged.timeIntervalSince(time) * 1000)
        }
    }

    func scores(_ name: String) throws -> [(number: Int, score: Int)] {
        let lines = try redis.command("ZRANGE", "vq:{demo}:\(name)", "0", "-1", "WITHSCORES").split(separator: "\n")
        return stride(from: 0, to: lines.count - 1, by: 2).map { (Int(lines[$0]) ?? -1, Int(lines[$0 + 1]) ?? -1) }
    }

    /// How many workers nginx had answers from.
    func workersThatAnswered() throws -> Int {
        let log = directory.read("access.log")
        return (0..<2).filter { log.contains("worker-\($0).fcgi.sock\",\"upstream_status\":\"200\"") }.count
    }
}
