// SPDX-License-Identifier: Apache-2.0
//
// Group commit: calls of one kind for one room are gathered while one is under way, and go together when it has been
// answered. Alone, a call waits for nothing; under load a script's fixed cost (state in, state out) is shared by all
// that arrived in the meantime.

/// What waits to be sent, and whether something of its kind is under way.
struct GroupCommit<Item> {
    private var items: [Item] = []
    private var isUnderWay = false

    /// How many wait.
    var count: Int { items.count }

    mutating func add(_ item: Item) { items.append(item) }

    /// The next items to send together, at most `limit`; nil when there are none or others are under way. Whoever takes
    /// them says when they have been answered.
    mutating func take(_ limit: Int) -> [Item]? {
        guard !isUnderWay, !items.isEmpty else { return nil }
        isUnderWay = true
        guard items.count > limit else {
            defer { items = [] }
            return items
        }
        defer { items.removeFirst(limit) }
        return Array(items[..<limit])
    }

    mutating func answered() { isUnderWay = false }
}
