// SPDX-License-Identifier: Apache-2.0
//
// `vestibule-load`: one run of virtual visitors against a waiting room on loopback, and its report.

public import ArgumentParser
import Glibc
public import Load
import Reactor

extension ArrivalSchedule: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}

@main
struct VestibuleLoad: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vestibule-load",
        abstract: "Run visitors who join, poll when told, enter, and fetch the backend once.",
        discussion: """
            The model is open: a request is due when the visitor's time comes, however slow the answers are, and \
            latency counts from that moment. Connections go to 127.0.0.1 only; there is no option for another address.

            --tls speaks TLS through OpenSSL on the generator's own loop, on kept connections. nginx's stream module \
            as a TLS client in front of it was measured too, and costs the load side several times as much.

            The exit status is 0 for a clean run, 3 when there were errors, requests that were not sent or answered, \
            an order violation, or entries beyond the bound.
            """
    )

    @Option(help: "Port on 127.0.0.1.")
    var port = 8080
    @Flag(help: "Speak TLS to the port.")
    var tls = false
    @Option(help: "The room to join.")
    var room = "demo"
    @Option(help: "How many visitors arrive.")
    var visitors = 1000
    @Option(help: "When they arrive: spike:SECONDS, ramp:SECONDS or poisson:PER_SECOND.")
    var arrivals = ArrivalSchedule.spike(seconds: 5)
    @Option(help: "Seconds until the run stops sending.")
    var duration = 10.0
    @Option(help: "Share of the visitors who leave while they wait, 0 to 1.")
    var leavers = 0.0
    @Option(help: "Share of the visitors who fall silent while they wait, 0 to 1.")
    var silent = 0.0
    @Option(help: "Leaving and falling silent come within this many seconds after the join.")
    var quitWithin = 30.0
    @Option(help: "Kept connections, one request in flight on each.")
    var connections = 256
    @Option(help: "Requests a second that are never exceeded.")
    var maxRate = 60_000
    @Option(help: "Hold polls at this many a second by scaling the server's hints.")
    var pollRate: Double?
    @Option(help: "Hold all requests at this many a second: polls get what the others leave.")
    var totalRate: Double?
    @Option(help: "Milliseconds after which a request without an answer is an error.")
    var timeout = 10_000
    @Option(help: "Gather answers for this many microseconds: cheaper for the load side, adds up to that to latencies.")
    var gather = 0
    @Option(help: "The protected path an admitted visitor fetches.")
    var path = "/"
    @Option(help: "What the backend's page must contain; empty accepts any 200.")
    var backendMark = "backend"
    @Option(help: "Judge the promised waits against what came, for promises made from this second of the run on.")
    var waitsFrom: Double?
    @Option(help: "Seed of everything random.")
    var seed: UInt64 = 1
    @Option(help: "The room's rate, to check the bound on entries; needs --burst.")
    var rate: Double?
    @Option(help: "The room's burst.")
    var burst: Double?
    @Option(help: "pids.json of the demo, to report processor time and memory.")
    var pids: String?
    @Option(help: "A further process to report, NAME=PID; may be repeated.")
    var pid: [String] = []
    @Option(
        help: "Unix socket of the product's Redis, to report its commands and memory and the exact times of entries."
    )
    var redisSocket: String?
    @Option(help: "Write the report as JSON to this file.")
    var json: String?
    @Flag(help: "No progress line each second.")
    var quiet = false

    func validate() throws {
        if let problem = plan.problem { throw ValidationError(problem) }
        if pollRate != nil && totalRate != nil { throw ValidationError("choose --poll-rate or --total-rate") }
        if (rate == nil) != (burst == nil) { throw ValidationError("--rate and --burst belong together") }
        if let rate, let burst, rate < 0 || burst < 0 { throw ValidationError("--rate and --burst are at least 0") }
        for text in pid where VestibuleLoad.group(text) == nil {
            throw ValidationError("\(text) is not like nginx=1234")
        }
    }

    func run() throws {
        let plan = plan
        var groups = try pids.map { path in
            guard let groups = ProcessGroup.groups(ofDemo: try Files.read(path)) else {
                throw CommandFailure("PIDS_UNREADABLE", "\(path) is not the pids.json of a demo")
            }
            return groups
        }
        groups = (groups ?? []) + pid.compactMap { VestibuleLoad.group($0) }
        groups?.append(ProcessGroup(name: "generator", pids: [getpid()]))
        let measured = groups ?? []
        var around = LoadSurroundings()
        if let rate, let burst { around.bound = EntryBound(burst: burst, ratePerSecond: rate) }

        let loop = try EventLoop()
        let load = LoadRun(plan, on: loop) { line in if !quiet { Remark.say(line) } }
        for signal in [SIGINT, SIGTERM] { try loop.onSignal(signal) { load.stop() } }
        around.redisBefore = try redisSocket.flatMap { try VestibuleLoad.probe($0).usage() }
        around.usageBefore = measured.map { ProcessUsage.read($0) }
        load.run()
        around.usageAfter = measured.map { ProcessUsage.read($0) }
        if let redisSocket {
            let probe = try VestibuleLoad.probe(redisSocket)
            around.redisAfter = probe.usage()
            around.redisEntryMicroseconds = probe.entryMicroseconds(room: room)
        }

        let report = LoadReport(plan, load, around)
        print(report.text, terminator: "")
        if let json { try Files.write(Files.absolute(json), report.json + "\n") }
        if !report.isClean { throw ExitCode(3) }
    }

    private var plan: LoadPlan {
        var plan = LoadPlan()
        plan.port = port
        plan.room = room
        plan.isSecure = tls
        plan.backendPath = path
        plan.backendMark = backendMark
        plan.visitorCount = visitors
        plan.arrivals = arrivals
        plan.leaverShare = leavers
        plan.silentShare = silent
        plan.quitWithinMilliseconds = VestibuleLoad.milliseconds(quitWithin)
        plan.durationMilliseconds = VestibuleLoad.milliseconds(duration)
        plan.connectionCount = connections
        plan.requestRateMax = maxRate
        if let pollRate { plan.polling = .polls(perSecond: pollRate) }
        if let totalRate { plan.polling = .requests(perSecond: totalRate) }
        plan.timeoutMilliseconds = timeout
        plan.gatherMicroseconds = gather
        if let waitsFrom {
            plan.judgesWaits = true
            plan.waitsFromMilliseconds = VestibuleLoad.milliseconds(waitsFrom)
        }
        plan.seed = seed
        return plan
    }

    /// What is no number of milliseconds becomes 0, which the plan refuses.
    private static func milliseconds(_ seconds: Double) -> Int { Int(exactly: (seconds * 1000).rounded()) ?? 0 }

    private static func group(_ text: String) -> ProcessGroup? {
        let parts = text.split(separator: "=")
        guard parts.count == 2, let pid = Int32(parts[1]), pid > 1 else { return nil }
        return ProcessGroup(name: String(parts[0]), pids: [pid])
    }

    private static func probe(_ path: String) throws -> RedisProbe {
        guard let probe = RedisProbe(socketPath: path) else {
            throw CommandFailure("REDIS_AWAY", "nobody answers at \(path)")
        }
        return probe
    }
}
