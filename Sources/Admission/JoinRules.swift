// SPDX-License-Identifier: Apache-2.0
//
// What a room asks of those who join, beyond the limits that Redis keeps: the workers see to these by themselves.

/// What a room makes of enqueue tokens, by which the site names the person who joins. Each person has one place.
/// The raw values are the words of the configuration.
public enum EnqueueRule: String, Sendable, CaseIterable {
    /// Tokens are ignored.
    case off
    /// Who brings a token has one place; who brings none joins as ever.
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

    public init(joinsPerSource: JoinLimit? = nil, enqueue: EnqueueRule = .off, proofOfWork: ProofOfWork? = nil) {
        self.joinsPerSource = joinsPerSource
        self.enqueue = enqueue
        self.proofOfWork = proofOfWork
    }

    /// A room asks nothing.
    public static let standard = JoinRules()
}
