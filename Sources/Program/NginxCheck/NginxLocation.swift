// SPDX-License-Identifier: Apache-2.0
//
// The locations of a server, and which of them nginx takes for a path.

/// A `location` and those inside of it.
struct NginxLocation {
    enum Matcher: Equatable {
        case exact
        /// Without `^~` a regular expression may still take the path.
        case prefix(isFinal: Bool)
        case expression(ignoresCase: Bool)
        case named
    }

    let directive: NginxDirective
    let matcher: Matcher
    /// The path, the expression, or the name with its `@`.
    let pattern: String
    let nested: [NginxLocation]

    init(_ directive: NginxDirective) {
        self.directive = directive
        let words = directive.arguments
        switch words.count > 1 ? words[0] : "" {
        case "=": (matcher, pattern) = (.exact, words[1])
        case "^~": (matcher, pattern) = (.prefix(isFinal: true), words[1])
        case "~": (matcher, pattern) = (.expression(ignoresCase: false), words[1])
        case "~*": (matcher, pattern) = (.expression(ignoresCase: true), words[1])
        default: (matcher, pattern) = Self.joined(words.first ?? "")
        }
        nested = Self.all(in: directive)
    }

    /// nginx also reads a modifier that is written together with its path, as in `=/x` or `~\.php$`.
    private static func joined(_ word: String) -> (Matcher, String) {
        if word.hasPrefix("@") { return (.named, word) }
        if word.hasPrefix("=") { return (.exact, String(word.dropFirst())) }
        if word.hasPrefix("^~") { return (.prefix(isFinal: true), String(word.dropFirst(2))) }
        if word.hasPrefix("~*") { return (.expression(ignoresCase: true), String(word.dropFirst(2))) }
        if word.hasPrefix("~") { return (.expression(ignoresCase: false), String(word.dropFirst())) }
        return (.prefix(isFinal: false), word)
    }

    /// The locations that stand directly in a block, also those of included files.
    static func all(in block: NginxDirective) -> [NginxLocation] {
        block.children("location").map { NginxLocation($0) }
    }

    var isExpression: Bool { if case .expression = matcher { true } else { false } }

    /// As it is written: `location ~ \.php$`.
    var title: String { "location \(directive.arguments.joined(separator: " "))" }

    /// The location that answers a path, as nginx finds it: an exact one, else the longest prefix, and those inside of
    /// it; then the first expression, unless the prefix is final.
    static func choice(among locations: [NginxLocation], for path: String) -> NginxLocation? {
        if let exact = locations.first(where: { $0.matcher == .exact && $0.pattern == path }) { return exact }
        let prefixes = locations.filter { location in
            if case .prefix = location.matcher { path.hasPrefix(location.pattern) } else { false }
        }
        let longest = prefixes.max { $0.pattern.utf8.count < $1.pattern.utf8.count }
        if let longest, let inner = choice(among: longest.nested, for: path) {
            if inner.isDecided { return inner }
            return expression(among: locations, for: path) ?? inner
        }
        if let longest, longest.isDecided { return longest }
        return expression(among: locations, for: path) ?? longest
    }

    /// Whether nginx looks at no expression of the level above any more.
    private var isDecided: Bool { matcher != .prefix(isFinal: false) }

    private static func expression(among locations: [NginxLocation], for path: String) -> NginxLocation? {
        guard let found = locations.first(where: { $0.isMatchedByExpression(path) }) else { return nil }
        return choice(among: found.nested, for: path) ?? found
    }

    /// An expression that this program cannot read matches nothing: nginx's library knows a few things more.
    func isMatchedByExpression(_ path: String) -> Bool {
        guard case .expression(let ignoresCase) = matcher, let expression = try? Regex(pattern) else { return false }
        return path.firstMatch(of: expression.ignoresCase(ignoresCase)) != nil
    }
}

/// The locations that a site marks as `internal`: what nginx itself leads to, and no client. What a name leads to
/// (`@app`) no address reaches.
enum SiteInternals {
    static func all(in server: NginxDirective) -> [NginxLocation] {
        func inner(_ locations: [NginxLocation]) -> [NginxLocation] {
            locations.filter { !$0.directive.isOurs }.flatMap { [$0] + inner($0.nested) }
        }
        return inner(NginxLocation.all(in: server)).filter {
            $0.matcher != .named && !$0.directive.children("internal").isEmpty
        }
    }

    /// Those that `internal` of a room can name: an expression has no path.
    static func withPath(in server: NginxDirective) -> [NginxLocation] { all(in: server).filter { !$0.isExpression } }
}

extension NginxDirective {
    /// Whether the directive stands in a file that Vestibule rendered.
    var isOurs: Bool { OurFiles.names.contains(fileName) }

    /// Whether the directive includes the named file of ours.
    func includes(_ name: String) -> Bool { includedName == name }

    /// Whether a line of its block includes the named file of ours.
    func holdsInclude(_ name: String) -> Bool { (block ?? []).contains { $0.includes(name) } }

    /// Lines of the rewrite module, also within `if`, after which nginx runs no further line of it in this level.
    /// - Parameter isServer: in a server `last` ends them too; in a location it leads to another location.
    func skippers(before end: Int, isServer: Bool) -> [NginxDirective] {
        (block ?? [])[..<end].filter { !$0.isOurs }.flatMap { directive -> [NginxDirective] in
            if directive.name == "if" {
                return directive.skippers(before: directive.block?.count ?? 0, isServer: isServer)
            }
            return directive.isSkipper(isServer: isServer) ? [directive] : []
        }
    }

    private func isSkipper(isServer: Bool) -> Bool {
        switch name {
        case "break": true
        case "return": answersWithContent
        case "rewrite":
            arguments.last == "break" && !redirects || isServer && arguments.last == "last" && !redirects
        default: false
        }
    }

    /// A rewrite to an address with a scheme answers with 302.
    private var redirects: Bool {
        arguments.count > 1 && ["http://", "https://", "$scheme"].contains { arguments[1].hasPrefix($0) }
    }

    /// For `return`: whether it serves something of the site, and not an error or another address.
    var answersWithContent: Bool {
        name == "return" && arguments.first.flatMap { Int($0) }.map { (200..<300).contains($0) } == true
    }
}
