// SPDX-License-Identifier: Apache-2.0
//
// Redirects of a backend that show the upstream's name: the backend is asked by that name, and nginx does not put the
// site's own in its place, because the address in proxy_pass has variables.

/// The `proxy_pass` lines of one server that includes vestibule-server.conf.
struct RedirectCheck {
    let http: NginxDirective
    let server: NginxDirective

    func findings() -> [NginxFinding] { findings(server, outer: [http]) }

    /// - Parameter outer: the levels around the block, the nearest first.
    private func findings(_ block: NginxDirective, outer: [NginxDirective]) -> [NginxFinding] {
        let inner = (block.block ?? []).filter { ["location", "if", "limit_except"].contains($0.name) && !$0.isOurs }
        return inner.flatMap { findings($0, outer: [block] + outer) }
            + block.children("proxy_pass").filter { !$0.isOurs }.compactMap { finding($0, levels: [block] + outer) }
    }

    private func finding(_ pass: NginxDirective, levels: [NginxDirective]) -> NginxFinding? {
        guard let address = pass.arguments.first, address.contains("$"),
            lines("proxy_redirect", levels).isEmpty, !namesHost(lines("proxy_set_header", levels))
        else { return nil }
        let end = address.firstRange(of: "://")?.upperBound ?? address.startIndex
        let base = address[..<end] + address[end...].prefix { $0 != "/" && $0 != "$" }
        let line = base.count > address[..<end].count ? "`proxy_redirect \(base)/ /;`, or " : ""
        return NginxFinding(
            .warning,
            pass,
            "redirects of the backend show the upstream's name: nginx does not rewrite them when proxy_pass has a "
                + "variable. Add \(line)`proxy_set_header Host $host;`"
        )
    }

    /// nginx takes these from one level only.
    private func lines(_ name: String, _ levels: [NginxDirective]) -> [NginxDirective] {
        levels.lazy.map { $0.children(name) }.first { !$0.isEmpty } ?? []
    }

    /// Whether the backend is asked by another name than the upstream's.
    private func namesHost(_ headers: [NginxDirective]) -> Bool {
        headers.contains {
            $0.arguments.first?.lowercased() == "host" && !["$proxy_host", ""].contains($0.arguments.last ?? "")
        }
    }
}
