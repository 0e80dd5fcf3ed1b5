// SPDX-License-Identifier: Apache-2.0
//
// The whole check of a configuration as text; MachineCheck looks at the files and processes of the machine.

/// Looking for ways around the waiting room.
public enum NginxCheck {
    /// What is wrong with a configuration, the openings first.
    ///
    /// A configuration without any file of ours is open as a whole, and says so in one finding.
    public static func findings(in configuration: [NginxDirective]) -> [NginxFinding] {
        let contexts = configuration.filter { $0.name == "http" }
        guard let http = contexts.first else {
            return [NginxFinding(.open, file: configuration.first?.file ?? "nginx.conf", line: 1, "there is no http")]
        }
        let (protected, others) = servers(of: http)
        guard !protected.isEmpty else {
            let message = "no server includes \(OurFiles.server): nothing is protected"
            return [NginxFinding(.open, http, message)]
        }
        var found = protected.flatMap { ServerCheck(http: http, server: $0).openings() }
        found += bypassing(others, protected)
        found += protected.flatMap { AnswerCheck(http: http, server: $0).findings() }
        found += protected.flatMap { AccessCheck(http: http, server: $0).findings() }
        found += protected.flatMap { RedirectCheck(http: http, server: $0).findings() }
        found += engineFindings(http) + protected.flatMap { addressFindings(http, $0) }
        // A directive of http is looked at once for each server.
        var unique: [NginxFinding] = []
        for finding in found where !unique.contains(finding) { unique.append(finding) }
        return NginxFinding.Severity.allCases.flatMap { severity in unique.filter { $0.severity == severity } }
    }

    /// Where the queue's API is in this configuration, without a slash at the end: `/api/v1/queue`.
    public static func apiPrefixes(in configuration: [NginxDirective]) -> Set<String> {
        configuration.first { $0.name == "http" }.map { OurPaths.prefixes(in: $0) } ?? []
    }

    /// The servers that include vestibule-server.conf, and the others.
    static func servers(of http: NginxDirective) -> (protected: [NginxDirective], others: [NginxDirective]) {
        let all = http.children("server")
        let isProtected = { (server: NginxDirective) in
            server.holdsInclude(OurFiles.server)
        }
        return (all.filter(isProtected), all.filter { !isProtected($0) })
    }

    /// Servers without the check that have the name of a protected one, or its backend.
    private static func bypassing(
        _ others: [NginxDirective],
        _ protected: [NginxDirective]
    ) -> [NginxFinding] {
        let knownNames = Set(protected.flatMap { names(of: $0) })
        let knownBackends = Set(protected.flatMap { backends(of: $0) })
        return others.compactMap { server -> NginxFinding? in
            let leadsElsewhere = server.children("return").contains { !$0.answersWithContent }
            guard !leadsElsewhere else { return nil }
            if let name = names(of: server).first(where: { knownNames.contains($0) }) {
                return NginxFinding(
                    .open,
                    server,
                    "this server serves \(name), which is protected elsewhere: include the same files here"
                )
            }
            guard let backend = backends(of: server).first(where: { knownBackends.contains($0) }) else { return nil }
            return NginxFinding(
                .warning,
                server,
                "this server passes to \(backend), the backend of a protected server, without the check"
            )
        }
    }

    static func names(of server: NginxDirective) -> [String] {
        server.children("server_name").flatMap(\.arguments).map { $0.lowercased() }.filter { $0 != "_" && $0 != "" }
    }

    /// A host by which requests reach the server.
    static func host(of server: NginxDirective) -> String {
        names(of: server).first { !$0.contains("~") && !$0.contains("*") } ?? "localhost"
    }

    /// Where a server passes requests to: the host or name, without scheme and path.
    private static func backends(of block: NginxDirective) -> [String] {
        (block.block ?? []).flatMap { directive -> [String] in
            if directive.isOurs { return [] }
            if directive.block != nil { return backends(of: directive) }
            guard directive.name.hasSuffix("_pass"), let target = directive.arguments.first else { return [] }
            let address = target.split(separator: "://").last ?? ""
            return [String(address.prefix { $0 != "/" && $0 != "$" })].filter { $0 != "" && $0 != "unix:" }
        }
    }

    /// In a context and those inside of it.
    private static func engineFindings(_ http: NginxDirective) -> [NginxFinding] {
        let own = http.children("js_engine").filter { $0.arguments == ["qjs"] }.map {
            NginxFinding(.warning, $0, "QuickJS refuses every pass: use `js_engine njs`, or --verifier lua")
        }
        return own + http.children("server", "location").flatMap { engineFindings($0) }
    }

    /// Headers in which a proxy in front of nginx names the visitor.
    private static let forwarding = [
        "$http_x_forwarded_for", "$http_x_real_ip", "$http_cf_connecting_ip", "$http_true_client_ip",
        "$http_x_forwarded_proto",
    ]

    private static func addressFindings(_ http: NginxDirective, _ server: NginxDirective) -> [NginxFinding] {
        let trusted = http.children("set_real_ip_from") + server.children("set_real_ip_from")
        guard trusted.isEmpty else { return [] }
        let outside = (http.block ?? []).filter { $0.name != "server" && $0.name != "log_format" }
        guard let sign = firstSign(outside) ?? firstSign(server.block ?? []) else { return [] }
        return [
            NginxFinding(
                .warning,
                sign,
                "nginx seems to be behind a proxy, but no set_real_ip_from is there: all visitors have "
                    + "the proxy's address and share one limit"
            )
        ]
    }

    private static func firstSign(_ directives: [NginxDirective]) -> NginxDirective? {
        for directive in directives where !directive.isOurs {
            if directive.name == "listen" && directive.arguments.contains("proxy_protocol") { return directive }
            let words = [directive.name] + directive.arguments
            if words.contains(where: { word in forwarding.contains { word.contains($0) } }) { return directive }
            if let inner = firstSign(directive.block ?? []) { return inner }
        }
        return nil
    }
}
