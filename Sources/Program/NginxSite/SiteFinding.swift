// SPDX-License-Identifier: Apache-2.0
//
// What the check of a site says.

/// One thing in a site's nginx configuration, with what to do about it.
public struct SiteFinding: Equatable, Sendable, CustomStringConvertible {
    public enum Kind: String, Sendable {
        /// A request can reach the site without the check.
        case open
        /// Something will not work, or not as meant; nobody gets through.
        case warning
    }

    public var kind: Kind
    public var file: String
    /// From 1; 0 for the file as a whole.
    public var line: Int
    public var text: String

    public init(_ kind: Kind, file: String, line: Int, _ text: String) {
        self.kind = kind
        self.file = file
        self.line = line
        self.text = text
    }

    init(_ kind: Kind, _ directive: NginxDirective, _ text: String) {
        self.init(kind, file: directive.file, line: directive.line, text)
    }

    /// `FILE:LINE: open: what, and what to do`.
    public var description: String { "\(file):\(line): \(kind.rawValue): \(text)" }
}
