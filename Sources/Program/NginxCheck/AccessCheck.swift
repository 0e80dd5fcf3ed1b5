// SPDX-License-Identifier: Apache-2.0
//
// Addresses and passwords of the site beside the queue. Those of the server hold at the gate, so that a visitor whom
// they refuse takes no place; nginx asks those of a location only where the request goes when it was let in.

/// The access rules of one server that includes vestibule-server.conf.
struct AccessCheck {
    private let http: NginxDirective
    private let server: NginxDirective
    private let paths: GuardedPaths
    private let host: String
    private let hasGuard: Bool

    /// The directives that the gate inherits.
    static let rules: Set<String> = ["allow", "deny", "auth_basic", "satisfy"]

    init(http: NginxDirective, server: NginxDirective) {
        (self.http, self.server) = (http, server)
        paths = GuardedPaths(http)
        host = NginxCheck.host(of: server)
        hasGuard = server.holdsInclude(OurFiles.guardian)
    }

    /// Whether a location of ours is the gate, or asks ahead of it.
    static func isGate(_ location: NginxLocation) -> Bool {
        ["/_vestibule/gate/", "/_vestibule/form/", "/_vestibule/ask/"].contains(location.pattern)
    }

    func findings() -> [NginxFinding] {
        let gate = NginxLocation.all(in: server).first { $0.directive.isOurs && Self.isGate($0) }
        guard let gate else { return [] }
        let isOpen = !gate.directive.children("satisfy").isEmpty
        let above = isOpen ? [] : inForce(["deny", "auth_basic"])
        return (above.isEmpty ? [] : otherWays()) + locationFindings(server, above: above, isOpen: isOpen)
    }

    /// Whether locations of the server let in visitors whom the server itself refuses: then the gate may not ask.
    var letsInMore: Bool {
        let above = inForce(["deny", "auth_basic"])
        guard !above.isEmpty else { return false }
        let found = otherWays() + locationFindings(server, above: above, isOpen: false)
        return found.contains { $0.severity == .warning }
    }

    /// The server's directives of these names, else those of `http`; not those that are off.
    private func inForce(_ names: [String]) -> [NginxDirective] {
        names.flatMap { name -> [NginxDirective] in
            let own = server.children(name).filter { !$0.isOurs }
            return (own.isEmpty ? http.children(name) : own).filter { $0.arguments.first != "off" }
        }
    }

    /// With `satisfy any` another module may let in whom these refuse, and the gate does not ask it.
    private func otherWays() -> [NginxFinding] {
        guard let any = inForce(["satisfy"]).first(where: { $0.arguments == ["any"] }) else { return [] }
        let others = inForce(["auth_request", "access_by_lua_block", "access_by_lua_file", "auth_jwt"])
        return others.prefix(1).map { other in
            let words =
                "\(other.name) may let in whom the server's addresses refuse (satisfy any), but the gate asks the "
                + "addresses only: set `gate_access: none` in `nginx` of the YAML"
            return NginxFinding(.warning, any, words)
        }
    }

    private func locationFindings(
        _ block: NginxDirective,
        above: [NginxDirective],
        isOpen: Bool
    ) -> [NginxFinding] {
        block.children("location").filter { !$0.isOurs }.flatMap { directive -> [NginxFinding] in
            let location = NginxLocation(directive)
            let inner = locationFindings(directive, above: above, isOpen: isOpen)
            guard isProtected(location) else { return inner }
            let own = (directive.block ?? []).filter { Self.rules.contains($0.name) && !$0.isOurs }
            guard let first = own.first else { return inner }
            if !above.isEmpty, let looser = own.first(where: { $0.mayLetIn }) {
                return inner + [NginxFinding(.warning, looser, Self.looser(looser, than: above[0]))]
            }
            let strict = own.first { $0.name == "deny" || $0.name == "auth_basic" && $0.arguments.first != "off" }
            return inner + (strict.map { [NginxFinding(.note, $0, Self.later(first))] } ?? [])
        }
    }

    private static func looser(_ rule: NginxDirective, than above: NginxDirective) -> String {
        "\(rule.title) may let in whom \(above.name) of the server refuses, and the gate asks the server first: "
            + "set `gate_access: none` in `nginx` of the YAML, and render again"
    }

    private static func later(_ rule: NginxDirective) -> String {
        "a visitor whom this refuses has taken a place first: nginx asks the \(rule.name) of a location only when the "
            + "queue has let the request in. In the server it would be asked before; or `except` the address"
    }

    /// An expression may match anything that is protected. Nobody is queued before `deny all` alone.
    private func isProtected(_ location: NginxLocation) -> Bool {
        if !hasGuard { return location.directive.holdsInclude(OurFiles.location) }
        guard location.matcher != .named, location.directive.children("internal").isEmpty else { return false }
        guard location.pattern.hasPrefix("/"), !location.isExpression else { return !paths.isEmpty }
        return paths.room(location.pattern, host: host) != nil
            && !location.pattern.hasPrefix("/.well-known/acme-challenge")
    }
}

extension NginxDirective {
    /// Whether the access rule of a location may let in more than that of its server.
    fileprivate var mayLetIn: Bool {
        switch name {
        case "auth_basic": arguments.first == "off"
        case "satisfy": arguments == ["any"]
        case "allow": true
        // A list of its own takes the place of the server's.
        default: arguments != ["all"]
        }
    }
}
