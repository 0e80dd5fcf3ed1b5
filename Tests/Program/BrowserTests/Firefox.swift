// SPDX-License-Identifier: Apache-2.0
//
// A real Firefox without a window, steered over WebDriver BiDi (https://w3c.github.io/webdriver-bidi/), which it speaks
// by itself on a loopback port: there is no driver between. A missing program is a failure.

import Foundation
import StrictJSON
import TestSupport

/// One Firefox with a profile of its own. It ends with its owner.
final class Firefox {
    private let profile: TemporaryDirectory
    private let process: TestProcess
    private let socket: WebSocket
    private var identifier = 0
    /// The tab that the next command is for.
    private(set) var tab = ""

    /// - Parameter runsScripts: false for a user who has switched JavaScript off.
    init(runsScripts: Bool = true) throws {
        profile = try TemporaryDirectory()
        let preferences = [
            "user_pref(\"javascript.enabled\", \(runsScripts));",
            "user_pref(\"intl.accept_languages\", \"en\");",
            "user_pref(\"browser.shell.checkDefaultBrowser\", false);",
            "user_pref(\"datareporting.policy.dataSubmissionEnabled\", false);",
            "user_pref(\"app.update.auto\", false);",
            "user_pref(\"network.captive-portal-service.enabled\", false);",
            "user_pref(\"network.connectivity-service.enabled\", false);",
            "user_pref(\"services.settings.server\", \"http://127.0.0.1:9/\");",
        ]
        try FileManager.default.createDirectory(atPath: profile.file("profile"), withIntermediateDirectories: true)
        try profile.write("profile/user.js", preferences.joined(separator: "\n") + "\n")
        let port = try Loopback.freePort()
        process = try TestProcess(
            "env",
            [
                "HOME=\(profile.path)", try TestProcess.locate("firefox-esr"), "--headless", "--no-remote", "--profile",
                profile.file("profile"), "--remote-debugging-port", "\(port)",
            ],
            log: profile.file("firefox.log")
        )
        var found: WebSocket?
        let isUp = Wait.until(seconds: 60) {
            found = try? WebSocket(port: port, path: "/session")
            return found != nil
        }
        guard isUp, let found else { throw TestFailure("Firefox did not start: \(profile.read("firefox.log"))") }
        socket = found
        try command("session.new", #"{"capabilities":{"alwaysMatch":{"acceptInsecureCerts":true}}}"#)
        let tree = try command("browsingContext.getTree", "{}")
        tab = tree["contexts"]?.arrayValue?.first?["context"]?.stringValue ?? ""
        guard !tab.isEmpty else { throw TestFailure("no tab: \(tree)") }
    }

    // Before the directory goes.
    deinit {
        _ = try? command("browser.close", "{}")
        process.stop()
    }

    /// Sends a command and returns its result. Events between are not asked for.
    @discardableResult
    private func command(_ method: String, _ parameters: String) throws -> JSONValue {
        identifier += 1
        try socket.send(#"{"id":\#(identifier),"method":"\#(method)","params":\#(parameters)}"#)
        while true {
            let answer = try JSONValue(parsing: try socket.receive())
            guard answer["id"]?.integerValue == Int64(identifier) else { continue }
            guard answer["type"]?.stringValue == "success", let result = answer["result"] else {
                throw TestFailure("BiDi \(method): \(answer["message"]?.stringValue ?? "\(answer)")")
            }
            return result
        }
    }

    func open(_ url: String) throws {
        try command(
            "browsingContext.navigate",
            #"{"context":"\#(tab)","url":\#(JSONText.literal(url)),"wait":"complete"}"#
        )
    }

    func reload() throws { try command("browsingContext.reload", #"{"context":"\#(tab)","wait":"complete"}"#) }

    /// Opens a tab, which the next command is for.
    func openTab() throws -> String {
        tab = try command("browsingContext.create", #"{"type":"tab"}"#)["context"]?.stringValue ?? ""
        return tab
    }

    func select(_ other: String) throws {
        try command("browsingContext.activate", #"{"context":"\#(other)"}"#)
        tab = other
    }

    var url: String { (try? evaluate("location.href")) ?? "" }

    /// The value of an expression as text, also where the page's own scripts do not run. Empty while a page is being
    /// replaced.
    func evaluate(_ expression: String) throws -> String {
        let target = #"{"context":"\#(tab)","sandbox":"test"}"#
        let text = JSONText.literal("String(\(expression))")
        let answer = try command("script.evaluate", #"{"expression":\#(text),"target":\#(target),"awaitPromise":true}"#)
        guard let value = answer["result"]?["value"]?.stringValue else { throw TestFailure("\(expression): \(answer)") }
        return value
    }

    func text(_ selector: String) -> String {
        (try? evaluate("document.querySelector(\(JSONText.literal(selector)))?.innerText ?? ''")) ?? ""
    }

    /// The position on the page, or nil when none is shown.
    var position: Int? { Int(text("#position").filter { $0 != "," }) }
}

/// A client of the WebSocket protocol (RFC 6455): text, whole or in fragments, and pings.
private final class WebSocket {
    private let socket: TestSocket
    private var buffer: [UInt8] = []

    init(port: Int, path: String) throws {
        socket = try TestSocket(port: port, timeoutSeconds: 60)
        // Any sixteen bytes: nothing between the two keeps an answer.
        let lines = [
            "GET \(path) HTTP/1.1", "Host: 127.0.0.1:\(port)", "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13", "", "",
        ]
        guard socket.send(Array(lines.joined(separator: "\r\n").utf8)) else { throw TestFailure("no handshake") }
        var end: Range<Int>?
        while end == nil {
            try socket.fill(&buffer)
            end = buffer.firstRange(of: Array("\r\n\r\n".utf8))
        }
        guard let end, buffer.starts(with: "HTTP/1.1 101".utf8) else { throw TestFailure("no WebSocket") }
        buffer.removeSubrange(..<end.upperBound)
    }

    func send(_ text: String) throws { try send(opcode: 1, Array(text.utf8)) }

    /// Of a mask: any but zeros, for which Firefox closes the connection.
    private static let mask: [UInt8] = [1, 2, 3, 4]

    private func send(opcode: UInt8, _ payload: [UInt8]) throws {
        var frame: [UInt8] = [0x80 | opcode]
        switch payload.count {
        case ..<126: frame.append(0x80 | UInt8(payload.count))
        case ..<65_536: frame += [0x80 | 126, UInt8(payload.count >> 8), UInt8(payload.count & 255)]
        default: frame += [0x80 | 127] + (0..<8).reversed().map { UInt8(payload.count >> ($0 * 8) & 255) }
        }
        guard socket.send(frame + WebSocket.mask + payload.enumerated().map { $1 ^ WebSocket.mask[$0 % 4] }) else {
            throw TestFailure("the WebSocket is closed")
        }
    }

    /// The next message.
    func receive() throws -> [UInt8] {
        var message: [UInt8] = []
        while true {
            let (opcode, isLast, payload) = try frame()
            switch opcode {
            case 8: throw TestFailure("the WebSocket was closed")
            case 9: try send(opcode: 10, payload)
            case 10: break
            default:
                message += payload
                if isLast { return message }
            }
        }
    }

    private func frame() throws -> (opcode: UInt8, isLast: Bool, payload: [UInt8]) {
        let head = try take(2)
        var count = Int(head[1] & 127)
        if count >= 126 { count = try take(count == 126 ? 2 : 8).reduce(0) { $0 << 8 | Int($1) } }
        return (head[0] & 15, head[0] & 128 != 0, try take(count))
    }

    private func take(_ count: Int) throws -> [UInt8] {
        while buffer.count < count { try socket.fill(&buffer) }
        defer { buffer.removeFirst(count) }
        return Array(buffer[..<count])
    }
}
