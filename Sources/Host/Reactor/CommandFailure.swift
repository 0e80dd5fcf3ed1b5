// SPDX-License-Identifier: Apache-2.0
//
// What a command says when it cannot do its work: a code for programs and a sentence for people.

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
