// SPDX-License-Identifier: Apache-2.0
//
// What nginx hands down into Vestibule's locations, and what Vestibule's lines keep from being handed down.

struct InheritanceCheck {
    let apiPrefix: String

    /// Directives of http and server that change or withhold an answer of the queue, and what they do to it. A location
    /// of ours that has the directive itself takes nothing from above.
    private static let reaching: [String: String] = [
        "add_header": "adds headers to the queue's answers; a Content-Security-Policy may block the page",
        "expires": "lets browsers keep the queue's answers",
        "sub_filter": "changes the queue's answers",
        "auth_basic": "asks for a password before the queue",
        "auth_request": "asks another service before the queue",
        "deny": "keeps visitors away from the queue",
        "limit_req": "limits the queue's polls with the site's own zone",
        "limit_conn": "limits the queue's connections with the site's own zone",
        "error_page": "replaces the queue's own answers",
        "fastcgi_cache": "may give one visitor's answer to another",
        "scgi_cache": "may give one visitor's answer to another",
        "fastcgi_ignore_headers": "makes nginx ignore what the queue says about caches",
        "scgi_ignore_headers": "makes nginx ignore what the queue says about caches",
        "fastcgi_hide_header": "takes headers out of the queue's answers",
        "scgi_hide_header": "takes headers out of the queue's answers",
        "fastcgi_intercept_errors": "replaces the queue's own answers",
        "scgi_intercept_errors": "replaces the queue's own answers",
    ]

    func findings(_ server: NginxDirective, _ inHTTP: [NginxDirective]) -> [SiteFinding] {
        let block = server.block ?? []
        return reaching(block, inHTTP) + lostHeaders(block, inHTTP) + collisions(block)
            + withoutRealAddress(block, inHTTP)
    }

    private func reaching(_ block: [NginxDirective], _ inHTTP: [NginxDirective]) -> [SiteFinding] {
        let api = block.first { $0.name == "location" && Inclusion.isOurs($0) && $0.arguments.last == apiPrefix + "/" }
        let own = Set((api?.block ?? []).map(\.name))
        return (inHTTP + block).compactMap { directive in
            guard !Inclusion.isOurs(directive), !own.contains(directive.name),
                !(directive.name.hasSuffix("_cache") && directive.arguments == ["off"]),
                let effect = InheritanceCheck.reaching[directive.name]
            else { return nil }
            return SiteFinding(
                .warning,
                directive,
                "`\(directive.name)` at this level \(effect). Move it into the locations that need it"
            )
        }
    }

    /// nginx takes proxy_set_header from one level only.
    private func lostHeaders(_ block: [NginxDirective], _ inHTTP: [NginxDirective]) -> [SiteFinding] {
        func headers(_ directives: [NginxDirective]) -> [String] {
            directives.filter { $0.name == "proxy_set_header" && !Inclusion.isOurs($0) }
                .compactMap { $0.arguments.first?.lowercased() }
        }
        let ofServer = headers(block)
        let above = ofServer.isEmpty ? headers(inHTTP) : ofServer
        guard !above.isEmpty else { return [] }
        return allLocations(block).compactMap { location in
            let inside = location.block ?? []
            guard let line = Inclusion.protect.index(in: inside) ?? Inclusion.headers.index(in: inside) else {
                return nil
            }
            let lost = Set(above).subtracting(headers(inside)).sorted()
            guard !lost.isEmpty else { return nil }
            return SiteFinding(
                .warning,
                inside[line],
                "the include takes proxy_set_header \(lost.joined(separator: ", ")) of above away from this location. "
                    + "Repeat them here"
            )
        }
    }

    private func allLocations(_ block: [NginxDirective]) -> [NginxDirective] {
        block.filter { $0.name == "location" }.flatMap { [$0] + allLocations($0.block ?? []) }
    }

    /// Locations of the site on addresses of the queue.
    private func collisions(_ block: [NginxDirective]) -> [SiteFinding] {
        block.compactMap { location in
            guard location.name == "location", !Inclusion.isOurs(location), let path = location.arguments.last,
                location.arguments.first != "~", location.arguments.first != "~*"
            else { return nil }
            guard path.hasPrefix(apiPrefix + "/") || path.hasPrefix("/_vestibule/") else { return nil }
            return SiteFinding(
                .open,
                location,
                "`location \(location.text)` takes an address of the queue. Move it, or choose another api_prefix"
            )
        }
    }

    private func withoutRealAddress(_ block: [NginxDirective], _ inHTTP: [NginxDirective]) -> [SiteFinding] {
        let all = inHTTP + block
        guard !all.contains(where: { $0.name == "set_real_ip_from" }) else { return [] }
        return block.filter { $0.name == "listen" && $0.arguments.contains("proxy_protocol") }.map {
            SiteFinding(
                .warning,
                $0,
                "behind a proxy every visitor has its address, and the limits per address stop the site. Add "
                    + "set_real_ip_from and real_ip_header"
            )
        }
    }
}
