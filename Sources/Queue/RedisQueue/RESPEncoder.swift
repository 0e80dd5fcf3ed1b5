// SPDX-License-Identifier: Apache-2.0
//
// Commands as RESP arrays of bulk strings. hiredis' variadic formatter cannot be imported, and this needs no copy more.

/// Builds one command at a time in a buffer that is reused.
struct RESPEncoder {
    private(set) var bytes: [UInt8] = []

    mutating func begin(argumentCount: Int) {
        bytes.removeAll(keepingCapacity: true)
        bytes.append(UInt8(ascii: "*"))
        append(decimal: argumentCount)
        endLine()
    }

    /// - Parameter server: the identity of the server that gets the command, for an argument that ends with it.
    mutating func append(_ argument: RedisArgument, server: [UInt8]) {
        bytes.append(UInt8(ascii: "$"))
        append(decimal: argument.bytes.count + (argument.endsWithServer ? server.count : 0))
        endLine()
        bytes.append(contentsOf: argument.bytes)
        if argument.endsWithServer { bytes.append(contentsOf: server) }
        endLine()
    }

    private mutating func append(decimal value: Int) {
        bytes.append(contentsOf: String(value).utf8)
    }

    private mutating func endLine() {
        bytes.append(UInt8(ascii: "\r"))
        bytes.append(UInt8(ascii: "\n"))
    }
}

/// One argument of a command: text, a number, or raw bytes.
public struct RedisArgument: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, Sendable {
    let bytes: [UInt8]
    /// Whether the connection that sends the command puts the identity of its server behind the bytes.
    private(set) var endsWithServer = false

    /// - Parameter prefix: what stands before the identity of whichever server gets the command.
    init(beforeServer prefix: String) {
        bytes = Array(prefix.utf8)
        endsWithServer = true
    }

    public init(_ bytes: [UInt8]) { self.bytes = bytes }
    public init(_ text: String) { self.bytes = Array(text.utf8) }
    public init(_ number: Int) { self.bytes = Array(String(number).utf8) }
    public init(stringLiteral value: String) { self.init(value) }
    public init(integerLiteral value: Int) { self.init(value) }
}
