// SPDX-License-Identifier: Apache-2.0
//
// Whose connections a server takes: by user, by parent process, and not too many of one process. The peers are Python
// processes of the user nobody; the tests must run as root to make them.

import Foundation
import Gateway
import GatewayWire
import Glibc
import TestSupport
import Testing

@Suite(.serialized) struct PeerTests {
    private static let nobody: UInt32 = 65_534

    /// Connects `count` times as a user, and prints for each connection whether it stayed open.
    private static let script = """
        import os, socket, sys
        path, user, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
        os.setgroups([])
        os.setuid(user)
        kept = []
        for _ in range(count):
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(0.5)
            s.connect(path)
            try:
                print("closed" if s.recv(1) == b"" else "?")
            except socket.timeout:
                print("open")
            kept.append(s)
        """

    private func connect(_ gateway: TestGateway, as user: UInt32 = nobody, times: Int = 1) throws -> [String] {
        let path = gateway.fastCGIPath
        // The directory of a test is its user's alone.
        chmod((path as NSString).deletingLastPathComponent, 0o755)
        chmod(path, 0o666)
        let words = ["-c", Self.script, path, "\(user)", "\(times)"]
        return try TestProcess.output("python3", words).text.split(separator: "\n").map { String($0) }
    }

    private func refusals(_ gateway: TestGateway) -> [String] {
        gateway.thread.log.filter { $0.contains("connection refused") }
    }

    @Test func `A user who is not named is refused, and one line says so`() throws {
        try #require(geteuid() == 0, "the test makes processes of another user")
        let gateway = TestGateway(peers: GatewayPeers(users: [1], masterFile: nil))
        defer { gateway.stop() }
        #expect(try connect(gateway, times: 3) == ["closed", "closed", "closed"])
        #expect(try connect(gateway, as: 1) == ["open"])
        #expect(gateway.client().ask("/a")?.contains("GET /a") == true, "the server's own user is welcome")
        #expect(gateway.fastCGICounters.refusedPeers == 3)
        #expect(refusals(gateway).count == 1 && refusals(gateway).first?.contains("user 65534") == true)
    }

    @Test func `With a pid file only children of nginx are welcome`() throws {
        try #require(geteuid() == 0, "the test makes processes of another user")
        let directory = try TemporaryDirectory()
        let pidFile = directory.file("nginx.pid")
        let gateway = TestGateway(peers: GatewayPeers(users: [Self.nobody], masterFile: pidFile))
        defer { gateway.stop() }
        #expect(try connect(gateway) == ["closed"], "no nginx runs")
        try directory.write("nginx.pid", "1\n")
        #expect(try connect(gateway) == ["closed"], "the child of another process")
        try directory.write("nginx.pid", "\(getpid())\n")
        #expect(try connect(gateway) == ["open"], "a child of nginx, which is this process here")
        try directory.write("nginx.pid", "1\n")
        try directory.write("nginx.pid.oldbin", "\(getpid())\n")
        #expect(try connect(gateway) == ["open"], "a child of the nginx that is being replaced")
        #expect(gateway.fastCGICounters.refusedPeers == 2)
        #expect(refusals(gateway).count == 1)
    }

    @Test func `One process has a bound, and gets its places back`() throws {
        try #require(geteuid() == 0, "the test makes processes of another user")
        var limits = GatewayLimits()
        limits.connectionsOfProcess = 2
        let gateway = TestGateway(limits: limits, peers: GatewayPeers(users: [Self.nobody], masterFile: nil))
        defer { gateway.stop() }
        #expect(try connect(gateway, times: 3) == ["open", "open", "closed"])
        #expect(gateway.eventually { $0.fastCGI?.counters.openConnections == 0 })
        #expect(try connect(gateway, times: 2) == ["open", "open"])
        #expect(gateway.fastCGICounters.refusedPeers == 1)
    }
}
