// SPDX-License-Identifier: Apache-2.0
//
// What a room asks of those who join, beyond the limits that Redis keeps: the workers see to these by themselves.

/// The conditions of a join.
public struct JoinRules: Equatable, Sendable {
    /// Joins of one source at one worker; nil is no limit.
    public var joinsPerSource: JoinLimit?

    public init(joinsPerSource: JoinLimit? = nil) {
        self.joinsPerSource = joinsPerSource
    }

    /// A room asks nothing.
    public static let standard = JoinRules()
}
