// SPDX-License-Identifier: Apache-2.0
//
// A pass may be bound to the client it was made for (JWT claim `bnd`). A person who has only the pass, from a log, a
// proxy or a shared link, comes from another network or with another browser and is sent to the waiting room. An owner
// whose network has changed is sent there too, shows the ticket, and gets a new pass for the same entry. Binding does
// not help against somebody who copied the ticket too. A User-Agent is no secret: it stops sharing, not theft.
//
// nginx/vestibule.js and nginx/vestibule.lua hash the same bytes; Tests/Program/NginxTests runs all through one table.

import Crypto

/// A client as nginx sees it, when it shows a pass or is given one.
public struct PassClient: Sendable, Equatable {
    /// The bytes of its network, 3 (IPv4 /24) or 6 (IPv6 /48); none when it has no address (a unix socket).
    public let network: [UInt8]
    /// The bytes of its User-Agent header; none when it sends none.
    public let agent: [UInt8]

    public init(network: [UInt8], agent: [UInt8]) {
        self.network = network
        self.agent = agent
    }
}

/// What a pass is bound to: claim `bnd`, `n:`, `a:` or `na:` for network, agent or both, and twelve characters of hash.
public struct PassBinding: Sendable, Equatable {
    /// Nine bytes of SHA-256. Nobody but us can sign a claim, so there is nothing to find but a client that looks the
    /// same, among 2^72.
    private static let hashCharacterCount = 12

    /// The claim's value.
    public let claim: String

    /// Binds a pass to a client; nil when it is bound to nothing.
    public init?(to client: PassClient, network: Bool, agent: Bool) {
        guard network || agent else { return nil }
        self.init(letters: (network ? "n" : "") + (agent ? "a" : ""), client)
    }

    private init(letters: String, _ client: PassClient) {
        // Each part's end is known, so no two clients have the same text: letters up to the blank, the network behind
        // its length, and the agent to the end.
        var text = Array("vestibule binding v1 \(letters) ".utf8)
        if letters.utf8.first == UInt8(ascii: "n") { text += [UInt8(client.network.count)] + client.network }
        if letters.utf8.last == UInt8(ascii: "a") { text += client.agent }
        let hash = Base64URL.encodeString(Array(SHA256.hash(data: text)))
        claim = "\(letters):\(hash.prefix(PassBinding.hashCharacterCount))"
    }

    /// Reads a claim; nil for other letters, which a later version may know: what cannot be checked opens nothing.
    public init?(claim: String) {
        let parts = claim.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count == 2, parts[1].count == PassBinding.hashCharacterCount,
            parts[1].allSatisfy(Base64URL.isCharacter),
            ["n", "a", "na"].contains(where: { $0.utf8.elementsEqual(parts[0]) })
        else { return nil }
        self.claim = claim
    }

    private var letters: String { String(claim.prefix { $0 != ":" }) }

    /// What it is bound to, for people.
    public var traits: String {
        switch letters {
        case "n": "network"
        case "a": "agent"
        default: "network and agent"
        }
    }

    /// Whether the pass was made for this client.
    public func holds(for client: PassClient) -> Bool {
        PassBinding(letters: letters, client) == self
    }
}
