// SPDX-License-Identifier: Apache-2.0
//
// The limits of a room as operators write and read them.

import Admission
import Configuration
import Reactor

enum RoomChanges {
    /// `key=value` pairs as new values; nil values go back to the configuration file.
    static func parse(_ changes: [String]) throws -> [(field: PolicyField, value: Int?)] {
        guard !changes.isEmpty else { throw CommandFailure("LIMIT_MISSING", "say what to set, such as rate=20") }
        return try changes.map { change in
            let parts = change.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { throw CommandFailure("LIMIT_INVALID", "\(change) is not key=value") }
            return try field(parts[0], parts[1])
        }
    }

    /// Refuses limits that do not fit each other, or ticks of this length.
    static func check(_ policy: RoomPolicy, tickMilliseconds: Int) throws {
        if let complaint = policy.complaint {
            throw CommandFailure("LIMIT_INVALID", "\(complaint.key) \(complaint.reason)")
        }
        if let complaint = policy.rateComplaint(tickMilliseconds: tickMilliseconds) {
            throw CommandFailure("LIMIT_INVALID", "\(PolicyField.rateMilli.key) \(complaint)")
        }
    }

    private static func field(_ key: String, _ text: String) throws -> (field: PolicyField, value: Int?) {
        guard let field = PolicyField(key: key) else {
            throw CommandFailure("LIMIT_UNKNOWN", "\(key) is not a limit of a room")
        }
        if text == "default" { return (field, nil) }
        if field.kind == .moment {
            do throws(MomentFault) {
                return (field, try Moment.milliseconds(text, zones: TimeZones.instants))
            } catch {
                throw CommandFailure("LIMIT_INVALID", "\(key) \(error.reason)")
            }
        }
        guard let value = field.value(of: text) else {
            throw CommandFailure("LIMIT_INVALID", "\(key)=\(text) cannot be read")
        }
        return (field, value)
    }
}

enum RoomReport {
    static func text(_ room: String, _ reply: TickReply, overrides: [PolicyField]) -> String {
        let fields = [.mode] + PolicyField.allCases.filter { $0 != .mode }
        let limits = fields.map { field in
            let origin = overrides.contains(field) ? "  (set by an operator)" : ""
            let asked = reply.askedAbandonMilliseconds
            let isLonger = field == .abandonAfter && reply.policy[field] != asked
            let reason = isLonger ? "  (\(field.text(asked)) was asked for; longer while so many wait)" : ""
            return "\(field.key): \(field.text(reply.policy[field]))\(origin)\(reason)\n"
        }
        let counters = reply.counters
        let state = [
            ("waiting", reply.waiting), ("called", reply.called), ("active", reply.active),
            ("joined", counters.joined), ("entered", counters.entered), ("left", counters.left),
            ("abandoned", counters.abandoned), ("lapsed", counters.lapsed), ("returned", counters.returned),
            ("generation", reply.generation), ("next", reply.next),
        ]
        let texts = [("notice", reply.notice)] + (reply.draw.state == .none ? [] : RoomReport.draw(reply.draw))
        return "room: \(room)\n" + limits.joined()
            + state.map { "\($0.0): \($0.1)" }.joined(separator: "\n")
            + texts.filter { !$0.1.isEmpty }.map { "\n\($0.0): \($0.1)" }.joined()
    }

    /// The seed is not shown: who knows it knows the order.
    private static func draw(_ draw: RoomDraw) -> [(String, String)] {
        [
            ("draw_state", "\(draw.state)"), ("commitment", draw.commitment), ("source", draw.source),
            ("beacon", draw.beacon), ("registered", draw.behind > 0 ? "\(draw.registered)" : ""),
        ]
    }
}
