// SPDX-License-Identifier: Apache-2.0
//
// Which lines of a site's files get the includes, as new texts with a diff. Nothing is written here.

/// New lines in one file.
public struct SiteEdit: Equatable, Sendable {
    public var file: String
    public var before: String
    public private(set) var after: String
    /// In the new text, from 1.
    private var added: [(line: Int, text: String)] = []

    public static func == (left: SiteEdit, right: SiteEdit) -> Bool {
        left.file == right.file && left.before == right.before && left.after == right.after
    }

    public init(file: String, text: String) {
        self.file = file
        before = text
        after = text
    }

    /// Puts lines behind the brace that opens a directive's block.
    /// - Parameters:
    ///   - line: where the directive's name stands in the old text, from 1.
    ///   - lines: without indentation; they get that of the directive and four spaces.
    /// - Throws: ``NginxSyntaxError`` when no brace follows.
    public mutating func insert(_ lines: [String], intoBlockAt line: Int) throws(NginxSyntaxError) {
        let old = after.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        // Lines that were added before stand above or below.
        let start = line - 1 + added.count { $0.line <= line }
        var at = start
        while at < old.count, !old[at].contains("{") { at += 1 }
        guard at < old.count, let brace = old[at].firstIndex(of: "{") else {
            throw NginxSyntaxError(file: file, line: line, problem: "no { follows")
        }
        let indent = String(old[start].prefix { $0 == " " || $0 == "\t" }) + "    "
        let rest = String(old[at][old[at].index(after: brace)...])
        var new = Array(old[..<at])
        new.append(String(old[at][...brace]))
        let first = new.count + 1
        new += lines.map { indent + $0 }
        for offset in lines.indices { added.append((first + offset, indent + lines[offset])) }
        if !rest.allSatisfy({ $0 == " " || $0 == "\t" }) { new.append(indent + rest.drop { $0 == " " || $0 == "\t" }) }
        new += old[(at + 1)...]
        after = new.joined(separator: "\n")
    }

    /// The change in the unified format, three lines of context.
    public var diff: String {
        let old = before.split(separator: "\n", omittingEmptySubsequences: false)
        let new = after.split(separator: "\n", omittingEmptySubsequences: false)
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

    /// The servers that serve a host with more than redirects.
    /// - Parameter host: a server name; nil for every server.
    public static func find(_ configuration: [NginxDirective], host: String?) -> [SitePlace] {
        guard let http = configuration.first(where: { $0.name == "http" }) else { return [] }
        return http.children("server").filter { server in
            guard !server.children("return").contains(where: { !$0.answersWithContent }) else { return false }
            guard let host else { return true }
            return NginxCheck.names(of: server).contains(host.lowercased())
        }.map { SitePlace(server: $0, http: http) }
    }

    /// Whether the server has Vestibule's includes already.
    public var isProtected: Bool { (server.block ?? []).contains { $0.includes(OurFiles.server) } }
    /// Whether http has them already.
    public var isPrepared: Bool { (http.block ?? []).contains { $0.includes("vestibule-http.conf") } }
}
