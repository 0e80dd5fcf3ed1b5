// SPDX-License-Identifier: Apache-2.0
//
// The queue API through nginx, its limits, what is logged, and what happens when every worker is dead.

import NginxFiles
import Testing

@Suite(.serialized) struct ServerTests {
    @Test(arguments: NginxConfiguration.Verifier.allCases, NginxConfiguration.Gateway.allCases)
    func nginxTakesEveryVariantWithoutAWarning(
        verifier: NginxConfiguration.Verifier,
        gateway: NginxConfiguration.Gateway
    ) throws {
        let site = try Site(verifier: verifier, gateway: gateway)
        let result = try site.configurationTest()
        #expect(result.status == 0)
        #expect(!result.text.contains("[warn]") && !result.text.contains("[emerg]"), "\(result.text)")
        #expect(try site.log("error.log").isEmpty)
    }

    @Test(arguments: NginxConfiguration.Gateway.allCases)
    func theAPIReachesAWorker(gateway: NginxConfiguration.Gateway) throws {
        let site = try Site(verifier: .njs, gateway: gateway)
        let join = try site.request(
            "/api/v1/queue/join",
            headers: ["Content-Type: application/json", "Authorization: Bearer t"],
            curl: ["-d", #"{"event_id":"demo"}"#]
        )
        for expected in [
            #""body": "{\"event_id\":\"demo\"}""#, #""CONTENT_LENGTH": "19""#, #""CONTENT_TYPE": "application/json""#,
            #""DOCUMENT_URI": "/api/v1/queue/join""#, #""HTTP_AUTHORIZATION": "Bearer t""#,
            #""REQUEST_SCHEME": "http""#,
        ] { #expect(join.body.contains(expected), "\(expected)") }
        for own in ["OPERATION", "ROOM", "VERDICT"] { #expect(!join.body.contains("VESTIBULE_\(own)")) }
        #expect(try site.request("/api/v1/queue/leave?token=t", curl: ["-X", "DELETE"]).body.contains("DELETE"))
        #expect(try site.request("/api/v1/queue/board?event_id=demo").status == 200)
        for path in ["/healthz", "/readyz", "/metrics"] {
            #expect(try site.request("/_vestibule\(path)").body.contains(#""DOCUMENT_URI": "\#(path)""#))
        }
    }

    @Test(arguments: NginxConfiguration.Gateway.allCases)
    func aWorkerLearnsTheAddressOfWhoJoinsUnlessItIsExempt(gateway: NginxConfiguration.Gateway) throws {
        let exempt = try Site(verifier: .njs, gateway: gateway)
        let limited = try Site(verifier: .njs, gateway: gateway) { $0.limitExempt = [] }
        let address = #""REMOTE_ADDR": "127.0.0.1""#
        for path in ["/api/v1/queue/join", "/page"] {
            #expect(try limited.request(path, curl: ["-d", "{}"]).body.contains(address), "\(path)")
            #expect(try !exempt.request(path, curl: ["-d", "{}"]).body.contains("REMOTE_ADDR"), "\(path)")
        }
        // A poll is not counted by address: it carries none.
        #expect(try !limited.request("/api/v1/queue/status?token=t").body.contains("REMOTE_ADDR"))
        let head = try limited.request("/api/v1/queue/join", curl: ["-I"])
        #expect(head.status == 405)
    }

    @Test(arguments: NginxConfiguration.Gateway.allCases)
    func aWorkerLearnsWhoTheClientIsWherePassesAreMadeAndNowhereElse(gateway: NginxConfiguration.Gateway) throws {
        let site = try Site(verifier: .njs, gateway: gateway)
        let headers = ["X-Real-Address: 2001:db8::7", "User-Agent: Tester/2"]
        for path in ["/api/v1/queue/join", "/api/v1/queue/enter", "/page"] {
            let body = try site.request(path, headers: headers, curl: ["-d", "{}"]).body
            #expect(body.contains(#""VESTIBULE_CLIENT": "2001:db8::7""#), "\(path)")
            #expect(body.contains(#""HTTP_USER_AGENT": "Tester/2""#), "\(path)")
        }
        for path in ["/api/v1/queue/status?token=t", "/api/v1/queue/leave?token=t"] {
            let body = try site.request(path, headers: headers).body
            #expect(!body.contains("2001:db8::7") && !body.contains("Tester"), "\(path)")
        }
        #expect(try site.request("/api/v1/queue/enter", curl: ["-I"]).status == 405)
    }

    @Test func whatTheAPIRefusesItRefusesInJSON() throws {
        let site = try Site(verifier: .njs)
        let head = try site.request("/api/v1/queue/status", curl: ["-I"])
        #expect(head.status == 405 && head.values(of: "Allow") == ["GET, POST, DELETE"])
        let board = try site.request("/api/v1/queue/board", curl: ["-d", ""])
        #expect(board.status == 405 && board.body.contains(#""code":"METHOD_NOT_ALLOWED""#))
        let fits = try site.request("/api/v1/queue/join", curl: ["-d", String(repeating: "b", count: 16_384)])
        #expect(fits.status == 200)
        let large = try site.request("/api/v1/queue/join", curl: ["-d", String(repeating: "b", count: 16_385)])
        #expect(large.status == 413 && large.body.contains(#""code":"BODY_TOO_LARGE""#))
        #expect(large.values(of: "Content-Type") == ["application/json"])
        #expect(large.body.contains(/"trace_id":"[0-9a-f]{32}"/))
    }

    @Test func anAddressThatAsksTooOftenIsLimitedAtTheAPI() throws {
        let site = try Site(verifier: .njs) {
            $0.limitExempt = []
            $0.apiRate = "1r/m"
            $0.apiBurst = 2
        }
        for _ in 0..<3 { #expect(try site.request("/api/v1/queue/status").status == 200) }
        // The gate is counted by the workers (GateLimit.swift): polls do not stop the navigation of others behind the
        // same address, and the site's own limits hold for a request that is let in.
        for _ in 0..<9 { #expect(try site.request("/page").status == 200) }
        for path in ["/api/v1/queue/status", "/api/v1/queue/join", "/api/v1/queue/board"] {
            let limited = try site.request(path)
            #expect(limited.status == 429 && limited.body.contains(#""code":"RATE_LIMITED""#), "\(path)")
            #expect(limited.values(of: "Retry-After") == ["1"])
        }
        // A visitor with a pass asks no worker and is not limited.
        #expect(try site.request("/page", headers: [site.goodPass()]).status == 200)
    }

    @Test func loopbackIsExemptWhenAskedFor() throws {
        let site = try Site(verifier: .njs) {
            $0.apiRate = "1r/m"
            $0.apiBurst = 1
        }
        for _ in 0..<5 { #expect(try site.request("/api/v1/queue/status").status == 200) }
    }

    @Test(arguments: NginxConfiguration.Verifier.allCases)
    func withoutWorkersVisitorsAreToldToWaitAndPassesStillWork(verifier: NginxConfiguration.Verifier) throws {
        let site = try Site(verifier: verifier)
        site.endWorkers()
        let page = try site.request("/", headers: ["Accept: text/html,*/*"])
        #expect(page.status == 503 && page.values(of: "Retry-After") == ["5"])
        #expect(page.values(of: "Content-Type") == ["text/html; charset=utf-8"] && page.body.contains("<h1>"))
        let program = try site.request("/", headers: ["Accept: application/json"], curl: ["-d", "x"])
        #expect(program.status == 503 && program.body.contains(#""code":"UNAVAILABLE""#))
        let status = try site.request("/api/v1/queue/status?token=t")
        #expect(status.status == 503 && status.body.contains(#""code":"UNAVAILABLE""#))
        #expect(try site.request("/_vestibule/healthz").status == 503)
        #expect(try site.log("backend.log").isEmpty)

        // auth_request asks a worker every time: that is its price.
        #expect(try site.request("/", headers: [site.goodPass()]).status == (verifier == .authRequest ? 503 : 200))
    }

    @Test func oneDeadWorkerOfTwoIsNotNoticed() throws {
        let site = try Site(verifier: .njs, workerCount: 2)
        site.endWorkers(1)
        for _ in 0..<10 {
            #expect(try site.request("/api/v1/queue/join", curl: ["-d", "{}"]).status == 200)
            #expect(try site.request("/page?admit").status == 200)
        }
    }

    @Test(arguments: NginxConfiguration.Verifier.allCases)
    func noTicketAndNoPassIsEverLogged(verifier: NginxConfiguration.Verifier) throws {
        let site = try Site(verifier: verifier)
        let table = PassTable(ring: site.ring, cookieName: "vestibule-pass-demo")
        let token = table.token(table.pass())
        let headers = [
            "Cookie: vestibule-pass-demo=\(token); vestibule-ticket-demo=SECRET", "Referer: http://a/?REFERRED",
        ]
        func ask() throws {
            _ = try site.request("/api/v1/queue/status?token=SECRET", headers: headers)
            _ = try site.request("/api/v1/queue/board?token=SECRET", headers: headers)
            _ = try site.request("/page", headers: headers)
            _ = try site.request("/page", headers: headers + ["Authorization: Bearer SECRET"])
        }
        try ask()
        site.endWorkers()
        try ask()
        _ = try site.request("/page-without-pass")
        let (accesses, errors) = (try site.log("access.log"), try site.log("error.log"))
        #expect(accesses.contains(#""path":"/api/v1/queue/status""#) && accesses.contains(#""path":"/page""#))
        #expect(!accesses.contains("?") && !accesses.contains("REFERRED"))
        #expect(errors.contains("/page-without-pass"), "a dead worker must leave a trace")
        for secret in ["SECRET", token] { #expect(!accesses.contains(secret) && !errors.contains(secret)) }
    }

    @Test func ofPollsOnlyTheFailedAreKeptWhereTheSiteAsksForIt() throws {
        let site = try Site(verifier: .njs)
        func kept(_ path: String) throws -> [Substring] {
            try site.log("kept.log").split(separator: "\n").filter { $0.contains(#""path":"\#(path)""#) }
        }
        #expect(try site.request("/api/v1/queue/status?token=t").status == 200)
        #expect(try site.request("/api/v1/queue/join", curl: ["-d", "{}"]).status == 200)
        site.endWorkers()
        #expect(try site.request("/api/v1/queue/status?token=t").status == 503)
        #expect(try kept("/api/v1/queue/join").count == 1)
        let polls = try kept("/api/v1/queue/status")
        #expect(polls.count == 1 && polls[0].contains(#""status":503"#))
    }
}
