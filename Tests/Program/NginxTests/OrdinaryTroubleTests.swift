// SPDX-License-Identifier: Apache-2.0
//
// What visitors meet at limits and with requests that are too large, and what they leave in logs and caches.

import Foundation
import NginxFiles
import TestSupport
import Testing

@Suite(.serialized) struct OrdinaryTroubleTests {
    private func limited(_ burst: Int = 2) throws -> Site {
        try Site(
            verifier: .njs,
            configure: {
                $0.limitExempt = []
                $0.apiRate = "1r/m"
                $0.apiBurst = burst
            },
            // The site only tries its own limits out.
            servers: { "limit_req_dry_run on;\n\(Site.servers($0, ports: $1))" }
        )
    }

    @Test(arguments: [
        ["2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::9", "2001:db8::1:2:3:4"],
        ["2001:db8:1:2::1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2:0:ffff::", "2001:db8:1:2:a:b:c:d"],
        ["2001:db8:7::1", "2001:db8:7::", "2001:db8:7:0:1:2:3:4", "2001:db8:7::ffff"],
        ["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.1"],
    ])
    func allAddressesOfAHouseholdShareItsLimit(addresses: [String]) throws {
        let site = try limited()
        let statuses = try addresses.map { address in
            try site.request("/api/v1/queue/status", headers: ["X-Real-Address: \(address)"]).status
        }
        #expect(statuses == [200, 200, 200, 429])
        for other in ["2001:db8:ffff::1", "2001:db8:0:1::1", "192.0.2.2", "::1:2:3:4:5"] {
            let answer = try site.request("/api/v1/queue/status", headers: ["X-Real-Address: \(other)"])
            #expect(answer.status == 200, "\(other) is another household")
        }
    }

    @Test func peopleAtTheLimitSeeAPage() throws {
        let site = try limited(1)
        let person = ["Accept: text/html,application/xhtml+xml,*/*;q=0.8"]
        // A worker says so (GateLimit.swift).
        let page = try site.request("/page?limited", headers: person)
        #expect(page.status == 429 && page.values(of: "Content-Type") == ["text/html; charset=utf-8"])
        #expect(page.values(of: "Retry-After") == ["2"] && page.body.contains("<h1>"))
        let program = try site.request("/page?limited", headers: ["Accept: application/json"])
        #expect(program.status == 429 && program.body.contains(#""code":"RATE_LIMITED""#))
    }

    @Test func withoutBeingAskedTheSitesLogHoldsNoRequestToTheQueue() throws {
        let secret = "/api/v1/queue/status?token=SECRET"
        let off = try Site(verifier: .njs) { $0.apiLog = .off }
        _ = try off.request(secret)
        _ = try off.request("/page")
        let log = try off.log("access.log")
        #expect(log.contains(#""path":"/page""#) && !log.contains("/api/v1/queue"))
        let directory = try TemporaryDirectory()
        let own = try Site(verifier: .njs) { $0.apiLog = .file(directory.file("queue.log")) }
        _ = try own.request(secret)
        _ = try own.request("/api/v1/queue/join", curl: ["-d", "{}"])
        try directory.read("queue.log", onceItHolds: #""path":"/api/v1/queue/join""#)
        #expect(!directory.read("queue.log").contains("SECRET"))
        #expect(!directory.read("queue.log").contains("/status"), "polls that went well write no line")
    }

    /// The real worker closes the connection of a request that it does not take: IntegrationTests.
    @Test func whatIsTooLargeIsNotCalledABrokenWaitingRoom() throws {
        let site = try Site(verifier: .njs)
        site.endWorkers()
        let cookies = (0..<4).map { "Cookie: c\($0)=\(String(repeating: "x", count: 7000))" }
        let address = "/" + String(repeating: "a", count: 8010)
        for path in ["/page", "/api/v1/queue/status"] {
            let large = try site.request(path, headers: cookies)
            #expect(large.status == 431 && large.body.contains(#""code":"HEADERS_TOO_LARGE""#), "\(path)")
            let small = try site.request(path, headers: Array(cookies.prefix(2)))
            #expect(small.status == 503, "\(path)")
        }
        let long = try site.request(address, headers: Array(cookies.prefix(2)))
        #expect(long.status == 414 && long.body.contains(#""code":"ADDRESS_TOO_LONG""#))
    }

    @Test func aBoardHasOneSpelling() throws {
        let site = try Site(verifier: .njs)
        for good in ["event_id=demo", "EVENT_ID=demo", "a=b&event_id=demo&c=d"] {
            let board = try site.request("/api/v1/queue/board?\(good)")
            #expect(board.status == 200 && board.body.contains(#""QUERY_STRING": "event_id=demo""#), "\(good)")
        }
        for evasion in ["%64emo", "demo%20", "demo+", "Demo", "demo%00", "-demo", String(repeating: "d", count: 65)] {
            let answer = try site.request("/api/v1/queue/board?event_id=\(evasion)")
            #expect(answer.status == 404 && answer.body.contains(#""code":"ROOM_UNKNOWN""#), "\(evasion)")
        }
    }

    @Test(arguments: NginxConfiguration.Verifier.allCases)
    func aGRPCClientHearsThatTheServiceIsUnavailable(verifier: NginxConfiguration.Verifier) throws {
        let site = try Site.guarded(verifier)
        let call = ["Content-Type: application/grpc+proto", "TE: trailers"]
        for options in [[], ["-d", "body"]] {
            let answer = try site.request("/shop.Api/Buy", https: true, headers: call, curl: ["--http2"] + options)
            #expect(answer.status == 200 && answer.values(of: "Content-Type") == ["application/grpc"])
            // Trailers follow the body, which is empty.
            #expect(answer.body.contains("grpc-status: 14") && answer.body.contains("grpc-message: "), "\(answer)")
            #expect(answer.gateRoom == nil, "no worker is asked")
        }
        #expect(try site.log("backend.log").isEmpty)
        let pass = site.goodPass().replacingOccurrences(of: "vestibule-pass", with: "__Host-vestibule-pass")
        let served = try site.request("/x", https: true, headers: call + [pass], curl: ["--http2"])
        #expect(served.body.hasPrefix("backend GET /x"))
    }

    /// The backend reads HTTP_X_VESTIBULE_ROOM, as WSGI and PHP do, to which both spellings lead.
    @Test(arguments: NginxConfiguration.Verifier.allCases)
    func noSpellingOfOurHeadersComesFromTheClient(verifier: NginxConfiguration.Verifier) throws {
        let directory = try TemporaryDirectory()
        let script = """
            import socket, sys
            s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
            print(s.getsockname()[1], flush=True)
            while True:
                c, _ = s.accept()
                print(c.recv(65536).decode(), flush=True)
                c.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\nseen"); c.close()
            """
        let backend = try TestProcess("python3", ["-c", script], log: directory.file("seen"))
        try directory.read("seen", onceItHolds: "\n")
        let port = directory.read("seen").split(separator: "\n")[0]
        let site = try Site(
            verifier: verifier,
            servers: { root, ports in
                """
                underscores_in_headers on;
                \(Site.shared(root, ports, ""))
                server { listen 127.0.0.1:\(ports[3]); access_log off; return 200; }
                server {
                    listen 127.0.0.1:\(ports[0]);
                    include \(root)/vestibule-server.conf;
                    location / {
                        set $vestibule_room demo; include \(root)/vestibule-protect.conf;
                        proxy_pass http://127.0.0.1:\(port)$request_uri;
                    }
                }
                """
            }
        )
        var headers = [site.goodPass()]
        for name in ["room", "pass", "ticket"] {
            for form in ["x-vestibule-\(name)", "x_vestibule_\(name)", "X-Vestibule_\(name)", "X_VESTIBULE-\(name)"] {
                headers.append("\(form): FORGED")
            }
        }
        #expect(try site.request("/x", headers: headers).body == "seen")
        let seen = directory.read("seen")
        #expect(seen.contains("X-Vestibule-Room: demo") && !seen.contains("FORGED"), "\(seen)")
        backend.stop()
    }
}
