// SPDX-License-Identifier: Apache-2.0
//
// What a worker remembers of the entries it has granted. A Redis that went back to an older state may lack the last
// ones, and must not grant them again; so a restore brings them.
//
// Invariant: at least the last `kept` different numbers are remembered, and fewer than twice as many.

/// The numbers that were let in lately, and when their passes end.
public struct RecentEntries {
    /// The last 4,096 at least: at 1,000 entries per second four seconds, longer than a replica lags.
    public static let kept = 4096

    private var order: [Int] = []
    private var ends: [Int: Int] = [:]

    private let limit: Int

    /// - Parameter kept: at least 1; tests keep fewer than the product.
    public init(kept: Int = RecentEntries.kept) { limit = kept }

    /// A repeated enter gets the same pass, and must not evict another visitor's entry.
    public mutating func note(_ number: Int, passExpiresMilliseconds: Int) {
        guard ends.updateValue(passExpiresMilliseconds, forKey: number) == nil else { return }
        order.append(number)
        guard order.count >= 2 * limit else { return }
        for old in order.prefix(limit) { ends[old] = nil }
        order.removeFirst(limit)
    }

    /// When the pass of this number ends, in Redis time; nil for a number that is not remembered.
    public func end(of number: Int) -> Int? { ends[number] }

    /// Oldest first.
    public var all: [(number: Int, passExpiresMilliseconds: Int)] {
        order.compactMap { number in ends[number].map { (number, $0) } }
    }
}
