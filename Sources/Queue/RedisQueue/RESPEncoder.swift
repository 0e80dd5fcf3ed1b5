// SPDX-License-Identifier: Apache-2.0
//
// Commands as RESP arrays of bulk strings.
// Why no library: Swift cannot import the variadic formatter of hiredis, and redisFormatCommandArgv allocates a buffer
// for each command; this one is used again.

internal import QueueClient

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
        switch argument {
        case .bytes(let text): append(bulk: text)
        case .integer(let value): append(bulk: String(value).utf8)
        case .beforeServer(let prefix): append(bulk: prefix + server)
        }
    }

    private mutating func append(bulk text: some Collection<UInt8>) {
        bytes.append(UInt8(ascii: "$"))
        append(decimal: text.count)
        endLine()
        bytes.append(contentsOf: text)
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
