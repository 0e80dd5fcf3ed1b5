// SPDX-License-Identifier: Apache-2.0
//
// The guard's maps at http level: which room stands before an address, and which requests it lets through unasked.
// Everything that depends on $uri is volatile: a request has another one after each internal redirect, and each of its
// subrequests has its own. A map's value is evaluated only where it is asked for, so a chain of maps is a chain of ifs.

/// Writes the maps for some rooms.
struct GuardMaps {
    let rooms: [ProtectedRoom]

    /// The text for vestibule-http-common.conf.
    var text: String {
        ([places] + exceptions + [internals]).joined(separator: "\n")
    }

    // MARK: - Which room

    /// A pattern of a host and the paths that are protected there, the most specific first.
    private struct HostClass {
        var paths: [(path: String, room: String)]
    }

    private var hostPatterns: [String] {
        var patterns: [String] = []
        for host in rooms.flatMap(\.protection.hosts) where !patterns.contains(host) { patterns.append(host) }
        return patterns
    }

    /// - Parameter pattern: nil for every host that no room names.
    private func hostClass(_ pattern: String?) -> HostClass {
        var found: [(path: String, room: String, rank: Int)] = []
        for room in rooms {
            let hosts = room.protection.hosts
            let ranks = hosts.isEmpty ? [0] : hosts.compactMap { pattern.flatMap(GuardMaps.rank(of: $0)) }
            guard let rank = ranks.max() else { continue }
            found += room.protection.paths.map { ($0, room.id, rank) }
        }
        let order = found.indices.sorted {
            let (a, b) = (found[$0], found[$1])
            return (b.path.utf8.count, b.rank, $0) < (a.path.utf8.count, a.rank, $1)
        }
        return HostClass(paths: order.map { (found[$0].path, found[$0].room) })
    }

    /// How well a room's host fits a pattern: the length of what it names; nil when it does not cover the pattern.
    private static func rank(of host: String) -> (String) -> Int? {
        { pattern in
            if host == pattern { return host.utf8.count + 1000 }
            return host.hasPrefix("*.") && pattern.hasSuffix(host.dropFirst()) ? host.utf8.count : nil
        }
    }

    private var places: String {
        let patterns = hostPatterns
        guard !patterns.isEmpty else { return place("vsb_place", hostClass(nil)) }
        let names = patterns.enumerated().map { "    \(GuardMaps.hostKey($1)) \($0 + 1);" }.joined(separator: "\n")
        let classes = [hostClass(nil)] + patterns.map { hostClass($0) }
        let choice = classes.indices.map { "    \($0) $vsb_p_\($0);" }.joined(separator: "\n")
        return """
            # A host that no room names may still have arrived at a server that is protected: nginx gives its default
            # server whatever host a client makes up. So the server's own name counts then.
            map $host $vsb_host {
                hostnames;
            \(names)
                default $vsb_server;
            }
            map $server_name $vsb_server {
                hostnames;
            \(names)
                default 0;
            }
            map $vsb_host $vsb_place {
                volatile;
            \(choice)
            }
            \(classes.enumerated().map { place("vsb_p_\($0)", $1) }.joined(separator: "\n"))
            """
    }

    private func place(_ name: String, _ found: HostClass) -> String {
        // $uri begins with a slash: / needs no look at it. Of several rooms, the first in order has it.
        let paths = found.paths.prefix { $0.path != "/" }
        var lines = paths.map { "    \"~^\(GuardMaps.pattern(below: $0.path))\" \($0.room);" }
        // An address that climbs (/shop/..%2fabout) is /about to nginx, and may be /shop to the backend.
        if paths.count < found.paths.count {
            lines.append("    default \(found.paths[paths.count].room);")
        } else if let first = paths.last?.room {
            lines.append("    default $\(name)_up;")
            lines.append("}\nmap $vsb_climbs $\(name)_up {\n    1 \(first);\n    default \"\";")
        } else {
            lines.append("    default \"\";")
        }
        return "map $uri $\(name) {\n    volatile;\n\(lines.joined(separator: "\n"))\n}"
    }

    // MARK: - Exceptions

    private var exceptions: [String] {
        let choice = rooms.indices.map { "    \(GuardMaps.key(rooms[$0].id)) $vsb_e_\($0 + 1)_1;" }
        let dispatch =
            "map $vsb_check $vsb_except {\n    volatile;\n\(choice.joined(separator: "\n"))\n"
            + "    default \"\";\n}"
        return [dispatch] + rooms.indices.map { chain($0 + 1, rooms[$0].protection) }
    }

    /// The rules of a room, each a row of maps: the last of a row says 1, a condition that fails leads to the next row.
    private func chain(_ number: Int, _ protection: RoomProtection) -> String {
        var rows: [[(source: String, good: String)]] = []
        let own = protection.exceptions.filter(\.isPathOnly).compactMap(\.path)
        let paths = protection.builtInPatterns + own.map(GuardMaps.pattern(exceptBelow:))
        if !paths.isEmpty {
            let all = paths.joined(separator: "|")
            rows.append([("$uri", "\"~^(?:\(all))\""), GuardMaps.straight])
        }
        if protection.builtIns.contains(.preflight) {
            rows.append([("$request_method", "OPTIONS"), ("$http_access_control_request_method", "\"~.\"")])
        }
        var texts: [String] = []
        for (index, rule) in protection.exceptions.enumerated() where !rule.isPathOnly {
            let address = "vsb_a_\(number)_\(index + 1)"
            rows.append(GuardMaps.conditions(of: rule, address: address))
            guard !rule.addresses.isEmpty else { continue }
            let blocks = rule.addresses.map { "    \($0) 1;" }.joined(separator: "\n")
            texts.append("geo $\(address) {\n    default 0;\n\(blocks)\n}")
        }
        rows.append([])
        for (index, row) in rows.enumerated() {
            let (name, next) = ("vsb_e_\(number)_\(index + 1)", "$vsb_e_\(number)_\(index + 2)")
            if row.isEmpty { texts.append("map \"\" $\(name) {\n    default \"\";\n}") }
            for (place, condition) in row.enumerated() {
                let own = place == 0 ? name : "\(name)_\(place)"
                let then = place + 1 < row.count ? "$\(name)_\(place + 1)" : "1"
                texts.append(
                    "map \(condition.source) $\(own) {\n    volatile;\n    \(condition.good) \(then);\n"
                        + "    default \(next);\n}"
                )
            }
        }
        return texts.joined(separator: "\n")
    }

    /// A path that the client has written as it is: of another one, nginx and the backend may think differently.
    private static let straight = (source: "$vsb_crooked", good: "0")

    private static func conditions(
        of rule: RoomProtection.Exception,
        address: String
    ) -> [(source: String, good: String)] {
        var row: [(source: String, good: String)] = []
        if let path = rule.path { row += [("$uri", "\"~^(?:\(pattern(exceptBelow: path)))\""), straight] }
        if !rule.methods.isEmpty {
            let any = rule.methods.map(quoted).joined(separator: "|")
            row.append(("$request_method", "\"~^(?:\(any))\\z\""))
        }
        if let header = rule.header {
            let name = header.name.lowercased().split(separator: "-", omittingEmptySubsequences: false)
            let good = header.value.map { "\"~^\(quoted($0))\\z\"" } ?? "\"~.\""
            row.append(("$http_\(name.joined(separator: "_"))", good))
        }
        if let agent = rule.userAgent { row.append(("$http_user_agent", "\"~*\(quoted(agent))\"")) }
        if !rule.addresses.isEmpty { row.append(("$\(address)", "1")) }
        return row
    }

    // MARK: - Where the gate lets nobody

    /// `internal` locations of the site: after the gate, nginx would take the request for one of its own.
    private var internals: String {
        let choice = rooms.indices.filter { !rooms[$0].protection.internalPaths.isEmpty }.map { index in
            let all = rooms[index].protection.internalPaths.map(GuardMaps.pattern(below:)).joined(separator: "|")
            return "    \"~^(?:\(GuardMaps.quoted(rooms[index].id))) (?:\(all))\" 1;\n"
        }
        return "map \"$vsb_room $vsb_uri\" $vsb_shut {\n    volatile;\n"
            + "\(choice.joined())    default \"\";\n}"
    }

    // MARK: - Writing patterns

    /// What begins with a protected path. Slashes may be doubled (merge_slashes off). Without a slash at its end the
    /// path goes on with anything but a letter, digit, _ or -: /shop;x is below /shop, and /shopping is not.
    private static func pattern(below path: String) -> String {
        let pieces = path.split(separator: "/", omittingEmptySubsequences: false).map { quoted(String($0)) }
        return pieces.joined(separator: "/+") + (path.hasSuffix("/") ? "" : "(?![A-Za-z0-9_-])")
    }

    /// What is, or is below, the path of an exception.
    private static func pattern(exceptBelow path: String) -> String {
        quoted(path) + (path.hasSuffix("/") ? "" : "(?:/|\\z)")
    }

    /// The text as a regular expression that means nothing to nginx's own reader: all but letters, digits and a few
    /// others by their code.
    private static func quoted(_ text: String) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var out: [UInt8] = []
        for byte in text.utf8 {
            if isAlphanumeric(byte) || "/-_ ".utf8.contains(byte) {
                out.append(byte)
            } else {
                out += [UInt8(ascii: "\\"), UInt8(ascii: "x"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// A regular expression that begins with a slash, for a location or a map.
    static func pattern(of prefix: String) -> String { quoted(prefix) }

    /// A room as the key of a map, whose own words are escaped.
    static func key(_ room: String) -> String {
        ["default", "include", "volatile", "hostnames"].contains(room) ? "\\\(room)" : room
    }

    /// A host as the key of a map. A long one would not fit nginx's standard hash bucket of 64 bytes.
    private static func hostKey(_ host: String) -> String {
        if host.utf8.count <= 40 && !host.hasPrefix("[") { return host }
        if host.hasPrefix("*.") { return "\"~.\(quoted(String(host.dropFirst())))\\z\"" }
        return "\"~^\(quoted(host))\\z\""
    }
}

extension RoomProtection {
    /// The built-in exceptions by path, as regular expressions.
    fileprivate var builtInPatterns: [String] {
        builtIns.compactMap {
            switch $0 {
            case .acme: #"/\x2ewell-known/acme-challenge/"#
            case .robots: #"/robots\x2etxt\z"#
            case .preflight: nil
            }
        }
    }
}
