// SPDX-License-Identifier: Apache-2.0
//
// One directive of an nginx configuration, with the place it was read from.

/// A directive, its arguments as nginx sees them, and its block.
public struct NginxDirective: Sendable, Equatable {
    /// `location`; in a `map` or `types` block, the first word of an entry.
    public let name: String
    /// Without quotes and escapes; variables are not replaced.
    public let arguments: [String]
    /// The path of the file, as nginx opened it.
    public let file: String
    /// From 1 on: where the name stands.
    public let line: Int
    /// What stands between the braces; nil for a directive that ends with a semicolon. An `include` is followed by what
    /// it includes, in the same list.
    public internal(set) var block: [NginxDirective]?
    /// The body of a `*_by_lua_block`, which is no configuration.
    public internal(set) var code: String?

    /// The directives of a name that stand directly in the block.
    public func children(_ names: String...) -> [NginxDirective] {
        (block ?? []).filter { names.contains($0.name) }
    }

    /// The last component of the file's path.
    public var fileName: String { Self.lastComponent(file) }

    /// For an `include`: the last component of what it includes.
    var includedName: String? { name == "include" ? arguments.first.map(Self.lastComponent) : nil }

    static func lastComponent(_ path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }
}

/// Why a text is no nginx configuration.
public struct NginxSyntaxError: Error, Equatable, CustomStringConvertible {
    public let file: String
    public let line: Int
    public let problem: String

    public var description: String { "\(file):\(line): \(problem)" }
}
