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
    /// one for each location that begins below a path of a room, whatever the host.
    public static func all(in configuration: [NginxDirective]) -> [ProtectedPath] {
        guard let http = configuration.first(where: { $0.name == "http" }) else { return [] }
        return NginxCheck.servers(of: http).protected.flatMap { server in
            let name = NginxCheck.names(of: server).first { !$0.contains("~") && !$0.contains("*") } ?? "localhost"
            let port = server.children("listen").lazy.compactMap { plainPort($0.arguments) }.first
            let hasGuard = (server.block ?? []).contains { $0.includes(OurFiles.guardian) }
            let rooms = hasGuard ? GuardedPaths(http) : nil
            return protected(NginxLocation.all(in: server), rooms).map {
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

    private static func protected(_ locations: [NginxLocation], _ rooms: GuardedPaths?) -> [NginxLocation] {
        locations.filter { !$0.directive.isOurs }.flatMap { location -> [NginxLocation] in
            let isPath = location.pattern.hasPrefix("/") && location.directive.children("internal").isEmpty
            let hasCheck =
                (location.directive.block ?? []).contains { $0.includes(OurFiles.location) }
                || rooms?.hold(location.pattern) == true
            return (isPath && hasCheck ? [location] : []) + protected(location.nested, rooms)
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
private struct GuardedPaths {
    private let maps: [NginxDirective]

    init(_ http: NginxDirective) {
        maps = http.children("map").filter {
            $0.isOurs && $0.arguments.first == "$uri" && $0.arguments.last?.hasPrefix("$vsb_p") == true
        }
    }

    /// Whether the path is protected for every host: a path that is so for some only cannot be tried with one.
    func hold(_ path: String) -> Bool { !maps.isEmpty && maps.allSatisfy { room(path, in: $0) != nil } }

    private func room(_ path: String, in map: NginxDirective) -> String? {
        let lines = map.block ?? []
        let found = lines.first { line in
            guard line.name.hasPrefix("~"), let expression = try? Regex(String(line.name.dropFirst())) else {
                return false
            }
            return path.firstMatch(of: expression) != nil
        }
        let room = (found ?? lines.first { $0.name == "default" })?.arguments.first ?? ""
        return room.isEmpty || room.hasPrefix("$") ? nil : room
    }
}
