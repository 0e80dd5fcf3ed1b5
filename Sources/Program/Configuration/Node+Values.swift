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

/// Numbers and durations as operators write them, in the file and on the command line.
public enum Quantity {
    /// "10" is 10,000; "0.5" is 500. Nil for anything else, for more than three decimals, and below zero.
    public static func thousandths(_ text: String) -> Int? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, let whole = digits(parts[0]), whole <= 1_000_000_000 else { return nil }
        guard parts.count == 2 else { return whole * 1000 }
        guard (1...3).contains(parts[1].count), let fraction = digits(parts[1]) else { return nil }
        let scale = [100, 10, 1][parts[1].count - 1]
        return whole * 1000 + fraction * scale
    }

    /// "200ms", "30s", "5m" and "1h" in milliseconds.
    public static func milliseconds(_ text: String) -> Int? {
        for (unit, scale) in [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)] where text.hasSuffix(unit) {
            if let number = digits(text.dropLast(unit.count)), number <= 1_000_000_000 { return number * scale }
        }
        return nil
    }

    private static func digits(_ text: some StringProtocol) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        return Int(text)
    }
}
