// SPDX-License-Identifier: Apache-2.0
//
// Values out of YAML nodes, with errors that name the key and the line.

internal import Admission
internal import Yams

extension Node {
    var text: String { scalar?.string ?? "" }

    var isEmptyScalar: Bool { scalar.map { $0.string.isEmpty || $0.string == "~" } ?? false }

    func error(_ message: String) -> ConfigurationError {
        ConfigurationError(line: mark?.line ?? 0, message: message)
    }

    func unknown(in place: String) -> ConfigurationError { error("unknown key \(text) in \(place)") }

    /// A value that is not empty.
    func text(_ key: Node) throws(ConfigurationError) -> String {
        guard let value = scalar?.string, !value.isEmpty else { throw key.error("\(key.text) needs a value") }
        return value
    }

    func integer(_ key: Node, in range: ClosedRange<Int>) throws(ConfigurationError) -> Int {
        guard let value = Int(try text(key)), range.contains(value) else {
            throw key.error("\(key.text) must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    /// A limit of a room; that it is within its bounds remains to be checked by ``RoomPolicy/complaint``.
    func limit(_ field: PolicyField, _ key: Node) throws(ConfigurationError) -> Int {
        switch field.kind {
        case .count: return try integer(key, in: field.bounds)
        case .duration, .seconds:
            return try milliseconds(key, in: min(1, field.bounds.lowerBound)...field.bounds.upperBound)
        case .rate: return try thousandths(key)
        case .moment:
            let written = try text(key)
            do throws(MomentFault) {
                return try Moment.milliseconds(written, zones: TimeZones.instants)
            } catch {
                throw key.error("\(key.text) \(error.reason)")
            }
        case .mode, .draw:
            guard let value = field.value(of: try text(key)) else { throw key.error("\(key.text) \(field.demand)") }
            return value
        }
    }

    /// A number of at most three decimals, in thousandths.
    func thousandths(_ key: Node) throws(ConfigurationError) -> Int {
        guard let value = Quantity.thousandths(try text(key)) else {
            throw key.error("\(key.text) must be a number with at most three decimals, such as 10 or 0.5")
        }
        return value
    }

    /// A number a second, minute or hour; nil for `off`.
    func joinLimit(_ key: Node) throws(ConfigurationError) -> JoinLimit? {
        let value = try text(key)
        if value == "off" { return nil }
        guard let limit = JoinLimit(text: value) else {
            throw key.error("\(key.text) must be off, or a number a second, minute or hour, such as 100/m")
        }
        return limit
    }

    /// A duration with a unit: ms, s, m or h.
    func milliseconds(_ key: Node, in range: ClosedRange<Int>) throws(ConfigurationError) -> Int {
        guard let value = Quantity.milliseconds(try text(key)), range.contains(value) else {
            throw key.error("\(key.text) must be a duration with a unit (ms, s, m, h), such as 30s, at most 24h")
        }
        return value
    }
}
