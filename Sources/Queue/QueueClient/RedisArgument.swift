// SPDX-License-Identifier: Apache-2.0
//
// One argument of a command: text, a number, or raw bytes. A number stays a number until the connection writes it.

public enum RedisArgument: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, Sendable {
    case bytes([UInt8])
    case integer(Int)
    /// Bytes behind which the connection that sends the command puts the identity of its server.
    case beforeServer([UInt8])

    /// - Parameter prefix: what stands before the identity of the server that gets the command.
    init(beforeServer prefix: String) { self = .beforeServer(Array(prefix.utf8)) }

    public init(_ bytes: [UInt8]) { self = .bytes(bytes) }
    public init(_ text: String) { self = .bytes(Array(text.utf8)) }
    public init(_ number: Int) { self = .integer(number) }
    public init(stringLiteral value: String) { self.init(value) }
    public init(integerLiteral value: Int) { self.init(value) }
}
