// SPDX-License-Identifier: Apache-2.0
//
// Rules over the source tree itself: what may import what, the header of each file, and words that must not stay.

import Foundation
import Glibc
import Testing

/// A file of the repository.
struct SourceFile: Sendable, CustomTestStringConvertible {
    /// From the root of the repository.
    let path: String
    let lines: [String]

    var isTest: Bool { path.hasPrefix("Tests/") }
    var testDescription: String { path }
    /// The folder below the layer: Sources/Rules/Passes/Pass.swift is of Passes.
    var target: String { path.split(separator: "/").dropFirst(2).first.map { String($0) } ?? "" }

    /// Imports as module names, with the line they stand in.
    var imports: [(line: Int, module: String)] {
        lines.enumerated().compactMap { index, line -> (line: Int, module: String)? in
            guard holds(line, "import ") else { return nil }
            // Attributes, an access level and the kind of a scoped import may stand around the word.
            let words = line.split(separator: " ")
            guard let at = words.firstIndex(of: "import"), at + 1 < words.count,
                words[..<at].allSatisfy({ $0.hasPrefix("@") || SourceFile.levels.contains(String($0)) })
            else { return nil }
            let module = words[(at + 1)...].first(where: { word in !SourceFile.kinds.contains(String(word)) })
            return (index + 1, String(module?.split(separator: ".").first ?? ""))
        }
    }

    private static let levels: Set<String> = ["public", "package", "internal", "fileprivate", "private"]
    private static let kinds: Set<String> = [
        "struct", "class", "enum", "func", "protocol", "typealias", "var", "let",
    ]

    /// The lines without what stands in a comment of its own line, with their numbers.
    var code: [(line: Int, text: String)] {
        lines.enumerated().compactMap { index, line in
            line.drop { $0 == " " }.hasPrefix("//") ? nil : (index + 1, line)
        }
    }

    /// The lines of code that hold one of some words as a whole word, except where `isFine`.
    func mentions(_ words: [String], except isFine: (String) -> Bool = { _ in false }) -> [String] {
        code.filter { _, text in words.contains { holds(text, $0) && isWhole($0, in: text) } && !isFine(text) }
            .map { "\(path):\($0.line): \($0.text)" }
    }

    private func isWhole(_ word: String, in text: String) -> Bool {
        text.ranges(of: word).contains { range in
            guard range.lowerBound > text.startIndex else { return true }
            let before = text[text.index(before: range.lowerBound)]
            return !before.isLetter && !before.isNumber && before != "_"
        }
    }
}

/// Whether a line has a text in it; a plain search, since the tree has 20,000 lines.
func holds(_ line: String, _ text: String) -> Bool { strstr(line, text) != nil }

/// The tree, found from where this very file is.
enum Tree {
    static let root = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()

    static func files(_ folders: [String], _ ending: String) -> [SourceFile] {
        folders.flatMap { folder -> [SourceFile] in
            let names = FileManager.default.enumerator(atPath: "\(root)/\(folder)")?.compactMap { $0 as? String } ?? []
            return names.filter { $0.hasSuffix(ending) }.sorted().compactMap { file("\(folder)/\($0)") }
        }
    }

    /// Nil: not there, a folder, or no text.
    static func file(_ path: String) -> SourceFile? {
        guard let text = try? String(contentsOfFile: "\(root)/\(path)", encoding: .utf8) else { return nil }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { String($0) }
        if lines.last == "" { lines.removeLast() }
        return SourceFile(path: path, lines: lines)
    }

    static let sources = files(["Sources", "nginx"], ".swift")
    static let tests = files(["Tests"], ".swift")
    static let scripts = files(["Sources"], ".lua")
}

struct TreeTests {
    @Test("The tree is found, with its targets and scripts")
    func found() {
        let targets = Set(Tree.sources.map(\.target))
        let some = ["Admission", "GatewayWire", "StrictJSON", "RedisQueue", "Gateway", "WaitingRoomAPI", "vestibule"]
        for target in some {
            #expect(targets.contains(target))
        }
        #expect(Tree.scripts.count >= 8)
        #expect(Tree.tests.contains { $0.path == "Tests/TidyTests/TidyTests.swift" })
    }
}

struct ImportTests {
    @Test("The rules and formats import nothing")
    func pureTargets() {
        for file in Tree.sources where ["Admission", "Chance", "GatewayWire", "StrictJSON"].contains(file.target) {
            for (line, module) in file.imports { Issue.record("\(file.path):\(line) imports \(module)") }
        }
    }

    @Test("Each C library is behind one target, and system calls stay out of the rules")
    func libraries() {
        let allowed: [String: Set<String>] = [
            "CHiredis": ["RedisQueue"],
            "CFastCGI": ["Gateway"],
            "CLinux": ["Gateway", "Load", "Reactor", "vestibule"],
            "COpenSSL": ["Load"],
            "CZlib": ["WaitingRoomAPI"],
            "Histogram": ["Load"],
            "Yams": ["Configuration"],
            "Crypto": ["Fairness", "Passes", "QueueClient", "WaitingRoomAPI"],
            "ArgumentParser": ["vestibule", "vestibule-load"],
        ]
        for file in Tree.sources {
            for (line, module) in file.imports {
                guard let targets = allowed[module] else { continue }
                #expect(targets.contains(file.target), "\(file.path):\(line) imports \(module)")
            }
        }
        let withoutCalls = ["Fairness", "Passes", "WaitingRoomAPI", "Simulation", "QueueClient", "RedisQueue"]
        for file in Tree.sources where withoutCalls.contains(file.target) {
            #expect(!file.imports.contains { $0.module == "Glibc" }, "\(file.path) makes system calls")
        }
    }

    @Test("No source imports Foundation")
    func noFoundation() {
        for file in Tree.sources {
            for (line, module) in file.imports where module.hasPrefix("Foundation") {
                Issue.record("\(file.path):\(line) imports \(module)")
            }
        }
    }
}

struct FileTests {
    @Test(
        "A Swift file begins with its licence and says what it is responsible for",
        arguments: Tree.sources + Tree.tests
    )
    func header(_ file: SourceFile) throws {
        try #require(file.lines.count > 3)
        #expect(file.lines[0] == "// SPDX-License-Identifier: Apache-2.0")
        #expect(file.lines[1] == "//")
        // The purpose follows in the same comment, a sentence at least.
        #expect(file.lines[2].wholeMatch(of: /\/\/ \S.{10,}/) != nil, "\(file.lines[2])")
    }

    @Test("A script's header names its arguments and what it returns", arguments: Tree.scripts)
    func scriptHeader(_ file: SourceFile) throws {
        let name = try #require(file.path.split(separator: "/").last)
        let header = file.lines.prefix { $0.hasPrefix("--") }
        #expect(header.first?.hasPrefix("-- \(name): ") == true)
        #expect(header.contains { $0.wholeMatch(of: /-- (ARGV|KEYS)\b.*/) != nil })
        #expect(header.contains { $0.wholeMatch(of: /-- (Returns|Error)\b.*/) != nil })
    }

    @Test("A file has at most 400 lines of at most 120 characters, without trailing white space or tabs")
    func size() {
        for file in Tree.sources + Tree.tests + Tree.scripts {
            #expect(file.lines.count <= 400, "\(file.path) has \(file.lines.count) lines")
            for (index, line) in file.lines.enumerated() {
                // The name of a test is a sentence on one line.
                if file.isTest, line.contains("@Test") || line.contains("#expect") { continue }
                #expect(line.count <= 120, "\(file.path):\(index + 1) has \(line.count) characters")
                #expect(!line.hasSuffix(" ") && !line.contains("\t"), "\(file.path):\(index + 1) has white space")
            }
        }
    }
}

struct WordTests {
    private func expectNone(_ found: [String]) {
        for place in found { Issue.record("\(place)") }
    }

    @Test("Only the command line prints")
    func printing() {
        for file in Tree.sources where !["vestibule", "vestibule-load", "vestibule-fuzz"].contains(file.target) {
            expectNone(file.mentions(["print("]))
        }
    }

    @Test("Nothing in the sources ends the program by surprise")
    func traps() {
        for file in Tree.sources { expectNone(file.mentions(["try!", "as!", "fatalError("])) }
    }

    @Test("Nothing is left to do")
    func leftovers() {
        // In two parts, so that this file does not find itself.
        let words = ["TO" + "DO", "FIX" + "ME", "XX" + "X"]
        for file in Tree.sources + Tree.tests + Tree.scripts {
            for (index, line) in file.lines.enumerated() where words.contains(where: { holds(line, $0) }) {
                // Templates of mkdtemp are made of the letter.
                if !holds(line, "-" + "XX" + "X") { Issue.record("\(file.path):\(index + 1): \(line)") }
            }
        }
    }

    @Test("Time and chance enter the rules as arguments")
    func timeAndChance() {
        let clocks = [
            "Date()", "SystemRandomNumberGenerator", "clock_gettime", "ContinuousClock", "SuspendingClock", "time(nil",
            "arc4random", "getrandom",
        ]
        let pure = [
            "Admission", "GatewayWire", "Passes", "QueueClient", "StrictJSON", "WaitingRoomAPI", "Simulation",
            "Configuration",
        ]
        for file in Tree.sources where pure.contains(file.target) {
            expectNone(file.mentions(clocks))
            // A generator that the caller hands in is fine, and so is the dice of the environment.
            expectNone(
                file.code.filter {
                    holds($0.text, ".random(") && !holds($0.text, "using:") && !holds($0.text, "environment.random()")
                }.map { "\(file.path):\($0.line): \($0.text)" }
            )
        }
    }

    @Test("Sendable is never just claimed without a reason beside it")
    func uncheckedSendable() {
        for file in Tree.sources + Tree.tests {
            for (index, line) in file.lines.enumerated() where holds(line, "@unchecked" + " Sendable") {
                let before = index > 0 ? file.lines[index - 1] : ""
                #expect(before.contains("//"), "\(file.path):\(index + 1) gives no reason")
            }
        }
    }
}
