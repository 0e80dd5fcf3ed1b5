// SPDX-License-Identifier: Apache-2.0
//
// The guard: whatever the locations of a site do, a request without a pass does not reach the backend, and with a pass
// every request does, as it would without us.

import NginxFiles
import Testing

@Suite(.serialized) struct GuardTests {
    typealias Verifier = NginxConfiguration.Verifier

    @Test(arguments: Verifier.allCases)
    func noLocationCancelsTheGuardAndNoneIsBrokenByIt(verifier: Verifier) throws {
        let site = try Site.guarded(verifier)
        for way in Site.ways {
            let refused = try site.request(way)
            #expect(refused.gateRoom == "demo", "\(way): \(refused.headers)")
            #expect(refused.gateVerdict == "missing", "\(way)")
            #expect(!refused.body.contains("VESTIBULE_ERRAND"), "\(way)")
            let posted = try site.request(way, curl: ["-d", "body", "-X", "DELETE"])
            #expect(posted.gateRoom == "demo", "\(way)")
            let foreign = try site.request(way, headers: ["Cookie: vestibule-pass-demo=a.b.c"])
            #expect(foreign.gateVerdict == "malformed", "\(way)")
        }
        #expect(try site.log("backend.log").isEmpty)
        for way in Site.ways {
            let response = try site.request(way, headers: [site.goodPass()])
            #expect(response.status == 200 && response.body.hasPrefix("backend GET /"), "\(way): \(response.body)")
            if verifier != .authRequest, way.hasPrefix("/plain") { #expect(response.body == "backend GET \(way)") }
        }
        #expect(try site.backendLines(containing: "/renamed/x").count == 1)
        #expect(try site.backendLines(containing: "/broken/x").count == 1)
        #expect(try site.log("error.log").isEmpty)
    }

    @Test(arguments: Verifier.allCases)
    func whatTheGateLetsInGoesThroughTheSiteAsItWas(verifier: Verifier) throws {
        let site = try Site.guarded(verifier)
        let cookies = ["vestibule-ticket-demo=T; Path=/", "vestibule-pass-demo=P; Path=/"]
        for way in Site.ways {
            let response = try site.request(way.contains("?") ? "\(way)&admit" : "\(way)?admit")
            #expect(response.body.hasPrefix("backend GET /"), "\(way): \(response.body)")
            #expect(response.values(of: "Set-Cookie") == cookies, "\(way)")
        }
        // The site's own lines at server level run as they do for everybody.
        #expect(try site.backendLines(containing: "GET /renamed/x?admit host=127.0.0.1 ").count == 1)
        #expect(try site.backendLines(containing: "own=/rewritten/x").count == 1)
        let before = try site.backendLines().count
        let posted = try site.request("/post?admit", curl: ["-d", "the body"])
        #expect(posted.body == "backend POST /post?admit")
        let chunked = try site.request("/c?admit", headers: ["Transfer-Encoding: chunked"], curl: ["-d", "in chunks"])
        #expect(chunked.body == "backend POST /c?admit")
        #expect(try site.request("/head?admit", curl: ["-I"]).status == 200)
        for path in ["/a%20b?admit=%2f", "/a%3Fb?admit=%2f", "/%ED%95%9C/a%25b%23?admit", "/a%0Ab?admit"] {
            #expect(try site.request(path).body == "backend GET \(path)", "\(path)")
        }
        #expect(try site.backendLines(containing: "the body").count == 1)
        #expect(try site.backendLines(containing: "in chunks").count == 1)
        #expect(try site.backendLines().count == before + 7)
    }

    @Test(arguments: Verifier.allCases)
    func theMostSpecificPathOfTheHostSaysWhichRoom(verifier: Verifier) throws {
        let site = try Site.guarded(verifier, with: "location /merge { proxy_pass http://backend; }")
        let rows: [(path: String, host: String, room: String)] = [
            ("/", "x.test", "demo"), ("/other/", "x.test", "other"), ("/other/deep/x", "x.test", "other"),
            ("/other", "x.test", "demo"), ("/Other/x", "x.test", "demo"), ("/others/x", "x.test", "demo"),
            ("/x/../other/x", "x.test", "other"), ("/%6fther/x", "x.test", "other"), ("//other//x", "x.test", "other"),
            ("/x/%2e%2e/other/x", "x.test", "other"), ("/x/..%2fother/x", "x.test", "other"),
            ("/./other/./x", "x.test", "other"), ("/", "shop.test", "shop"), ("/", "SHOP.test:80", "shop"),
            ("/", "www.shop.test", "shop"), ("/", "a.b.shop.test.", "shop"), ("/", "notshop.test", "demo"),
            ("/other/x", "shop.test", "other"), ("/only-shop", "shop.test", "shop"), ("/only-shop", "x.test", "demo"),
        ]
        for row in rows {
            let response = try site.request(row.path, headers: ["Host: \(row.host)"])
            #expect(response.gateRoom == row.room, "\(row): \(response.headers)")
            #expect(response.gateVerdict == "missing", "\(row)")
        }
        #expect(try site.log("backend.log").isEmpty)
        // Each room has its own pass, and a pass for one opens no other.
        for row in rows {
            let others = ["demo", "other", "shop"].filter { $0 != row.room }
            let host = "Host: \(row.host)"
            #expect(try site.request(row.path, headers: [host, site.goodPass(others)]).gateRoom == row.room, "\(row)")
            let let_in = try site.request(row.path, headers: [host, site.goodPass([row.room])])
            #expect(let_in.body.hasPrefix("backend GET /"), "\(row): \(let_in.body)")
        }
    }

    @Test(arguments: Verifier.allCases)
    func subrequestsAreAskedForTheirOwnRoom(verifier: Verifier) throws {
        // The page itself is nobody's; of its two parts the gate lets the one in and not the other.
        var (a, other) = (RoomProtection(), RoomProtection())
        (a.paths, other.paths) = (["/a"], ["/other/"])
        let site = try Site.guarded(
            verifier,
            rooms: [ProtectedRoom(id: "demo", protection: a), ProtectedRoom(id: "other", protection: other)]
        )
        for page in ["/pages/both", "/pages/htob"] {
            for _ in 0..<5 {
                let response = try site.request(page)
                #expect(response.body.contains("backend GET /a?admit"), "\(response.body)")
                #expect(response.body.contains(#""VESTIBULE_ROOM": "other""#), "\(response.body)")
                #expect(response.body.contains(#""VESTIBULE_ERRAND": "part""#), "a part is no visitor")
            }
        }
        #expect(try site.backendLines(containing: "/other/").isEmpty)
        for page in ["/pages/both", "/pages/htob"] {
            let response = try site.request(page, headers: [site.goodPass(["other"])])
            #expect(response.body.contains("backend GET /a?admit"), "\(response.body)")
            // nginx/README.md, "Traps": auth_request asks anew for a part of a page.
            if verifier != .authRequest {
                #expect(response.body.contains("backend GET /other/b?x"), "\(response.body)")
            }
        }
    }

    @Test(arguments: Verifier.allCases)
    func anInternalLocationOfTheSiteStaysInternal(verifier: Verifier) throws {
        let site = try Site.guarded(verifier)
        for path in ["/hidden/x?admit", "//hidden/x?admit", "/x/../hidden/x?admit", "/%68idden/?admit"] {
            #expect(try site.request(path).status == 404, "\(path)")
            #expect(try site.request(path, headers: [site.goodPass()]).status == 404, "\(path)")
        }
        #expect(try site.log("backend.log").isEmpty)
    }

    @Test func noLocationOfTheSiteTakesWhatIsOurs() throws {
        let all =
            "location ~ ^/(api|queue|_vestibule)/ { proxy_pass http://backend; }"
            + "location ~ (status|leave|board)$ { return 418; } location = /healthz { return 200 mine; }"
        for prefix in ["/api/v1/queue", "/queue.a-b"] {
            let site = try Site.guarded(.njs, with: all) { $0.apiPrefix = prefix }
            for call in ["status", "leave", "join", "enter", "board?event_id=demo", "else"] {
                let response = try site.request("\(prefix)/\(call)")
                #expect(response.status == 200 && response.body.contains(#""DOCUMENT_URI": "\#(prefix)/"#), "\(call)")
            }
            for name in ["healthz", "readyz", "metrics"] {
                #expect(try site.request("/_vestibule/\(name)").body.contains(#""DOCUMENT_URI": "/\#(name)""#))
                let remote = try site.request("/_vestibule/\(name)", headers: ["X-Real-Address: 192.0.2.7"])
                #expect(remote.status == 403)
            }
            for path in ["/_vestibule/", "/_vestibule/x.php", "/_vestibule/check/x", "/_vestibule/healthz/x"] {
                #expect(try site.request(path).status == 404, "\(path)")
            }
            #expect(try site.request("/_vestibule").gateRoom == "demo")
            #expect(try site.request("/healthz", headers: [site.goodPass()]).body == "mine")
            #expect(try site.request("\(prefix)x/status").gateRoom == "demo")
            #expect(try site.log("backend.log").isEmpty)
        }
    }

    @Test(arguments: Verifier.allCases)
    func whatAClientSendsAsOursIsRefused(verifier: Verifier) throws {
        let site = try Site.guarded(verifier)
        for name in ["X-Vestibule-Room", "x-vestibule-pass", "X-Vestibule-Ticket"] {
            #expect(try site.request("/x", headers: [site.goodPass(), "\(name): demo"]).status == 400, "\(name)")
            #expect(try site.request("/x?admit", headers: ["\(name): demo"]).status == 400, "\(name)")
        }
        #expect(try site.log("backend.log").isEmpty)
    }

    @Test(arguments: Verifier.allCases)
    func aLocationCanTellItsBackendWhoComes(verifier: Verifier) throws {
        let site = try Site.guarded(
            verifier,
            with: "location /told/ { include vestibule-headers.conf; proxy_pass http://backend; }"
        )
        #expect(try site.request("/told/x", headers: [site.goodPass()]).status == 200)
        #expect(try site.request("/told/y?admit").status == 200)
        #expect(try site.backendLines(containing: "room=demo").count == 2)
        #expect(try site.request("/excepted/x").status == 200)
        #expect(try site.log("error.log").isEmpty)
    }
}
