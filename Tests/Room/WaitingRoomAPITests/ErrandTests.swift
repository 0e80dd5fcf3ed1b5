// SPDX-License-Identifier: Apache-2.0
//
// Which requests at the gate are a person's navigation, and what becomes of those that are none.

import Admission
import GatewayWire
import Passes
import Simulation
import TestSupport
import Testing
import WaitingRoomAPI

/// A kind of request: what is in it beside the room and the verdict.
struct RequestKind: CustomTestStringConvertible {
    let name: String
    var method = "GET"
    var fields: [(GatewayField, String)] = []
    let isNavigation: Bool

    init(_ name: String, _ isNavigation: Bool, _ method: String = "GET", _ fields: (GatewayField, String)...) {
        (self.name, self.method, self.fields, self.isNavigation) = (name, method, fields, isNavigation)
    }

    var testDescription: String { name }
    /// Without a value for Accept the bench would send a browser's.
    var complete: [(GatewayField, String)] { fields + [(.accept, "")] }

    private static let page = (GatewayField.accept, "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
    private static let any = (GatewayField.accept, "*/*")
    private static let json = (GatewayField.accept, "application/json")
    private static let navigate = (GatewayField.fetchMode, "navigate")
    private static let document = (GatewayField.fetchDestination, "document")
    private static func mode(_ mode: String) -> (GatewayField, String) { (.fetchMode, mode) }
    private static func destination(_ name: String) -> (GatewayField, String) { (.fetchDestination, name) }
    private static func site(_ name: String) -> (GatewayField, String) { (.fetchSite, name) }
    private static func accept(_ text: String) -> (GatewayField, String) { (.accept, text) }

    static let all: [RequestKind] = [
        // Browsers that say what a request is for.
        RequestKind("a link", true, "GET", page, navigate, document, site("same-origin")),
        RequestKind("an address typed in", true, "GET", page, navigate, document, site("none")),
        RequestKind("a link of another site", true, "GET", page, navigate, document, site("cross-site")),
        RequestKind("a link of a sibling site", true, "GET", page, navigate, document, site("same-site")),
        RequestKind("a form", true, "POST", page, navigate, document, site("same-origin")),
        RequestKind("a form of a sibling site", true, "POST", page, navigate, document, site("same-site")),
        RequestKind("HEAD of a page", true, "HEAD", page, navigate, document),
        RequestKind("a frame of the own site", true, "GET", page, navigate, destination("iframe"), site("same-origin")),
        RequestKind("a frame set", true, "GET", page, navigate, destination("frame"), site("same-origin")),
        RequestKind("no destination", true, "GET", page, navigate),
        RequestKind("only a destination", true, "GET", page, document),
        RequestKind("any type is good", true, "GET", any, navigate, document),
        RequestKind("no Accept", true, "GET", navigate, document),
        RequestKind("a frame elsewhere", false, "GET", page, navigate, destination("iframe"), site("cross-site")),
        RequestKind("an object", false, "GET", page, navigate, destination("object"), site("same-origin")),
        RequestKind("an embed", false, "GET", page, navigate, destination("embed"), site("same-origin")),
        RequestKind("a page as JSON", false, "GET", json, navigate, document),
        RequestKind("no page, please", false, "GET", accept("text/html;q=0,*/*"), navigate, document),
        RequestKind("DELETE", false, "DELETE", page, navigate, document),
        RequestKind("a font", false, "GET", any, mode("cors"), destination("font"), site("same-origin")),
        RequestKind(
            "an image",
            false,
            "GET",
            accept("image/avif,image/webp,*/*;q=0.8"),
            mode("no-cors"),
            destination("image")
        ),
        RequestKind("an image that says HTML", false, "GET", page, mode("no-cors"), destination("image")),
        RequestKind("an image elsewhere", false, "GET", any, mode("no-cors"), destination("image"), site("cross-site")),
        RequestKind("a script", false, "GET", any, mode("no-cors"), destination("script")),
        RequestKind("a style sheet", false, "GET", accept("text/css,*/*;q=0.1"), mode("no-cors"), destination("style")),
        RequestKind("a manifest", false, "GET", any, mode("cors"), destination("manifest")),
        RequestKind("a worker", false, "GET", any, mode("same-origin"), destination("worker")),
        RequestKind("a service worker", false, "GET", any, mode("same-origin"), destination("serviceworker")),
        RequestKind("a video", false, "GET", any, mode("no-cors"), destination("video")),
        RequestKind("a report", false, "POST", any, mode("no-cors"), destination("report")),
        RequestKind("fetch", false, "GET", any, mode("cors"), destination("empty"), site("same-origin")),
        RequestKind("fetch of a page", false, "GET", page, mode("cors"), destination("empty"), site("same-origin")),
        RequestKind("fetch POST", false, "POST", json, mode("cors"), destination("empty"), site("same-origin")),
        RequestKind("a beacon", false, "POST", any, mode("no-cors"), destination("empty"), site("same-origin")),
        RequestKind("an event stream", false, "GET", accept("text/event-stream"), mode("cors"), destination("empty")),
        RequestKind("a socket", false, "GET", mode("websocket"), destination("empty")),
        RequestKind("a socket by its header", false, "GET", page, (.errand, "socket")),
        RequestKind("fetched in advance", false, "GET", page, navigate, document, (.errand, "prefetch")),
        RequestKind("a part of a page", false, "GET", page, (.errand, "partial")),
        RequestKind("a part of a page, with metadata", false, "GET", page, navigate, document, (.errand, "partial")),
        // Browsers that do not, and programs.
        RequestKind("an old browser", true, "GET", page),
        RequestKind("HEAD of an old browser", true, "HEAD", page),
        RequestKind("only HTML", true, "GET", accept("text/html")),
        RequestKind("XHTML", true, "GET", accept("application/xhtml+xml")),
        RequestKind("in capitals", true, "GET", accept("TEXT/HTML")),
        RequestKind("with a parameter", true, "GET", accept("text/html;level=1;q=0.4, */*;q=0.1")),
        RequestKind("a comma in quotes", true, "GET", accept(#"text/plain;x="a,b;q=0\"", text/html"#)),
        RequestKind("blanks", true, "GET", accept(" application/xml ;q=0.9 ,\ttext/html ; q=0.9 ")),
        RequestKind("HTML before JSON", true, "GET", accept("text/html, application/json;q=0.5")),
        RequestKind("HTML as good as JSON", true, "GET", accept("application/json, text/html")),
        RequestKind("JSON before HTML", false, "GET", accept("application/json, text/html;q=0.9")),
        RequestKind("a kind of JSON before HTML", false, "GET", accept("application/vnd.api+json, text/html;q=0.5")),
        RequestKind("HTML refused", false, "GET", accept("text/html;q=0, */*")),
        RequestKind("HTML refused with zeros", false, "GET", accept("text/html;q=0.000")),
        RequestKind("a weight that is none", false, "GET", accept("text/html;q=high")),
        RequestKind("a weight above 1", false, "GET", accept("text/html;q=1.5")),
        RequestKind("a type that only begins so", false, "GET", accept("text/html5")),
        RequestKind("a type in a parameter", false, "GET", accept(#"application/json;profile="text/html""#)),
        RequestKind(
            "HTML behind a kilobyte",
            false,
            "GET",
            accept(String(repeating: "a/b,", count: 256) + "text/html")
        ),
        RequestKind("curl", false, "GET", any),
        RequestKind("no header at all", false),
        RequestKind("any text", false, "GET", accept("text/*")),
        RequestKind("axios", false, "GET", accept("application/json, text/plain, */*")),
        RequestKind("a webhook", false, "POST", json),
        RequestKind("a webhook that takes anything", false, "POST", any),
        RequestKind("an old browser's form", false, "POST", page),
        RequestKind("PUT", false, "PUT", page),
        RequestKind("PATCH", false, "PATCH", json),
        RequestKind("OPTIONS", false, "OPTIONS", any),
        RequestKind("PROPFIND", false, "PROPFIND", any),
        RequestKind("gRPC", false, "POST", accept("application/grpc")),
        RequestKind("a feed reader, with HTML", true, "GET", accept("application/rss+xml, text/html;q=0.1")),
        RequestKind("a crawler", true, "GET", accept("text/html,application/xhtml+xml,application/xml;q=0.9,image/*")),
        RequestKind("a monitor", false, "HEAD", any),
        RequestKind("a link checker", false, "HEAD", accept("*/*;q=0.1")),
        RequestKind("SOAP", false, "POST", accept("text/xml, multipart/related, text/html, image/gif")),
        RequestKind("an empty weight", false, "GET", accept("text/html;q=")),
        RequestKind("commas only", false, "GET", accept(", ,, ;q=1,")),
        RequestKind("a track of a video", false, "GET", any, mode("cors"), destination("track")),
        RequestKind("a sign-in of the browser", false, "GET", json, mode("no-cors"), destination("webidentity")),
        RequestKind("a beacon of another site", false, "POST", any, mode("no-cors"), site("cross-site")),
        RequestKind("a feed reader", false, "GET", accept("application/rss+xml, application/atom+xml;q=0.9")),
    ]
}

struct ErrandTests {
    @Test("In an empty room a navigation takes a number, everything else a token", arguments: RequestKind.all)
    func emptyRoom(_ kind: RequestKind) throws {
        let bench = try WaitingRoomBench(policy: limits(burst: 2))
        let answer = try bench.gate(method: kind.method, kind.complete)
        #expect(answer["X-Accel-Redirect"] == "@vestibule_continue" && answer["X-Vestibule-Room"] == "demo")
        #expect(bench.queue?.counters.joined == (kind.isNavigation ? 1 : 0))
        #expect(bench.queue?.active.count == (kind.isNavigation ? 1 : 0))
        #expect(answer.cookies.count == (kind.isNavigation ? 2 : 0))
        #expect((answer["X-Vestibule-Pass"] != nil) == kind.isNavigation)
        #expect(try bench.join().status == 200, "the second token is there")
        #expect(try bench.join().status == 202, "the first one was taken")
    }

    @Test("In a full room a navigation gets the page, everything else a problem", arguments: RequestKind.all)
    func fullRoom(_ kind: RequestKind) throws {
        let bench = try WaitingRoomBench()
        try bench.fill()
        for isAnybodyWaiting in [false, true] {
            if isAnybodyWaiting { _ = try bench.waitingTicket() }
            bench.tick()
            let before = bench.queue?.next
            let answer = try bench.gate(method: kind.method, kind.complete)
            #expect(answer.status == 503 && answer["X-Accel-Redirect"] == nil)
            #expect(answer["Cache-Control"] == "no-store" && answer["Retry-After"] != nil)
            let type = kind.isNavigation ? "text/html; charset=utf-8" : "application/problem+json"
            #expect(answer["Content-Type"] == type)
            #expect(answer.cookies.isEmpty && bench.queue?.next == before)
        }
    }

    @Test("A form of another site takes no place: it goes on for a token, or its sender gets the page")
    func foreignForm() throws {
        let form: [(GatewayField, String)] = [(.fetchMode, "navigate"), (.fetchDestination, "document")]
        for sender in [
            [(GatewayField.fetchSite, "cross-site")], [(.origin, "https://evil.test"), (.host, "own.test")],
        ] {
            let bench = try WaitingRoomBench(policy: limits(burst: 1))
            let sent = try bench.gate(method: "POST", form + sender)
            #expect(sent["X-Accel-Redirect"] != nil && sent.cookies.isEmpty && bench.queue?.counters.joined == 0)
            let page = try bench.gate(method: "POST", form + sender)
            #expect(page.status == 503 && page.text.contains(#"data-step="find""#))
            #expect(page.cookies.isEmpty && bench.queue?.counters.joined == 0)
        }
        let bench = try WaitingRoomBench(policy: limits(burst: 1))
        let own: [(GatewayField, String)] = [(.origin, "https://Own.test:8443"), (.host, "own.test:8443")]
        #expect(try bench.gate(method: "POST", form + own)["X-Accel-Redirect"] != nil)
        #expect(bench.queue?.counters.joined == 1)
    }

    private static let fetch: [(GatewayField, String)] = [
        (.accept, "*/*"), (.fetchMode, "cors"), (.fetchDestination, "empty"), (.fetchSite, "same-origin"),
    ]

    @Test("The requests of a person's page are that person's: inside they go on, waiting they take nothing")
    func person() throws {
        let bench = try WaitingRoomBench(policy: limits(burst: 1))
        let inside = try #require(try bench.join().string("waiting_token"))
        let waiting = try bench.waitingTicket()
        bench.tick()
        func fetch(_ ticket: String, verdict: String = "missing") throws -> Answer {
            try bench.gate(verdict: verdict, ErrandTests.fetch + [(.cookie, "vestibule-ticket-demo=\(ticket)")])
        }
        let before = bench.queue?.next
        for verdict in ["missing", "other-client"] {
            let answer = try fetch(inside, verdict: verdict)
            #expect(answer["X-Accel-Redirect"] == "@vestibule_continue")
            #expect(try answer["X-Vestibule-Number"] == "\(bench.ticket(inside).number)")
            #expect(answer.cookie("vestibule-pass-demo") == answer["X-Vestibule-Pass"])
        }
        #expect(try fetch(inside, verdict: "forged").status == 503, "a bad pass is not made good by a ticket")
        let calls = bench.store.calls.count
        for _ in 0..<20 {
            let answer = try fetch(waiting)
            #expect(try answer.status == 503 && answer.errorCode == "PASS_MISSING" && answer.cookies.isEmpty)
        }
        #expect(bench.store.calls.count == calls, "the mirror knows the place")
        bench.configure(limits(rate: 1))
        bench.run(1000)
        #expect(bench.queue?.called.count == 1)
        for _ in 0..<20 { #expect(try fetch(waiting)["X-Accel-Redirect"] == nil, "it is for the page to enter") }
        #expect(bench.queue?.called.count == 1 && bench.queue?.next == before)
        // A ticket that is over counts for nothing.
        _ = try bench.leave(waiting)
        _ = try bench.leave(inside)
        bench.run(1000)
        let anonymous = try fetch(waiting)
        #expect(anonymous["X-Accel-Redirect"] != nil && anonymous.cookies.isEmpty)
        #expect(bench.queue?.next == before)
    }

    @Test("Passages are no more than tokens allow, and none is left for them while a room asks for more than that")
    func bounded() throws {
        let bench = try WaitingRoomBench(policy: limits(burst: 5))
        let passed = try (0..<20).count { _ in try bench.gate(ErrandTests.fetch)["X-Accel-Redirect"] != nil }
        #expect(passed == 5 && bench.queue?.counters.joined == 0)
        for rules in [JoinRules(enqueue: .required), JoinRules(joinsPerSource: JoinLimit(text: "1/h"))] {
            let strict = try WaitingRoomBench(policy: limits(burst: 5), rules: rules)
            let fields = ErrandTests.fetch + [(.address, "192.0.2.1")]
            let passed = try (0..<5).count { _ in try strict.gate(fields)["X-Accel-Redirect"] != nil }
            #expect(passed == (rules.enqueue == .required ? 0 : 1))
        }
    }

    @Test("While the store is away and the room is open, requests go on without a pass; else they get the problem")
    func outage() throws {
        let bench = try WaitingRoomBench()
        bench.room.settings.outage = OutagePolicy(openForMilliseconds: 60_000)
        bench.run(400)
        bench.fail(.unavailable("gone"))
        bench.run(2000)
        let open = try bench.gate(ErrandTests.fetch)
        #expect(open["X-Accel-Redirect"] != nil && open.cookies.isEmpty && open["X-Vestibule-Pass"] == nil)
        bench.room.settings.outage = .closed
        let closed = try bench.gate(ErrandTests.fetch)
        #expect(try closed.status == 503 && closed.errorCode == "PASS_MISSING")
    }

    @Test("The page has the status that its room chooses", arguments: WebRules.pageStatuses)
    func pageStatus(_ status: Int) throws {
        let bench = try WaitingRoomBench()
        bench.room.settings.web.pageStatus = status
        try bench.fill()
        let page = try bench.gate()
        #expect(page.status == status && page["Retry-After"] == "1" && !page.text.contains("noindex"))
        #expect(try bench.gate(ErrandTests.fetch).status == 503, "for programs there is one status")
    }
}
