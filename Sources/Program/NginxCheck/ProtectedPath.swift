// SPDX-License-Identifier: Apache-2.0
//
// Paths to try on a running nginx: one in each location that must not answer without a pass.

/// A path of a protected server.
public struct ProtectedPath: Sendable, Equatable {
    public let path: String
    /// For the Host header.
    public let name: String
    /// Where the server listens without TLS; nil when it does not, or not on TCP.
    public let port: Int?
    /// Of the location.
    public let file: String
    public let line: Int

    /// One path for each location with vestibule-protect.conf, also those inside of others; in a server with the guard,
    /// one for each location that begins below a path of a room for the server's name.
    public static func all(in configuration: [NginxDirective]) -> [ProtectedPath] {
        guard let http = configuration.first(where: { $0.name == "http" }) else { return [] }
        return NginxCheck.servers(of: http).protected.flatMap { server in
            let name = NginxCheck.names(of: server).first { !$0.contains("~") && !$0.contains("*") } ?? "localhost"
            let port = server.children("listen").lazy.compactMap { plainPort($0.arguments) }.first
            let hasGuard = (server.block ?? []).contains { $0.includes(OurFiles.guardian) }
            let rooms = hasGuard ? GuardedPaths(http) : nil
            return protected(NginxLocation.all(in: server)) { rooms?.hold($0, host: name) == true }.map {
                ProtectedPath(
                    path: $0.pattern,
                    name: name,
                    port: port,
                    file: $0.directive.file,
                    line: $0.directive.line
                )
            }
        }
    }

    private static func protected(_ locations: [NginxLocation], _ isGuarded: (String) -> Bool) -> [NginxLocation] {
        locations.filter { !$0.directive.isOurs }.flatMap { location -> [NginxLocation] in
            let isPath = location.pattern.hasPrefix("/") && location.directive.children("internal").isEmpty
            let hasCheck =
                (location.directive.block ?? []).contains { $0.includes(OurFiles.location) }
                || isGuarded(location.pattern)
            return (isPath && hasCheck ? [location] : []) + protected(location.nested, isGuarded)
        }
    }

    private static func plainPort(_ words: [String]) -> Int? {
        guard let address = words.first, !words.contains("ssl"), !words.contains("proxy_protocol"),
            !address.hasPrefix("unix:")
        else { return nil }
        if let port = Int(address) { return port }
        return address.split(separator: ":").last.flatMap { Int($0) } ?? 80
    }
}

/// The paths that the rooms of the YAML protect, as the rendered maps say: each maps $uri to a room for some hosts.
struct GuardedPaths {
    private let maps: [NginxDirective]
    /// Host names, and which of the maps is theirs.
    private let hosts: [NginxDirective]
    /// Lines whose expressions are matched against `ROOM PATH`.
    private let shutters: [NginxDirective]

    init(_ http: NginxDirective) {
        let ours = http.children("map").filter(\.isOurs)
        maps = ours.filter { $0.arguments.first == "$uri" && $0.arguments.last?.hasPrefix("$vsb_p") == true }
        hosts = ours.filter { $0.arguments == ["$host", "$vsb_host"] }.flatMap { $0.block ?? [] }
        shutters = ours.filter { $0.arguments.last == "$vsb_shut" }.flatMap { $0.block ?? [] }
    }

    /// Whether some room keeps visitors out of a path, because it names it as internal.
    func shut(_ path: String) -> Bool {
        let rooms = Set(maps.flatMap { $0.block ?? [] }.compactMap { room(of: $0) })
        return rooms.contains { room in
            shutters.contains { line in
                guard line.name.hasPrefix("~"), let expression = try? Regex(String(line.name.dropFirst())) else {
                    return false
                }
                return "\(room) \(path)".firstMatch(of: expression) != nil
            }
        }
    }

    /// Whether no room of the YAML protects anything.
    var isEmpty: Bool { !maps.isEmpty && !maps.contains { map in (map.block ?? []).contains { room(of: $0) != nil } } }

    /// Whether a room has the path, for requests to a host.
    func hold(_ path: String, host: String) -> Bool {
        let number = hosts.first { $0.name == host }?.arguments.first ?? "0"
        let own = maps.first { ["$vsb_place", "$vsb_p_\(number)"].contains($0.arguments.last ?? "") }
        let lines = own?.block ?? []
        let found = lines.first { line in
            guard line.name.hasPrefix("~"), let expression = try? Regex(String(line.name.dropFirst())) else {
                return false
            }
            return path.firstMatch(of: expression) != nil
        }
        return (found ?? lines.first { $0.name == "default" }).flatMap { room(of: $0) } != nil
    }

    /// What a line of a map gives; another variable is no room.
    private func room(of line: NginxDirective) -> String? {
        guard let room = line.arguments.first, !room.isEmpty, !room.hasPrefix("$") else { return nil }
        return room
    }
}
