// SPDX-License-Identifier: Apache-2.0
//
// Which lines of a site's files get the includes, as new texts with a diff. Nothing is written here.

/// New lines in one file.
public struct SiteEdit: Sendable {
    /// Lines behind a brace of the old text.
    private struct Addition {
        var line: Int
        var brace: String.Index
        var indent: String
        var lines: [String]
    }

    public let file: String
    public let before: String
    private var additions: [Addition] = []

    public init(file: String, text: String) {
        self.file = file
        before = text
    }

    private static func lines(_ text: String) -> [String] {
        text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    /// Puts lines behind the brace that opens a directive's block.
    /// - Parameters:
    ///   - lines: without indentation; they get that of the directive and four spaces.
    ///   - directive: as it was read from the old text.
    /// - Throws: ``NginxSyntaxError`` when no brace follows.
    public mutating func insert(_ lines: [String], into directive: NginxDirective) throws(NginxSyntaxError) {
        let old = SiteEdit.lines(before)
        var line = directive.line - 1
        guard old.indices.contains(line) else { throw noBrace(directive) }
        let indent = old[line].prefix { $0 == " " || $0 == "\t" } + "    "
        // Another directive may begin in the same line.
        var from = old[line].firstRange(of: directive.name)?.upperBound ?? old[line].startIndex
        while true {
            if let brace = old[line][from...].firstIndex(of: "{") {
                additions.append(Addition(line: line, brace: brace, indent: String(indent), lines: lines))
                return
            }
            line += 1
            guard line < old.count else { throw noBrace(directive) }
            from = old[line].startIndex
        }
    }

    private func noBrace(_ directive: NginxDirective) -> NginxSyntaxError {
        NginxSyntaxError(file: file, line: directive.line, problem: "no { follows")
    }

    /// The new text.
    public var after: String {
        var new: [String] = []
        for (index, line) in SiteEdit.lines(before).enumerated() {
            var (from, indent) = (line.startIndex, "")
            for addition in additions.filter({ $0.line == index }).sorted(by: { $0.brace < $1.brace }) {
                new.append(indent + line[from...addition.brace])
                new += addition.lines.map { addition.indent + $0 }
                let rest = line[line.index(after: addition.brace)...].drop { $0 == " " || $0 == "\t" }
                (from, indent) = (rest.startIndex, addition.indent)
            }
            if from == line.startIndex || from < line.endIndex { new.append(indent + line[from...]) }
        }
        return new.joined(separator: "\n")
    }

    /// The change in the unified format, three lines of context.
    public var diff: String {
        let (old, new) = (SiteEdit.lines(before), SiteEdit.lines(after))
        let start = zip(old, new).prefix { $0 == $1 }.count
        let end = zip(old.reversed(), new.reversed()).prefix { $0 == $1 }.count
        // The parts that differ must not overlap.
        let tail = min(end, min(old.count, new.count) - start)
        let (oldEnd, newEnd) = (old.count - tail, new.count - tail)
        let from = max(0, start - 3)
        let context = (from, min(old.count, oldEnd + 3), min(new.count, newEnd + 3))
        var lines = ["--- \(file)", "+++ \(file)"]
        lines.append("@@ -\(from + 1),\(context.1 - from) +\(from + 1),\(context.2 - from) @@")
        lines += old[from..<start].map { " \($0)" }
        lines += old[start..<oldEnd].map { "-\($0)" }
        lines += new[start..<newEnd].map { "+\($0)" }
        lines += old[oldEnd..<context.1].map { " \($0)" }
        return lines.joined(separator: "\n")
    }
}

/// Where a site can be protected.
public struct SitePlace: Equatable, Sendable {
    /// The server block.
    public var server: NginxDirective
    /// The http block.
    public var http: NginxDirective

    /// The servers that serve one of some hosts with more than redirects.
    /// - Parameter hosts: server names; none for every server.
    public static func find(_ configuration: [NginxDirective], hosts: [String]) -> [SitePlace] {
        guard let http = configuration.first(where: { $0.name == "http" }) else { return [] }
        return http.children("server").filter { server in
            guard !server.children("return").contains(where: { !$0.answersWithContent }) else { return false }
            return hosts.isEmpty || hosts.contains { NginxCheck.names(of: server).contains($0.lowercased()) }
        }.map { SitePlace(server: $0, http: http) }
    }

    /// The paths that the server marks as `internal`, each once.
    public var internalPaths: [String] {
        var paths: [String] = []
        for path in SiteInternals.withPath(in: server).map(\.pattern) where !paths.contains(path) { paths.append(path) }
        return paths
    }

    /// Whether its locations let in visitors whom the server itself refuses by address or password.
    public var letsInMore: Bool { AccessCheck(http: http, server: server).letsInMore }

    /// Whether the server has Vestibule's includes already.
    public var isProtected: Bool { server.holdsInclude(OurFiles.server) }
    /// Whether http has them already.
    public var isPrepared: Bool { http.holdsInclude(OurFiles.http) }
}
