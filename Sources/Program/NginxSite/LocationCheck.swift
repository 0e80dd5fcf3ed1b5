// SPDX-License-Identifier: Apache-2.0
//
// The locations of a server without the guard: each that a request can reach must have the check itself, since nginx
// inherits no rewrite lines, neither into nested locations nor into limit_except.

struct LocationCheck {
    let protectedPaths: [String]
    let exceptPaths: [String]
    private(set) var findings: [SiteFinding] = []

    init(protectedPaths: [String], exceptPaths: [String]) {
        self.protectedPaths = protectedPaths
        self.exceptPaths = exceptPaths
    }

    /// Directives that hand a request to something that answers.
    private static let handlers: Set<String> = [
        "proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass", "memcached_pass", "content_by_lua_block",
        "content_by_lua_file", "js_content", "perl", "stub_status", "autoindex", "dav_methods", "flv", "mp4",
    ]

    /// Looks at a whole server.
    mutating func look(at server: NginxDirective) {
        let block = server.block ?? []
        for directive in block where RewriteEnd.reason(directive) != nil && directive.name == "return" {
            findings.append(
                SiteFinding(.open, directive, "the server answers `return \(directive.text)` without a check")
            )
        }
        let locations = block.filter { $0.name == "location" && !Inclusion.isOurs($0) }
        for location in locations { look(atLocation: location, in: server) }
        let catchesAll = block.contains {
            $0.name == "location" && ($0.arguments == ["/"] || $0.arguments == ["^~", "/"])
        }
        if !catchesAll, !LocationCheck.onlyAnswersItself(block), isProtected("/", isExact: false) {
            findings.append(
                SiteFinding(
                    .open,
                    server,
                    "a request that fits no location gets the server's own files without a check. Include "
                        + "vestibule-guard.conf in the server, or protect a `location /`"
                )
            )
        }
    }

    private mutating func look(atLocation location: NginxDirective, in parent: NginxDirective) {
        let block = location.block ?? []
        for nested in block where nested.name == "location" && !Inclusion.isOurs(nested) {
            look(atLocation: nested, in: location)
        }
        guard isReachable(location), serves(location) else { return }
        guard let check = Inclusion.protect.index(in: block) else {
            let nested = parent.name == "location" && Inclusion.protect.isIn(parent.block ?? [])
            let why = nested ? ": nginx does not inherit the check of the location around it" : ""
            findings.append(
                SiteFinding(
                    .open,
                    location,
                    "`location \(location.text)` serves without a check\(why). Include vestibule-guard.conf in the "
                        + "server, or vestibule-protect.conf here"
                )
            )
            return
        }
        lookBeforeCheck(block, check)
        lookAround(location, block, check)
    }

    /// The lines before the check run first.
    private mutating func lookBeforeCheck(_ block: [NginxDirective], _ check: Int) {
        for directive in block[..<check] {
            guard let reason = RewriteEnd.reason(directive) else { continue }
            findings.append(
                SiteFinding(
                    .open,
                    directive,
                    "\(reason) before vestibule-protect.conf: the check does not run. Put it first"
                )
            )
        }
        let names = block[..<check].contains { $0.name == "set" && $0.arguments.first == "$vestibule_room" }
        if !names {
            findings.append(
                SiteFinding(
                    .warning,
                    block[check],
                    "no `set $vestibule_room NAME;` before vestibule-protect.conf: nobody gets in"
                )
            )
        }
    }

    private mutating func lookAround(_ location: NginxDirective, _ block: [NginxDirective], _ check: Int) {
        for directive in block where directive.name == "limit_except" {
            findings.append(
                SiteFinding(
                    .open,
                    directive,
                    "`limit_except \(directive.text)` cancels the check for the other methods. Include "
                        + "vestibule-guard.conf in the server instead"
                )
            )
        }
        // nginx runs auth_request after every rewrite line, and `return` is one.
        for directive in block[check...]
        where LocationCheck.returnsContent(directive) && Self.usesAuthRequest(block, check) {
            findings.append(
                SiteFinding(.open, directive, "`return` answers before auth_request asks. Include vestibule-guard.conf")
            )
        }
    }

    private static func usesAuthRequest(_ block: [NginxDirective], _ check: Int) -> Bool {
        block[check...].contains { $0.name == "auth_request" && Inclusion.isOurs($0) }
    }

    // MARK: - Locations

    /// Named and internal locations are reached only from others, which are looked at themselves.
    private func isReachable(_ location: NginxDirective) -> Bool {
        guard let last = location.arguments.last, !last.hasPrefix("@") else { return false }
        guard !(location.block ?? []).contains(where: { $0.name == "internal" }) else { return false }
        let kind = location.arguments.count > 1 ? location.arguments[0] : ""
        // What a pattern matches is not known from its text alone.
        if kind == "~" || kind == "~*" { return true }
        return isProtected(last, isExact: kind == "=")
    }

    /// Whether a room may protect a request below this path.
    private func isProtected(_ path: String, isExact: Bool) -> Bool {
        let isExcepted = exceptPaths.contains { rule in
            path == rule || path.hasPrefix(rule.hasSuffix("/") ? rule : rule + "/")
        }
        if isExcepted { return false }
        guard !protectedPaths.isEmpty else { return true }
        return protectedPaths.contains { path.hasPrefix($0) || !isExact && $0.hasPrefix(path) }
    }

    private func serves(_ location: NginxDirective) -> Bool {
        let block = location.block ?? []
        if block.contains(where: { LocationCheck.handlers.contains($0.name) }) { return true }
        // In an `if` of the location too.
        let branches = block.filter { $0.name == "if" }.flatMap { $0.block ?? [] }
        if branches.contains(where: { LocationCheck.handlers.contains($0.name) }) { return true }
        return !LocationCheck.onlyAnswersItself(block)
    }

    /// Whether a block lets no request through to content: it redirects, refuses, or denies everybody.
    static func onlyAnswersItself(_ block: [NginxDirective]) -> Bool {
        let returns = block.contains { $0.name == "return" && !returnsContent($0) }
        let deniesAll =
            block.contains { $0.name == "deny" && $0.arguments == ["all"] } && !block.contains { $0.name == "allow" }
        let redirects = block.contains {
            $0.name == "rewrite" && ["redirect", "permanent"].contains($0.arguments.last ?? "")
                && ["^", ".*", "^.*$", "^(.*)$", "^(.*)", "^/(.*)$", "^/(.*)"].contains($0.arguments.first ?? "")
        }
        return returns || deniesAll || redirects
    }

    /// `return 200 text`; a redirect or an error is no content.
    static func returnsContent(_ directive: NginxDirective) -> Bool {
        guard directive.name == "return", let first = directive.arguments.first else { return false }
        guard let code = Int(first) else { return false }
        return (200..<300).contains(code)
    }
}
