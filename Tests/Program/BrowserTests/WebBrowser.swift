// SPDX-License-Identifier: Apache-2.0
//
// What the tests do with a browser, whichever it is: Chromium over WebDriver (Browser.swift), Firefox over WebDriver
// BiDi (Firefox.swift).

import Foundation
import StrictJSON
import TestSupport

/// One browser with a profile of its own and a chosen tab. It is closed with its owner.
protocol WebBrowser: AnyObject {
    /// Goes to an address, and waits until the page is loaded.
    func open(_ url: String) throws

    var url: String { get throws }

    var title: String { get throws }

    /// Runs the body of a function in the page and returns what it returns.
    func evaluate(_ script: String) throws -> JSONValue

    /// The cookie of that name which the page's address would be sent.
    func cookie(_ name: String) throws -> BrowserCookie?

    /// A click at the middle of the element, as a mouse makes it.
    func click(_ selector: String) throws

    /// What the console has said at the level of errors since it was asked last.
    func consoleErrors() throws -> [String]
}

struct BrowserCookie {
    var value: String
    var isHTTPOnly: Bool
    var isSecure: Bool
    var sameSite: String
}

extension WebBrowser {
    func isTrue(_ expression: String) throws -> Bool { try evaluate("return (\(expression));") == .bool(true) }

    /// The text a person sees in an element; empty when there is none, also while a page is being replaced.
    func text(_ selector: String) -> String {
        let script = "const e = document.querySelector(\(JSONText.literal(selector))); return e ? e.innerText : '';"
        return (try? evaluate(script).stringValue) ?? ""
    }

    func isVisible(_ selector: String) throws -> Bool {
        try isTrue("document.querySelector(\(JSONText.literal(selector)))?.checkVisibility() ?? false")
    }

    /// Writes a picture, in base64, as NAME.png into the directory VESTIBULE_SCREENSHOTS names; keeps nothing without
    /// it. Throws when it is no picture.
    func keepScreenshot(_ name: String, _ text: String) throws {
        guard let picture = Data(base64Encoded: text), picture.starts(with: [0x89, 0x50, 0x4e, 0x47]) else {
            throw TestFailure("no screenshot")
        }
        guard let folder = ProcessInfo.processInfo.environment["VESTIBULE_SCREENSHOTS"] else { return }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try picture.write(to: URL(fileURLWithPath: "\(folder)/\(name).png"))
    }
}
