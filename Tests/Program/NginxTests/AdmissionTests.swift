// SPDX-License-Identifier: Apache-2.0
//
// The gate: a request without a pass is shown to a worker, and when the worker lets it in, the same request goes on
// to the backend, once, with everything it had, and comes back with the visitor's cookies.

import NginxFiles
import Testing

@Suite(.serialized) struct AdmissionTests {
    static let variants: [(NginxConfiguration.Verifier, NginxConfiguration.Gateway)] = [
        (.njs, .fastcgi), (.lua, .fastcgi), (.authRequest, .fastcgi), (.njs, .scgi), (.authRequest, .scgi),
    ]

    @Test(arguments: variants)
    func anAdmittedRequestGoesOnAsItWas(verifier: NginxConfiguration.Verifier, gateway: NginxConfiguration.Gateway)
        throws
    {
        let site = try Site(verifier: verifier, gateway: gateway)
        let cookies = ["vestibule-ticket-demo=T; Path=/", "vestibule-pass-demo=P; Path=/"]

        let page = try site.request("/a%20b?admit=1&x=%2F+y")
        #expect(page.status == 200 && page.body == "backend GET /a%20b?admit=1&x=%2F+y")
        #expect(page.values(of: "Set-Cookie") == cookies)
        #expect(page.values(of: "Cache-Control") == ["no-store", "public"])
        #expect(page.values(of: "X-Accel-Redirect").isEmpty && page.values(of: "X-Vestibule-Pass").isEmpty)

        let posted = try site.request("/post?admit", curl: ["-d", "the body"])
        #expect(posted.body == "backend POST /post?admit" && posted.values(of: "Set-Cookie") == cookies)
        let chunked = try site.request(
            "/chunked?admit",
            headers: ["Transfer-Encoding: chunked"],
            curl: ["-d", "in chunks"]
        )
        #expect(chunked.body == "backend POST /chunked?admit")
        let put = try site.request("/put?admit", curl: ["-X", "PUT", "-d", String(repeating: "b", count: 30_000)])
        #expect(put.body == "backend PUT /put?admit")
        let head = try site.request("/head?admit", curl: ["-I"])
        #expect(head.status == 200 && head.body.isEmpty && head.values(of: "Set-Cookie") == cookies)
        let secure = try site.request("/tls?admit", https: true)
        #expect(secure.values(of: "Set-Cookie").allSatisfy { $0.hasPrefix("__Host-vestibule-") })

        let lines = try site.backendLines()
        let suffix = "room=demo ticket=77 pass=issued-pass body="
        #expect(
            lines.map { $0.split(separator: "bbbb", omittingEmptySubsequences: false)[0] } == [
                "GET /a%20b?admit=1&x=%2F+y length= \(suffix)", "POST /post?admit length=8 \(suffix)the body",
                "POST /chunked?admit length=9 \(suffix)in chunks", "PUT /put?admit length=30000 \(suffix)",
                "HEAD /head?admit length= \(suffix)", "GET /tls?admit length= \(suffix)",
            ]
        )
    }

    @Test(arguments: variants)
    func theGateIsToldWhatWasAskedAndGetsNoBody(
        verifier: NginxConfiguration.Verifier,
        gateway: NginxConfiguration.Gateway
    ) throws {
        let site = try Site(verifier: verifier, gateway: gateway)
        let headers = [
            "Accept: text/html", "Accept-Language: ko", "Cookie: a=1", "Cookie: b=2", "Sec-Fetch-Mode: navigate",
            "Sec-Fetch-Dest: document", "Sec-Fetch-Site: none", "Origin: http://x", "Host: shop.test", "Turbo-Frame: f",
        ]
        let response = try site.request("/shop%20x/%ED%95%9C?q=1", headers: headers, curl: ["-d", "secret body"])
        #expect(response.status == 200)
        for expected in [
            #""body": """#, #""DOCUMENT_URI": "/shop x/\ud55c""#, #""QUERY_STRING": "q=1""#,
            #""REQUEST_METHOD": "POST""#,
            #""HTTP_COOKIE": "a=1; b=2""#, #""HTTP_ACCEPT_LANGUAGE": "ko""#, #""HTTP_ACCEPT": "text/html""#,
            #""HTTP_SEC_FETCH_MODE": "navigate""#, #""HTTP_SEC_FETCH_DEST": "document""#,
            #""HTTP_SEC_FETCH_SITE": "none""#, #""HTTP_ORIGIN": "http://x""#, #""HTTP_HOST": "shop.test""#,
            #""VESTIBULE_ERRAND": "partial""#,
            #""VESTIBULE_ROOM": "demo""#, #""VESTIBULE_VERDICT": "missing""#, #""REQUEST_SCHEME": "http""#,
        ] { #expect(response.body.contains(expected), "\(expected)") }
        // SCGI's framing always has a length; nginx gives the visitor's there and sends no body.
        #expect(response.body.contains("CONTENT_LENGTH") == (gateway == .scgi))
        #expect(try site.log("backend.log").isEmpty)
    }

    @Test(arguments: variants)
    func aSmallFormOfAPersonIsShownToTheGateAndNoOtherBodyIs(
        verifier: NginxConfiguration.Verifier,
        gateway: NginxConfiguration.Gateway
    ) throws {
        let site = try Site(verifier: verifier, gateway: gateway)
        func body(_ path: String, _ headers: [String], _ data: String) throws -> String? {
            let isFetch = headers.contains { $0.hasPrefix("Sec-Fetch-Mode") }
            let mode = isFetch ? [] : ["Sec-Fetch-Mode: navigate"]
            let answer = try site.request(path, headers: mode + headers, curl: ["-d", data])
            #expect(answer.status == 200 && answer.body.contains(#""VESTIBULE_VERDICT": "missing""#))
            #expect(answer.body.contains(#""VESTIBULE_ROOM": "demo""#))
            return answer.body.firstMatch(of: /^{"body": "([^"]*)"/).map { String($0.1) }
        }
        for type in [
            "application/x-www-form-urlencoded", "Text/Plain;charset=UTF-8", "multipart/form-data; boundary=B",
        ] {
            #expect(try body("/a%20b%0Ac?q=1", ["Content-Type: \(type)"], "a=1") == "a=1", "\(type)")
        }
        let largest = String(repeating: "x", count: 16_384)
        #expect(try body("/a", [], largest) == largest)
        for (path, headers, data) in [
            ("/a", [], largest + "x"), ("/a", ["Transfer-Encoding: chunked"], "a=1"),
            ("/a", ["Content-Type: application/json"], "{}"), ("/a", ["Content-Type: text/plainer"], "a"),
            ("/a", ["Turbo-Frame: f"], "a=1"), ("/a", ["Sec-Fetch-Mode: cors"], "a=1"),
            ("/b/..%2fa", [], "a=1"), ("/a//b", [], "a=1"),
        ] { #expect(try body(path, headers, data) == "", "\(path) \(headers)") }

        let admitted = ["Sec-Fetch-Mode: navigate"]
        let posted = try site.request("/post%0Ax?admit", headers: admitted, curl: ["-d", "the body"])
        #expect(posted.body == "backend POST /post%0Ax?admit" && posted.values(of: "Set-Cookie").count == 2)
        let suffix = "length=8 room=demo ticket=77 pass=issued-pass body=the body"
        #expect(try site.backendLines() == ["POST /post%0Ax?admit \(suffix)"])
        #expect(try site.request("/_vestibule/form/server/demo/ok:demo/x?admit").status == 404)
    }

    /// The table of nginx/README.md: path as sent, and as the backend gets it with `proxy_pass http://backend`.
    static let paths = [
        ("a%20b", "a%20b"), ("a%3Fb", "a%3Fb"), ("a%25b", "a%25b"), ("%ED%95%9C", "%ED%95%9C"), ("a%2Fb", "a/b"),
        ("%7Eq", "~q"), ("a\"b", "a%22b"), ("/y", "y"), ("x/../z", "z"), ("a+b;c,d=e", "a+b;c,d=e"), ("a%23b", "a%23b"),
    ]

    @Test(arguments: NginxConfiguration.Verifier.allCases)
    func theClientsOwnBytesArePreservedWithRequestURI(verifier: NginxConfiguration.Verifier) throws {
        let site = try Site(verifier: verifier)
        for (sent, normalised) in Self.paths {
            #expect(try site.request("/exact/\(sent)?admit=%2f").status == 200)
            #expect(try site.request("/plain/\(sent)?admit=%2f").status == 200)
            let lines = try site.backendLines().suffix(2)
            #expect(lines.first?.hasPrefix("GET /exact/\(sent)?admit=%2f ") == true, "\(lines)")
            #expect(lines.last?.hasPrefix("GET /plain/\(normalised)?admit=%2f ") == true, "\(lines)")
        }
    }

    @Test(arguments: NginxConfiguration.Verifier.allCases)
    func nobodyReachesTheInnerPlacesFromOutside(verifier: NginxConfiguration.Verifier) throws {
        let site = try Site(verifier: verifier)
        for path in ["gate", "gate/", "gate/location/demo/missing/x", "gate/server/demo/ok:demo/x", "./gate//x"] {
            #expect(try site.request("/_vestibule/\(path)?admit").status == 404, "\(path)")
            #expect(try site.request("/%5fvestibule/\(path)?admit").status == 404, "\(path)")
        }
        if verifier == .authRequest { #expect(try site.request("/_vestibule/check/server/demo/x/y").status == 404) }
        if verifier == .authRequest { #expect(try site.request("/_vestibule/verify").status == 404) }
        let tricks = [
            "X-Accel-Redirect: @vestibule_continue", "Vestibule-Verdict: ok:demo", "X-Vestibule-Verdict: ok:demo",
            "Cookie: vestibule_verdict=ok:demo; vestibule_wanted=ok:demo",
        ]
        for path in ["/@vestibule_continue", "/x?vestibule_verdict=ok:demo", "/x?vestibule_room=&vestibule_wanted=ok:"]
        {
            #expect(try site.request(path, headers: tricks).gateVerdict == "missing")
        }
        #expect(try site.log("backend.log").isEmpty)
    }
}
