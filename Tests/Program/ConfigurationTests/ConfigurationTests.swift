// SPDX-License-Identifier: Apache-2.0
//
// The configuration file: defaults, every key, and that whatever is wrong is refused with the line it stands in.

import Admission
import Configuration
import Testing

struct ConfigurationTests {
    @Test("A file with one room has the documented defaults")
    func defaults() throws {
        for text in ["rooms:\n  demo:\n", "rooms: {demo: {}}\n", "rooms:\n  demo: ~\n"] {
            let read = try Configuration(yaml: text)
            #expect(read.rooms == [Configuration.RoomEntry(id: "demo", policy: .standard)])
            #expect(read.redis == .socket(path: "/run/redis/redis.sock"))
            #expect(read.redisUsername == nil && read.redisPasswordFile == nil)
            #expect(read.keysPath == "/etc/vestibule/keys.json")
            #expect(read.workers == nil && read.tickMilliseconds == 200)
            #expect(read.runDirectory == "/run/vestibule" && read.socketGroup == nil)
        }
        let standard = RoomPolicy.standard
        #expect(standard.rateMilli == 10_000 && standard.burst == 100 && standard.maxActive == 0)
        #expect(standard.claimWindowMilliseconds == 30_000 && standard.abandonAfterMilliseconds == 120_000)
        #expect(standard.returnGraceMilliseconds == 300_000 && standard.passLifetimeMilliseconds == 600_000)
        #expect(standard.mode == .open)
    }

    @Test("A reload names exactly the keys that only a restart changes, and staleness follows the tick")
    func restartKeys() throws {
        let old = try Configuration(yaml: "rooms: {demo: {}}\n")
        let same = try Configuration(yaml: "rooms: {demo: {}, more: {}}\ntick: 500ms\npoll_budget: 50\n")
        #expect(same.restartKeys(differingFrom: old) == [])
        #expect(old.staleMilliseconds == 1000 && same.staleMilliseconds == 2500)
        let moved = try Configuration(
            yaml: """
                rooms: {demo: {}}
                redis: {host: "127.0.0.1", port: 6380}
                workers: 4
                run_dir: /srv/run
                socket_group: www-data
                """
        )
        #expect(moved.restartKeys(differingFrom: old) == ["redis", "workers", "run_dir", "socket_group"])
    }

    @Test("The budget of polls is each room's own, or that of the file")
    func pollBudgets() throws {
        let read = try Configuration(yaml: "rooms: {a: {}, b: {poll_budget: 70}}\npoll_budget: 50\n")
        #expect(read.rooms.map(\.policy.pollBudget) == [50, 70])
    }

    @Test("Every key is read")
    func everyKey() throws {
        let read = try Configuration(
            yaml: """
                rooms:
                  first:
                    rate: 0.5        # one in two seconds
                    burst: 7
                    max_active: 300
                    claim_window: 45s
                    abandon_after: 3m
                    return_grace: 45m
                    # whole seconds
                    pass_ttl: 20m
                    capacity: 5000
                    mode: paused
                    joins_per_source: 100/m
                    enqueue: required
                    proof_of_work: {bits: 12, bits_max: 18}
                    bind_pass: network+agent
                  2nd_room-x:
                    mode: bypass
                    claim_window: 500ms
                redis: {host: "127.0.0.1", port: 6380, username: worker, password_file: /etc/vestibule/redis}
                keys: /srv/keys.json
                workers: 4
                tick: 500ms
                run_dir: /srv/run
                socket_group: www-data
                """
        )
        #expect(read.rooms.map(\.id) == ["first", "2nd_room-x"])
        #expect(read.rooms[0].rules.joinsPerSource == JoinLimit(joins: 100, periodMilliseconds: 60_000))
        #expect(read.rooms[0].rules.enqueue == .required)
        #expect(read.rooms[0].rules.proofOfWork == ProofOfWork(bits: 12, bitsMax: 18))
        #expect(read.rooms[0].rules.passBinding == [.network, .agent])
        #expect(read.rooms[1].rules == .standard && JoinRules.standard.enqueue == .off)
        #expect(read.rooms[1].rules.passBinding.isEmpty)
        var policy = RoomPolicy.standard
        policy.rateMilli = 500
        policy.burst = 7
        policy.maxActive = 300
        policy.claimWindowMilliseconds = 45_000
        policy.abandonAfterMilliseconds = 180_000
        policy.returnGraceMilliseconds = 2_700_000
        policy.passLifetimeMilliseconds = 1_200_000
        policy.passMaxMilliseconds = 14_400_000
        policy.mode = .paused
        policy.capacity = 5000
        #expect(read.rooms[0].policy == policy)
        #expect(read.rooms[1].policy.mode == .bypass)
        #expect(read.rooms[1].policy.claimWindowMilliseconds == 500)
        #expect(read.rooms[1].policy.rateMilli == RoomPolicy.standard.rateMilli)
        #expect(read.redis == .tcp(host: "127.0.0.1", port: 6380))
        #expect(read.redisUsername == "worker" && read.redisPasswordFile == "/etc/vestibule/redis")
        #expect(read.keysPath == "/srv/keys.json" && read.workers == 4 && read.tickMilliseconds == 500)
        #expect(read.runDirectory == "/srv/run" && read.socketGroup == "www-data")
        #expect(read.fastCGISocket(3) == "/srv/run/worker-3.fcgi.sock")
        #expect(read.scgiSocket(0) == "/srv/run/worker-0.scgi.sock")
        #expect(read.scoreboardPath == "/srv/run/scoreboard")
    }

    /// vestibule demo writes the limits of its rooms in this way for its workers.
    @Test("Every limit of a room is read as it was written", arguments: PolicyField.allCases)
    func limits(_ field: PolicyField) throws {
        var values = [field.bounds.lowerBound, RoomPolicy.standard[field], field.bounds.upperBound]
        if field.kind == .rate { values += [1, 10, 100, 12_345, 99_999_999] }
        for value in values {
            var policy = RoomPolicy.standard
            (policy.abandonAfterMilliseconds, policy.returnGraceMilliseconds) = (86_400_000, 0)
            policy[field] = value
            let lines = PolicyField.allCases.map { "    \($0.key): \($0.text(policy[$0]))\n" }.joined()
            let text = "rooms:\n  demo:\n\(lines)tick: 20ms\n"
            #expect(try Configuration(yaml: text).rooms.first?.policy == policy)
        }
    }

    @Test("A room says how its waits are estimated; neutral hours and the forecast are the default")
    func estimates() throws {
        func eta(_ text: String) throws -> EstimateSettings {
            try #require(try Configuration(yaml: "rooms:\n  demo:\n    eta: {\(text)}\n").rooms.first).eta
        }
        #expect(try eta("") == .standard)
        #expect(EstimateSettings.standard.method == .forecast)
        #expect(EstimateSettings.standard.hourWeights == Array(repeating: 1, count: 24))
        #expect(try eta("method: learned").method == .learned)
        let read = try eta("method: sliding_window, hour_weights: {9: 1.2, 2: 0.2}, utc_offset: \"-03:30\"")
        #expect(read.method == .slidingWindow && read.utcOffsetMinutes == -210)
        #expect(read.hourWeights[9] == 1.2 && read.hourWeights[2] == 0.2 && read.hourWeights[3] == 1)
    }

    @Test("Work at a join is off by default, and what is not said of it has a value that fits what is")
    func proofOfWork() throws {
        func rule(_ text: String) throws -> ProofOfWork? {
            try #require(try Configuration(yaml: "rooms:\n  demo:\n    \(text)\n").rooms.first).rules.proofOfWork
        }
        #expect(try rule("rate: 5") == nil && rule("proof_of_work: off") == nil)
        for (text, bits, bitsMax) in [
            ("{}", 14, 20), ("{bits: 8}", 8, 20), ("{bits: 22}", 22, 22), ("{bits_max: 24}", 14, 24),
            ("{bits_max: 10}", 10, 10), ("{bits: 16, bits_max: 16}", 16, 16),
        ] {
            #expect(try rule("proof_of_work: \(text)") == ProofOfWork(bits: bits, bitsMax: bitsMax))
        }
        // What vestibule demo writes for its workers is read as it was meant.
        let written = ProofOfWork(bits: 9, bitsMax: 23)
        #expect(try rule("proof_of_work: \(written.text)") == written)
    }

    @Test(
        "A room says what its passes are bound to",
        arguments: [("off", []), ("network", .network), ("agent", .agent), ("network+agent", [.network, .agent])]
            as [(String, ClientTraits)]
    )
    func passBinding(_ text: String, _ traits: ClientTraits) throws {
        let read = try Configuration(yaml: "rooms:\n  demo:\n    bind_pass: \(text)\n")
        #expect(read.rooms.first?.rules == JoinRules(passBinding: traits))
    }

    @Test("A room is closed while Redis is away, unless it is told to stay open, for a minute or as long as it says")
    func outagePolicies() throws {
        func outage(_ text: String) throws -> OutagePolicy {
            try Configuration(yaml: "rooms: {demo: {\(text)}}\n").rooms[0].outage
        }
        #expect(try outage("") == .closed && outage("when_redis_is_away: closed") == .closed)
        #expect(try outage("when_redis_is_away: open").openForMilliseconds == 60_000)
        #expect(try outage("open_for: 5m, when_redis_is_away: open").openForMilliseconds == 300_000)
    }

    /// Text, the line that must be named, and a word the message must hold.
    static let mistakes: [(String, Int, String)] = [
        ("rooms:\n  demo:\n    rate: 5\n    rates: 5\n", 4, "unknown key rates in room demo"),
        ("rooms:\n  demo:\nroom: x\n", 3, "unknown key room in the file"),
        ("rooms:\n  demo:\nredis:\n  socket: /a\n  db: 1\n", 5, "unknown key db in redis"),
        ("rooms:\n  demo:\n    rate: fast\n", 3, "rate must be a number"),
        ("rooms:\n  demo:\n\n    rate: -1\n", 4, "rate must be a number"),
        ("rooms:\n  demo:\n    rate: 1.0005\n", 3, "three decimals"),
        ("rooms:\n  demo:\n    burst: 5\n    rate: 100001\n", 4, "rate must be 0 to 100000"),
        ("rooms: {demo: {}}\nredis:\n  socket: /s\n  prefix: \"{x}\"\n", 4, "prefix must be at most 32"),
        ("rooms:\n  demo:\n    burst: 5\n    rate: 15001\n", 4, "at most 15000 a second"),
        ("rooms:\n  demo: {}\n  more:\n    rate: 7000\ntick: 500ms\n", 4, "at most 6000 a second"),
        ("rooms:\n  demo:\n    rate:\n", 3, "rate needs a value"),
        ("rooms:\n  demo:\n    rate: [1]\n", 3, "rate needs a value"),
        ("rooms:\n  demo:\n    burst: 0\n", 3, "burst must be a whole number from 1"),
        ("rooms:\n  demo:\n    burst: 1.5\n", 3, "burst must be a whole number"),
        ("rooms:\n  demo:\n    burst: 99999999999999999999\n", 3, "burst must be a whole number"),
        ("rooms:\n  demo:\n    max_active: -1\n", 3, "max_active must be a whole number from 0"),
        ("rooms:\n  demo:\n    claim_window: 30\n", 3, "claim_window must be a duration with a unit"),
        ("rooms:\n  demo:\n    claim_window: 99ms\n", 3, "claim_window must be 100ms to 24h"),
        ("rooms:\n  demo:\n    abandon_after: 25h\n", 3, "abandon_after must be a duration"),
        ("rooms:\n  demo:\n    return_grace: soon\n", 3, "return_grace must be a duration"),
        ("rooms:\n  demo:\n    abandon_after: 1s\n    return_grace: 16s\n", 4, "at most 15 times"),
        // The default of a key that is not there clashes: the room itself is named.
        ("rooms:\n  demo:\n    abandon_after: 10s\n", 3, "return_grace must be at most 15 times"),
        ("rooms:\n  demo:\n    pass_ttl: 1500ms\n", 3, "whole seconds"),
        ("rooms:\n  demo:\n    capacity: 0\n", 3, "capacity must be a whole number"),
        ("rooms:\n  demo:\n    mode: shut\n", 3, "mode must be open, paused, closed, bypass or ended"),
        ("rooms:\n  demo:\n    eta:\n      methods: fixed\n", 4, "unknown key methods in eta of room demo"),
        ("rooms:\n  demo:\n    eta:\n      method: oracle\n", 4, "forecast, learned or sliding_window"),
        ("rooms:\n  demo:\n    eta: learned\n", 3, "eta of room demo must be a mapping"),
        ("rooms:\n  demo:\n    eta:\n      hour_weights:\n        24: 1\n", 5, "0 to 23"),
        ("rooms:\n  demo:\n    eta:\n      hour_weights:\n        9: 0\n", 5, "a weight must be"),
        ("rooms:\n  demo:\n    eta:\n      utc_offset: 9\n", 4, "utc_offset must be like"),
        ("rooms:\n  demo:\n    eta:\n      utc_offset: \"+15:00\"\n", 4, "utc_offset must be like"),
        ("rooms:\n  demo:\n    joins_per_source: 100\n", 3, "such as 100/m"),
        ("rooms:\n  demo:\n    joins_per_source: 0/m\n", 3, "such as 100/m"),
        ("rooms:\n  demo:\n    joins_per_source: 5/d\n", 3, "such as 100/m"),
        ("rooms:\n  demo:\n    rate: 5\n    enqueue: on\n", 4, "enqueue must be off, optional or required"),
        ("rooms:\n  demo:\n    enqueue: Required\n", 3, "enqueue must be off, optional or required"),
        ("rooms:\n  demo:\n    enqueue:\n", 3, "enqueue needs a value"),
        ("rooms:\n  demo:\n    proof_of_work: on\n", 3, "must be off, or such as {bits: 14"),
        ("rooms:\n  demo:\n    proof_of_work:\n", 3, "must be off, or such as {bits: 14"),
        ("rooms:\n  demo:\n    proof_of_work: {bit: 14}\n", 3, "unknown key bit in proof_of_work of room demo"),
        ("rooms:\n  demo:\n    proof_of_work:\n      bits: 7\n", 4, "bits must be a whole number from 8 to 24"),
        ("rooms:\n  demo:\n    proof_of_work:\n      bits_max: 25\n", 4, "from 8 to 24"),
        ("rooms:\n  demo:\n    proof_of_work:\n      bits: 16\n      bits_max: 15\n", 5, "bits (16) or more"),
        ("rooms:\n  demo:\n    bind_pass: ip\n", 3, "bind_pass must be off, network, agent or network+agent"),
        ("rooms:\n  demo:\n    rate: 5\n    bind_pass: agent+network\n", 4, "bind_pass must be"),
        ("rooms:\n  demo:\n    bind_pass: [network]\n", 3, "bind_pass needs a value"),
        ("rooms:\n  ok: {}\n  Demo: {}\n", 3, "a room's name"),
        ("rooms:\n  -x: {}\n", 2, "a room's name"),
        ("rooms:\n  \(String(repeating: "a", count: 65)): {}\n", 2, "a room's name"),
        ("rooms: 5\n", 1, "rooms must be a mapping"),
        ("rooms:\n  demo: 5\n", 2, "room demo must be a mapping"),
        ("- rooms\n", 1, "the file must be a mapping"),
        ("tick: 200ms\n", 0, "there is no room"),
        ("rooms: {}\n", 0, "there is no room"),
        ("", 0, "empty"),
        ("# only a comment\n", 0, "empty"),
        ("rooms:\n  demo:\nworkers: 0\n", 3, "workers must be a whole number from 1 to 256"),
        ("rooms:\n  demo:\nworkers: 257\n", 3, "workers must be"),
        ("rooms:\n  demo:\nworkers: many\n", 3, "workers must be"),
        ("rooms:\n  demo:\ntick: 10ms\n", 3, "tick must be a duration"),
        ("rooms:\n  demo:\ntick: 6s\n", 3, "tick must be a duration"),
        ("rooms:\n  demo:\nkeys:\n", 3, "keys needs a value"),
        ("rooms:\n  demo:\nredis: {}\n", 3, "redis needs either socket, host, sentinel or cluster"),
        ("rooms:\n  demo:\nredis: {socket: /a, host: 127.0.0.1}\n", 3, "redis needs either socket, host"),
        ("rooms:\n  demo:\nredis: {socket: /a, cluster: [127.0.0.1:1]}\n", 3, "redis needs either socket, host"),
        ("rooms:\n  demo:\nredis:\n  socket: /a\n  port: 1\n", 5, "port belongs to host"),
        ("rooms:\n  demo:\nredis:\n  cluster: 127.0.0.1:7001\n", 4, "cluster must be a list of 1 to 16"),
        ("rooms:\n  demo:\nredis:\n  cluster: []\n", 4, "cluster must be a list of 1 to 16"),
        (
            "rooms:\n  demo:\nredis:\n  cluster: [\((1...17).map { "10.0.0.\($0):1" }.joined(separator: ", "))]\n", 4,
            "cluster must be a list of 1 to 16"
        ),
        ("rooms:\n  demo:\nredis:\n  cluster:\n    - 127.0.0.1:7001\n    - redis:7002\n", 6, "redis:7002 is no"),
        ("rooms:\n  demo:\nredis:\n  cluster:\n    - 127.0.0.1\n", 5, "127.0.0.1 is no address"),
        ("rooms:\n  demo:\nredis:\n  cluster:\n    - ::1:7001\n", 5, "is no address"),
        ("rooms:\n  demo:\nredis:\n  cluster:\n    - 10.0.0.1:70000\n", 5, "is no address"),
        ("rooms:\n  demo:\nredis:\n  cluster:\n    - 10.0.0.1:1\n    - 10.0.0.1:1\n", 6, "given twice"),
        ("rooms:\n  demo:\nredis:\n  sentinel:\n    name: m\n    quorum: 2\n", 6, "unknown key quorum in sentinel"),
        ("rooms:\n  demo:\nredis:\n  sentinel:\n    name: m\n", 5, "sentinel needs name (of the master) and addresses"),
        ("rooms:\n  demo:\nredis:\n  sentinel:\n    addresses: [127.0.0.1:1]\n", 5, "sentinel needs name"),
        ("rooms:\n  demo:\nredis:\n  sentinel: mymaster\n", 4, "sentinel must be a mapping"),
        ("rooms:\n  demo:\n    when_redis_is_away: ajar\n", 3, "when_redis_is_away must be closed or open"),
        ("rooms:\n  demo:\n    rate: 5\n    open_for: 60s\n", 4, "open_for needs when_redis_is_away: open"),
        ("rooms:\n  demo:\n    when_redis_is_away: closed\n    open_for: 60s\n", 4, "open_for needs"),
        ("rooms:\n  demo:\n    when_redis_is_away: open\n    open_for: 999ms\n", 4, "open_for must be a duration"),
        ("rooms:\n  demo:\nredis:\n  host: localhost\n", 4, "numeric address"),
        ("rooms:\n  demo:\nredis:\n  host: redis.example.org\n", 4, "numeric address"),
        // All hexadecimal letters, and still names.
        ("rooms:\n  demo:\nredis:\n  host: cafe.de\n", 4, "numeric address"),
        ("rooms:\n  demo:\nredis:\n  host: 1.2.3\n", 4, "numeric address"),
        ("rooms:\n  demo:\nredis:\n  host: 1.2.3.256\n", 4, "numeric address"),
        ("rooms:\n  demo:\nredis:\n  host: 127.0.0.1\n  port: 0\n", 5, "port must be a whole number from 1"),
        ("rooms:\n  demo:\nredis:\n  host: 127.0.0.1\n  port: 65536\n", 5, "port must be a whole number"),
        // Broken YAML.
        ("rooms:\n  demo: {rate: 5\ntick: 500ms\n", 3, "YAML"),
        ("rooms:\n\tdemo:\n", 2, "YAML"),
        ("rooms:\n  demo:\n    mode: \"open\n", 4, "YAML"),
        ("rooms: {demo: {}}\n---\nrooms: {other: {}}\n", 2, "YAML"),
    ]

    @Test("Every mistake names its line", arguments: mistakes)
    func mistake(_ text: String, _ line: Int, _ word: String) throws {
        do {
            _ = try Configuration(yaml: text)
            Issue.record("taken: \(text)")
        } catch {
            #expect(error.line == line, "\(error)")
            #expect(error.message.contains(word), "\(error)")
            #expect(error.description.hasPrefix(line > 0 ? "line \(line): " : error.message))
        }
    }

    @Test(
        "A key that is given twice is refused, with its line and name, and without the rest of the file",
        arguments: [
            ("rooms:\n  demo:\n    rate: 5\n    burst: 1\n    rate: 6\n", "rate", 3...5),
            ("rooms:\n  demo: {}\n  demo: {}\n", "demo", 2...3),
            ("tick: 500ms\nrooms:\n  demo: {}\ntick: 2s\n", "tick", 1...4),
        ]
    )
    func duplicates(_ text: String, _ name: String, _ lines: ClosedRange<Int>) throws {
        do {
            _ = try Configuration(yaml: text)
            Issue.record("taken: \(text)")
        } catch {
            #expect(lines.contains(error.line), "\(error)")
            #expect(error.message.contains("\(name) is given twice"), "\(error)")
            #expect(!error.message.contains("\n"))
        }
    }

    @Test("A thousand rooms are taken, one more is not")
    func roomBound() throws {
        func text(_ count: Int) -> String {
            "rooms:\n" + (1...count).map { "  r\($0): {}\n" }.joined()
        }
        #expect(try Configuration(yaml: text(1000)).rooms.count == 1000)
        do {
            _ = try Configuration(yaml: text(1001))
            Issue.record("1001 rooms were taken")
        } catch {
            #expect(error.line == 1002)
        }
    }
}

struct QuantityTests {
    @Test(
        "Numbers have at most three decimals and no sign",
        arguments: [
            ("10", 10_000), ("0", 0), ("0.5", 500), ("0.05", 50), ("0.005", 5), ("2.125", 2125), ("007", 7000),
            ("1000000000", 1_000_000_000_000),
        ]
    )
    func thousandths(_ text: String, _ value: Int) {
        #expect(Quantity.thousandths(text) == value)
    }

    @Test(
        "What is not such a number is nothing",
        arguments: [
            "", ".", "1.", ".5", "1.2.3", "-1", "+1", " 1", "1 ", "1e3", "0x10", "1.0005", "1000000001", "٣", "1_000",
            "99999999999999999999999", "nan", "inf",
        ]
    )
    func notThousandths(_ text: String) {
        #expect(Quantity.thousandths(text) == nil)
    }

    @Test(
        "Durations have a unit",
        arguments: [
            ("200ms", 200), ("30s", 30_000), ("5m", 300_000), ("1h", 3_600_000), ("0s", 0), ("024h", 86_400_000),
        ]
    )
    func durations(_ text: String, _ value: Int) {
        #expect(Quantity.milliseconds(text) == value)
    }

    @Test(
        "What is not such a duration is nothing",
        arguments: [
            "", "s", "ms", "30", "-5s", "+5s", "1.5s", "5 s", "5S", "1d", "1m30s", "5s ", "9999999999h", "٣s",
            "99999999999999999999999s",
        ]
    )
    func notDurations(_ text: String) {
        #expect(Quantity.milliseconds(text) == nil)
    }
}
