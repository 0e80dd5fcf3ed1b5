// SPDX-License-Identifier: Apache-2.0
//
// What `nginx -T` prints: every file of the configuration, once, behind a line with its name. Includes are put together
// again from it, so that the file system is not read a second time.

/// A whole configuration, with its includes in their places.
public struct NginxDump: Sendable {
    private static let mark = "# configuration file "
    /// Files that include each other deeper than this are a circle, which nginx refuses.
    private static let includesMax = 32

    /// Names in the order of the dump; the first is the main file.
    public let files: [String]
    /// The directives of the main file; an include is followed by what it brought.
    public let directives: [NginxDirective]

    /// - Parameter text: the output of `nginx -T`.
    /// - Throws: ``NginxSyntaxError``, also for a text that is no dump.
    public init(text: String) throws(NginxSyntaxError) {
        var names: [String] = []
        var contents: [String: [Substring]] = [:]
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix(Self.mark), line.hasSuffix(":") {
                let name = String(line.dropFirst(Self.mark.count).dropLast())
                names.append(name)
                contents[name] = []
            } else if let name = names.last {
                contents[name]?.append(line)
            }
        }
        guard let main = names.first else {
            throw NginxSyntaxError(file: "nginx -T", line: 1, reason: "no configuration file is in the output")
        }
        files = names
        var parsed: [String: [NginxDirective]] = [:]
        for name in names where Self.isConfiguration(name) {
            parsed[name] = try NginxParser.parse(file: name, text: contents[name, default: []].joined(separator: "\n"))
        }
        let folder = main.split(separator: "/").dropLast().map { "/\($0)" }.joined()
        directives = try Self.join(parsed[main] ?? [], files: names, parsed, folder, depth: 0)
    }

    /// Files that are read by their modules are not dumped; this is for what only looks like a dump.
    private static func isConfiguration(_ name: String) -> Bool { !name.isEmpty }

    private static func join(
        _ block: [NginxDirective],
        files: [String],
        _ parsed: [String: [NginxDirective]],
        _ folder: String,
        depth: Int
    ) throws(NginxSyntaxError) -> [NginxDirective] {
        var joined: [NginxDirective] = []
        for var directive in block {
            if let inner = directive.block {
                directive.block = try join(inner, files: files, parsed, folder, depth: depth)
            }
            joined.append(directive)
            guard directive.name == "include", let pattern = directive.arguments.first else { continue }
            guard depth < includesMax else {
                throw NginxSyntaxError(file: directive.file, line: directive.line, reason: "includes in a circle")
            }
            // Relative to the folder of the main file; in the order of the names, as glob(3) gives them.
            let path = Array((pattern.hasPrefix("/") ? pattern : "\(folder)/\(pattern)").utf8)
            for name in files.filter({ FilePattern.matches(Array($0.utf8), path) }).sorted() {
                joined += try join(parsed[name] ?? [], files: files, parsed, folder, depth: depth + 1)
            }
        }
        return joined
    }
}

/// Patterns of glob(3): `*`, `?` and `[...]`, none of which matches a slash.
enum FilePattern {
    static func matches(_ name: [UInt8], _ pattern: [UInt8]) -> Bool {
        matches(name[...], pattern[...])
    }

    private static func matches(_ name: ArraySlice<UInt8>, _ pattern: ArraySlice<UInt8>) -> Bool {
        guard let first = pattern.first else { return name.isEmpty }
        let rest = pattern.dropFirst()
        if first == UInt8(ascii: "*") {
            var left = name
            while true {
                if matches(left, rest) { return true }
                guard let next = left.first, next != UInt8(ascii: "/") else { return false }
                left = left.dropFirst()
            }
        }
        guard let byte = name.first else { return false }
        if first == UInt8(ascii: "?") { return byte != UInt8(ascii: "/") && matches(name.dropFirst(), rest) }
        if first == UInt8(ascii: "["), let (isIn, after) = bracket(rest, byte) {
            return isIn && byte != UInt8(ascii: "/") && matches(name.dropFirst(), after)
        }
        return first == byte && matches(name.dropFirst(), rest)
    }

    /// Whether the byte is in the bracket, and the pattern behind it; nil when the bracket is not closed.
    private static func bracket(_ pattern: ArraySlice<UInt8>, _ byte: UInt8) -> (Bool, ArraySlice<UInt8>)? {
        guard let end = pattern.dropFirst().firstIndex(of: UInt8(ascii: "]")) else { return nil }
        var members = pattern[..<end]
        let isNegated = members.first == UInt8(ascii: "!") || members.first == UInt8(ascii: "^")
        if isNegated { members = members.dropFirst() }
        var isIn = false
        while let low = members.first {
            members = members.dropFirst()
            if members.count >= 2, members.first == UInt8(ascii: "-"), let high = members.dropFirst().first {
                isIn = isIn || (low...max(low, high)).contains(byte)
                members = members.dropFirst(2)
            } else {
                isIn = isIn || low == byte
            }
        }
        return (isIn != isNegated, pattern[(end + 1)...])
    }
}
