// SPDX-License-Identifier: Apache-2.0
//
// Which requests reach a server's site without the check. A server is protected as a whole when it includes
// vestibule-guard.conf; else each location needs vestibule-protect.conf.

/// One server that includes vestibule-server.conf.
struct ServerCheck {
    let http: NginxDirective
    let server: NginxDirective
    let locations: [NginxLocation]
    /// Where the guard is included in the server's block.
    let guardIndex: Int?
    /// Whether a worker checks passes: by a subrequest, which nginx sends after all lines of its rewrite module.
    let asksWorker: Bool

    init(http: NginxDirective, server: NginxDirective) {
        (self.http, self.server) = (http, server)
        locations = NginxLocation.all(in: server)
        guardIndex = (server.block ?? []).firstIndex { $0.includes(OurFiles.guardian) }
        asksWorker = locations.contains { $0.directive.isOurs && $0.pattern == "/_vestibule/verify" }
    }

    /// All openings of the server.
    func openings() -> [NginxFinding] {
        if let guardIndex { return guardFindings(guardIndex) + apiFindings() }
        return siteLocations(locations).flatMap { findings($0) } + rootFindings() + apiFindings()
    }

    // MARK: With the guard

    private func guardFindings(_ index: Int) -> [NginxFinding] {
        let block = server.block ?? []
        var findings = server.skippers(before: index, isServer: true).map {
            NginxFinding(.open, $0, "\($0.title) before the guard ends it: move it behind the include of the guard")
        }
        let lines = block.filter { $0.fileName == OurFiles.guardian }
        if !(lines + lines.flatMap { $0.block ?? [] }).contains(where: { $0.name == "rewrite" }) {
            findings.append(
                NginxFinding(.open, block[index], "the guard is empty or missing: run `vestibule nginx render` again")
            )
        }
        if GuardedPaths(http).isEmpty {
            let message = "the guard protects nothing: no room has `protect` in the YAML; then render again"
            findings.append(NginxFinding(.open, block[index], message))
        }
        return findings + earlyErrors() + GuardedServer(http: http, server: server).findings()
    }

    /// nginx answers these before the lines of a server run, and a named location does not run them. 405 is for TRACE.
    private static let earlyStatuses: Set<String> = [
        "400", "405", "414", "421", "494", "495", "496", "497", "501", "505",
    ]

    private func earlyErrors() -> [NginxFinding] {
        inherited("error_page").compactMap { page in
            guard let target = page.arguments.last, !Self.earlyStatuses.isDisjoint(with: page.arguments),
                let location = locations.first(where: { $0.pattern == target && $0.matcher == .named }),
                !location.directive.isOurs, !isChecked(location), serving(location) != nil
            else { return nil }
            return NginxFinding(
                .open,
                page,
                "a malformed request, or TRACE, reaches \(target) before the guard: take its status out of this line"
            )
        }
    }

    // MARK: Without the guard

    /// Those of the site, and those inside of them.
    private func siteLocations(_ locations: [NginxLocation]) -> [NginxLocation] {
        locations.filter { !$0.directive.isOurs }.flatMap { [$0] + siteLocations($0.nested) }
    }

    private func isChecked(_ location: NginxLocation) -> Bool {
        location.directive.holdsInclude(OurFiles.location)
    }

    private func findings(_ location: NginxLocation) -> [NginxFinding] {
        let block = location.directive.block ?? []
        if let index = block.firstIndex(where: { $0.includes(OurFiles.location) }) {
            return cancelled(location, includeAt: index)
        }
        guard let what = serving(location), !isOpenOnPurpose(location), isReachable(location) else { return [] }
        let remedy =
            "include vestibule-guard.conf in the server, or `set $vestibule_room` and "
            + "vestibule-protect.conf here (`set $vestibule_room \"\";` alone says that it is open on purpose)"
        return [NginxFinding(.open, location.directive, "\(location.title) \(what) without the check: \(remedy)")]
    }

    /// What in a location with the check skips it.
    private func cancelled(_ location: NginxLocation, includeAt index: Int) -> [NginxFinding] {
        let directive = location.directive
        let end = directive.block?.count ?? 0
        var findings = directive.skippers(before: index, isServer: false).map {
            NginxFinding(.open, $0, "\($0.title) before the include skips the check: move it behind, or use the guard")
        }
        if asksWorker {
            findings += directive.skippers(before: end, isServer: false).filter(\.answersWithContent).map {
                NginxFinding(.open, $0, "\($0.title) answers before auth_request asks: use njs, Lua or the guard")
            }
        }
        for limit in directive.children("limit_except")
        where !limit.children("deny").contains(where: { $0.arguments == ["all"] }) {
            findings.append(
                NginxFinding(.open, limit, "the methods not named here skip the check: deny them, or use the guard")
            )
        }
        var seen: [NginxFinding] = []
        for finding in findings where !seen.contains(where: { $0.line == finding.line && $0.file == finding.file }) {
            seen.append(finding)
        }
        return seen
    }

    private static let handlers = [
        "proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass", "memcached_pass", "content_by_lua_block",
        "content_by_lua_file", "content_by_lua", "js_content", "perl", "try_files", "alias", "root",
    ]

    /// In what way a location serves something of the site; nil when it only refuses or leads elsewhere.
    private func serving(_ location: NginxLocation) -> String? {
        let block = location.directive.block ?? []
        if let answer = block.first(where: { $0.name == "return" }) {
            return answer.answersWithContent ? "answers (return)" : nil
        }
        let isClosed = block.contains { $0.name == "deny" && $0.arguments == ["all"] }
        if isClosed && !block.contains(where: { $0.name == "satisfy" && $0.arguments == ["any"] }) { return nil }
        let moves = block.contains { directive in
            directive.name == "rewrite" && ["^", ".*", "^.*", "^/"].contains(directive.arguments.first ?? "")
                && directive.arguments.last != "break"
        }
        if moves { return nil }
        let all = block + block.filter { $0.name == "if" }.flatMap { $0.block ?? [] }
        let handler = Self.handlers.first { name in all.contains { $0.name == name } }
        return handler.map { $0.hasSuffix("_pass") ? "proxies (\($0))" : "serves (\($0))" } ?? "serves files"
    }

    /// Paths that a site must serve to anybody, and locations that say so themselves.
    private func isOpenOnPurpose(_ location: NginxLocation) -> Bool {
        let isMarked = location.directive.children("set").contains { $0.arguments == ["$vestibule_room", ""] }
        return isMarked || location.pattern.hasPrefix("/.well-known/acme-challenge")
            || ["/robots.txt", "/favicon.ico"].contains(location.pattern)
    }

    /// A named or internal location answers a client only when something without the check leads there.
    private func isReachable(_ location: NginxLocation) -> Bool {
        let isInternal = !location.directive.children("internal").isEmpty
        guard location.matcher == .named || isInternal else { return true }
        let unchecked = siteLocations(locations).filter { !isChecked($0) && !isOpenOnPurpose($0) }
        let sources = unchecked.flatMap { targets(of: $0.directive) }
        if location.matcher != .named { return sources.contains { $0.hasPrefix(location.pattern) } }
        return (sources + inherited("error_page").compactMap(\.arguments.last)).contains(location.pattern)
    }

    private func targets(of block: NginxDirective) -> [String] {
        (block.block ?? []).flatMap { directive -> [String] in
            switch directive.name {
            case "try_files", "error_page": directive.arguments.last.map { [$0] } ?? []
            case "rewrite": directive.arguments.dropFirst().prefix(1).map { $0 }
            case "if": targets(of: directive)
            default: []
            }
        }
    }

    /// What no location takes, nginx serves from the root of the server.
    private func rootFindings() -> [NginxFinding] {
        let block = server.block ?? []
        if block.contains(where: { $0.name == "return" && !$0.answersWithContent }) { return [] }
        guard NginxLocation.choice(among: locations, for: "/") == nil, let root = inherited("root").first else {
            return []
        }
        return [
            NginxFinding(
                .open,
                root,
                "paths that no location takes are served from here without the check: include "
                    + "vestibule-guard.conf in the server, or add `location / { return 404; }`"
            )
        ]
    }

    // MARK: Both

    /// Locations of the site that nginx takes for a path of ours.
    private func apiFindings() -> [NginxFinding] {
        var findings: [NginxFinding] = []
        for path in OurPaths.samples(of: locations) {
            guard let chosen = NginxLocation.choice(among: locations, for: path), !chosen.directive.isOurs,
                !findings.contains(where: { $0.line == chosen.directive.line && $0.file == chosen.directive.file })
            else { continue }
            let message = "\(chosen.title) takes \(path) from the queue: exclude that path from it"
            findings.append(NginxFinding(.open, chosen.directive, message))
        }
        return findings
    }

    /// The site's directives of a name that are in force in the server: its own, else those of `http`.
    private func inherited(_ name: String) -> [NginxDirective] {
        let own = server.children(name).filter { !$0.isOurs }
        return own.isEmpty ? http.children(name).filter { !$0.isOurs } : own
    }
}

extension NginxDirective {
    /// As it is written, without its block.
    var title: String { ([name] + arguments).joined(separator: " ") }
}

extension NginxLocation {
    /// Whether the queue's API is here, at whatever prefix.
    fileprivate var isAPI: Bool { nested.contains { $0.matcher == .exact && $0.pattern == pattern + "join" } }
}

/// Paths that must lead to a location of ours.
enum OurPaths {
    /// Where the queue's API is, without a slash at the end; several when servers have files of several renderings.
    static func prefixes(in http: NginxDirective) -> Set<String> {
        let all = http.children("server").flatMap { NginxLocation.all(in: $0) }.filter {
            $0.directive.isOurs && $0.isAPI
        }
        return Set(all.map { String($0.pattern.dropLast()) })
    }

    static func samples(of locations: [NginxLocation]) -> [String] {
        locations.filter(\.directive.isOurs).flatMap { location -> [String] in
            switch location.matcher {
            case .exact: [location.pattern]
            case .prefix where location.isAPI: ["status", "leave", "join", "enter"].map { location.pattern + $0 }
            case .prefix: [location.pattern, location.pattern + "status", location.pattern + "x.php"]
            case .expression, .named: []
            }
        }
    }
}
