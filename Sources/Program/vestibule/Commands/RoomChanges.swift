// SPDX-License-Identifier: Apache-2.0
//
// The limits of a room as operators write and read them.

import Admission
import Configuration
import QueueClient
import Reactor
import RedisQueue

enum RoomChanges {
    /// `key=value` pairs as fields of the scripts' policy; nil values go back to the configuration file.
    static func parse(_ changes: [String]) throws -> [(field: String, value: Int?)] {
        guard !changes.isEmpty else { throw CommandFailure("LIMIT_MISSING", "say what to set, such as rate=20") }
        return try changes.map { change in
            let parts = change.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { throw CommandFailure("LIMIT_INVALID", "\(change) is not key=value") }
            return try field(parts[0], parts[1])
        }
    }

    private static func field(_ key: String, _ text: String) throws -> (field: String, value: Int?) {
        let (name, read): (String, (String) -> Int?) =
            switch key {
            case "rate": ("rate_milli", { Quantity.thousandths($0) })
            case "burst": ("burst", { Int($0) })
            case "max_active": ("max_active", { Int($0) })
            case "claim_window": ("claim_ms", { Quantity.milliseconds($0) })
            case "abandon_after": ("abandon_ms", { Quantity.milliseconds($0) })
            case "return_grace": ("grace_ms", { Quantity.milliseconds($0) })
            case "pass_ttl": ("pass_ms", { Quantity.milliseconds($0) })
            case "mode": ("mode", { RoomMode(name: $0)?.rawValue })
            case "capacity": ("capacity", { Int($0) })
            default: throw CommandFailure("LIMIT_UNKNOWN", "\(key) is not a limit of a room")
            }
        if text == "default" { return (name, nil) }
        guard let value = read(text) else { throw CommandFailure("LIMIT_INVALID", "\(key)=\(text) cannot be read") }
        return (name, value)
    }
}

enum RoomReport {
    static func text(_ room: String, _ reply: TickReply, overrides: [String]) -> String {
        let policy = reply.policy
        func origin(_ field: String) -> String { overrides.contains(field) ? "  (set by an operator)" : "" }
        let limits: [(String, String, String)] = [
            ("mode", policy.mode.name, "mode"),
            ("rate", "\(policy.ratePerSecond)", "rate_milli"),
            ("burst", "\(policy.burst)", "burst"),
            ("max_active", "\(policy.maxActive)", "max_active"),
            ("claim_window", "\(policy.claimWindowMilliseconds)ms", "claim_ms"),
            ("abandon_after", "\(policy.abandonAfterMilliseconds)ms", "abandon_ms"),
            ("return_grace", "\(policy.returnGraceMilliseconds)ms", "grace_ms"),
            ("pass_ttl", "\(policy.passLifetimeMilliseconds)ms", "pass_ms"),
            ("capacity", "\(policy.capacity)", "capacity"),
        ]
        let counters = reply.counters
        let state = [
            ("waiting", reply.waiting), ("called", reply.called), ("active", reply.active),
            ("joined", counters.joined), ("entered", counters.entered), ("left", counters.left),
            ("abandoned", counters.abandoned), ("lapsed", counters.lapsed), ("returned", counters.returned),
            ("generation", reply.generation), ("next", reply.next),
        ]
        return "room: \(room)\n" + limits.map { "\($0.0): \($0.1)\(origin($0.2))\n" }.joined()
            + state.map { "\($0.0): \($0.1)" }.joined(separator: "\n")
    }
}
