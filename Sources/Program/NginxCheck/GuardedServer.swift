// SPDX-License-Identifier: Apache-2.0
//
// What of a site gets around the guard although its lines stand where they should: the guard looks at the address that
// the client sent, and the gate comes from inside nginx.

/// A server with vestibule-guard.conf.
struct GuardedServer {
    private let server: NginxDirective
    private let paths: GuardedPaths
    private let host: String

    init(http: NginxDirective, server: NginxDirective) {
        self.server = server
        paths = GuardedPaths(http)
        host = NginxCheck.host(of: server)
    }

    func findings() -> [NginxFinding] {
        rewriteFindings(server, below: nil) + SiteInternals.all(in: server).compactMap { internalFinding($0) }
    }

    // MARK: Rewrites

    /// A rewrite from a path without a room to a path of a room: nginx does not ask the guard again.
    /// - Parameter path: of the location; nil in the server.
    private func rewriteFindings(_ block: NginxDirective, below path: String?) -> [NginxFinding] {
        (block.block ?? []).filter { !$0.isOurs }.flatMap { directive -> [NginxFinding] in
            switch directive.name {
            case "rewrite": return finding(directive, below: path).map { [$0] } ?? []
            case "if": return rewriteFindings(directive, below: path)
            case "location":
                let location = NginxLocation(directive)
                return rewriteFindings(directive, below: location.pattern.hasPrefix("/") ? location.pattern : path)
            default: return []
            }
        }
    }

    private func finding(_ rewrite: NginxDirective, below path: String?) -> NginxFinding? {
        guard rewrite.arguments.count >= 2, !["redirect", "permanent"].contains(rewrite.arguments.last ?? "") else {
            return nil
        }
        let target = String(rewrite.arguments[1].prefix { $0 != "$" && $0 != "?" })
        let source = Self.beginning(of: rewrite.arguments[0]) ?? path ?? "/"
        // What a variable adds may begin with the slash that a path of a room ends with.
        let continued = rewrite.arguments[1].hasPrefix(target + "$") ? target + "/" : target
        guard target.hasPrefix("/"),
            let room = paths.room(target, host: host) ?? paths.room(continued, host: host),
            paths.room(source, host: host) != room
        else { return nil }
        return NginxFinding(
            .open,
            rewrite,
            "leads from \(source), which room \(room) does not protect, to \(target), which it does, and the guard is "
                + "not asked again: protect \(source), too"
        )
    }

    /// The plain text with which every path begins that an expression matches; nil when that is nothing.
    private static func beginning(of expression: String) -> String? {
        guard expression.hasPrefix("^/") else { return nil }
        let plain = expression.dropFirst().prefix { !"\\.[](){}*+?|^$".contains($0) }
        // What may be missing is not the beginning: ^/a?.
        let isOptional = "*?{".contains(expression.dropFirst(1 + plain.count).first ?? " ")
        return String(isOptional ? plain.dropLast() : plain)
    }

    // MARK: Internal locations

    /// A request that the gate lets in comes from inside nginx, for which these are open.
    private func internalFinding(_ location: NginxLocation) -> NginxFinding? {
        if location.isExpression { return internalExpression(location) }
        guard !errorPages.contains(location.pattern), let room = paths.room(location.pattern, host: host),
            !paths.isShut(location.pattern, room: room)
        else { return nil }
        let message =
            "\(location.title) is internal, but a request that the gate lets in would reach it: add "
            + "\(location.pattern) to `protect.internal` of room \(room), and render again"
        return NginxFinding(.open, location.directive, message)
    }

    /// The paths of an expression are those that it begins with; without any, all of the server's.
    private func internalExpression(_ location: NginxLocation) -> NginxFinding? {
        let beginning = Self.beginning(of: location.pattern) ?? "/"
        guard !errorPages.contains(where: { location.isMatchedByExpression($0) }),
            let room = paths.room(beginning, host: host), !paths.isShut(beginning, room: room)
        else { return nil }
        let message =
            "\(location.title) is internal, but a request that the gate lets in would reach it, and `protect.internal` "
            + "cannot name an expression: write it as a path, and name that for room \(room)"
        return NginxFinding(.open, location.directive, message)
    }

    /// What everybody may get to see: the pages of errors.
    private var errorPages: [String] {
        ([server] + server.children("location")).flatMap { $0.children("error_page") }.compactMap(\.arguments.last)
    }
}
