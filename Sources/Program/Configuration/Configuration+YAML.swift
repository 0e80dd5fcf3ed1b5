// SPDX-License-Identifier: Apache-2.0
//
// Reads the YAML file. Unknown keys and bad values are errors that name their line: a typing error in a limit must
// never silently become a default.

internal import Admission
internal import NginxFiles
internal import Yams

extension Configuration {
    /// - Throws: `ConfigurationError` with the line of the first thing that is wrong.
    public init(yaml: String) throws(ConfigurationError) {
        self.init()
        guard let root = try Configuration.tree(yaml) else {
            throw ConfigurationError(line: 0, message: "the file is empty; at least rooms is needed")
        }
        try readRoot(root)
        if rooms.isEmpty, templates.isEmpty {
            throw ConfigurationError(line: 0, message: "there is no room; name at least one under rooms")
        }
    }

    /// The tree of a YAML text; nil when there is nothing in it.
    static func tree(_ yaml: String) throws(ConfigurationError) -> Node? {
        do {
            return try Yams.compose(yaml: yaml)
        } catch YamlError.duplicatedKeysInMapping(let names, let context) {
            let names = names.joined(separator: ", ")
            throw ConfigurationError(line: context.mark.line, message: "\(names) is given twice in one mapping")
        } catch let error as YamlError {
            throw ConfigurationError(line: Configuration.line(of: error), message: "not YAML: \(error)")
        } catch {
            throw ConfigurationError(line: 0, message: "not YAML: \(error)")
        }
    }

    private static func line(of error: YamlError) -> Int {
        switch error {
        case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _): mark.line
        default: 0
        }
    }

    private mutating func readRoot(_ root: Node) throws(ConfigurationError) {
        for (key, value) in try Configuration.members(of: root, in: "the file") {
            switch key.text {
            case "rooms": try readRooms(value)
            case "redis": try readRedis(value)
            case "keys": keysPath = try value.text(key)
            case "workers":
                if try value.text(key) == "auto" {
                    workers = nil
                } else {
                    workers = try value.integer(key, in: 1...Configuration.workersMax)
                }
            case "tick": tickMilliseconds = try value.milliseconds(key, in: 20...500)
            case "poll_budget": pollBudgetPerSecond = try value.integer(key, in: 10...10_000_000)
            case "api_prefix":
                apiPrefix = try value.text(key)
                if let complaint = NginxConfiguration.complaint(apiPrefix: apiPrefix) { throw key.error(complaint) }
            case "run_dir": runDirectory = try value.text(key)
            case "nginx": try readNginx(value)
            case "socket_group": socketGroup = try value.text(key)
            default: throw key.unknown(in: "the file")
            }
        }
        for index in rooms.indices where root["rooms"]?[rooms[index].id]?[PolicyField.pollBudget.key] == nil {
            rooms[index].policy.pollBudget = pollBudgetPerSecond
        }
        for index in templates.indices {
            guard root["rooms"]?[templates[index].entry.id]?[PolicyField.pollBudget.key] == nil else { continue }
            templates[index].entry.policy.pollBudget = pollBudgetPerSecond
        }
        try checkRates(root)
    }

    /// Once the tick is known, wherever in the file it stands.
    private func checkRates(_ root: Node) throws(ConfigurationError) {
        for room in rooms + templates.map(\.entry) {
            guard let complaint = room.policy.rateComplaint(tickMilliseconds: tickMilliseconds) else { continue }
            let key = root["rooms"]?[room.id]?.mapping?.keys.first { $0.text == PolicyField.rateMilli.key }
            throw (key ?? root).error("room \(room.id): \(PolicyField.rateMilli.key) \(complaint)")
        }
    }

    private mutating func readRooms(_ node: Node) throws(ConfigurationError) {
        for (key, value) in try Configuration.members(of: node, in: "rooms") {
            if rooms.count + templates.count >= Configuration.roomsMax {
                throw key.error("more than \(Configuration.roomsMax) rooms")
            }
            if key.text.hasSuffix("*") {
                templates.append(try Configuration.template(key, value))
                continue
            }
            guard Configuration.isRoomID(key.text) else {
                throw key.error("a room's name has 1 to 64 of a-z, 0-9, _ and -, and begins with a letter or digit")
            }
            rooms.append(try Configuration.room(value, id: key.text))
            if let conflict = ProtectedRoom.conflict(in: protectedRooms) {
                let place = "rooms.\(conflict.room).protect.paths"
                throw key.error("\(place): room \(conflict.other) protects \(conflict.path) of the same host")
            }
        }
    }

    static func isRoomID(_ text: String) -> Bool {
        let isPlain = text.utf8.allSatisfy {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
        }
        return isPlain && (1...64).contains(text.utf8.count) && text.first != "_" && text.first != "-"
    }

    static func room(_ node: Node, id room: String) throws(ConfigurationError) -> RoomEntry {
        var policy = RoomPolicy.standard
        var eta = EstimateSettings.standard
        var (rules, web) = (JoinRules.standard, WebRules.standard)
        var protected: RoomProtection?
        var keys: [String: Node] = [:]
        var (isFixed, isOpenWithoutRedis) = (false, false)
        var openForMilliseconds = OutagePolicy.openForMillisecondsStandard
        if node.isEmptyScalar { return RoomEntry(id: room, policy: policy) }
        for (key, value) in try members(of: node, in: "room \(room)") {
            keys[key.text] = key
            if let field = PolicyField(key: key.text) {
                policy[field] = try value.limit(field, key)
                continue
            }
            if try readWeb(&web, key, value, room: room) { continue }
            switch key.text {
            case "pass_renewal": isFixed = try isSecond(of: ("sliding", "fixed"), value, key)
            case "eta": eta = try estimates(value, room: room)
            case "joins_per_source": rules.joinsPerSource = try value.joinLimit(key)
            case "when_redis_is_away": isOpenWithoutRedis = try isSecond(of: ("closed", "open"), value, key)
            case "open_for": openForMilliseconds = try value.milliseconds(key, in: 1000...86_400_000)
            case "enqueue":
                guard let rule = EnqueueRule(rawValue: try value.text(key)) else {
                    throw key.error("enqueue must be off, optional or required")
                }
                rules.enqueue = rule
            case "proof_of_work": rules.proofOfWork = try proofOfWork(value, key, room: room)
            case "bind_pass":
                guard let traits = ClientTraits(text: try value.text(key)) else {
                    throw key.error("bind_pass must be off, network, agent or network+agent")
                }
                rules.passBinding = traits
            case "protect": protected = try protection(value, room: room)
            default: throw key.unknown(in: "room \(room)")
            }
        }
        if keys["pass_max"] == nil { policy.passMaxMilliseconds = isFixed ? 0 : policy.passMaxStandard }
        if isFixed, let key = keys["pass_max"] { throw key.error("pass_max needs pass_renewal: sliding") }
        if let complaint = policy.complaint {
            let at = keys[complaint.key] ?? node
            throw at.error("room \(room): \(complaint.key) \(complaint.reason)")
        }
        if let key = keys["open_for"], !isOpenWithoutRedis {
            throw key.error("room \(room): open_for needs when_redis_is_away: open")
        }
        let outage = isOpenWithoutRedis ? OutagePolicy(openForMilliseconds: openForMilliseconds) : .closed
        return RoomEntry(
            id: room,
            policy: policy,
            eta: eta,
            rules: rules,
            outage: outage,
            web: web,
            protection: protected
        )
    }

    /// Whether a value is the second of two words.
    private static func isSecond(
        of words: (String, String),
        _ value: Node,
        _ key: Node
    ) throws(ConfigurationError) -> Bool {
        let text = try value.text(key)
        guard text == words.0 || text == words.1 else {
            throw key.error("\(key.text) must be \(words.0) or \(words.1)")
        }
        return text == words.1
    }

    /// The members of a mapping, in order; a key that comes twice is an error.
    static func members(
        of node: Node,
        in place: String
    ) throws(ConfigurationError) -> [(key: Node, value: Node)] {
        guard case .mapping(let mapping) = node else {
            throw node.error("\(place) must be a mapping of keys to values")
        }
        var seen: Set<String> = []
        var out: [(key: Node, value: Node)] = []
        for (key, value) in mapping {
            guard seen.insert(key.text).inserted else { throw key.error("\(key.text) is given twice in \(place)") }
            out.append((key, value))
        }
        return out
    }
}
