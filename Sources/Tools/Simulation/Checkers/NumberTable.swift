// SPDX-License-Identifier: Apache-2.0
//
// A table with a value for each number. Numbers are dense, with the gaps of a restore between them, so the values are
// kept in pages. It imports nothing. The order of its values depends only on what was done before, so that a run
// repeats.

struct NumberTable<Value> {
    private static var pageSize: Int { 1024 }

    private var slots: [Int: Int] = [:]
    private var pages: [(first: Int, values: [Value?])] = []
    /// The page that was used last.
    private var last = 0

    private mutating func page(of number: Int) -> Int? {
        let first = number - number % Self.pageSize
        if last < pages.count, pages[last].first == first { return last }
        guard let slot = slots[first] else { return nil }
        last = slot
        return slot
    }

    /// The value of a number, or nil.
    func value(of number: Int) -> Value? {
        let first = number - number % Self.pageSize
        guard let slot = slots[first] else { return nil }
        return pages[slot].values[number - first]
    }

    /// Changes the value of a number in place.
    mutating func update(_ number: Int, _ change: (inout Value?) -> Void) {
        let first = number - number % Self.pageSize
        if let slot = page(of: number) { return change(&pages[slot].values[number - first]) }
        slots[first] = pages.count
        last = pages.count
        pages.append((first, Array(repeating: nil, count: Self.pageSize)))
        change(&pages[last].values[number - first])
    }

    /// All numbers that have a value, in an order that depends on nothing but what was done before.
    var all: [(number: Int, value: Value)] {
        pages.flatMap { page in
            page.values.enumerated().compactMap { offset, value in value.map { (page.first + offset, $0) } }
        }
    }
}
