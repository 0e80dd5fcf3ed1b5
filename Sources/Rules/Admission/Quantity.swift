// SPDX-License-Identifier: Apache-2.0
//
// Numbers and durations as text.

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

    /// "100ms", "30s" or "24h", in the longest of these units that is exact.
    static func text(milliseconds: Int) -> String {
        if milliseconds % 1000 != 0 { return "\(milliseconds)ms" }
        let isHours = milliseconds > 0 && milliseconds % 3_600_000 == 0
        return isHours ? "\(milliseconds / 3_600_000)h" : "\(milliseconds / 1000)s"
    }

    private static func digits(_ text: some StringProtocol) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        return Int(text)
    }
}
