// SPDX-License-Identifier: Apache-2.0
//
// The limits of a room as a table: one row per limit. Everything that goes through all limits is a loop over
// `PolicyField.allCases`: the arguments of the scripts, their table POLICY, what an operator may change. The order of
// the cases is the order in which the values travel; a value is read by the name of its field, never by a number.

/// One limit of a room. The raw value is its name in Redis and in the scripts.
public enum PolicyField: String, CaseIterable, Sendable {
    case rateMilli = "rate_milli"
    case burst
    case maxActive = "max_active"
    case claimWindow = "claim_ms"
    case abandonAfter = "abandon_ms"
    case returnGrace = "grace_ms"
    case passLifetime = "pass_ms"
    case mode
    case capacity

    /// The limit as the integer that travels to Redis.
    public func value(in policy: RoomPolicy) -> Int {
        switch self {
        case .mode: policy.mode.rawValue
        default: policy[keyPath: number]
        }
    }

    /// Sets the limit; false when the value is no mode.
    func set(_ value: Int, in policy: inout RoomPolicy) -> Bool {
        guard self == .mode else {
            policy[keyPath: number] = value
            return true
        }
        guard let mode = RoomMode(rawValue: value) else { return false }
        policy.mode = mode
        return true
    }

    private var number: WritableKeyPath<RoomPolicy, Int> {
        switch self {
        case .rateMilli: \.rateMilli
        case .burst: \.burst
        case .maxActive: \.maxActive
        case .claimWindow: \.claimWindowMilliseconds
        case .abandonAfter: \.abandonAfterMilliseconds
        case .returnGrace: \.returnGraceMilliseconds
        case .passLifetime: \.passLifetimeMilliseconds
        case .mode: preconditionFailure("the mode is not a number")
        case .capacity: \.capacity
        }
    }
}

extension RoomPolicy {
    /// The values in the order of ``PolicyField``, as the scripts take them.
    public var scriptArguments: [Int] { PolicyField.allCases.map { $0.value(in: self) } }

    /// Reads the values back; nil when their count is another or the mode is unknown.
    public init?(scriptArguments values: [Int]) {
        guard values.count == PolicyField.allCases.count else { return nil }
        self = .standard
        for (field, value) in zip(PolicyField.allCases, values) {
            guard field.set(value, in: &self) else { return nil }
        }
    }
}
