// SPDX-License-Identifier: Apache-2.0
//
// Paths to try on a running nginx: one in each location that must not answer without a pass.

/// A path of a protected server.
public struct ProtectedPath: Sendable, Equatable {
    public let path: String
    /// The room it belongs to; nil where only a running nginx knows.
    public let room: String?
    /// For the Host header.
    public let name: String
    /// Where the server listens without TLS, and with it; nil when it does not, or not on TCP.
    public let port: Int?
    public let tlsPort: Int?
    /// Of the location.
    public let file: String
    public let line: Int

    /// One path for each location with vestibule-protect.conf, also those inside of others; in a server with the guard,
    /// one for each location that begins below a path of a room for the server's name.
    public static func all(in configuration: [NginxDirective]) -> [ProtectedPath] {
        guard let http = configuration.first(where: { $0.name == "http" }) else { return [] }
        return NginxCheck.servers(of: http).protected.flatMap { server in
            let name = NginxCheck.host(of: server)
            let listens = server.children("listen").map(\.arguments)
            let plain = listens.filter { !$0.contains("ssl") }.lazy.compactMap { port(of: $0) }.first
            let tls = listens.filter { $0.contains("ssl") }.lazy.compactMap { port(of: $0) }.first
            let hasGuard = server.holdsInclude(OurFiles.guardian)
            let rooms = hasGuard ? GuardedPaths(http) : nil
            let room = { (path: String) in rooms?.room(path, host: name) }
            return protected(NginxLocation.all(in: server)) { room($0) != nil }.map {
                ProtectedPath(
                    path: $0.pattern,
                    room: ownRoom(of: $0) ?? room($0.pattern),
                    name: name,
                    port: plain,
                    tlsPort: tls,
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
                location.directive.holdsInclude(OurFiles.location)
                || isGuarded(location.pattern)
            return (isPath && hasCheck ? [location] : []) + protected(location.nested, isGuarded)
        }
    }

    /// The room that a location with vestibule-protect.conf names.
    private static func ownRoom(of location: NginxLocation) -> String? {
        location.directive.children("set").first { $0.arguments.first == "$vestibule_room" }?.arguments.last
    }

    private static func port(of words: [String]) -> Int? {
        guard let address = words.first, !words.contains("proxy_protocol"), !words.contains("quic"),
            !address.hasPrefix("unix:")
        else { return nil }
        if let port = Int(address) { return port }
        return address.split(separator: ":").last.flatMap { Int($0) } ?? 80
    }
}
