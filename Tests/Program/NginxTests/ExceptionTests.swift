// SPDX-License-Identifier: Apache-2.0
//
// Requests that go past the guard: what the configuration excepts, exactly that, and nothing that only looks like it.

import NginxFiles
import Testing

@Suite(.serialized) struct ExceptionTests {
    private static func rules() -> [RoomProtection.Exception] {
        var (hook, probe, present, robot, near) = (
            RoomProtection.Exception(path: "/hooks/"), RoomProtection.Exception(), RoomProtection.Exception(),
            RoomProtection.Exception(), RoomProtection.Exception()
        )
        hook.methods = ["POST", "PUT"]
        hook.header = ("X-Hook", "s3cret;$uri")
        probe.header = ("X-Probe", "Yes")
        present.header = ("X-Present", nil)
        present.methods = ["HEAD"]
        robot.userAgent = "Uptime (Robot)"
        near.addresses = ["192.0.2.0/24", "2001:db8:1::/48"]
        return [RoomProtection.Exception(path: "/static/"), .init(path: "/health"), hook, probe, present, robot, near]
    }

    private static func site(
        _ verifier: NginxConfiguration.Verifier,
        _ change: (inout RoomProtection) -> Void = { _ in }
    )
        throws -> Site
    {
        var protection = RoomProtection()
        protection.exceptions = rules()
        change(&protection)
        return try Site.guarded(verifier, rooms: [ProtectedRoom(id: "demo", protection: protection)])
    }

    private struct Row {
        let path: String
        var headers: [String] = []
        var curl: [String] = []
    }

    private static let excepted = [
        Row(path: "/.well-known/acme-challenge/token"), Row(path: "/robots.txt"), Row(path: "/robots.txt?x=/../"),
        Row(path: "/static/a.css"), Row(path: "/static/"), Row(path: "/health"), Row(path: "/health/live"),
        Row(path: "/x", headers: ["Access-Control-Request-Method: PUT"], curl: ["-X", "OPTIONS"]),
        Row(path: "/hooks/pay", headers: ["X-Hook: s3cret;$uri"], curl: ["-d", "paid"]),
        Row(path: "/x", headers: ["X-Probe: Yes"]), Row(path: "/x", headers: ["X-Present: 1"], curl: ["-I"]),
        Row(path: "/x", headers: ["User-Agent: Mozilla (UPTIME (robot)/2.0)"]),
        Row(path: "/x", headers: ["X-Real-Address: 192.0.2.9"]),
        Row(path: "/x", headers: ["X-Real-Address: 2001:db8:1::9"]),
    ]

    private static let held = [
        Row(path: "/.well-known/acme-challenge"), Row(path: "/.well-known/acme-challenge/../../x"),
        Row(path: "/robots.txt/x/"),
        Row(path: "/ROBOTS.txt"), Row(path: "/robots.txt%0a"), Row(path: "/x/..%2frobots.txt"),
        Row(path: "//robots.txt"),
        Row(path: "/x/%2e%2e/robots.txt"), Row(path: "/x/../robots.txt"), Row(path: "/robots%2etxt"),
        Row(path: "/static"), Row(path: "/static/..;/admin"), Row(path: "/static/..%5cadmin"), Row(path: "/statical/x"),
        Row(path: "/static/.%2e/x"), Row(path: "/static//x"), Row(path: "/static/./x"), Row(path: "/healthy"),
        Row(path: "/x", curl: ["-X", "OPTIONS"]), Row(path: "/x", headers: ["Access-Control-Request-Method: PUT"]),
        Row(path: "/hooks/pay", headers: ["X-Hook: s3cret;$uri"]), Row(path: "/hooks/pay", curl: ["-d", "paid"]),
        Row(path: "/hooks/pay", headers: ["X-Hook: S3cret;$uri"], curl: ["-d", "paid"]),
        Row(path: "/hook/pay", headers: ["X-Hook: s3cret;$uri"], curl: ["-d", "paid"]),
        Row(path: "/x", headers: ["X-Probe: yes"]), Row(path: "/x", headers: ["X-Probe: Yes, or so"]),
        Row(path: "/x", headers: ["X-Present: 1"]), Row(path: "/x", headers: ["User-Agent: Uptime Robot"]),
        Row(path: "/x", headers: ["X-Real-Address: 192.0.3.9"]),
        Row(path: "/x", headers: ["X-Real-Address: 2001:db8:2::9"]),
    ]

    @Test(arguments: NginxConfiguration.Verifier.allCases)
    func exactlyWhatTheConfigurationNamesGoesPast(verifier: NginxConfiguration.Verifier) throws {
        let site = try Self.site(verifier)
        for row in Self.held {
            #expect(try site.request(row.path, headers: row.headers, curl: row.curl).gateRoom == "demo", "\(row)")
        }
        #expect(try site.log("backend.log").isEmpty)
        for row in Self.excepted {
            let response = try site.request(row.path, headers: row.headers, curl: row.curl)
            #expect(response.status == 200 && response.gateRoom == nil, "\(row): \(response.body)")
        }
        #expect(try site.backendLines().count == Self.excepted.count)
        // What is excepted stays so where the site leads it: a virtual file answered by the front controller.
        let virtual = try Site.guarded(verifier)
        #expect(try virtual.request("/excepted/x").body == "backend GET /index.php")
    }

    @Test func theBuiltInExceptionsCanBeSwitchedOff() throws {
        let site = try Self.site(.njs) { ($0.builtIns, $0.exceptions) = ([], []) }
        for row in Self.excepted {
            #expect(try site.request(row.path, headers: row.headers, curl: row.curl).status == 200)
        }
        #expect(try site.log("backend.log").isEmpty)
    }

    @Test func aLongListIsNoLoadOnNginxsStandardHashes() throws {
        let rooms = (0..<40).map { number in
            var protection = RoomProtection()
            protection.hosts = (0..<10).map { "a-rather-long-name-of-a-host-\($0).of-room-\(number).example.com" }
            protection.exceptions = Self.rules()
            return ProtectedRoom(
                id: ["default", "volatile", "hostnames", "include"].dropFirst(number).first ?? "r\(number)",
                protection: protection
            )
        }
        for verifier in NginxConfiguration.Verifier.allCases {
            let site = try Site.guarded(verifier, rooms: rooms)
            let result = try site.configurationTest()
            #expect(result.status == 0 && !result.text.contains("[emerg]"), "\(result.text)")
            for (number, room) in rooms.enumerated() where number < 6 {
                let host = "Host: a-rather-long-name-of-a-host-7.of-room-\(number).example.com"
                #expect(try site.request("/x", headers: [host]).gateRoom == room.id)
                #expect(try site.request("/x", headers: [host, site.goodPass([room.id])]).body == "backend GET /x")
            }
            #expect(try site.request("/x").body == "backend GET /x", "no room names this host")
        }
    }
}
