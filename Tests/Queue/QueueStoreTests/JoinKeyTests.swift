// SPDX-License-Identifier: Apache-2.0
//
// Goal: a join that is repeated with its key within five minutes gets its number, for few bytes of Redis a key. That
// 300,000 keys take 16 bytes each is in ScaleTests.

import Admission
import TestSupport
import Testing

struct JoinKeyTests {
    private func keyed(_ range: Range<Int>) -> [JoinRequest] {
        range.map { JoinRequest(kind: .join, idempotencyKey: "key \($0)") }
    }

    private func redis(capacity: Int = 5000) throws -> RedisHarness {
        try RedisHarness(redis: RedisServer(), policy: smallPolicy(burst: 1, capacity: capacity), room: "demo")
    }

    @Test("Keys of several pages, and of a time in between, keep their numbers", arguments: StoreKind.allCases)
    func manyKeys(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(burst: 1, capacity: 5000))
        let first = try harness.join(keyed(0..<500)).numbers
        try harness.advance(250_000)
        let second = try harness.join(keyed(500..<1000)).numbers
        // The page of the first is over now; its last keys are not.
        try harness.advance(49_000)
        let third = try harness.join(keyed(1000..<1010)).numbers
        #expect(try harness.join(keyed(0..<1000)).numbers == first + second)
        try harness.advance(10_000)
        let fourth = try harness.join(keyed(0..<10)).numbers
        #expect(fourth.allSatisfy { $0 > third[9] }, "five minutes are over")
        #expect(try harness.join(keyed(500..<1010)).numbers == second + third)
        #expect(try harness.join(keyed(0..<10)).numbers == fourth)
        try harness.advance(292_500)
        #expect(try harness.join(keyed(1000..<1010)).numbers != third)
        #expect(try harness.join(keyed(0..<10)).numbers == fourth)
    }

    @Test(
        "Keys are forgotten when the store's clock is set back, and none is taken for another after it",
        arguments: StoreKind.allCases
    )
    func clockSetBack(_ kind: StoreKind) throws {
        let harness = try kind.harness(smallPolicy(burst: 1, capacity: 5000))
        let first = try harness.join(keyed(0..<10)).numbers
        try harness.advance(-400_000)
        let second = try harness.join(keyed(0..<10)).numbers
        #expect(Set(first).isDisjoint(with: second))
        #expect(try harness.join(keyed(0..<10)).numbers == second)
        // The old time comes again.
        try harness.advance(400_000)
        let third = try harness.join(keyed(0..<10)).numbers
        #expect(Set(first + second).isDisjoint(with: third))
        #expect(try harness.join(keyed(0..<10)).numbers == third)
    }

    @Test("Keys of a page beyond the last eight are forgotten, and no key gets a number of another")
    func pagesEnd() throws {
        let harness = try redis()
        let first = try harness.join(keyed(0..<10)).numbers
        #expect(try harness.join(keyed(0..<10)).numbers == first)
        // Eight full pages behind the first one, as eight times 334,400 joins would leave them.
        let pages = try #require(try harness.text("key_pages"))
        let since = try #require(pages.split(separator: ":").last)
        let full = (0..<QueueConstants.keyPagesMax).map { "\(first[0] - QueueConstants.keysPerPage - 8 + $0):\(since)" }
        try harness.setText("key_pages", ([pages] + full).joined(separator: " "))
        let later = try harness.join(keyed(10..<20)).numbers
        let again = try harness.join(keyed(0..<10)).numbers
        #expect(again.allSatisfy { $0 > later[9] }, "forgotten")
        #expect(try harness.join(keyed(0..<20)).numbers == again + later)
    }

    @Test("After a lost state, and in a room that was reset, old keys name nothing, though their hashes are there")
    func stateIsEvicted() throws {
        let harness = try redis()
        let first = try harness.join(keyed(0..<10)).numbers
        _ = try harness.tick()
        #expect(try harness.remove("state") == 1)
        let second = try harness.join(keyed(0..<10)).numbers
        #expect(Set(first).isDisjoint(with: second))
        try harness.reset()
        let third = try harness.join(keyed(0..<10)).numbers
        #expect(Set(first + second).isDisjoint(with: third))
    }

    @Test("Twenty thousand keys cost Redis 24 bytes each with the bits, a single one no more than its page")
    func memory() throws {
        let harness = try redis(capacity: 40_000)
        func memory(of range: Range<Int>) throws -> Int {
            let before = try harness.memoryOfKeys()
            for start in stride(from: range.lowerBound, to: range.upperBound, by: 1000) {
                _ = try harness.join(keyed(start..<min(start + 1000, range.upperBound)))
            }
            return try harness.memoryOfKeys() - before
        }
        // One is admitted and one waits: the bitmaps are there.
        _ = try harness.join(2)
        let one = try memory(of: 0..<1)
        let many = try memory(of: 1..<20_000)
        Attachment.record("one key \(one) bytes; 20,000: \(many) with the bits\n", named: "join-keys.txt")
        #expect(one < 300, "\(one)")
        #expect(many < 24 * 20_000, "\(many)")
        #expect(try harness.join(keyed(19_000..<20_000)).allSatisfy { if case .known = $0 { true } else { false } })
    }
}
