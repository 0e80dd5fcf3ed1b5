// SPDX-License-Identifier: Apache-2.0
//
// What one source may join, over time, beside others, and in a table that is full; and what counts as one source.

import Admission
import TestSupport
import Testing

@Suite struct SourceMeterTests {
    private let limit = JoinLimit(joins: 100, periodMilliseconds: 60_000)

    @Test func `A source joins as often as its limit says, at once and then on average`() {
        var meter = SourceMeter()
        for join in 0..<100 { #expect(meter.take(source: 1, limit: limit, nowMilliseconds: 5000) == 0, "\(join)") }
        // One comes back every 600 ms.
        #expect(meter.take(source: 1, limit: limit, nowMilliseconds: 5000) == 600)
        #expect(meter.take(source: 1, limit: limit, nowMilliseconds: 5400) == 200)
        #expect(meter.take(source: 1, limit: limit, nowMilliseconds: 5600) == 0)
        #expect(meter.take(source: 1, limit: limit, nowMilliseconds: 5600) == 600)
        // A refused join costs nothing, and another source has a bucket of its own.
        #expect(meter.take(source: 2, limit: limit, nowMilliseconds: 5600) == 0)
        for _ in 0..<100 { #expect(meter.take(source: 1, limit: limit, nowMilliseconds: 65_600) == 0) }
        #expect(meter.take(source: 1, limit: limit, nowMilliseconds: 65_600) > 0)
    }

    @Test func `In any window a source joins at most its limit and what came back meanwhile`() {
        var chance = SeededRandom(seed: 5)
        var meter = SourceMeter()
        let limit = JoinLimit(joins: 7, periodMilliseconds: 1000)
        var now = 1
        var taken: [Int] = []
        for _ in 0..<20_000 {
            now += Int.random(in: 0...30, using: &chance)
            if meter.take(source: -9, limit: limit, nowMilliseconds: now) == 0 { taken.append(now) }
        }
        #expect(taken.count > 1000)
        for first in taken.indices {
            for last in first..<min(taken.count, first + 60) {
                let window = Double(taken[last] - taken[first])
                #expect(Double(last - first + 1) <= 7 + window * 7 / 1000 + 1e-6)
            }
        }
    }

    @Test func `A million sources take no more room, and the one that joins most stays known`() {
        var meter = SourceMeter()
        var chance = SeededRandom(seed: 6)
        for _ in 0..<100 { _ = meter.take(source: 77, limit: limit, nowMilliseconds: 1) }
        for _ in 0..<1_000_000 {
            let source = Int(truncatingIfNeeded: chance.next())
            #expect(meter.take(source: source, limit: limit, nowMilliseconds: 2) == 0)
        }
        // Each of the strangers joined once: their buckets are fuller than that of 77, and are given up first.
        #expect(meter.take(source: 77, limit: limit, nowMilliseconds: 3) > 0)
    }

    @Test(arguments: ["100/m", "1/s", "1000000/h"])
    func `A limit is written as it is read`(text: String) { #expect(JoinLimit(text: text)?.text == text) }

    @Test(arguments: ["", "100", "/m", "0/s", "-1/s", "1/d", "1/m/m", "1.5/s", "1000001/s", "٣/m"])
    func `What is no limit is not read`(text: String) { #expect(JoinLimit(text: text) == nil) }

    private func bits(_ text: String) -> UInt64? { SourceNetwork.bits(Array(text.utf8)) }

    @Test func `A source is an IPv4 address, or the first half of an IPv6 one`() {
        #expect(bits("192.0.2.1") == 0xC000_0201)
        #expect(bits("192.0.2.1") != bits("192.0.2.2"))
        #expect(bits("::ffff:192.0.2.1") == bits("192.0.2.1"))
        #expect(bits("2001:db8:1:2::1") == bits("2001:db8:1:2:ffff:ffff:ffff:ffff"))
        #expect(bits("2001:db8:1:2::1") == bits("2001:0db8:0001:0002:3:4:5:6"))
        #expect(bits("2001:db8:1:2::1") != bits("2001:db8:1:3::1"))
        #expect(bits("2001:db8::1") == bits("2001:db8:0:0:5::"))
        #expect(bits("::1") == bits("::") && bits("::1") != nil)
        #expect(bits("1::") == bits("1:0:0:0:9:9:9:9"))
    }

    private func network(_ text: String) -> [UInt8]? { ClientAddress(Array(text.utf8))?.networkBytes }

    @Test func `A network is a 24th part of IPv4, or a 48th of IPv6, and one written in the other way is the same`() {
        #expect(network("192.0.2.1") == [192, 0, 2])
        #expect(network("192.0.2.255") == [192, 0, 2])
        #expect(network("::ffff:192.0.2.1") == [192, 0, 2])
        #expect(network("::FFFF:c000:201") == [192, 0, 2])
        #expect(network("2001:db8:1:2::1") == [0x20, 1, 0xd, 0xb8, 0, 1])
        #expect(network("fe80::1") == [0xfe, 0x80, 0, 0, 0, 0])
        #expect(network("::ffff:0:192.0.2.1") == [0, 0, 0, 0, 0, 0])
        #expect(network("::1.2.3.4") == [0, 0, 0, 0, 0, 0])
        #expect(network("unix:") == nil)
    }

    @Test(arguments: ["", "unix:", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1:2:3", "g::1", "12345::", "1:2:3:4:5:6:7:8:9"])
    func `What is no address is no source`(text: String) { #expect(bits(text) == nil) }
}
