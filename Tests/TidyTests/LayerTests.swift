// SPDX-License-Identifier: Apache-2.0
//
// Package.swift is the drawing of the layers, and the sources keep to it: a target uses only its own layer and those
// before it, declares what it imports, and imports what it declares. And a function fits on a screen.

import Foundation
import Testing

@Suite struct LayerTests {
    /// A call of a helper in Package.swift.
    private struct Target {
        let kind: String
        let layer: String
        let name: String
        let dependencies: Set<String>
        var module: String { name.replacing("-", with: "_") }
    }

    /// Program and Tools are one layer: the program offers the simulation as a command.
    private static let ranks = [
        "Rules": 0, "Host": 1, "Gateway": 2, "Queue": 3, "Room": 4, "Program": 5, "Sites": 5, "Tools": 5,
    ]
    private static let products = [
        "crypto": "Crypto", "histogram": "Histogram", "logging": "Logging", "argumentParser": "ArgumentParser",
        "mustache": "Mustache",
    ]

    private static let targets: [Target] = {
        let manifest = (Tree.file("Package.swift")?.lines ?? []).joined(separator: "\n")
        let text = manifest[(manifest.range(of: "targets: [")?.upperBound ?? manifest.startIndex)...]
        let calls = Array(text.matches(of: /\b(library|program|tests)\(\s*"(\w+)",\s*"([\w-]+)"/))
        return calls.enumerated().map { index, call in
            let end = index + 1 < calls.count ? calls[index + 1].range.lowerBound : text.endIndex
            let rest = text[call.range.upperBound..<end]
            // The first list in the call holds the dependencies, if it comes before the call's other arguments.
            let list = rest.prefixMatch(of: /,\s*\[([^\]]*)\]/)?.1 ?? ""
            let words = list.matches(of: /[\w-]+/).map { String($0.0) }
            return Target(
                kind: String(call.1),
                layer: String(call.2),
                name: String(call.3),
                dependencies: Set(words.map { products[$0] ?? $0 })
            )
        }
    }()

    private func files(of target: Target) -> [SourceFile] {
        (Tree.sources + Tree.tests).filter { $0.path.contains("/\(target.layer)/\(target.name)/") }
    }

    @Test func `the manifest is understood`() {
        #expect(Self.targets.count > 30)
        for target in Self.targets {
            #expect(Self.ranks[target.layer] != nil, "\(target.name)")
            #expect(!files(of: target).isEmpty, "\(target.name)")
        }
    }

    @Test func `a target uses its own layer and those before it, and what stands before it in the manifest`() {
        var seen: [String: Int] = ["TestSupport": 0]
        for target in Self.targets {
            let rank = Self.ranks[target.layer] ?? 0
            for name in target.dependencies where Self.targets.contains(where: { $0.name == name }) {
                #expect(seen[name] != nil, "\(target.name) uses \(name), which stands after it")
                if target.kind != "tests" { #expect(seen[name] ?? 0 <= rank, "\(target.name) uses \(name)") }
            }
            seen[target.name] = rank
        }
    }

    @Test func `imports are declared, and what is declared is imported`() {
        let programs = Set(Self.targets.filter { $0.kind == "program" }.map(\.name))
        let local = Set(Self.targets.map(\.module))
        for target in Self.targets {
            let imported = Set(files(of: target).flatMap { $0.imports.map(\.module) })
            let declared = Set(target.dependencies.map { $0.replacing("-", with: "_") })
            let missing = imported.intersection(local).subtracting(declared)
            #expect(missing.isEmpty, "\(target.name) imports \(missing) without saying so")
            // A test names a program so that it is built.
            let unused = target.dependencies.subtracting(programs).subtracting(imported)
            #expect(unused.isEmpty, "\(target.name) declares \(unused) and does not use it")
        }
    }

    @Test func `a function has at most 60 lines`() {
        for file in Tree.sources + Tree.tests {
            for (index, line) in file.lines.enumerated() where holds(line, "func ") || holds(line, "init") {
                let start = line.drop { $0 == " " }
                // A function of one line, or a requirement of a protocol, ends with another character.
                guard line.hasSuffix("{") || line.hasSuffix("(") else { continue }
                guard start.contains(/^(?:[a-z@]+(?:\(\w+\))? )*(?:func |init[?(<])/) else { continue }
                let end = String(repeating: " ", count: line.count - start.count) + "}"
                guard let last = file.lines[index...].firstIndex(of: end) else { continue }
                // Lines of a text, such as a configuration that a test reads, are not counted.
                var isText = false
                let length = file.lines[index...last].count { line in
                    if holds(line, "\"\"\"") { isText.toggle() }
                    return !isText
                }
                #expect(length <= 60, "\(file.path):\(index + 1) has \(length) lines")
            }
        }
    }
}
