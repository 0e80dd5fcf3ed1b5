// SPDX-License-Identifier: Apache-2.0
//
// Reads a whole nginx configuration for ways around the waiting room. A server is protected by vestibule-guard.conf,
// whose lines nginx runs before it chooses a location, or its locations each by vestibule-protect.conf.

/// The check of a site. It decides from the text alone.
public struct SiteCheck {
    /// What the rooms protect, where the configuration says so; empty: everything.
    public var protectedPaths: [String] = []
    /// Paths that need no pass: exceptions of all rooms that ask for nothing else.
    public var exceptPaths: [String] = ["/.well-known/acme-challenge/", "/robots.txt"]
    /// Whether any room has `protect`; nil when it is not known. Without one the guard protects nothing.
    public var isGuardInUse: Bool?
    /// The path of the API.
    public var apiPrefix = "/api/v1/queue"

    public init() {}

    /// All findings, in the order of the files and lines of the configuration.
    public func findings(_ dump: NginxDump) -> [SiteFinding] {
        guard let http = dump.directives.first(where: { $0.name == "http" }), let inHTTP = http.block else {
            return [SiteFinding(.open, file: dump.files[0], line: 0, "there is no http block")]
        }
        let servers = inHTTP.filter { $0.name == "server" }
        let ours = servers.filter { Inclusion.server.isIn($0.block ?? []) }
        var found = EngineCheck.findings(dump.directives)
        guard !ours.isEmpty else {
            found.append(
                SiteFinding(.open, http, "no server includes vestibule-server.conf: the site has no waiting room")
            )
            return found
        }
        if !Inclusion.http.isIn(inHTTP) {
            found.append(SiteFinding(.open, http, "http does not include vestibule-http.conf"))
        }
        for server in ours { found += check(server, inHTTP) }
        found += besides(servers, ours)
        return found.sorted { ($0.file, $0.line) < ($1.file, $1.line) }
    }

    private func check(_ server: NginxDirective, _ inHTTP: [NginxDirective]) -> [SiteFinding] {
        let block = server.block ?? []
        var found = InheritanceCheck(apiPrefix: apiPrefix).findings(server, inHTTP)
        if let guardLine = Inclusion.guarding.index(in: block) {
            found += before(guardLine, in: block)
            if isGuardInUse == false {
                found.append(
                    SiteFinding(.open, block[guardLine], "no room has `protect`: the guard lets everybody through")
                )
            }
        } else {
            var check = LocationCheck(protectedPaths: protectedPaths, exceptPaths: exceptPaths)
            check.look(at: server)
            found += check.findings
        }
        return found
    }

    /// Lines that end nginx's rewrite phase of the server before the guard's begin.
    private func before(_ guardLine: Int, in block: [NginxDirective]) -> [SiteFinding] {
        block[..<guardLine].compactMap { directive in
            guard let reason = RewriteEnd.reason(directive) else { return nil }
            let place = "\(block[guardLine].file):\(block[guardLine].line)"
            return SiteFinding(
                .open,
                directive,
                "\(reason) before vestibule-guard.conf (\(place)): requests that "
                    + "come here are not checked. Put the guard before it"
            )
        }
    }

    /// Servers that answer for a protected host, or for any, and have no check.
    private func besides(_ servers: [NginxDirective], _ ours: [NginxDirective]) -> [SiteFinding] {
        let hosts = Set(ours.flatMap(names))
        return servers.compactMap { server in
            let block = server.block ?? []
            guard !ours.contains(server), !names(server).filter({ hosts.contains($0) }).isEmpty else { return nil }
            guard !LocationCheck.onlyAnswersItself(block), !isLocalOnly(block) else { return nil }
            let shown = names(server).joined(separator: " ")
            return SiteFinding(
                .open,
                server,
                "this server answers for \(shown) as a protected one does, and has no waiting room. Include "
                    + "vestibule-server.conf and vestibule-guard.conf, or let it only redirect"
            )
        }
    }

    /// A backend in the same nginx, which only this machine reaches.
    private func isLocalOnly(_ block: [NginxDirective]) -> Bool {
        let addresses = block.filter { $0.name == "listen" }.compactMap(\.arguments.first)
        return !addresses.isEmpty
            && addresses.allSatisfy { $0.hasPrefix("127.") || $0.hasPrefix("[::1]") || $0.hasPrefix("unix:") }
    }

    private func names(_ server: NginxDirective) -> [String] {
        let named = (server.block ?? []).filter { $0.name == "server_name" }.flatMap(\.arguments)
        return named.isEmpty ? [""] : named.map { $0.lowercased() }
    }
}

/// The files of Vestibule that a configuration may include.
enum Inclusion: String {
    case http = "vestibule-http.conf"
    case server = "vestibule-server.conf"
    case guarding = "vestibule-guard.conf"
    case protect = "vestibule-protect.conf"
    case headers = "vestibule-headers.conf"

    /// Where it is included; it may lie anywhere.
    func index(in block: [NginxDirective]) -> Int? {
        block.firstIndex {
            $0.name == "include" && $0.arguments.first.map { $0.split(separator: "/").last ?? "" } ?? "" == rawValue
        }
    }

    func isIn(_ block: [NginxDirective]) -> Bool { index(in: block) != nil }

    /// Whether a directive came from one of the rendered files.
    static func isOurs(_ directive: NginxDirective) -> Bool { directive.fileName.hasPrefix("vestibule-") }
}

/// Directives after which nginx runs no more of the rewrite module's in the same place.
enum RewriteEnd {
    /// What the directive does; nil when the next lines still run, or when it lets nobody through to the site.
    static func reason(_ directive: NginxDirective) -> String? {
        switch directive.name {
        case "break": "`break`"
        case "rewrite" where ["last", "break"].contains(directive.arguments.last ?? ""):
            "`rewrite ... \(directive.arguments.last ?? "")`"
        case "return" where LocationCheck.returnsContent(directive): "`return \(directive.text)`"
        case "if" where (directive.block ?? []).contains { reason($0) != nil }:
            "`if (...)` with `\((directive.block ?? []).first { reason($0) != nil }?.name ?? "")`"
        default: nil
        }
    }
}

/// Whether the verifier can run.
enum EngineCheck {
    static func findings(_ directives: [NginxDirective]) -> [SiteFinding] {
        var found: [SiteFinding] = []
        for directive in directives {
            if directive.name == "js_engine", directive.arguments.first == "qjs" {
                found.append(
                    SiteFinding(
                        .warning,
                        directive,
                        "QuickJS refuses every pass: no visitor gets in. Leave `js_engine` at njs, or render with "
                            + "--verifier lua"
                    )
                )
            }
            found += findings(directive.block ?? [])
        }
        return found
    }
}
