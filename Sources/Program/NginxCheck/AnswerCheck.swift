// SPDX-License-Identifier: Apache-2.0
//
// What of the site's directives reaches the queue's answers, and which of the site's headers our includes take away.

/// Inheritance between the site and what Vestibule included into it.
struct AnswerCheck {
    let http: NginxDirective
    let server: NginxDirective

    /// Directives of http and server that change what the queue answers.
    private static let reaching: Set<String> = [
        "add_header", "expires", "sub_filter", "error_page", "auth_basic", "auth_request", "deny", "satisfy",
        "limit_req", "limit_conn", "add_before_body", "add_after_body", "userid", "post_action",
    ]
    /// Those of them that change only an answer that the location itself gives.
    private static let ofAnswers: Set<String> = [
        "add_header", "expires", "sub_filter", "add_before_body", "add_after_body", "userid",
    ]
    private static let ofGateways = ["cache", "ignore_headers", "intercept_errors"]

    func findings() -> [NginxFinding] {
        reachingFindings() + lostHeaders(in: server, outer: [http]) + lostInLocations(server, outer: [server, http])
            + (hasGuard ? [] : claimedInLocations(server, outer: [server, http]))
    }

    private func reachingFindings() -> [NginxFinding] {
        let ours = ourLocations(NginxLocation.all(in: server), above: [])
        let own = Set((server.block ?? []).map(\.name))
        let directives = (server.block ?? []) + (http.block ?? []).filter { !own.contains($0.name) }
        var findings: [NginxFinding] = []
        for directive in directives where !directive.isOurs && directive.arguments.first != "off" {
            guard let reached = ours.first(where: { reaches(directive, $0) }) else { continue }
            let message =
                "\(directive.name) reaches the queue's own answers (\(reached.location.title)): move it into "
                + "the site's locations"
            findings.append(NginxFinding(.warning, directive, message))
        }
        return findings
    }

    /// A location of ours, and the names of all directives that are set in it or in those around it.
    private typealias OurLocation = (location: NginxLocation, names: Set<String>)

    private func ourLocations(_ locations: [NginxLocation], above: Set<String>) -> [OurLocation] {
        // What /_vestibule/absent answers is the site's own 404.
        let ours = locations.filter { $0.directive.isOurs && $0.pattern != "/_vestibule/absent" }
        return ours.flatMap { location -> [OurLocation] in
            let names = above.union((location.directive.block ?? []).map(\.name))
            return [(location, names)] + ourLocations(location.nested, above: names)
        }
    }

    private func reaches(_ directive: NginxDirective, _ ours: OurLocation) -> Bool {
        if ours.names.contains(directive.name) { return false }
        if AccessCheck.isGate(ours.location), AccessCheck.rules.contains(directive.name) { return false }
        // nginx answers a `return` before it counts, and sends a text of its own as it is.
        let answer = ours.location.directive.children("return").first
        if answer != nil && directive.name.hasPrefix("limit_") { return false }
        if let answer, answer.arguments.count > 1, directive.name == "error_page" { return false }
        let leadsOn = !ours.location.directive.children("try_files").isEmpty
        if leadsOn && Self.ofAnswers.contains(directive.name) { return false }
        if directive.name == "deny" { return !ours.names.contains("allow") }
        if Self.reaching.contains(directive.name) { return true }
        return ["fastcgi", "scgi"].contains { gateway in
            ours.names.contains("\(gateway)_pass")
                && Self.ofGateways.contains { directive.name == "\(gateway)_\($0)" }
        }
    }

    // MARK: Headers that the client writes

    /// The guard refuses a request that brings one of ours.
    private var hasGuard: Bool { server.holdsInclude(OurFiles.guardian) }

    /// How the name of our header is written for a handler; proxy_pass has it from our own lines.
    private static let ownNames = [
        ("fastcgi_pass", "fastcgi_param", "HTTP_X_VESTIBULE_ROOM"),
        ("uwsgi_pass", "uwsgi_param", "HTTP_X_VESTIBULE_ROOM"), ("scgi_pass", "scgi_param", "HTTP_X_VESTIBULE_ROOM"),
        ("grpc_pass", "grpc_set_header", "X-Vestibule-Room"),
    ]

    private func claimedInLocations(_ block: NginxDirective, outer: [NginxDirective]) -> [NginxFinding] {
        block.children("location").filter { !$0.isOurs }.flatMap { location -> [NginxFinding] in
            let inner = claimedInLocations(location, outer: [location] + outer)
            guard location.holdsInclude(OurFiles.location) else { return inner }
            let claims = Self.ownNames.compactMap { handler, name, header -> NginxFinding? in
                guard let pass = location.children(handler).first else { return nil }
                let lines = ([location] + outer).lazy.map { $0.children(name) }.first { !$0.isEmpty } ?? []
                guard !lines.contains(where: { $0.arguments.first?.lowercased() == header.lowercased() }) else {
                    return nil
                }
                let words =
                    "the backend gets X-Vestibule-… as the client wrote them: set \(header) and the like by \(name), "
                    + "or use the guard"
                return NginxFinding(.warning, pass, words)
            }
            return claims + inner
        }
    }

    // MARK: Headers that our lines take away

    /// nginx takes these from one level only, and the handler that sends them.
    private static let oneLevel = [
        ("proxy_set_header", "proxy_pass"), ("grpc_set_header", "grpc_pass"), ("fastcgi_param", "fastcgi_pass"),
        ("uwsgi_param", "uwsgi_pass"), ("scgi_param", "scgi_pass"),
    ]

    private func lostInLocations(_ block: NginxDirective, outer: [NginxDirective]) -> [NginxFinding] {
        block.children("location").filter { !$0.isOurs }.flatMap {
            lostHeaders(in: $0, outer: outer) + lostInLocations($0, outer: [$0] + outer)
        }
    }

    private func lostHeaders(in level: NginxDirective, outer: [NginxDirective]) -> [NginxFinding] {
        Self.oneLevel.compactMap { name, handler in
            let lines = level.children(name)
            guard let ours = lines.first(where: \.isOurs) else { return nil }
            if level.name == "location" && level.children(handler).isEmpty { return nil }
            let above = outer.lazy.map { $0.children(name).filter { !$0.isOurs } }.first { !$0.isEmpty } ?? []
            let present = Set(lines.compactMap { $0.arguments.first?.lowercased() })
            let lost = above.compactMap(\.arguments.first).filter { !present.contains($0.lowercased()) }
            guard !lost.isEmpty else { return nil }
            // Our file may be included by another of ours: the site's own line is named.
            let before = (level.block ?? []).prefix { $0 != ours }
            let include = before.last { $0.name == "include" && !$0.isOurs } ?? level
            let words =
                "\(name) of the levels above is lost here (\(lost.joined(separator: ", "))): repeat it beside "
                + "this include, or use the guard"
            return NginxFinding(.warning, include, words)
        }
    }
}
