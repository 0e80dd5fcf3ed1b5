// SPDX-License-Identifier: Apache-2.0
//
// The part of the table about passes that are bound to a client: which client they were made for, and who shows them.

import Passes

extension PassTable {
    /// The client that shows a pass.
    struct Client {
        let address: String
        /// What nginx and the worker make of the address.
        let network: [UInt8]
        /// Nil sends no User-Agent.
        var agent: String? = "Table/1.0 (한글)"

        static let home = Client(address: "192.0.2.7", network: [192, 0, 2])

        var headers: [String] { ["X-Real-Address: \(address)", "User-Agent:" + (agent.map { " \($0)" } ?? "")] }
        var asSeen: PassClient { PassClient(network: network, agent: Array((agent ?? "").utf8)) }

        func with(agent: String?) -> Client { Client(address: address, network: network, agent: agent) }
    }

    private static let neighbour = Client(address: "192.0.2.200", network: [192, 0, 2])
    private static let elsewhere = Client(address: "192.0.3.7", network: [192, 0, 3])
    private static let mapped = Client(address: "::ffff:192.0.2.9", network: [192, 0, 2])
    private static let v6 = Client(address: "2001:db8:a:1::7", network: [0x20, 1, 0xd, 0xb8, 0, 0xa])
    private static let v6Neighbour = Client(address: "2001:DB8:A:ffff::1", network: [0x20, 1, 0xd, 0xb8, 0, 0xa])
    private static let v6Elsewhere = Client(address: "2001:db8:b:1::7", network: [0x20, 1, 0xd, 0xb8, 0, 0xb])
    private static let v6Low = Client(address: "::1.2.3.4", network: [0, 0, 0, 0, 0, 0])

    private func bound(
        _ name: String,
        _ letters: String,
        to client: Client = .home,
        shownBy shower: Client,
        _ verdict: String
    ) -> Row {
        let binding = PassBinding(to: client.asSeen, network: letters.contains("n"), agent: letters.contains("a"))
        let pass = Pass(
            room: Site.room,
            number: 42,
            jti: "abc",
            issuedAtSeconds: nowSeconds,
            expiresAtSeconds: nowSeconds + 600,
            binding: binding
        )
        return Row(
            name: "bound to \(name)",
            cookies: ["\(cookieName)=\(token(pass))"],
            verdict: verdict,
            client: shower
        )
    }

    func bindingRows() -> [Row] { networkRows() + agentRows() + writtenRows() }

    private func networkRows() -> [Row] {
        [
            bound("its network", "n", shownBy: .home, "ok"),
            bound("its network, with another browser", "n", shownBy: .home.with(agent: "x"), "ok"),
            bound("its network, from another host", "n", shownBy: Self.neighbour, "ok"),
            bound("its network, from an IPv4 address written as IPv6", "n", shownBy: Self.mapped, "ok"),
            bound("another network", "n", shownBy: Self.elsewhere, "other-client"),
            bound("a network of IPv4, shown from IPv6", "n", shownBy: Self.v6, "other-client"),
            bound("a network of IPv6", "n", to: Self.v6, shownBy: Self.v6, "ok"),
            bound("a network of IPv6, from another host", "n", to: Self.v6, shownBy: Self.v6Neighbour, "ok"),
            bound("another network of IPv6", "n", to: Self.v6, shownBy: Self.v6Elsewhere, "other-client"),
            bound("a network of IPv6 that ends like IPv4", "n", to: Self.v6Low, shownBy: Self.v6Low, "ok"),
        ]
    }

    private func agentRows() -> [Row] {
        let silent = Client.home.with(agent: nil)
        return [
            bound("its browser", "a", shownBy: .home, "ok"),
            bound("its browser, from another network", "a", shownBy: Self.elsewhere, "ok"),
            bound("another browser", "a", shownBy: .home.with(agent: "Table/1.1"), "other-client"),
            bound("a browser of a byte less", "a", shownBy: .home.with(agent: "Table/1.0 (한글"), "other-client"),
            bound("a browser, shown without one", "a", shownBy: silent, "other-client"),
            bound("no browser", "a", to: silent, shownBy: silent, "ok"),
            bound("no browser, shown with one", "a", to: silent, shownBy: .home, "other-client"),
            bound("both", "na", shownBy: .home, "ok"),
            bound("both, from another host", "na", shownBy: Self.neighbour, "ok"),
            bound("both, from another network", "na", shownBy: Self.elsewhere, "other-client"),
            bound("both, with another browser", "na", shownBy: .home.with(agent: "x"), "other-client"),
            bound("both, on IPv6", "na", to: Self.v6, shownBy: Self.v6Neighbour, "ok"),
        ]
    }

    /// Claims written by hand, with a right MAC.
    private func writtenRows() -> [Row] {
        let hash = PassBinding(to: Client.home.asSeen, network: true, agent: true)!.claim.suffix(12)
        let bad = [
            ("", "no letters, no hash"), (":\(hash)", "no letters"), ("x:\(hash)", "a letter nobody knows"),
            ("an:\(hash)", "letters in another order"), ("naa:\(hash.dropLast())", "a letter twice"),
            ("nax:\(hash)", "a further letter"), ("N:\(hash)", "a capital"), ("na:\(hash.dropLast())", "a short hash"),
            ("na:\(hash)A", "a long hash"), ("na:\(hash.dropLast())+", "a hash that is no base64url"),
            ("na\(hash)A", "no colon"), ("na:\(hash):\(hash)", "two hashes"), ("na:\(hash)\\n", "a line's end"),
        ].map { (#","bnd":"\#($0)""#, $1) }
        let others = [
            (#","bnd":null"#, "null"), (#","bnd":1"#, "a number"), (#","bnd":["na:\#(hash)"]"#, "an array"),
            (#","bnd":true"#, "true"), (#","bnd":"na:\#(hash)","nbf":1"#, "an eighth claim"),
            (#","BND":"na:\#(hash)""#, "a claim in capitals"),
        ]
        func row(_ name: String, _ claims: String, _ verdict: String) -> Row {
            Row(name: "bnd: \(name)", cookies: ["\(cookieName)=\(signed(claims: claims))"], verdict: verdict)
        }
        let good = #"{"bnd":"na:\#(hash)", "#
        return (bad + others).map { row($1, claims(more: $0), "malformed") } + [
            row("as we write it", claims(more: #","bnd":"na:\#(hash)""#), "ok"),
            row("in front of the others", good + claims().dropFirst(), "ok"),
            row("of another letter than was hashed", claims(more: #","bnd":"n:\#(hash)""#), "other-client"),
            row(
                "in front, of another client",
                good.replacing(hash, with: "AAAAAAAAAAAA") + claims().dropFirst(),
                "other-client"
            ),
            row("of another client, and expired", claims(expires: "1", more: #","bnd":"n:\#(hash)""#), "expired"),
            row("of another client and room", claims(room: #""other""#, more: #","bnd":"n:\#(hash)""#), "foreign"),
        ]
    }
}
