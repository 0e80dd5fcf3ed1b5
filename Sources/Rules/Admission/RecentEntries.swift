// SPDX-License-Identifier: Apache-2.0
//
// What a worker remembers of the entries it has granted. A Redis that went back to an older state may lack the last
// ones, and must not grant them again; so a restore brings them.
//
// Invariant: at least the last `kept` different numbers are remembered, and fewer than twice as many.

/// An entry as a worker remembers it.
public struct RememberedEntry: Equatable, Sendable {
    public var number: Int
    /// When its pass ends, in Redis time.
    public var passExpiresMilliseconds: Int
    /// Whether the worker has learnt this end later than at the entry itself. Then another one may know an earlier end;
    /// where it is false nobody does.
    public var isRenewed: Bool

    public init(number: Int, passExpiresMilliseconds: Int, isRenewed: Bool = false) {
        self.number = number
        self.passExpiresMilliseconds = passExpiresMilliseconds
        self.isRenewed = isRenewed
    }
}

/// The numbers that were let in lately, and when their passes end.
public struct RecentEntries {
    /// The last 4,096 at least: at 1,000 entries per second four seconds, longer than a replica lags.
    public static let kept = 4096

    private var order: [Int] = []
    private var known: [Int: RememberedEntry] = [:]

    private let limit: Int

    /// - Parameter kept: at least 1; tests keep fewer than the product.
    public init(kept: Int = RecentEntries.kept) { limit = kept }

    /// A repeated enter gets the same pass, and must not evict another visitor's entry.
    public mutating func note(_ entry: RememberedEntry) {
        if let before = known[entry.number] {
            guard before.passExpiresMilliseconds != entry.passExpiresMilliseconds else { return }
            known[entry.number] = RememberedEntry(
                number: entry.number,
                passExpiresMilliseconds: entry.passExpiresMilliseconds,
                isRenewed: true
            )
            return
        }
        known[entry.number] = entry
        order.append(entry.number)
        guard order.count >= 2 * limit else { return }
        for old in order.prefix(limit) { known[old] = nil }
        order.removeFirst(limit)
    }

    /// When the pass of this number ends, in Redis time; nil for a number that is not remembered.
    public func end(of number: Int) -> Int? { known[number]?.passExpiresMilliseconds }

    /// Oldest first.
    public var all: [RememberedEntry] { order.compactMap { known[$0] } }
}
