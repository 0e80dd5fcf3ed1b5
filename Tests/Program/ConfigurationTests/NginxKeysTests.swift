// SPDX-License-Identifier: Apache-2.0
//
// The section `nginx` of the configuration file: every key, the defaults, and that a bad value is named with its line.

import Admission
import Configuration
import NginxFiles
import Testing

struct NginxKeysTests {
    private func read(_ text: String) throws -> Configuration.Nginx {
        try Configuration(yaml: "rooms: {demo: {}}\nnginx:\n  \(text)\n").nginx
    }

    @Test func everyKeyIsRead() throws {
        let nginx = try read(
            """
            users: [web, proxy]
              pid_file: /run/web.pid
              limit: 30r/m
              limit_burst: 7
              limit_exempt: [10.0.0.0/8, "2001:db8::/32"]
              api_log: /var/log/nginx/queue.log
              cache_directory: /run/boards
              gate_access: none
            """
        )
        #expect(nginx.users == ["web", "proxy"] && nginx.pidFile == "/run/web.pid")
        #expect(nginx.limit == "30r/m" && nginx.limitBurst == 7)
        #expect(nginx.limitExempt == ["10.0.0.0/8", "2001:db8::/32"])
        #expect(nginx.apiLog == .file("/var/log/nginx/queue.log") && nginx.cacheDirectory == "/run/boards")
        #expect(!nginx.obeysServerAccess && Configuration.Nginx().obeysServerAccess)
        #expect(try read("gate_access: server").obeysServerAccess)
        #expect(try read("users: web").users == ["web"])
        #expect(try read("api_log: site").apiLog == .site)
        #expect(try Configuration(yaml: "rooms: {demo: {}}\n").nginx == Configuration.Nginx())
        let restart = try Configuration(yaml: "rooms: {demo: {}}\nnginx: {users: web, pid_file: /p, limit: 1r/s}\n")
            .restartKeys(differingFrom: try Configuration(yaml: "rooms: {demo: {}}\n"))
        #expect(restart == ["nginx.users", "nginx.pid_file"])
        #expect(Configuration.Nginx().apiLog == .off && Configuration.Nginx().users == nil)
    }

    @Test func theGateHasTheLimitOfTheAPI() throws {
        func limit(_ text: String) throws -> JoinLimit {
            try Configuration(yaml: "rooms: {demo: {}}\n\(text)\n").gateLimit
        }
        #expect(try limit("") == JoinLimit(joins: 51, periodMilliseconds: 510))
        #expect(try limit("nginx: {limit: 500r/s}") == JoinLimit(joins: 51, periodMilliseconds: 102))
        #expect(try limit("nginx: {limit: 30r/m, limit_burst: 7}") == JoinLimit(joins: 8, periodMilliseconds: 16_000))
        #expect(try limit("nginx: {limit: 1000000r/s, limit_burst: 1}").periodMilliseconds == 1)
        #expect(try limit("nginx: {limit: 1r/m, limit_burst: 100000}").joins == 100_001)
    }

    @Test(arguments: [
        "gate_access: site", "limit: 100", "limit: 1r/h", "limit_burst: 0", "limit_burst: 100001", "limit_exempt: [a]",
        "limit_exempt: [10.0.0.1/8]", "pid_file: nginx.pid", "api_log: here", "cache_directory: boards", "user: web",
        "users: [\(Array(repeating: "a", count: 65).joined(separator: ", "))]",
    ])
    func aBadValueIsRefusedWithItsLine(text: String) throws {
        #expect { try read(text) } throws: { ($0 as? ConfigurationError)?.line == 3 }
    }
}
