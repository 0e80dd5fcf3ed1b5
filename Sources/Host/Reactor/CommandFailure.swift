// SPDX-License-Identifier: Apache-2.0
//
// What a command says when it cannot do its work: a code for programs and a sentence for people. And what it says to
// people beside its output.

internal import Glibc

/// Printed as `Error: CODE: message`; the exit status is 1.
public struct CommandFailure: Error, CustomStringConvertible, Sendable {
    public let code: String
    public let message: String

    public init(_ code: String, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { "\(code): \(message)" }
}

/// Words for the operator on standard error, beside what a command prints for programs.
public enum Remark {
    /// Writes a line. It is lost when nobody listens.
    public static func say(_ text: String) {
        let line = Array("\(text)\n".utf8)
        _ = write(STDERR_FILENO, line, line.count)
    }
}
