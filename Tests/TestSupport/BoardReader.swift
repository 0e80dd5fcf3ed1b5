// SPDX-License-Identifier: Apache-2.0
//
// What a client makes of a board: its own position from its number, by the rule in README. Written from the rule, not
// from the product's code.

public import StrictJSON

/// A board as it was fetched.
public struct BoardReader {
    public let generation: Int
    public let asOfMilliseconds: Int
    public let errorPlaces: Int
    public let errorPercent: Double
    public let samples: [(number: Int, ahead: Int)]

    public init(_ json: JSONValue) throws {
        func whole(_ name: String) throws -> Int {
            guard let value = json[name]?.integerValue else { throw TestFailure("no \(name) on the board") }
            return Int(value)
        }
        generation = try whole("generation")
        asOfMilliseconds = try whole("as_of_ms")
        errorPlaces = try whole("error_places")
        guard case .number(let percent)? = json["error_percent"] else { throw TestFailure("no error_percent") }
        errorPercent = percent
        samples = try (json["samples"]?.arrayValue ?? []).map { pair in
            guard let values = pair.arrayValue?.compactMap(\.integerValue), values.count == 2 else {
                throw TestFailure("not a pair: \(pair)")
            }
            return (Int(values[0]), Int(values[1]))
        }
    }

    /// The position of somebody who waits with this number; nil when the board cannot tell.
    public func position(of number: Int) -> Int? {
        guard let first = samples.first, let last = samples.last, first.number <= number, number <= last.number else {
            return nil
        }
        var (low, high) = (0, samples.count - 1)
        while high - low > 1 {
            let middle = (low + high) / 2
            if samples[middle].number <= number { low = middle } else { high = middle }
        }
        let (a, b) = (samples[low], samples[high])
        if number == a.number || low == high { return a.ahead + 1 }
        let share = Double(number - a.number) / Double(b.number - a.number)
        return a.ahead + Int((Double(b.ahead - a.ahead) * share).rounded()) + 1
    }

    /// What a computed position may be off by.
    public func error(at position: Int) -> Double {
        max(Double(errorPlaces), errorPercent / 100 * Double(position))
    }
}
