// SPDX-License-Identifier: Apache-2.0
//
// The documents are true: links, files, suites, commands and constants that they name exist, a figure has its command,
// and no comment cites a document from outside of the repository.

import Foundation
import Testing

@Suite struct DocumentTests {
    private static let folders = ["Sources", "Tests", "nginx", "deploy"]
    private static let documents: [SourceFile] =
        Tree.files(folders + [".github"], ".md") + [Tree.file("README.md")].compactMap { $0 }
    private static let all = Tree.files(folders, "")
    private static let names = Set(all.compactMap { $0.path.split(separator: "/").last.map(String.init) })
    private static let programText = all.filter { !$0.path.hasSuffix(".md") }.map { $0.lines.joined(separator: "\n") }
        .joined(separator: "\n")

    private func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: "\(Tree.root)/\(path)") }

    /// Texts between backticks, outside of code blocks.
    private func quoted(_ file: SourceFile) -> [String] {
        var isBlock = false
        return file.lines.flatMap { line -> [String] in
            if line.hasPrefix("```") { isBlock.toggle() }
            return isBlock ? [] : line.matches(of: /`([^`]+)`/).map { String($0.1) }
        }
    }

    private func blocks(_ file: SourceFile) -> [String] {
        var isBlock = false
        return file.lines.filter { line in
            if line.hasPrefix("```") { isBlock.toggle() }
            return isBlock
        }
    }

    /// A heading as GitHub makes its anchor.
    private func anchors(_ path: String) -> Set<String> {
        Set(
            (Tree.file(path)?.lines ?? []).filter { $0.hasPrefix("#") }.map { line in
                line.drop { $0 == "#" || $0 == " " }.lowercased().replacing(" ", with: "-")
                    .filter { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" }
            }
        )
    }

    @Test func `the documents are found`() {
        let paths = Self.documents.map(\.path)
        for path in ["README.md", "Sources/README.md", "Tests/README.md", "deploy/README.md", "nginx/README.md"] {
            #expect(paths.contains(path))
        }
        #expect(Tree.file("README.md").map { $0.lines.count <= 150 } == true, "README is the first ten minutes")
    }

    @Test func `every relative link leads to a file, and to a heading where it names one`() {
        for file in Self.documents {
            let folder = file.path.split(separator: "/").dropLast()
            for match in file.lines.joined(separator: "\n").matches(of: /\]\(([^)\s]+)\)/) {
                let link = String(match.1)
                if link.hasPrefix("http") { continue }
                let parts = link.split(separator: "#", omittingEmptySubsequences: false).map(String.init)
                let path = parts[0].isEmpty ? file.path : (folder + [Substring(parts[0])]).joined(separator: "/")
                #expect(exists(path), "\(file.path) links to \(link)")
                if parts.count > 1 {
                    let target = URL(fileURLWithPath: "/\(path)").standardized.path.dropFirst()
                    #expect(anchors(String(target)).contains(parts[1]), "\(file.path) links to \(link)")
                }
            }
        }
    }

    @Test func `every file, suite and constant that is named exists`() {
        for file in Self.documents {
            for text in quoted(file) {
                if text.wholeMatch(of: /(Sources|Tests|deploy|nginx|\.github)(\/[\w.+-]+)+/) != nil {
                    #expect(exists(text), "\(file.path) names \(text)")
                } else if text.wholeMatch(of: /[\w+-]+\.(swift|lua|py)/) != nil {
                    #expect(Self.names.contains(text) || exists(text), "\(file.path) names \(text)")
                } else if text.wholeMatch(of: /[A-Z][A-Z]+_[A-Z_]+/) != nil {
                    let isThere = holds(Self.programText, text)
                    #expect(isThere, "\(file.path) names \(text)")
                }
            }
            for match in file.lines.joined(separator: "\n").matches(of: /\b[A-Z]\w+Tests\b/) {
                let isThere =
                    Self.names.contains("\(match.0).swift") || holds(Self.programText, "struct \(match.0) ")
                    || Self.all.contains { holds($0.path, "/\(match.0)/") }
                #expect(isThere, "\(file.path) names the suite \(match.0)")
            }
        }
    }

    @Test func `every command of the program that is named exists`() {
        // By the first word: the words that may follow it.
        var commands: [String: Set<String>] = [:]
        for file in Tree.sources where file.path.contains("/vestibule/Commands/") {
            let text = file.lines.joined(separator: "\n")
            let nested = text.matches(of: /\bstruct (\w+)/).map { $0.1.lowercased() }
            let named = text.matches(of: /commandName: "([\w-]+)"/).map { String($0.1) }
            // A subcommand in a file of its own.
            let parents = text.matches(of: /\bextension (\w+)Command \{/).map { $0.1.lowercased() }
            for name in named + parents { commands[name, default: []].formUnion(nested + named) }
        }
        #expect(commands.count >= 10)
        var found = 0
        for file in Self.documents {
            for text in quoted(file) + blocks(file) {
                guard let match = text.prefixMatch(of: /vestibule ([a-z][a-z-]+)(?: ([a-z][a-z-]+))?/) else { continue }
                let first = String(match.1)
                #expect(commands[first] != nil, "\(file.path) names \(text)")
                if let second = match.2, ["room", "keys", "token", "nginx"].contains(first) {
                    let words = [String(second), String(second).replacing("-", with: "")]
                    #expect(words.contains { commands[first]?.contains($0) == true }, "\(file.path) names \(text)")
                }
                found += 1
            }
        }
        #expect(found > 20)
    }

    @Test func `a measured figure has its command or test in the same row`() throws {
        var rows = 0
        for file in Self.documents where ["README.md", "deploy/MEASURED.md"].contains(file.path) {
            var isMeasured = false
            for line in file.lines {
                guard line.hasPrefix("|") else {
                    isMeasured = false
                    continue
                }
                let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
                let last = try #require(cells.last)
                if last == "command" || last == "test" { isMeasured = true }
                guard isMeasured, line.contains(where: { $0.isNumber }) else { continue }
                rows += 1
                #expect(last.contains("`") || last == "same", "\(file.path): \(line)")
            }
        }
        #expect(rows > 25)
    }

    @Test func `no file cites a document that is not in the repository`() {
        for file in Self.all {
            for (index, line) in file.lines.enumerated() {
                for match in line.matches(of: /\b[A-Z][A-Z-]+\.md\b/) {
                    let isHere = Self.names.contains(String(match.0))
                    #expect(isHere, "\(file.path):\(index + 1) cites \(match.0)")
                }
                guard holds(line, "TECHNICAL" + "-NOTES") || holds(line, "issue ") else { continue }
                let cites = holds(line, "TECHNICAL" + "-NOTES") || line.contains(/\bissue [0-9]/)
                #expect(!cites, "\(file.path):\(index + 1): \(line)")
            }
        }
    }
}
