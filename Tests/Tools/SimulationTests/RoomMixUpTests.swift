// SPDX-License-Identifier: Apache-2.0
//
// Goal: the rooms of one store do not touch each other, and it would be found out if they did.
// Method: three rooms on the same workers; what is meant for one of them reaches another.

import Configuration
import Simulation
import Testing

struct RoomMixUpTests {
    /// Of different sizes in time, so that one room is quiet while others are busy.
    private static let yaml = """
        {room: {rate: 2, burst: 2, abandon_after: 12s, return_grace: 30s}, rooms: 3, workers: 2, visitors: 25,
         arrive_within: 8s, crowd: {patient: 8, impatient: 1, clickers: 1}, patience: 8s, network: {delay: 1ms},
         horizon: 200s}
        """

    private func broken(_ mixUp: RoomMixUp?) throws -> [Promise?] {
        let scenario = try Scenario(yaml: Self.yaml)
        return try (UInt64(1)...4).map {
            try Simulation(scenario: scenario, seed: $0, mixUp: mixUp).run().violation?.promise
        }
    }

    @Test("Rooms that share the store and the workers keep every promise")
    func sound() throws { #expect(try broken(nil).allSatisfy { $0 == nil }) }

    /// What finds each, with some of the seeds.
    private static let finders: [(RoomMixUp, Set<Promise>)] = [
        (.visits, [.idempotence]),
        (.mirrors, [.position, .cost, .keeping, .liveness, .rate]),
    ]

    @Test("What is meant for one room and reaches another is found", arguments: finders)
    func mixedUp(_ mixUp: RoomMixUp, _ finders: Set<Promise>) throws {
        let found = Set(try broken(mixUp).compactMap { $0 })
        #expect(!found.isEmpty && found.isSubset(of: finders), "\(found)")
    }
}
