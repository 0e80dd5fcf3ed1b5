// SPDX-License-Identifier: Apache-2.0
//
// A demo, and a browser before it: what the browser's tests share. They run one after the other, since two Chromiums on
// a small machine would only slow each other down.

import Foundation
import StrictJSON
import TestSupport
import Testing

/// The parent of all suites; `.serialized` holds for everything in it.
@Suite(.serialized)
enum InTheBrowser {}

/// A room that calls nobody for longer than a test takes, once its one token is gone.
let stillRoom = "  demo: {rate: 0.01, burst: 1, claim_window: 2s}"

/// One Chromium at one demo.
typealias Visit = VisitOf<Browser>

/// One browser at one demo.
final class VisitOf<Chosen: WebBrowser> {
    let stack: DemoStack
    let browser: Chosen
    let isSecure: Bool

    /// - Parameter ahead: how many join over the API before the browser comes. The first of them finds room.
    init(
        _ room: String,
        ahead: Int,
        isSecure: Bool = false,
        browser: Chosen,
        workers: Int = 2,
        options: [String] = []
    ) throws {
        stack = try DemoStack(rooms: room, workers: workers, options: options)
        self.browser = browser
        self.isSecure = isSecure
        for number in 0..<ahead { try join(findsRoom: number == 0) }
    }

    /// Has the site show a page of its own at an address that no room protects.
    func serve(_ path: String, html: String) throws {
        let (folder, file) = (stack.directory, String(path.dropFirst()) + ".html")
        try folder.write(file, html)
        let own = "location = \(path) { default_type text/html; alias \(folder.file(file)); }\n"
        var text = folder.read("nginx.conf")
        // One server for each port.
        var rest = text.startIndex..<text.endIndex
        while let place = text[rest].firstRange(of: "location / {") {
            text.insert(contentsOf: own, at: place.lowerBound)
            let next = text.index(place.lowerBound, offsetBy: own.count + 12)
            rest = next..<text.endIndex
        }
        try folder.write("nginx.conf", text)
        try stack.reloadNginx()
        // With a pass that is none the question takes no token of the room.
        guard try stack.client().get(path, ("Cookie", "vestibule-pass-demo=x")).text == html
        else { throw TestFailure("nginx does not show \(path)") }
    }

    /// Somebody else joins over the API.
    func join(findsRoom: Bool) throws {
        let answer = try stack.client().postJSON("/api/v1/queue/join", #"{"event_id":"demo"}"#)
        guard answer.status == (findsRoom ? 200 : 202) else { throw TestFailure("join: \(answer.text)") }
    }

    func address(_ path: String) -> String {
        "\(isSecure ? "https" : "http")://127.0.0.1:\(isSecure ? stack.tlsPort : stack.port)\(path)"
    }

    var ticketCookie: String { "\(isSecure ? "__Host-" : "")vestibule-ticket-demo" }
    var passCookie: String { "\(isSecure ? "__Host-" : "")vestibule-pass-demo" }

    /// The position on the page, or nil when none is shown.
    var position: Int? { Int(browser.text("#position").filter { $0 != "," }) }

    /// How many numbers the room has given out.
    var numbersTaken: Int { get throws { Int(try stack.redis("HGET", "vq:{demo}:state", "joined")) ?? -1 } }

    /// The requests the backend has answered for a path.
    func backendLines(_ path: String) throws -> [Substring] {
        try stack.backendLines().filter { $0.contains(" \(path) ") }
    }

    /// Opens the address and waits for the position.
    func openAndWait(_ path: String = "/shop?item=7") throws {
        try browser.open(address(path))
        try expectPosition()
    }

    func expectPosition() throws {
        guard Wait.until(seconds: 5, { position != nil }) else {
            throw TestFailure("no position: \(try browser.url) \(browser.text("body"))")
        }
    }

    /// Waits until an element shows a text.
    func expect(_ selector: String, shows text: String, within seconds: Double = 5) {
        let isShown = Wait.until(seconds: seconds) { browser.text(selector).contains(text) }
        #expect(isShown, "\(selector) should show \"\(text)\"; the page says: \(browser.text("body"))")
    }

    /// Leaves on the page, which asks whether that is meant.
    func leaveOnThePage() throws {
        try browser.click("#leave")
        try browser.click("#confirm-leave")
    }

    func change(_ limits: String) throws {
        let result = try stack.room("set", "demo", limits)
        guard result.status == 0 else { throw TestFailure("room set \(limits): \(result.text)") }
    }
}

extension VisitOf where Chosen == Browser {
    /// With a Chromium in English.
    convenience init(
        _ room: String,
        ahead: Int,
        isSecure: Bool = false,
        workers: Int = 2,
        options: [String] = []
    ) throws {
        let browser = try Browser()
        try self.init(room, ahead: ahead, isSecure: isSecure, browser: browser, workers: workers, options: options)
    }
}
