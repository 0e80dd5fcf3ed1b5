// SPDX-License-Identifier: Apache-2.0
//
// Requests whose body is large, or not here yet: without a pass they are refused before it is sent, and those that may
// go on arrive whole, within the site's own limit.

import NginxFiles
import TestSupport
import Testing

@Suite(.serialized) struct BodyTests {
    typealias Verifier = NginxConfiguration.Verifier

    /// The guarded site, and the one whose locations have the check.
    private func sites(_ verifier: Verifier) throws -> [Site] {
        let limits = """
            location /small/ { client_max_body_size 1m; proxy_pass http://backend; }
            """
        return [try Site.guarded(verifier, with: limits), try Site(verifier: verifier)]
    }

    /// What the worker of the tests answers ahead of a body.
    private static func cookie(_ answer: String) -> String { "Cookie: ask=\(answer)" }

    /// What comes for a request whose body is not sent: all of the answer, or as much as comes while the connection
    /// stays open.
    private func answer(_ site: Site, _ asked: String, _ lines: [String], sending part: String = "") throws -> String {
        let socket = try TestSocket(port: site.port, timeoutSeconds: 3)
        let head = ["POST /x HTTP/1.1", "Host: x.test", Self.cookie(asked)] + lines + ["", part]
        socket.send(Array(head.joined(separator: "\r\n").utf8))
        var bytes: [UInt8] = []
        while let next = socket.receive(), !next.isEmpty {
            bytes += next
            let text = String(decoding: bytes, as: UTF8.self)
            if text.contains("\r\n\r\n{"), text.hasSuffix("}") { break }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(arguments: Verifier.allCases)
    func aRefusalComesBeforeTheBody(verifier: Verifier) throws {
        for site in try sites(verifier) {
            let kinds: [(lines: [String], part: String)] = [
                (["Content-Length: 16385"], ""), (["Content-Length: 900000"], "some of it"),
                (["Transfer-Encoding: chunked"], "5\r\nfirst\r\n"),
            ]
            for (lines, part) in kinds {
                let text = try answer(site, "refuse", lines + ["Origin: https://a.test"], sending: part)
                #expect(text.hasPrefix("HTTP/1.1 503 "), "\(lines): \(text)")
                #expect(text.contains("\r\nContent-Type: application/problem+json\r\n"), "\(lines)")
                #expect(text.contains(#""code": "PASS_MISSING", "message": "\u2026 demo"}}"#), "\(lines): \(text)")
                for header in [
                    "Retry-After: 7", "Cache-Control: no-store", "Access-Control-Allow-Origin: https://a.test",
                    "Access-Control-Allow-Credentials: true", "Access-Control-Expose-Headers: Retry-After",
                    "Vary: Origin",
                ] {
                    #expect(text.contains("\r\n\(header)\r\n"), "\(header): \(text)")
                }
            }
            let limited = try answer(site, "limit", ["Content-Length: 16385"])
            #expect(limited.hasPrefix("HTTP/1.1 429 ") && limited.contains("RATE_LIMITED"), "\(limited)")
            #expect(try site.log("backend.log").isEmpty)
            site.endWorkers()
            let away = try answer(site, "refuse", ["Content-Length: 16385"])
            #expect(away.hasPrefix("HTTP/1.1 503 ") && away.contains("UNAVAILABLE"), "\(away)")
        }
    }

    @Test(arguments: Verifier.allCases)
    func aClientThatAsksHearsNoBeforeItSends(verifier: Verifier) throws {
        for site in try sites(verifier) {
            for length in ["Content-Length: 4", "Content-Length: 500000", "Transfer-Encoding: chunked"] {
                let text = try answer(site, "refuse", ["Expect: 100-continue", length])
                #expect(text.hasPrefix("HTTP/1.1 503 "), "\(length): \(text)")
                #expect(!text.contains("100 Continue"), "\(length): \(text)")
                for header in [
                    "X-Vestibule-Code: PASS_MISSING", "Retry-After: 7", "Cache-Control: no-store", "Connection: close",
                ] {
                    #expect(text.contains("\r\n\(header)\r\n"), "\(header): \(text)")
                }
            }
            let expecting = ["Expect: 100-continue"]
            let answered = try site.request("/x", headers: expecting + [Self.cookie("go")], curl: ["-d", "the body"])
            #expect(answered.headers.first == "HTTP/1.1 100 Continue", "\(answered.headers)")
            #expect(answered.body.hasSuffix("backend POST /x"), "\(answered.body)")
            #expect(try site.backendLines(containing: "body=the body").count == 1)
        }
    }

    @Test(arguments: Verifier.allCases)
    func whatMayGoOnArrivesWholeWithinTheSitesLimit(verifier: Verifier) throws {
        for site in try sites(verifier) {
            let file = site.directory.file("body")
            try site.directory.write("body", String(repeating: "0123456789", count: 100_000))
            for (query, cookie) in [("", ["Cookie: ask=go"]), ("?admit", [])] {
                let headers = cookie + ["Expect:"]
                let sent = try site.request("/b\(query)", headers: headers, curl: ["--data-binary", "@\(file)"])
                #expect(sent.body == "backend POST /b\(query)", "\(sent.body)")
                let chunked = headers + ["Transfer-Encoding: chunked"]
                let put = try site.request("/c\(query)", headers: chunked, curl: ["-X", "POST", "-T", file])
                #expect(put.body == "backend POST /c\(query)", "\(put)")
                let small = try site.request("/d\(query)", headers: chunked, curl: ["-d", "chunks"])
                #expect(small.body == "backend POST /d\(query)")
            }
            #expect(try site.backendLines(containing: "length=1000000 ").count == 4)
            #expect(try site.backendLines(containing: "body=chunks").count == 2)
        }
    }

    @Test(arguments: Verifier.allCases)
    func theSitesOwnLimitOfABodyHolds(verifier: Verifier) throws {
        let site = try sites(verifier)[0]
        try site.directory.write("long", String(repeating: "0123456789", count: 2_000_000))
        try site.directory.write("short", String(repeating: "0123456789", count: 90_000))
        for (query, cookie) in [("", ["Cookie: ask=go"]), ("?admit", []), ("?q", [site.goodPass()])] {
            for form in ["Content-Length: 20000000", "Transfer-Encoding: chunked"] {
                let headers = cookie + ["Expect:"]
                let long = ["-X", "POST", "-T", site.directory.file("long")]
                let refused = try site.request("/small/\(query)", headers: headers + [form], curl: long)
                #expect(refused.status == 413, "\(query), \(form): \(refused)")
                let short = ["-X", "POST", "-T", site.directory.file("short")]
                let chunked = form.hasPrefix("T") ? [form] : []
                let taken = try site.request("/small/in\(query)", headers: headers + chunked, curl: short)
                #expect(taken.body == "backend POST /small/in\(query)", "\(query), \(form): \(taken)")
            }
        }
        #expect(try site.backendLines(containing: "length=900000 ").count == 6)
        #expect(try site.backendLines(containing: "length=20000000").isEmpty)
    }

    @Test(arguments: Verifier.allCases)
    func askingOpensNothing(verifier: Verifier) throws {
        let long = ["-d", String(repeating: "b", count: 20_000)]
        for site in try sites(verifier) {
            // An answer for another room counts as none, and the gate is asked.
            let other = try site.request("/x", headers: [Self.cookie("else")], curl: long)
            #expect(other.gateRoom == "demo" && other.gateVerdict == "missing", "\(other.body)")
            let foreign = try site.request("/other/x", curl: long)
            #expect(foreign.gateRoom == "other", "\(foreign.body)")
            for path in [
                "/_vestibule/ask/server/demo/missing/x", "/_vestibule/ask/location/demo/missing/x",
                "/_vestibule/asked", "/_vestibule/unwanted",
            ] {
                #expect(try site.request(path, headers: [Self.cookie("go")], curl: long).status == 404, "\(path)")
                #expect(try site.request(path, headers: [Self.cookie("go")]).status == 404, "\(path)")
            }
            #expect(try site.log("backend.log").isEmpty)
            // With a pass nobody is asked.
            let headers = [site.goodPass() + "; ask=refuse"]
            #expect(try site.request("/x", headers: headers, curl: long).body == "backend POST /x")
        }
    }

    /// The worker is asked by a subrequest, and must hear what the request itself is for.
    @Test(arguments: Verifier.allCases)
    func theQuestionIsAboutTheRequestAndNotAboutItself(verifier: Verifier) throws {
        let (visit, long) = (Self.cookie("visit"), ["-d", String(repeating: "b", count: 20_000)])
        for site in try sites(verifier) {
            #expect(try site.request("/x", headers: [visit], curl: long).body == "backend POST /x")
            let script = [visit, "X-Requested-With: XMLHttpRequest"]
            let part = try site.request("/y", headers: script, curl: long)
            #expect(part.gateRoom == "demo" && part.body.contains(#""VESTIBULE_ERRAND": "partial""#), "\(part)")
        }
    }

    @Test(arguments: Verifier.allCases)
    func noWayIntoALocationIsOpenedOrBrokenByIt(verifier: Verifier) throws {
        let long = ["-d", String(repeating: "b", count: 20_000)]
        let site = try sites(verifier)[0]
        for path in ["/hidden/x", "//hidden/x"] {
            #expect(try site.request(path, headers: [Self.cookie("go")], curl: long).status == 404, "\(path)")
        }
        for way in Site.ways {
            let refused = try site.request(way, headers: [Self.cookie("refuse")], curl: long)
            #expect(refused.status == 503 && refused.body.contains("PASS_MISSING"), "\(way): \(refused)")
        }
        #expect(try site.log("backend.log").isEmpty)
        // The site's own auth_request says nothing of the body to its backend, so that this waits for one, as ever.
        for way in Site.ways where !["/limited/", "/authed/"].contains(where: { way.hasPrefix($0) }) {
            let letIn = try site.request(way, headers: [Self.cookie("go")], curl: long)
            let passing = try site.request(way, headers: [site.goodPass()], curl: long)
            #expect(letIn.status == 200 && letIn.body == passing.body, "\(way): \(letIn)")
        }
    }
}
