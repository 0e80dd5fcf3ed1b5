// SPDX-License-Identifier: Apache-2.0
//
// Each fault that let one visitor, one clock or one host stop a room is put back, and a checker finds it.

import Configuration
import Simulation
import Testing

struct MendedFaultTests {
    private func broken(
        _ rules: any QueueRules.Type,
        _ yaml: String,
        seeds: ClosedRange<UInt64> = 1...2
    ) throws -> Set<Promise> {
        try CheckerTests.broken(rules, try Scenario(yaml: yaml), seeds: seeds)
    }

    /// A row for each fault; the whole rules keep every promise in the same runs (`sound`).
    private static let bypass = """
        {room: {rate: 1, burst: 1}, visitors: 80, arrive_within: 3s, network: {delay: 1ms}, horizon: 60s,
         operator: [{at: 5s, mode: bypass}]}
        """
    private static let calm = "{room: {rate: 1, burst: 1}, visitors: 30, arrive_within: 2s, network: {delay: 1ms}}"
    private static let hosts = """
        {room: {rate: 5, burst: 5}, visitors: 60, arrive_within: 3s, network: {delay: 1ms}, files_differ: 1}
        """
    private static let clocks = """
        {room: {rate: 5, burst: 5, max_active: 8, pass_ttl: 4s}, visitors: 60, arrive_within: 15s,
         network: {delay: 1ms}, horizon: 120s, faults: {until: 15s, clock_steps: 3, clock_step: 1h, flushes: 2}}
        """
    private static let evictions = """
        {room: {rate: 2, burst: 2}, visitors: 60, arrive_within: 3s, network: {delay: 1ms}, horizon: 200s,
         faults: {until: 15s, evictions: 12}}
        """
    /// Half of the tabs are hidden, and look twice in a claim window and a half.
    private static let hidden = """
        {room: {rate: 2, burst: 2, claim_window: 8s, abandon_after: 24s, return_grace: 120s}, visitors: 600,
         arrive_within: 3s, crowd: {patient: 50, hidden: 50}, network: {delay: 1ms}, horizon: 900s}
        """
    /// Three times as many decliners as max_active, in front.
    private static let decliners = """
        {room: {rate: 10, burst: 10, max_active: 5, claim_window: 30s, pass_ttl: 2s, abandon_after: 30s,
         return_grace: 120s}, visitors: 400, arrive_within: 3s, crowd: {patient: 95, decliners: 5},
         network: {delay: 1ms}, horizon: 900s}
        """

    /// Decliners who hold a place of max_active each time they are called.
    private static let holders = """
        {room: {rate: 10, burst: 5, max_active: 5, claim_window: 10s, pass_ttl: 2s, abandon_after: 12s,
         return_grace: 60s}, visitors: 300, arrive_within: 3s, crowd: {patient: 85, decliners: 15},
         network: {delay: 1ms}, horizon: 900s}
        """
    /// Everybody's tab is hidden, and looks once in half a minute, which is six claim windows.
    private static let allHidden = """
        {room: {rate: 1, burst: 1, claim_window: 5s, abandon_after: 60s, return_grace: 300s}, visitors: 6,
         arrive_within: 3s, crowd: {hidden: 1}, network: {delay: 1ms}, horizon: 600s}
        """
    /// With slow ticks the bucket is half full at each of them, and what many lapsed calls give back fills it.
    private static let slowTicks = """
        {room: {rate: 10, burst: 5, claim_window: 4s, abandon_after: 12s, return_grace: 60s}, workers: 1, tick: 500ms,
         visitors: 1000, arrive_within: 2s, crowd: {patient: 25, decliners: 75}, network: {delay: 1ms}, horizon: 600s}
        """
    /// A bucket of one token is full as soon as it has it.
    private static let single = """
        {room: {rate: RATE, burst: 1, claim_window: 8s, abandon_after: 12s, return_grace: 60s}, visitors: NUMBER,
         arrive_within: 3s, network: {delay: 2ms}, horizon: 900s}
        """
    private static func single(_ rate: Int) -> String {
        single.replacing("RATE", with: "\(rate)").replacing("NUMBER", with: "\(300 * rate)")
    }

    @Test(
        "The rules as they are keep every promise in these runs",
        arguments: [
            bypass, calm, hosts, clocks, evictions, hidden, decliners, holders, allHidden, slowTicks,
            single(1), single(2), single(4),
        ]
    )
    func sound(_ yaml: String) throws { #expect(try broken(QueueModel.self, yaml, seeds: 1...4) == []) }

    @Test("A crowd that bypass leaves on the waiting page is found")
    func bypassed() throws { #expect(try broken(Flawed<BypassIgnored>.self, Self.bypass) == [.liveness]) }

    @Test("Polls that go to the store are found")
    func cost() throws { #expect(try broken(Flawed<MirrorUntaught>.self, Self.calm) == [.cost]) }

    @Test("A room that lets in half of its rate is found")
    func pace() throws { #expect(try broken(Flawed<HalfRate>.self, Self.hidden, seeds: 1...1) == [.rate]) }

    @Test("Lapses that are not counted are found")
    func lapses() throws { #expect(try broken(Flawed<LapsesForgotten>.self, Self.decliners) == [.rate]) }

    @Test("A look that is not the call, though it is the visitor's turn, is found")
    func looks() throws { #expect(try broken(Flawed<LooksDoNotCall>.self, Self.allHidden) == [.liveness]) }

    @Test("Visitors who lapsed before and hold places of max_active are found")
    func places() throws { #expect(try broken(Flawed<RecalledHoldPlaces>.self, Self.holders) == [.rate]) }

    @Test("Returned tokens that are lost to the bucket's capacity are found")
    func tokens() throws { #expect(try broken(Flawed<ReturnedTokensAreCapped>.self, Self.slowTicks) == [.rate]) }

    @Test("A room with a burst of one that loses what flows in until somebody comes is found", arguments: [1, 2])
    func turns(_ rate: Int) throws {
        #expect(try broken(Flawed<TurnsAreNotGiven>.self, Self.single(rate)) == [.rate])
    }

    @Test("Limits that travel with the caller are found")
    func limits() throws { #expect(try broken(Flawed<LimitsOfTheCaller>.self, Self.hosts) == [.limits]) }

    @Test("A room that is frozen as long as the clock was ahead is found")
    func clock() throws {
        #expect(try broken(Flawed<ClockFrozen>.self, Self.clocks, seeds: 1...10).contains(.liveness))
    }

    @Test("Entries that hold their places as long as the clock was ahead are found")
    func entries() throws {
        #expect(try broken(Flawed<EntriesOfTheOldClock>.self, Self.clocks, seeds: 1...10).contains(.liveness))
    }

    @Test("Visitors of an evicted bitmap whom nobody misses are found")
    func counts() throws { #expect(!(try broken(Flawed<CountsKept>.self, Self.evictions, seeds: 1...10)).isEmpty) }
}
