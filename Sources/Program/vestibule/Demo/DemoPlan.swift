// SPDX-License-Identifier: Apache-2.0
//
// What a demo will start, decided and checked before anything runs.

import Admission
import Configuration
import Glibc
import NginxFiles
import Reactor

struct DemoPlan {
    /// sockaddr_un holds 108 bytes with the final zero, see unix(7).
    private static let socketPathMax = 107

    let port: Int
    let tlsPort: Int
    var directory = ""
    /// Whether the directory is ours to remove.
    var isTemporary = false
    var configuration = Configuration()
    var workerCount = 1
    /// host:port of a backend of the user's; nil starts our own.
    var backend: String?
    /// A Redis of the user's; nil starts our own.
    var redisSocket: String?
    var verifier = NginxConfiguration.Verifier.njs
    var gateway = NginxConfiguration.Gateway.fastcgi
    var limitsLoopback = false

    init(port: Int, tlsPort: Int) {
        self.port = port
        self.tlsPort = tlsPort
    }

    /// "http://127.0.0.1:9000" or "127.0.0.1:9000" as host and port.
    static func backendAddress(_ url: String) throws -> String {
        var rest = Substring(url)
        if rest.hasPrefix("http://") { rest = rest.dropFirst(7) }
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        let allowed = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]")
        guard !rest.isEmpty, rest.allSatisfy({ allowed.contains($0) }) else {
            throw CommandFailure("BACKEND_INVALID", "\(url) is not like http://127.0.0.1:9000")
        }
        return rest.contains(":") ? String(rest) : "\(rest):80"
    }

    /// Takes rooms, tick and workers from a file; adds room `demo` when there is none.
    mutating func configure(from file: Configuration?, workers: Int?) throws {
        if let file { configuration = file }
        if !configuration.rooms.contains(where: { $0.id == "demo" }) {
            configuration.rooms.append(Configuration.RoomEntry(id: "demo", policy: .standard))
        }
        workerCount = workers ?? LoadedConfiguration.workerCount(configuration)
    }

    mutating func makeDirectory(_ wanted: String?) throws {
        if let wanted {
            directory = wanted
            try Files.makeDirectory(wanted)
        } else {
            directory = try Files.makeTemporaryDirectory("vestibule-demo")
            isTemporary = true
        }
        let longest = "\(directory)/worker-\(workerCount - 1).fcgi.sock\(WorkerSlot.hiddenSuffix)"
        guard longest.utf8.count <= DemoPlan.socketPathMax else {
            throw CommandFailure("PATH_TOO_LONG", "\(directory) is too long for unix sockets; use a shorter --dir")
        }
        configuration.redis = .socket(path: redisSocket ?? path("redis.sock"))
        configuration.redisUsername = nil
        configuration.redisPasswordFile = nil
        configuration.keysPath = path("keys.json")
        configuration.runDirectory = directory
        configuration.socketGroup = nil
        configuration.workers = workerCount
    }

    func path(_ name: String) -> String { "\(directory)/\(name)" }

    var workerSockets: [String] {
        (0..<workerCount).map {
            gateway == .fastcgi ? configuration.fastCGISocket($0) : configuration.scgiSocket($0)
        }
    }

    /// The configuration the workers of the demo read, and `vestibule room --config` may use.
    var configurationText: String {
        var text = "# Written by vestibule demo.\nrooms:\n"
        for room in configuration.rooms { text += DemoPlan.roomText(room) }
        for template in configuration.templates {
            text += DemoPlan.roomText(template.entry)
            text += "    max_rooms: \(template.roomsMax)\n    forget_after: \(template.forgetAfterMilliseconds)ms\n"
        }
        return text + """
            redis: {socket: \(redisSocket ?? path("redis.sock"))}
            keys: \(path("keys.json"))
            workers: \(workerCount)
            tick: \(configuration.tickMilliseconds)ms
            poll_budget: \(configuration.pollBudgetPerSecond)
            api_prefix: \(configuration.apiPrefix)
            run_dir: \(directory)

            """
    }

    private static func roomText(_ room: Configuration.RoomEntry) -> String {
        var text = "  \"\(room.id)\":\n"
        for field in PolicyField.allCases { text += "    \(field.key): \(field.text(room.policy[field]))\n" }
        text += """
                eta: {method: \(room.eta.method.rawValue)\(DemoPlan.hourWeights(room.eta))}
                joins_per_source: \(room.rules.joinsPerSource?.text ?? "off")
                enqueue: \(room.rules.enqueue.rawValue)
                proof_of_work: \(room.rules.proofOfWork?.text ?? "off")
                bind_pass: \(room.rules.passBinding.text)
                page_status: \(room.web.pageStatus)
                cors: [\(room.web.origins.map { "\"\($0)\"" }.joined(separator: ", "))]
                returns: [\(room.web.returns.map { "\"\($0)\"" }.joined(separator: ", "))]
                api: \(room.web.speaksReference ? "reference" : room.web.speaksCloudflare ? "cloudflare" : "vestibule")
                same_site: \(room.web.isForOtherSites ? "none" : "lax")

            """
        if let folder = room.web.pageFolder { text += "    page: \"\(folder)\"\n" }
        if let domain = room.web.cookieDomain { text += "    cookie_domain: \(domain)\n" }
        if room.outage != .closed {
            text += "    when_redis_is_away: open\n    open_for: \(room.outage.openForMilliseconds)ms\n"
        }
        return text
    }

    private static func hourWeights(_ eta: EstimateSettings) -> String {
        guard eta != .standard else { return "" }
        let weights = eta.hourWeights.enumerated().map { hour, weight in
            let thousandths = Int((weight * 1000).rounded())
            return "\(hour): \(thousandths / 1000).\(String(1000 + thousandths % 1000).dropFirst())"
        }
        let (offset, two) = (abs(eta.utcOffsetMinutes), { (value: Int) in String(100 + value).dropFirst() })
        return ", hour_weights: {\(weights.joined(separator: ", "))}"
            + ", utc_offset: \"\(eta.utcOffsetMinutes < 0 ? "-" : "+")\(two(offset / 60)):\(two(offset % 60))\""
    }

    /// Fails when another program listens on one of our ports.
    func checkPorts() throws {
        for (name, number) in [("--port", port), ("--tls-port", tlsPort)] {
            do {
                let listener = try Listener.loopback(port: UInt16(number))
                listener.close()
            } catch {
                guard error.errno == EADDRINUSE else {
                    throw CommandFailure("PORT_UNUSABLE", "port \(number) cannot be used: \(error)")
                }
                throw CommandFailure(
                    "PORT_IN_USE",
                    "port \(number) is taken by another program; choose one with \(name)"
                )
            }
        }
    }
}
