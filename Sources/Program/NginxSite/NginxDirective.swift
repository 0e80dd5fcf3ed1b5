// SPDX-License-Identifier: Apache-2.0
//
// One directive of an nginx configuration, with its place and its block.

/// A directive: `name arguments;` or `name arguments { ... }`.
public struct NginxDirective: Equatable, Sendable {
    public var name: String
    /// Without quotes and escapes, as nginx reads them.
    public var arguments: [String]
    /// Where it stands. Lines begin with 1.
    public var file: String
    public var line: Int
    /// What its braces hold, in order; nil for a directive that ends with a semicolon. The text of a Lua block is in
    /// `arguments`, and its block is empty.
    public var block: [NginxDirective]?

    public init(name: String, arguments: [String], file: String, line: Int, block: [NginxDirective]? = nil) {
        self.name = name
        self.arguments = arguments
        self.file = file
        self.line = line
        self.block = block
    }

    /// The file's name without its folder.
    public var fileName: Substring { file.split(separator: "/").last ?? "" }

    /// The arguments as one text.
    public var text: String { arguments.joined(separator: " ") }
}

/// Why a configuration cannot be read.
public struct NginxSyntaxError: Error, Equatable, CustomStringConvertible {
    public var file: String
    public var line: Int
    public var reason: String

    public var description: String { "\(file):\(line): \(reason)" }
}
