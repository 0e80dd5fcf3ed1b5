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

    mutating func append(_ argument: some Collection<UInt8>) {
        bytes.append(UInt8(ascii: "$"))
        append(decimal: argument.count)
        endLine()
        bytes.append(contentsOf: argument)
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

    public init(_ bytes: [UInt8]) { self.bytes = bytes }
    public init(_ text: String) { self.bytes = Array(text.utf8) }
    public init(_ number: Int) { self.bytes = Array(String(number).utf8) }
    public init(stringLiteral value: String) { self.init(value) }
    public init(integerLiteral value: Int) { self.init(value) }
}
