// SPDX-License-Identifier: Apache-2.0
//
// What a room asks of visitors who join, beyond the limits that Redis keeps. The workers check these without Redis.

/// What a room makes of enqueue tokens, by which the site names the person who joins. Each person has one place.
/// The raw values are the words of the configuration.
public enum EnqueueRule: String, Sendable, CaseIterable {
    /// Tokens are ignored.
    case off
    /// A visitor with a token gets that person's one place. A visitor without a token joins normally.
    case optional
    /// Nobody joins without a token.
    case required
}

/// The conditions of a join.
public struct JoinRules: Equatable, Sendable {
    /// Joins of one source at one worker; nil is no limit.
    public var joinsPerSource: JoinLimit?
    /// Whether the site says who joins.
    public var enqueue: EnqueueRule
    /// Work that joins cost while many come; nil is none.
    public var proofOfWork: ProofOfWork?
    /// What of the client the passes of the room are bound to; nothing unless asked for.
    public var passBinding: ClientTraits

    public init(
        joinsPerSource: JoinLimit? = nil,
        enqueue: EnqueueRule = .off,
        proofOfWork: ProofOfWork? = nil,
        passBinding: ClientTraits = []
    ) {
        self.joinsPerSource = joinsPerSource
        self.enqueue = enqueue
        self.proofOfWork = proofOfWork
        self.passBinding = passBinding
    }

    /// A room asks nothing.
    public static let standard = JoinRules()
}

/// What nginx sees of a client, and a pass may be bound to.
public struct ClientTraits: OptionSet, Sendable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// The network it comes from; see ``ClientAddress/networkBytes``.
    public static let network = ClientTraits(rawValue: 1)
    /// The bytes of its User-Agent header.
    public static let agent = ClientTraits(rawValue: 2)

    private static let names: [(text: String, traits: ClientTraits)] = [
        ("off", []), ("network", .network), ("agent", .agent), ("network+agent", [.network, .agent]),
    ]

    /// Reads `off`, `network`, `agent` or `network+agent`; nil for anything else.
    public init?(text: String) {
        guard let found = ClientTraits.names.first(where: { $0.text == text }) else { return nil }
        self = found.traits
    }

    /// As ``init(text:)`` reads it.
    public var text: String { ClientTraits.names.first { $0.traits == self }?.text ?? "off" }
}
