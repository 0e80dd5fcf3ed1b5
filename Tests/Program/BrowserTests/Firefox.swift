// SPDX-License-Identifier: Apache-2.0
//
// A real Firefox without a window, steered over WebDriver BiDi (https://w3c.github.io/webdriver-bidi/), which it speaks
// itself. A missing program is a failure. Everything but loopback is sent to a port where nobody listens.

import Foundation
import StrictJSON
import TestSupport

final class Firefox: WebBrowser {
    private let profile: TemporaryDirectory
    private let process: TestProcess
    private let socket: WebSocket
    private var commands = 0
    private var errors: [String] = []
    /// The chosen tab, by the name that the browser has given it.
    private(set) var tab = ""

    /// - Parameters:
    ///   - languages: what the browser sends as Accept-Language, best first.
    ///   - runsScripts: false for a user who has switched JavaScript off.
    init(languages: String = "en", runsScripts: Bool = true) throws {
        profile = try TemporaryDirectory()
        try profile.write("user.js", Firefox.preferences(languages, runsScripts))
        let port = try Loopback.freePort()
        let log = profile.file("firefox.log")
        let arguments = ["--headless", "--no-remote", "--profile", profile.path, "--remote-debugging-port", "\(port)"]
        process = try TestProcess("firefox-esr", arguments, log: log)
        // It answers the first command when all of it is there, which takes long beside other work.
        let hasStarted = Wait.until(seconds: 60) { Loopback.connects(port: port) }
        guard hasStarted else { throw TestFailure("Firefox did not start: \(profile.read("firefox.log"))") }
        socket = try WebSocket(port: port, path: "/session", timeoutSeconds: 90)
        try command("session.new", #"{"capabilities":{"alwaysMatch":{"acceptInsecureCerts":true}}}"#)
        try command("session.subscribe", #"{"events":["log.entryAdded"]}"#)
        tab = try command("browsingContext.getTree", "{}")["contexts"]?.arrayValue?.first?["context"]?.stringValue ?? ""
    }

    /// Nothing but loopback is reached, no page of the browser's own is put in front, and JSON is shown as it is.
    private static func preferences(_ languages: String, _ runsScripts: Bool) -> String {
        let values: [(String, String)] = [
            ("network.proxy.type", "1"), ("network.proxy.no_proxies_on", #""127.0.0.1""#),
            ("network.proxy.http", #""127.0.0.1""#), ("network.proxy.http_port", "9"),
            ("network.proxy.ssl", #""127.0.0.1""#), ("network.proxy.ssl_port", "9"),
            ("intl.accept_languages", #""\#(languages)""#), ("javascript.enabled", "\(runsScripts)"),
            ("devtools.jsonview.enabled", "false"),
        ]
        return values.map { "user_pref(\"\($0)\", \($1));\n" }.joined()
    }

    /// Sends one command and returns its result; an error answer is thrown. Events that come before it are kept.
    @discardableResult
    private func command(_ method: String, _ parameters: String) throws -> JSONValue {
        let answer = try JSONValue(parsing: answer(method, parameters))
        guard answer["type"]?.stringValue == "success", let result = answer["result"] else {
            throw TestFailure("\(method) \(parameters.prefix(200)): \(answer)")
        }
        return result
    }

    private func answer(_ method: String, _ parameters: String) throws -> [UInt8] {
        commands += 1
        try socket.send(#"{"id":\#(commands),"method":"\#(method)","params":\#(parameters)}"#)
        while true {
            let message: [UInt8]
            do { message = try socket.receive() } catch { throw TestFailure("\(method) \(parameters): \(error)") }
            // A screenshot is longer than StrictJSON reads; no event is.
            guard let value = try? JSONValue(parsing: message) else { return message }
            if value["id"]?.integerValue == Int64(commands) { return message }
            note(value)
        }
    }

    private func note(_ event: JSONValue) {
        guard event["method"]?.stringValue == "log.entryAdded", let entry = event["params"] else { return }
        if entry["level"]?.stringValue == "error" { errors.append(entry["text"]?.stringValue ?? "?") }
    }

    private func command(inTab method: String, _ members: String) throws -> JSONValue {
        try command(method, #"{"context":"\#(tab)",\#(members)}"#)
    }

    // MARK: - Pages

    func open(_ url: String) throws { try open(url, until: "complete") }

    /// Goes to an address and does not wait for the page.
    func startOpening(_ url: String) throws { try open(url, until: "none") }

    private func open(_ url: String, until state: String) throws {
        _ = try command(inTab: "browsingContext.navigate", #""url":\#(JSONText.literal(url)),"wait":"\#(state)""#)
    }

    func reload() throws { _ = try command(inTab: "browsingContext.reload", #""wait":"complete""#) }

    func goBack() throws { _ = try command(inTab: "browsingContext.traverseHistory", #""delta":-1"#) }

    var url: String {
        get throws {
            let tree = try command(#"browsingContext.getTree"#, #"{"root":"\#(tab)"}"#)
            return tree["contexts"]?.arrayValue?.first?["url"]?.stringValue ?? ""
        }
    }

    var title: String { get throws { try evaluate("return document.title;").stringValue ?? "" } }

    func evaluate(_ script: String) throws -> JSONValue {
        try call("() => JSON.stringify((() => { \(script) })() ?? null)")
    }

    /// As ``evaluate(_:)`` for the body of an async function. Not where scripts are off: no promise is kept there.
    func evaluateInTime(_ script: String) throws -> JSONValue {
        try call("async () => JSON.stringify(await (async () => { \(script) })() ?? null)")
    }

    private func call(_ function: String) throws -> JSONValue {
        let members = #""target":{"context":"\#(tab)"},"awaitPromise":true"#
        let call = #"{"functionDeclaration":\#(JSONText.literal(function)),\#(members)}"#
        let result = try command("script.callFunction", call)
        guard let text = result["result"]?["value"]?.stringValue else { throw TestFailure("\(function): \(result)") }
        return try JSONValue(parsing: Array(text.utf8))
    }

    func click(_ selector: String) throws {
        let query = #""locator":{"type":"css","value":\#(JSONText.literal(selector))}"#
        let found = try command(inTab: "browsingContext.locateNodes", query)["nodes"]?.arrayValue?.first
        guard let id = found?["sharedId"]?.stringValue else { throw TestFailure("no element \(selector)") }
        let place = #""x":0,"y":0,"origin":{"type":"element","element":{"sharedId":"\#(id)"}}"#
        let moves =
            #"{"type":"pointerMove",\#(place)},{"type":"pointerDown","button":0},{"type":"pointerUp","button":0}"#
        let actions = #""actions":[{"type":"pointer","id":"mouse","actions":[\#(moves)]}]"#
        _ = try command(inTab: "input.performActions", actions)
    }

    // MARK: - Tabs, cookies, console

    /// Opens another tab, and chooses it.
    func openTab() throws {
        tab = try command("browsingContext.create", #"{"type":"tab"}"#)["context"]?.stringValue ?? ""
    }

    func select(_ tab: String) throws {
        self.tab = tab
        try command("browsingContext.activate", #"{"context":"\#(tab)"}"#)
    }

    func cookie(_ name: String) throws -> BrowserCookie? {
        let partition = #"{"type":"context","context":"\#(tab)"}"#
        let cookies = try command("storage.getCookies", #"{"partition":\#(partition)}"#)["cookies"]?.arrayValue ?? []
        guard let found = cookies.first(where: { $0["name"]?.stringValue == name }) else { return nil }
        return BrowserCookie(
            value: found["value"]?["value"]?.stringValue ?? "",
            isHTTPOnly: found["httpOnly"] == .bool(true),
            isSecure: found["secure"] == .bool(true),
            sameSite: found["sameSite"]?.stringValue ?? ""
        )
    }

    func consoleErrors() throws -> [String] {
        // What the page has said before this command is answered before it.
        _ = try evaluate("return null;")
        defer { errors = [] }
        return errors
    }

    /// As in Chromium: ``WebBrowser/keepScreenshot(_:_:)``.
    func takeScreenshot(_ name: String) throws {
        struct Answer: Decodable {
            struct Result: Decodable { var data: String }
            var result: Result
        }
        let bytes = try answer("browsingContext.captureScreenshot", #"{"context":"\#(tab)"}"#)
        let text = try JSONDecoder().decode(Answer.self, from: Data(bytes)).result.data
        try keepScreenshot(name, text)
    }
}
