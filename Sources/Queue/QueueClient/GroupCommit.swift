// SPDX-License-Identifier: Apache-2.0
//
// Group commit: calls of one kind for one room are gathered while one is under way, and go together when it has been
// answered, or when they are many. Alone, a call waits for nothing; under load a script's fixed cost (state in, state
// out) is shared by all that arrived in the meantime.

/// What waits to be sent, and how much of its kind is under way.
struct GroupCommit<Item> {
    /// So many do not wait for those under way: the fixed cost of a script is small beside theirs.
    private static var many: Int { 16 }

    private var items: [Item] = []
    private var callsUnderWay = 0

    /// How many wait.
    var count: Int { items.count }

    mutating func add(_ item: Item) { items.append(item) }

    /// The next items to send together, at most `limit`; nil when there are none, or too few to go beside those under
    /// way. The caller that takes them must say when they have been answered.
    mutating func take(_ limit: Int) -> [Item]? {
        guard !items.isEmpty, callsUnderWay == 0 || items.count >= Self.many else { return nil }
        callsUnderWay += 1
        guard items.count > limit else {
            defer { items = [] }
            return items
        }
        defer { items.removeFirst(limit) }
        return Array(items[..<limit])
    }

    mutating func answered() { callsUnderWay -= 1 }
}
