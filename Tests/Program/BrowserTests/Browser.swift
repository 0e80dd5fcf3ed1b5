// SPDX-License-Identifier: Apache-2.0
//
// A real Chromium without a window, steered over the W3C WebDriver protocol (https://www.w3.org/TR/webdriver2/) that
// chromedriver speaks on a loopback port. A missing program is a failure. Nothing outside loopback can be reached.

import Foundation
import StrictJSON
import TestSupport

/// One browser with a profile of its own. It is closed with its owner.
final class Browser: WebBrowser {
    /// The member that holds an element's reference (WebDriver section 12).
    private static let elementMember = "element-6066-11e4-a52e-4f735466cecf"
    private static let enterKey = "\u{E007}"

    private let profile: TemporaryDirectory
    private let driver: TestProcess
    private let client: HTTPClient
    private var session = ""

    /// - Parameters:
    ///   - languages: what the browser sends as Accept-Language, best first.
    ///   - keepsCookies: false for a user who has switched cookies (and with them all storage) off.
    ///   - runsScripts: false for a user who has switched JavaScript off.
    init(languages: String = "en", keepsCookies: Bool = true, runsScripts: Bool = true) throws {
        profile = try TemporaryDirectory()
        let port = try Loopback.freePort()
        let log = profile.file("chromedriver.log")
        driver = try TestProcess("chromedriver", ["--port=\(port)"], log: log)
        client = HTTPClient(port: port, timeoutSeconds: 30)
        let isReady = Wait.until(seconds: 10) {
            (try? client.get("/status").json["value"]?["ready"]) == .bool(true)
        }
        guard isReady else { throw TestFailure("chromedriver did not start: \(profile.read("chromedriver.log"))") }
        let created = try command("POST", "/session", try capabilities(languages, keepsCookies, runsScripts))
        guard let id = created["sessionId"]?.stringValue else { throw TestFailure("no session: \(created)") }
        session = "/session/\(id)"
    }

    deinit {
        if !session.isEmpty { _ = try? client.send("DELETE", session) }
    }

    private func capabilities(_ languages: String, _ keepsCookies: Bool, _ runsScripts: Bool) throws -> String {
        let first = languages.prefix { $0 != "," }
        let arguments = [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1000,800",
            "--user-data-dir=\(profile.file("profile"))", "--ignore-certificate-errors", "--lang=\(first)",
            "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        ]
        return """
            {"capabilities":{"alwaysMatch":{"acceptInsecureCerts":true,"goog:loggingPrefs":{"browser":"ALL"},\
            "goog:chromeOptions":{"binary":"\(try TestProcess.locate("chromium"))",\
            "args":[\(arguments.map(JSONText.literal).joined(separator: ","))],\
            "prefs":{"intl.accept_languages":"\(languages)",\
            "profile.default_content_setting_values.javascript":\(runsScripts ? 1 : 2),\
            "profile.default_content_setting_values.cookies":\(keepsCookies ? 1 : 2)}}}}}
            """
    }

    /// Sends one command and returns member `value` of the answer; an error answer is thrown.
    @discardableResult
    private func command(_ method: String, _ path: String, _ body: String? = nil) throws -> JSONValue {
        let headers = body == nil ? [] : [("Content-Type", "application/json; charset=utf-8")]
        let answer = try client.send(method, session + path, headers: headers, body: body)
        guard answer.status == 200, let value = answer.json["value"] else {
            throw TestFailure("WebDriver \(method) \(path): \(answer.status) \(answer.text.prefix(400))")
        }
        return value
    }

    // MARK: - Pages

    func open(_ url: String) throws { try command("POST", "/url", #"{"url":\#(JSONText.literal(url))}"#) }

    func back() throws { try command("POST", "/back", "{}") }

    func forward() throws { try command("POST", "/forward", "{}") }

    func reload() throws { try command("POST", "/refresh", "{}") }

    var url: String { get throws { try command("GET", "/url").stringValue ?? "" } }

    var title: String { get throws { try command("GET", "/title").stringValue ?? "" } }

    /// Runs the body of a function in the page and returns what it returns.
    func evaluate(_ script: String) throws -> JSONValue {
        try command("POST", "/execute/sync", #"{"script":\#(JSONText.literal(script)),"args":[]}"#)
    }

    /// A click at the middle of the element, as a mouse makes it: it fails when something else lies over it.
    func click(_ selector: String) throws { try command("POST", "/element/\(try element(selector))/click", "{}") }

    /// Focuses the element and presses Enter.
    func pressEnter(on selector: String) throws {
        let path = "/element/\(try element(selector))/value"
        try command("POST", path, #"{"text":\#(JSONText.literal(Browser.enterKey))}"#)
    }

    private func element(_ selector: String) throws -> String {
        let query = #"{"using":"css selector","value":\#(JSONText.literal(selector))}"#
        let found = try command("POST", "/element", query)
        guard let id = found[Browser.elementMember]?.stringValue else { throw TestFailure("no element \(selector)") }
        return id
    }

    // MARK: - Tabs, cookies, console

    var tab: String { get throws { try command("GET", "/window").stringValue ?? "" } }

    func openTab() throws -> String {
        let opened = try command("POST", "/window/new", #"{"type":"tab"}"#)["handle"]?.stringValue ?? ""
        try select(opened)
        return opened
    }

    /// Every tab, in no order.
    var tabs: [String] {
        get throws { try command("GET", "/window/handles").arrayValue?.compactMap(\.stringValue) ?? [] }
    }

    /// Another one must be selected then.
    func closeTab() throws { try command("DELETE", "/window") }

    func select(_ tab: String) throws { try command("POST", "/window", #"{"handle":\#(JSONText.literal(tab))}"#) }

    func cookie(_ name: String) throws -> BrowserCookie? {
        guard case .array(let cookies) = try command("GET", "/cookie") else { return nil }
        guard let found = cookies.first(where: { $0["name"]?.stringValue == name }) else { return nil }
        return BrowserCookie(
            value: found["value"]?.stringValue ?? "",
            isHTTPOnly: found["httpOnly"] == .bool(true),
            isSecure: found["secure"] == .bool(true),
            sameSite: found["sameSite"]?.stringValue ?? ""
        )
    }

    /// What the console has said at level SEVERE since it was asked last: script errors and refused requests.
    func consoleErrors() throws -> [String] {
        guard case .array(let entries) = try command("POST", "/se/log", #"{"type":"browser"}"#) else { return [] }
        let severe = entries.filter { $0["level"]?.stringValue == "SEVERE" }.map { $0["message"]?.stringValue ?? "?" }
        // Chromium reports the status of the waiting page itself.
        return severe.filter { !$0.contains("status of 503") || $0.contains("/api/v1/") }
    }

    // MARK: - Appearance

    /// A command of the DevTools protocol (https://chromedevtools.github.io/devtools-protocol/).
    @discardableResult
    private func devTools(_ name: String, _ parameters: String) throws -> JSONValue {
        try command("POST", "/goog/cdp/execute", #"{"cmd":"\#(name)","params":\#(parameters)}"#)
    }

    func becomePhone(width: Int, height: Int) throws {
        try devTools(
            "Emulation.setDeviceMetricsOverride",
            #"{"width":\#(width),"height":\#(height),"deviceScaleFactor":2,"mobile":true}"#
        )
    }

    /// `frozen`, as a tab of a machine that sleeps, or `active`.
    func setLifecycle(_ state: String) throws {
        try devTools("Page.setWebLifecycleState", #"{"state":"\#(state)"}"#)
    }

    func becomeDesktop() throws { try devTools("Emulation.clearDeviceMetricsOverride", "{}") }

    /// Has a script run in each page from now on, before anything of the page.
    func runBeforeEachPage(_ script: String) throws {
        try devTools("Page.addScriptToEvaluateOnNewDocument", #"{"source":\#(JSONText.literal(script))}"#)
    }

    /// Makes the processor slower by this factor, and begins to measure what scripts take.
    func slowDown(by factor: Int) throws {
        try devTools("Performance.enable", "{}")
        try devTools("Emulation.setCPUThrottlingRate", #"{"rate":\#(factor)}"#)
    }

    /// How long the scripts of the page have run, in milliseconds.
    var scriptMilliseconds: Double {
        get throws {
            let metrics = try devTools("Performance.getMetrics", "{}")["metrics"]?.arrayValue ?? []
            let found = metrics.first { $0["name"] == .string("ScriptDuration") }?["value"]
            switch found {
            case .number(let seconds): return seconds * 1000
            case .integer(let seconds): return Double(seconds) * 1000
            default: throw TestFailure("no ScriptDuration in \(metrics)")
            }
        }
    }

    func prefer(colorScheme: String) throws {
        try devTools(
            "Emulation.setEmulatedMedia",
            #"{"features":[{"name":"prefers-color-scheme","value":"\#(colorScheme)"}]}"#
        )
    }

    /// Writes what is seen now as NAME.png into the directory VESTIBULE_SCREENSHOTS names; keeps nothing without it.
    /// Throws when there is no picture. The answer is longer than StrictJSON reads, so its one member is read here.
    func takeScreenshot(_ name: String) throws {
        struct Answer: Decodable { var value: String }
        let answer = try client.get("\(session)/screenshot")
        let text = try JSONDecoder().decode(Answer.self, from: Data(answer.body)).value
        try keepScreenshot(name, text)
    }
}
