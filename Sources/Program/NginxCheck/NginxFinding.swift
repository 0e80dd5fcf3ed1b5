// SPDX-License-Identifier: Apache-2.0
//
// What the check of a configuration has to say: where, how bad, what, and what to do.

/// One finding.
public struct NginxFinding: Sendable, Equatable, CustomStringConvertible {
    /// How bad it is.
    public enum Severity: String, Sendable, CaseIterable {
        /// A request can reach the site without the check, or anybody can make passes.
        case open
        /// Something does not work as it should, but the site is not open by it.
        case warning
        /// Nothing is wrong, but there may be a better way.
        case note
    }

    public let severity: Severity
    /// Of the line to change, or of the thing that has the wrong mode.
    public let file: String
    /// From 1 on; 0 when the finding is about the file itself.
    public let line: Int
    /// What it is, and what to do.
    public let message: String

    public init(_ severity: Severity, file: String, line: Int, _ message: String) {
        (self.severity, self.file, self.line, self.message) = (severity, file, line, message)
    }

    init(_ severity: Severity, _ directive: NginxDirective, _ message: String) {
        self.init(severity, file: directive.file, line: directive.line, message)
    }

    /// `FILE:LINE: open: what, and what to do`.
    public var description: String { "\(file)\(line > 0 ? ":\(line)" : ""): \(severity.rawValue): \(message)" }
}
