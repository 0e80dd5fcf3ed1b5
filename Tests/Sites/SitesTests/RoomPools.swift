// SPDX-License-Identifier: Apache-2.0
//
// The workers of all sites: one pool whose rooms let nobody in, and one with room for everybody, over one Redis each.
// An installation finds the pool behind a link in place of its own /run/vestibule.

import Foundation
import Passes
import TestSupport
import Testing

/// Both pools. They run from the first to the last test of the suite.
final class RoomPools: @unchecked Sendable {
    @TaskLocal static var current: RoomPools?

    enum Room: String, CaseIterable {
        case paused, open
    }

    /// The rooms that sites name.
    static let rooms = ["demo", "shop", "blog", "api"]

    let ring: KeyRing
    private let directory: TemporaryDirectory
    private let servers: [RedisServer]
    private let processes: [TestProcess]

    init() throws {
        let directory = try TemporaryDirectory()
        ring = try KeyRing(keys: [SigningKey(kid: "k1", secret: Array(0..<32))])
        try directory.write("keys.json", String(decoding: ring.jwkSet(), as: UTF8.self))
        guard chmod(directory.file("keys.json"), 0o640) == 0 else { throw TestFailure("chmod: \(errno)") }
        servers = try Room.allCases.map { _ in try RedisServer() }
        var processes: [TestProcess] = []
        for (kind, server) in zip(Room.allCases, servers) {
            let limits = kind == .paused ? "{mode: paused}" : "{rate: 10000, burst: 100000}"
            try directory.write(
                "\(kind).yaml",
                """
                rooms: {\(RoomPools.rooms.map { "\($0): \(limits)" }.joined(separator: ", "))}
                redis: {socket: \(server.socketPath)}
                keys: \(directory.file("keys.json"))
                run_dir: \(directory.file("\(kind)"))
                nginx: {users: [root]}

                """
            )
            let words = ["serve", "--config", directory.file("\(kind).yaml")]
            processes.append(try TestProcess(try Product.vestibule(), words, log: directory.file("\(kind).log")))
        }
        for kind in Room.allCases {
            try Wait.require("the pool serves: \(directory.read("\(kind).log"))", seconds: 20) {
                (0..<RoomPools.workerCount).allSatisfy {
                    (try? TestSocket(path: directory.file("\(kind)/worker-\($0).fcgi.sock"))) != nil
                }
            }
        }
        self.directory = directory
        self.processes = processes
    }

    /// `workers: auto`, which an installation writes.
    private static let workerCount = ProcessInfo.processInfo.activeProcessorCount

    func stop() {
        for process in processes { process.stop() }
        for server in servers { server.stop() }
    }

    /// Gives a site's directory the keys of the pools.
    func giveKeys(to site: TemporaryDirectory) throws {
        let place = site.file("etc/vestibule/keys.json")
        guard !FileManager.default.fileExists(atPath: place) else { return }
        try FileManager.default.copyItem(atPath: directory.file("keys.json"), toPath: place)
    }

    /// Puts a pool where a site's nginx looks for the workers.
    func link(_ room: Room, into site: TemporaryDirectory) throws {
        let place = site.file("run/vestibule")
        unlink(place)
        try FileManager.default.createSymbolicLink(
            atPath: place,
            withDestinationPath: directory.file(room.rawValue)
        )
    }

    /// The cookie of a pass for the request's room.
    func cookie(for request: SiteRequest) -> String {
        let now = Int64(Date().timeIntervalSince1970)
        let pass = Pass(
            room: request.room,
            number: 42,
            jti: "abc",
            issuedAtSeconds: now - 100,
            expiresAtSeconds: now + 3600
        )
        let token = String(decoding: ring.sign(pass), as: UTF8.self)
        let names = CookieNames(room: request.room, secure: request.isTLS && !request.hasPlainCookie)
        return "\(names.pass)=\(token)"
    }
}

/// Starts the pools before the first test of a suite and ends them after the last.
struct WithRoomPools: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @Sendable () async throws -> Void
    ) async throws {
        let pools = try RoomPools()
        defer { pools.stop() }
        try await RoomPools.$current.withValue(pools) { try await function() }
    }
}
