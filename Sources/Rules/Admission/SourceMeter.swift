// SPDX-License-Identifier: Apache-2.0
//
// How many joins one source may make: a bucket for each network that joins, in a table of fixed size. It keeps one
// machine from joining a thousand times.

/// Joins a source may make: `joins` at once, and on average that many in each `periodMilliseconds`.
public struct JoinLimit: Equatable, Sendable {
    /// 1...1,000,000.
    public var joins: Int
    /// A second, a minute or an hour.
    public var periodMilliseconds: Int

    public init(joins: Int, periodMilliseconds: Int) {
        precondition((1...1_000_000).contains(joins) && periodMilliseconds > 0, "a limit lets something through")
        self.joins = joins
        self.periodMilliseconds = periodMilliseconds
    }

    private static let units = [("s", 1000), ("m", 60_000), ("h", 3_600_000)]

    /// Reads `100/m`, `10/s` or `1000/h`; nil for anything else.
    public init?(text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let joins = Int(parts[0]),
            (1...1_000_000).contains(joins), let unit = JoinLimit.units.first(where: { $0.0 == parts[1] })
        else { return nil }
        self.init(joins: joins, periodMilliseconds: unit.1)
    }

    /// As ``init(text:)`` reads it.
    public var text: String {
        "\(joins)/\(JoinLimit.units.first { $0.1 == periodMilliseconds }?.0 ?? "s")"
    }
}

/// The buckets of the sources that joined last.
///
/// Bounds: ``slots`` buckets of 16 bytes. A bucket that is full again says nothing and is free. When the four places of
/// a source are taken by others, the fullest of them is given up: it errs on the visitor's side.
public struct SourceMeter {
    /// Sources that are remembered at most.
    public static let slots = 16_384
    private static let ways = 4

    private struct Bucket {
        var source = 0
        /// When the bucket is full again, in thousandths of a millisecond, and from when on nothing is known of it.
        var fullAtMicroseconds = 0
    }

    private var buckets: [Bucket] = []

    public init() {}

    /// Takes one join out of a source's bucket.
    ///
    /// - Parameter source: a hash of the room and the network. Two sources with one hash share a bucket.
    /// - Returns: 0, or how many milliseconds to wait until there is one again.
    public mutating func take(source: Int, limit: JoinLimit, nowMilliseconds: Int) -> Int {
        // Made when a room first asks: 256 KiB that a worker without limits does not need.
        if buckets.isEmpty { buckets = Array(repeating: Bucket(), count: SourceMeter.slots) }
        let now = nowMilliseconds * 1000
        let first = (source & (SourceMeter.slots / SourceMeter.ways - 1)) * SourceMeter.ways
        let places = first..<(first + SourceMeter.ways)
        let found = places.first { buckets[$0].source == source }
        // The place whose bucket is the fullest is the one to lose.
        let place = found ?? places.min { buckets[$0].fullAtMicroseconds < buckets[$1].fullAtMicroseconds } ?? first
        if found == nil { buckets[place] = Bucket(source: source, fullAtMicroseconds: now) }
        let period = limit.periodMilliseconds * 1000
        let cost = max(1, period / limit.joins)
        // What the bucket lacks when this join is taken; a period is what it holds.
        let lack = max(buckets[place].fullAtMicroseconds, now) + cost - now
        guard lack <= max(period, cost) else { return max(1, (lack - period + 999) / 1000) }
        buckets[place].fullAtMicroseconds = now + lack
        return 0
    }
}

/// The network an address belongs to: a whole IPv4 address, or the first 64 bits of an IPv6 one, since a subscriber has
/// at least that many.
public enum SourceNetwork {
    /// Reads an address as nginx writes it; nil for none, and for what is no address (`unix:`).
    public static func bits(_ address: some Collection<UInt8>) -> UInt64? {
        switch ClientAddress(address) {
        case .v4(let bits): UInt64(bits)
        // The first bit tells the two kinds apart.
        case .v6(let bits): bits | 1 << 63
        case nil: nil
        }
    }
}
